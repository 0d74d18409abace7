"""One POST to the service and back: time-outs, unreadable answers and refusals become errors of the one tree."""

from __future__ import annotations

import json
import logging
import re
import time
from functools import lru_cache
from html.entities import html5
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from ukssdc.errors import ProtocolError, ServiceError, TransportError, UKSSDCError
from ukssdc.service import API, BASE_URL, REGISTRATION_URL

ACCOUNT = "<your account>"  # in the place of the e-mail address, wherever the service repeats it
MAX_ANSWER = 256 * 2**20  # bytes; light curves of years of data are some MB
EXCERPT = 200  # characters of an unreadable answer that an error shows
MAY_HOLD_ADDRESS = re.compile(r"[@%&\\]")  # its @, or what any other way to write one begins with
SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON can write half of a character, UTF-8 cannot


class _Session(requests.Session):
    """A session for which there are no redirects: requests reads their address even where it is not to follow it."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - a bad one raises a ValueError there
        return None


class Transport:
    """The way to the service: one session, one address, one account.

    Parameters
    ----------
    email : str
        The registered e-mail address, the service's only credential.
    base_url : str
        `http` or `https` address of the service.
    timeout : tuple of float
        Longest wait for the connection, and for the whole answer to a call, s.
    """

    def __init__(self, email: str, base_url: str, timeout: tuple[float, float]) -> None:
        email = email.strip()  # a file or a form may have added a line end
        if "@" not in email:
            raise UKSSDCError(
                "no account: the service knows its users by their registered e-mail address. "
                f"Register at {REGISTRATION_URL}, confirm, and put the address into the environment variable "
                "UKSSDC_USER"
            )
        _check_address(base_url)
        self.email = email
        self._address = _spellings(email)
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self.session = _Session()
        self.session.headers["User-Agent"] = "xrt-products (Prefect flows for Swift-XRT products)"

    def call(
        self, path: str, doing: str, *, details: str = "", refusal: type[ServiceError] = ServiceError, **body: Any
    ) -> dict[str, Any]:
        """POST one call and return the service's answer.

        Parameters
        ----------
        path : str
            Path below the base URL (protocol, section 2).
        doing : str
            The call in words, for messages: "submit the request".
        details : str, optional
            A key whose presence makes a refusal an answer like any other: it says product by product what was refused.
        refusal : type, optional
            The error for a refusal.
        **body
            What the call takes beyond the three common keys.

        Returns
        -------
        dict
            The answer, where `OK` is not 0.

        Raises
        ------
        TransportError
            No answer, or an HTTP error status.
        ProtocolError
            An answer that is no JSON object with `OK` in it.
        ServiceError
            The service said no.
        """
        url = f"{self.base_url}/{path}"
        text = self._post(url, doing, {**API, "UserID": self.email, **body})
        try:
            answer = self._clean(json.loads(text))
        except (ValueError, RecursionError):
            what = "an HTML page" if text.lstrip()[:1] == "<" else "something else"
            raise ProtocolError(
                f"could not {doing}: the service answered with {what} where JSON belongs",
                url=url,
                start=self._redact(text)[:EXCERPT],
                retryable=True,
            ) from None
        if not isinstance(answer, dict) or "OK" not in answer:
            raise ProtocolError(
                f"could not {doing}: the service's answer has no OK in it, so this client does not understand it",
                url=url,
                start=self._redact(text)[:EXCERPT],
            )
        warning = answer.get("deprecationWarning")
        if isinstance(warning, dict) and isinstance(warning.get("message"), str):
            _show_once(warning["message"])
        if str(answer["OK"]) in {"0", "False", "None"} and not isinstance(answer.get(details), dict):
            raise refusal(doing, _refusals(answer))
        return answer

    def _post(self, url: str, doing: str, body: dict[str, Any]) -> str:
        deadline = time.monotonic() + self.timeout[1]
        try:
            with self.session.post(
                url, json=body, timeout=self.timeout, allow_redirects=False, stream=True
            ) as response:
                if response.status_code != requests.codes.ok:
                    reason = self._redact(str(response.reason))
                    raise TransportError(
                        f"could not {doing}: {self.base_url} answered HTTP {response.status_code} {reason}. "
                        + _advice(response.status_code),
                        url=url,
                        status_code=response.status_code,
                    )
                return _read(response, deadline).decode("utf-8", errors="replace")
        except requests.RequestException as error:
            raise _as_transport_error(error, url, doing, self.base_url) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:  # while the body is read
            raise TransportError(
                f"could not {doing}: the answer of {self.base_url} broke off ({type(error).__name__}). "
                "This may pass: try again in a minute",
                url=url,
            ) from None

    def _clean(self, value: Any) -> Any:
        """Take out of an answer what JSON's escapes hid until it was decoded: the address, and halves of characters."""
        if isinstance(value, str):
            return self._redact(SURROGATE.sub("\ufffd", value))
        if isinstance(value, list):
            return [self._clean(item) for item in value]
        if isinstance(value, dict):
            return {self._clean(key): self._clean(item) for key, item in value.items()}
        return value

    def _redact(self, text: str) -> str:
        return self._address.sub(ACCOUNT, text) if MAY_HOLD_ADDRESS.search(text) else text


def _check_address(base_url: str) -> None:
    """Refuse what can never be called: it would look like a service that is away, and be waited for."""
    why = ""
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        requests.Request("POST", base_url).prepare()
    except ValueError as error:
        usable, why = False, f" ({error})"
    if not usable:
        raise UKSSDCError(f"{base_url!r} is no address of the service{why}: it should look like {BASE_URL}")


def _spellings(email: str) -> re.Pattern[str]:
    """Match an address in any case, each character plain or as URLs, HTML and JSON write it."""
    return re.compile("".join(f"(?:{'|'.join(_ways_to_write(char))})" for char in email), re.IGNORECASE)


def _ways_to_write(char: str) -> set[str]:
    ways = set() if char.isascii() else {"\ufffd{1,4}"}  # what is left of it where the answer is in another encoding
    for c in {char, char.lower(), char.upper()}:
        ways |= {rf"\\?{re.escape(c)}", "".join(f"%{byte:02x}" for byte in c.encode("utf-8", "surrogatepass"))}
        ways |= {f"&{name}" for name, text in html5.items() if text == c}
        if len(c) == 1:  # there are letters whose capital is two
            ways |= {f"&#0*{ord(c)};?", f"&#x0*{ord(c):x};?", rf"\\u{ord(c):04x}"}
    return ways


def _read(response: requests.Response, deadline: float) -> bytes:
    """Read a whole answer, but no longer than the deadline: a body that trickles does not hold us for ever."""
    blocks: list[bytes] = []
    size = 0
    while block := response.raw.read1(65536, decode_content=True):
        blocks.append(block)
        size += len(block)
        if time.monotonic() > deadline or size > MAX_ANSWER:
            raise requests.ReadTimeout("the answer takes too long or is too large")
    return b"".join(blocks)


def _as_transport_error(error: requests.RequestException, url: str, doing: str, base_url: str) -> TransportError:
    cause = _cause(error)
    sent = False
    if isinstance(error, requests.ConnectTimeout):
        why = "no connection within the time-out"
    elif isinstance(cause, urllib3.exceptions.NameResolutionError):
        why = "its name could not be resolved; is this machine online?"
    elif isinstance(cause, urllib3.exceptions.NewConnectionError):
        why = "it refused the connection"
    elif isinstance(error, requests.exceptions.SSLError):
        why = "no trustworthy TLS connection"
    else:
        sent, why = (
            True,
            "no answer within the time-out" if isinstance(error, requests.Timeout) else "the connection broke off",
        )
    return TransportError(
        f"could not {doing}: {base_url} did not answer ({why}). This may pass: try again in a minute",
        url=url,
        sent=sent,
    )


def _cause(error: requests.RequestException) -> object:
    """Return what urllib3 says of an error that requests has wrapped, perhaps in the end of urllib3's own retries."""
    cause = error.args[0] if error.args else None
    return getattr(cause, "reason", cause)


def _advice(status_code: int) -> str:
    if status_code >= requests.codes.internal_server_error:
        return "This may pass: try again in a minute"
    if requests.codes.multiple_choices <= status_code < requests.codes.bad_request:
        return "This may be a gateway's redirect of the moment; if it lasts, check the address in UKSSDC_URL"
    if status_code == requests.codes.not_found:
        return "A service that restarts may answer so; if it lasts, check the address in UKSSDC_URL"
    return "Check the address in UKSSDC_URL"


def _refusals(answer: dict[str, Any]) -> list[str]:
    """Collect everything that a refusal says (protocol, section 1: `ERROR` and `listErr`)."""
    said = [str(answer["ERROR"]).strip()] if answer.get("ERROR") else []
    groups = answer.get("listErr")
    for group in groups if isinstance(groups, list) else []:
        if isinstance(group, dict):
            items = group.get("list")
            label = str(group.get("label", "")).strip().rstrip(":")
            said += [f"{label}: {item}".strip(": ") for item in (items if isinstance(items, list) else [items])]
    return said or ["it gave no reason"]


@lru_cache(maxsize=32)  # so each is shown once (protocol, section 1)
def _show_once(message: str) -> None:
    # Not a Python warning: where those are errors, it would hide the answer of a call that has been made.
    logging.getLogger("ukssdc").warning("The UKSSDC service says: %s", message)
