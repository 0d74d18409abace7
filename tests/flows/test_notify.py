"""People are told of a failure, by mail through a real mail server or through a Prefect block; never at any price."""

from __future__ import annotations

import json
import logging
import smtplib
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
from pydantic import SecretStr
from xrt_support import Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build
from xrt_products import collect_products, request_products

LC, IMAGE = Product.LightCurve, Product.Image
PASSWORD = "open-sesame-4711"  # noqa: S105 - nobody's


class Mailbox:
    """What a mail server has taken; aiosmtpd calls its method by this name."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mail_url(mailbox: Mailbox) -> Iterator[str]:
    """Run a mail server on loopback, and return its Apprise URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield f"mailto://127.0.0.1:{port}/?from=flow@example.org&to=astronomer@example.org&mode=insecure"
    controller.stop()


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Run a web hook on loopback, and return its address and what it has taken."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", taken
    server.shutdown()
    server.server_close()
    thread.join()


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    assert body is not None
    return str(body.get_content())


def test_a_failure_is_mailed(serve: Serve, options: dict[str, Any], mailbox: Mailbox, mail_url: str) -> None:
    serve({LC: Build(ends=-3)})

    request_products(request_for(LC, IMAGE), **options, on_failure="return", notify=mail_url)

    (mail,) = mailbox.mails
    assert mail["Subject"] == "GRB 200416A: light curve, job 951"
    assert "astronomer@example.org" in mail["To"]
    assert "swifthelp@leicester.ac.uk" in text_of(mail)


def test_what_to_do_stands_below_the_table_and_points_to_the_mail_below(
    serve: Serve, options: dict[str, Any], mailbox: Mailbox, mail_url: str
) -> None:
    serve({LC: Build(ends=-3)})

    report = request_products(request_for(LC), **options, on_failure="return", notify=mail_url)

    page = (report.directory / "failure-LightCurve.md").read_text("utf-8")
    (line,) = [line for line in page.splitlines() if "send the e-mail below" in line]
    assert not line.startswith("|")
    assert page.index("\n| It means |") < page.index(line) < page.index("\n## E-mail to the help desk")
    (mail,) = mailbox.mails
    assert "send the e-mail below" in text_of(mail)


def test_a_job_that_is_collected_tells_as_well(
    serve: Serve, options: dict[str, Any], mailbox: Mailbox, mail_url: str
) -> None:
    serve({LC: Build(running=1e6)})
    request_products(request_for(LC), **options | {"max_wait": 1.0}, on_failure="return")
    assert mailbox.mails == []

    collect_products(951, **options | {"max_wait": 1.0}, on_failure="return", notify=mail_url)

    (mail,) = mailbox.mails
    assert "collect 951" in text_of(mail)


def test_where_nothing_fails_nobody_is_told(
    serve: Serve, options: dict[str, Any], mailbox: Mailbox, mail_url: str
) -> None:
    serve({IMAGE: Build(ends=-4)})

    report = request_products(request_for(LC, IMAGE), **options, notify=mail_url)

    assert report.ok
    assert mailbox.mails == []


@pytest.mark.xdist_group("notification block")  # both save it
@pytest.mark.parametrize("name", ["custom-webhook/xrt-ops", "xrt-ops"])
def test_a_notification_block_is_taken_by_its_name(
    serve: Serve, options: dict[str, Any], hook: tuple[str, list[dict[str, Any]]], name: str
) -> None:
    url, taken = hook
    block = CustomWebhookNotificationBlock(
        name="ops", url=url, method="POST", json_data={"title": "{{subject}}", "text": "{{body}}"}
    )
    block.save("xrt-ops", overwrite=True)
    serve({LC: Build(ends=-3)})

    request_products(request_for(LC), **options, on_failure="return", notify=name)

    (message,) = taken
    assert message["title"] == "GRB 200416A: light curve, job 951"
    assert "the job ran but did not produce the product" in message["text"]


def unreachable() -> str:
    """Return the URL of a mail server that is not there, with a password in it."""
    return f"mailto://user:{PASSWORD}@127.0.0.1:9/?from=a@example.org&to=b@example.org&mode=insecure"


@pytest.mark.parametrize(
    "notify",
    [
        unreachable(),
        f"nonsense://{PASSWORD}",
        f"mailto:user:{PASSWORD}@127.0.0.1",
        "custom-webhook/not-there",
        "not-there",
        "secret/no-notification",
    ],
    ids=["no-server", "unknown-kind", "no-url", "no-block", "no-block-of-any-type", "another-block"],
)
def test_a_notification_that_cannot_be_sent_is_logged_without_the_url_and_changes_nothing(
    serve: Serve, options: dict[str, Any], notify: str, prefect_api: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    Secret(value="x").save("no-notification", overwrite=True)
    serve({LC: Build(ends=-3)})

    report = request_products(request_for(LC, IMAGE), **options, on_failure="return", notify=SecretStr(notify))

    assert {p: o.outcome for p, o in report.outcomes.items()} == {LC: "failed", IMAGE: "downloaded"}
    assert "Could not send the notification" in caplog.text
    assert PASSWORD not in caplog.text
    runs = requests.post(f"{prefect_api}/flow_runs/filter", json={"sort": "START_TIME_DESC"}, timeout=30).text
    assert report.job.name in runs
    assert PASSWORD not in runs


def test_the_mail_server_of_these_tests_takes_mail(mailbox: Mailbox, mail_url: str) -> None:
    with smtplib.SMTP("127.0.0.1", urlsplit(mail_url).port or 0, timeout=5) as smtp:
        smtp.sendmail("a@example.org", ["b@example.org"], "Subject: Hello\r\n\r\nHello\r\n")

    assert [mail["Subject"] for mail in mailbox.mails] == ["Hello"]
