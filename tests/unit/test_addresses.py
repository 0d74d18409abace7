"""The same service in other words is the same service, and what is no address is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_server import http, raw_server

from ukssdc import Client
from ukssdc.addresses import Origin, is_loopback, is_same_service, origin

EMAIL = "observer@example.org"
SERVICE = "https://www.swift.ac.uk/user_objects"
SAME = [
    "https://WWW.Swift.AC.uk/user_objects",
    "HTTPS://www.swift.ac.uk/user_objects/",
    "https://www.swift.ac.uk:443/user_objects",
    "https://www.swift.ac.uk./user_objects",
    "https://user:pw@www.swift.ac.uk/user_objects",
    "https://user@WWW.swift.ac.uk:443/user_objects",
    " https://www.swift.ac.uk/user_objects\n",
]
OTHER = [
    "https://www.swift.ac.uk:8443/user_objects",
    "https://swift.ac.uk/user_objects",
    "https://www.swift.ac.uk@evil.example.org/user_objects",
    "http://www.swift.ac.uk:443/user_objects",
]
NONE = [
    "",
    "http://",
    "http://[bad",
    "http://h:port/",
    "http://h:99999/",
    "//",
    "www.swift.ac.uk",
    "\ud800",
    None,
    5,
    b"",
]


@pytest.mark.parametrize("url", SAME)
def test_an_address_in_other_words_is_the_same_service(url: str) -> None:
    assert is_same_service(url, SERVICE)
    assert origin(url) == Origin("https", "www.swift.ac.uk", 443)


@pytest.mark.parametrize("url", [*OTHER, *NONE])
def test_another_address_or_none_is_another_service(url: object) -> None:
    expected = url == "http://www.swift.ac.uk:443/user_objects"  # the same host and port, whatever is spoken there

    assert is_same_service(url, SERVICE) == expected


@pytest.mark.parametrize("url", NONE)
def test_what_is_no_address_leads_nowhere_not_even_to_itself(url: object) -> None:
    assert origin(url).host == ""
    assert not is_same_service(url, url)


@given(url=st.text() | st.none() | st.integers() | st.from_regex(r"https?://[^/]{0,20}(/.*)?"))
def test_reading_an_address_never_raises(url: object) -> None:
    assert isinstance(origin(url), Origin)


def test_http_and_https_on_their_own_ports_are_one_service() -> None:
    assert is_same_service("http://www.swift.ac.uk/user_objects", SERVICE)
    assert not is_same_service("http://www.swift.ac.uk:8080/", "https://www.swift.ac.uk/")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "http://127.8.9.1:80", "http://localhost", "http://LocalHost.:1/", "http://[::1]:5/"]
)
def test_this_machine_is_known_by_all_its_names(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize("url", ["http://127.1/", "http://a.localhost/", "http://[::ffff:127.0.0.1]/", "http://[0::1]"])
def test_this_machine_is_known_by_its_rarer_names(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize("url", ["http://128.0.0.1", "http://localhost.example.org", "http://127.0.0.1.example.org"])
def test_another_machine_is_not_this_one(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize("url", SAME)
def test_a_client_knows_its_service_by_one_address(url: str) -> None:
    assert Client(EMAIL, url).base_url == SERVICE


def test_a_user_in_the_address_is_neither_sent_nor_shown(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[bytes] = []
    with raw_server(http(json.dumps({"OK": 1, "numJobs": 2}).encode()), heard=heard) as url:
        client = Client(EMAIL, url.replace("//", "//someone:secret@").replace("127.0.0.1", "LOCALHOST"))

        assert client.count_active_jobs() == 2

    assert b"uthorization" not in heard[0]
    assert "secret" not in caplog.text + repr(client)
    assert "nothing but your e-mail address is sent" in caplog.text


@pytest.mark.parametrize(
    "url", ["ftp://someone:secret@swift.ac.uk", "http://someone:secret@", "http://x:secret@h:port"]
)
def test_an_address_that_is_refused_is_shown_without_its_password(url: str) -> None:
    with pytest.raises(Exception, match="is no address of the service") as raised:
        Client(EMAIL, url)

    assert "secret" not in str(raised.value)
