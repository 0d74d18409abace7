"""One POST to the service and back: time-outs, unreadable answers and refusals become errors of the one tree."""

from __future__ import annotations

import json
import re
import time
import warnings
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from ukssdc._api import API
from ukssdc.errors import ProtocolError, ServiceError, TransportError, UKSSDCError

BASE_URL = "https://www.swift.ac.uk/user_objects"
REGISTRATION_URL = "https://www.swift.ac.uk/user_objects/register.php"
ACCOUNT = "<your account>"  # stands wherever the service repeats the e-mail address
MAX_ANSWER = 256 * 2**20  # bytes; light curves of years of data are some MB
START = 200  # characters of an unreadable answer that an error shows


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
        if "@" not in email:
            raise UKSSDCError(
                "no account: the service knows its users by their registered e-mail address. "
                f"Register at {REGISTRATION_URL}, confirm, and put the address into the environment variable "
                "UKSSDC_USER"
            )
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UKSSDCError(f"{base_url!r} is no address of the service: it should look like {BASE_URL}")
        self._email = email
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self.session = requests.Session()
        self.session.headers["User-Agent"] = "xrt-products (Prefect flows for Swift-XRT products)"

    def call(self, path: str, doing: str, *, details: str = "", **body: Any) -> dict[str, Any]:
        """POST one call and return the service's answer.

        Parameters
        ----------
        path : str
            Path below the base URL (protocol, section 2).
        doing : str
            The call in words, for messages: "submit the request".
        details : str, optional
            A key whose presence makes a refusal an answer like any other: it says product by product what was refused.
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
        text = self._redact(self._post(url, doing, {**API, "UserID": self._email, **body}))
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            what = "an HTML page" if text.lstrip()[:1] == "<" else "something else"
            raise ProtocolError(
                f"could not {doing}: the service answered with {what} where JSON belongs",
                url=url,
                start=text[:START],
                may_pass=True,
            ) from None
        if not isinstance(answer, dict) or "OK" not in answer:
            raise ProtocolError(
                f"could not {doing}: the service's answer has no OK in it, so this client does not understand it",
                url=url,
                start=text[:START],
            )
        _show_deprecation(answer.get("deprecationWarning"))
        if str(answer["OK"]) in {"0", "False", "None"} and not isinstance(answer.get(details), dict):
            raise ServiceError(doing, _refusals(answer))
        return answer

    def _post(self, url: str, doing: str, body: dict[str, Any]) -> str:
        deadline = time.monotonic() + self.timeout[1]
        try:
            with self.session.post(
                url, json=body, timeout=self.timeout, allow_redirects=False, stream=True
            ) as response:
                if response.status_code != requests.codes.ok:
                    raise TransportError(
                        f"could not {doing}: {self.base_url} answered HTTP {response.status_code} {response.reason}. "
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

    def _redact(self, text: str) -> str:
        return re.sub(re.escape(self._email), ACCOUNT, text, flags=re.IGNORECASE)


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
    unsent = isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in repr(error)
    if isinstance(error, requests.ConnectTimeout):
        why = "no connection within the time-out"
    elif isinstance(error, requests.Timeout):
        why = "no answer within the time-out"
    elif "NameResolutionError" in repr(error):
        unsent, why = True, "its name could not be resolved; is this machine online?"
    elif unsent:
        why = "it refused the connection"
    elif isinstance(error, requests.exceptions.SSLError):
        unsent, why = True, "no trustworthy TLS connection"
    else:
        why = "the connection broke off"
    return TransportError(
        f"could not {doing}: {base_url} did not answer ({why}). This may pass: try again in a minute",
        url=url,
        sent=not unsent,
    )


def _advice(status_code: int) -> str:
    if status_code >= requests.codes.internal_server_error:
        return "This may pass: try again in a minute"
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


def _show_deprecation(warning: Any) -> None:
    if isinstance(warning, dict) and warning.get("message"):
        warnings.warn(f"the UKSSDC service says: {warning['message']}", DeprecationWarning, stacklevel=4)
