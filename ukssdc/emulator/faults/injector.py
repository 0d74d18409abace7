"""The layer between the ledger and the service that makes calls go wrong, each kind of fault in its own function."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ukssdc.emulator.app import FILE, about, below_root, error_page
from ukssdc.emulator.exchange import Answer, Exchange, replay
from ukssdc.emulator.faults import Faults
from ukssdc.emulator.job import TEXTS
from ukssdc.status import Product

ELSEWHERE: Final = "http://127.0.0.2:9/"  # another host, where nobody answers
MAINTENANCE: Final = (
    "<!DOCTYPE html>\n<html><head><title>UKSSDC</title></head>\n"
    "<body><h1>Maintenance</h1><p>Our servers are down for maintenance. Please come back later.</p></body></html>\n"
)
LOWERED: Final = (2, 3, 4)  # codes that go backwards


class FaultInjector:
    """ASGI layer that makes the calls go wrong for which a fault is due; inside the one that keeps the ledger.

    Parameters
    ----------
    app : ASGI application
        The service.
    faults : Faults
        What goes wrong.
    forget : callable
        Makes the service lose its jobs.
    """

    def __init__(self, app: ASGIApp, faults: Faults, forget: Callable[[], None]) -> None:
        self._app = app
        self._faults = faults
        self._forget = forget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or fail to."""
        if scope["type"] != "http" or not self._faults:
            await self._app(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        known = _subject(scope, bytes(body))
        fault = self._faults.due(scope["ukssdc.call"], known["products"])
        if fault is None:
            await self._app(scope, replay(bytes(body), receive), send)
            return
        scope["ukssdc.tell"](fault=fault.kind, **known)
        if fault.kind == "restart_forgetful":
            self._forget()
        await HANDLERS[fault.kind](Exchange(fault, self._app, scope, receive, send, bytes(body)))


def _subject(scope: Scope, body: bytes) -> dict[str, Any]:
    """Find the job and the products that a call is about, before the service has seen it."""
    if match := FILE.fullmatch(below_root(scope["path"])):
        wire = re.split("[./]", match[2])[0]
        return {"job_id": int(match[1]), "products": tuple(p for p in Product if p.wire == wire)}
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    return about(scope["ukssdc.call"], content if isinstance(content, dict) else {}, {})


async def _reset_after(exchange: Exchange) -> None:
    await exchange.process()
    await exchange.drop()


async def _stall(exchange: Exchange) -> None:
    await exchange.wait(exchange.fault.seconds)
    await exchange.drop(reset=False)


async def _stall_after(exchange: Exchange) -> None:
    answer = await exchange.process()
    await exchange.wait(exchange.fault.seconds)
    await exchange.reply(answer)


async def _slow(exchange: Exchange) -> None:
    await exchange.send_slowly(await exchange.process())


async def _restart(exchange: Exchange) -> None:
    if exchange.fault.after:
        await exchange.process()
    await exchange.drop_all()


async def _answer(exchange: Exchange) -> None:
    await exchange.reply(await exchange.process())


async def _cut(exchange: Exchange) -> None:
    answer = await exchange.process()
    await exchange.reply(_halved(answer).with_length(len(answer.body)), broken=True)


async def _overlong(exchange: Exchange) -> None:
    answer = await exchange.process()
    await exchange.reply(answer.with_length(len(answer.body) + 1000), broken=True)


def _page(make: Callable[[], Response]) -> Callable[[Exchange], Awaitable[None]]:
    async def play(exchange: Exchange) -> None:
        if exchange.fault.after:
            await exchange.process()
        await exchange.reply(Answer.of(make()))

    return play


def _spoil(change: Callable[[Answer], Answer]) -> Callable[[Exchange], Awaitable[None]]:
    async def play(exchange: Exchange) -> None:
        await exchange.reply(change(await exchange.process()))

    return play


def _statuses(change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Callable[[Exchange], Awaitable[None]]:
    """Change each product's entry in a status answer, or leave it out; with a product in the fault, its own alone."""

    async def play(exchange: Exchange) -> None:
        answer = await exchange.process()
        said = json.loads(answer.body)
        chosen = [exchange.fault.product] if exchange.fault.product else list(Product)
        for wire in [p.wire for p in Product if p in chosen and p.wire in said]:
            changed = change(said.pop(wire))
            said |= {} if changed is None else {wire: changed}
        await exchange.reply(answer.with_body(json.dumps(said).encode()))

    return play


def _backwards(entry: dict[str, Any]) -> dict[str, Any]:
    code = entry.get("statusCode")
    if code not in LOWERED:
        return entry
    return {"statusCode": code - 1, "statusText": TEXTS[code - 1], "progress": {"GotProgress": 0}}


def _halved(answer: Answer) -> Answer:
    return answer.with_body(answer.body[: len(answer.body) // 2])


def _corrupted(answer: Answer) -> Answer:
    body = bytearray(answer.body)
    for place in range(20, len(body), 97):  # dense enough to hit every header of a tar file
        body[place] ^= 0xFF
    return answer.with_body(bytes(body))


def _not_ok() -> Response:
    return HTMLResponse(json.dumps({"OK": 0, "ERROR": "An internal error occurred. Please try again later."}))


HANDLERS: Final[Mapping[str, Callable[[Exchange], Awaitable[None]]]] = {
    "refuse": lambda exchange: exchange.drop(reset=False),
    "reset_before": lambda exchange: exchange.drop(),
    "reset_after": _reset_after,
    "stall": _stall,
    "stall_after": _stall_after,
    "slow": _slow,
    "restart": _restart,
    "restart_forgetful": _answer,
    "http_500": _page(lambda: error_page(500)),
    "http_502": _page(lambda: error_page(502)),
    "html_200": _page(lambda: HTMLResponse(MAINTENANCE)),
    "truncated_json": _cut,
    "invalid_json": _spoil(lambda answer: answer.with_body(b'{"OK": 1, "JobID": }')),
    "not_ok": _page(_not_ok),
    "status_missing": _statuses(lambda _: None),
    "status_backwards": _statuses(_backwards),
    "archive_truncated": _cut,
    "archive_short": _spoil(_halved),
    "archive_corrupt": _spoil(_corrupted),
    "archive_wrong_length": _overlong,
    "archive_404": _page(lambda: error_page(404)),
    "archive_html": _page(lambda: HTMLResponse(MAINTENANCE)),
    "archive_redirect": _page(lambda: RedirectResponse(ELSEWHERE + "lc.tar.gz", 302)),
}
