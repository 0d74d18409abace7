"""One POST to the service and back: time-outs, unreadable answers and refusals become errors of the one tree."""

from __future__ import annotations

import re
import time
import zlib
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from ukssdc._answer import RESULTS, TEXTS, AnswerLimits, AnswerTooLargeError, parse_answer, read_body
from ukssdc._deadlines import set_deadline
from ukssdc._session import ServiceSession
from ukssdc.addresses import has_credentials, normalize_url
from ukssdc.errors import ProtocolError, ResultTooLarge, ServiceError, TransportError, UKSSDCError
from ukssdc.retry_after import read_retry_after, retry_after_text
from ukssdc.service import API, BASE_URL, REBIN_API_VERSION, REBIN_PATH, REGISTRATION_URL
from ukssdc.texts import TextCleaner, shorten
from ukssdc.warning import warn_once
from ukssdc.wire_values import as_list, is_number

ACCOUNT = "<your account>"  # in the place of the e-mail address, wherever the service repeats it
EXCERPT = 200  # characters of an unreadable answer that an error shows
MAX_REASONS = 50  # of a refusal
JOB_NUMBERS = ("JobID", "oldJob")  # keys of a job's number, in bodies and in answers


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

    Attributes
    ----------
    redact : callable
        Makes a text from the service safe to show: without the account, and without control characters.
    """

    def __init__(self, email: str, base_url: str, timeout: tuple[float, float]) -> None:
        email = email.strip()  # a file or a form may have added a line end
        if "@" not in email:
            raise UKSSDCError(
                "no account: the service knows its users by their registered e-mail address. "
                f"Register at {REGISTRATION_URL}, confirm, and put the address into the environment variable "
                "UKSSDC_USER"
            )
        self.base_url = _checked_url(base_url)
        self.email = email
        self.redact = TextCleaner(email, ACCOUNT)
        self.timeout = timeout
        self.session = ServiceSession()

    def call(
        self,
        path: str,
        doing: str,
        *,
        details: str = "",
        refusal: type[ServiceError] = ServiceError,
        limits: AnswerLimits = TEXTS,
        **body: Any,
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
        limits : AnswerLimits, optional
            How much of the answer is read.
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
            An answer that is no JSON object with `OK` in it, is about another job, or is too large.
        ServiceError
            The service said no.
        """
        url = f"{self.base_url}/{path}"
        answer, start = self._ask(url, doing, {**API, "UserID": self.email, **body}, limits)
        if "OK" not in answer:
            raise _not_understood(doing, url, start)
        if str(answer["OK"]) in {"0", "False", "None"} and not isinstance(answer.get(details), dict):
            raise refusal(doing, _refusals(answer), names_parameters=bool(as_list(answer.get("listErr"))))
        return answer

    def call_rebin(
        self, function: str, doing: str, *, limits: AnswerLimits = TEXTS, needs_ok: bool = True, **body: Any
    ) -> dict[str, Any]:
        """POST one call to the interface that bins light curves anew, without the account (protocol, section 7).

        Parameters
        ----------
        function : str
            Its `APIFunc`.
        doing, limits, **body
            As for `call`.
        needs_ok : bool, optional
            Whether an answer without `OK` is an error.

        Returns
        -------
        dict
            The answer.

        Raises
        ------
        TransportError, ProtocolError, ServiceError
            As for `call`; `ServiceError` where the answer has `ERROR`.
        """
        url = self.rebin_url
        answer, start = self._ask(url, doing, {"APIFunc": function, "APIVersion": REBIN_API_VERSION, **body}, limits)
        if answer.get("ERROR"):
            words = str(answer.get("ERRORTEXT") or "").strip()
            code = f"code {answer['ERROR']}"
            raise ServiceError(doing, [shorten(f"{words} ({code})" if words else code)])
        if needs_ok and "OK" not in answer:
            raise _not_understood(doing, url, start)
        return answer

    @property
    def rebin_url(self) -> str:
        """Where the interface that bins light curves anew is: at the same origin as the service."""
        return urljoin(self.base_url, REBIN_PATH)

    def _ask(self, url: str, doing: str, body: dict[str, Any], limits: AnswerLimits) -> tuple[dict[str, Any], str]:
        """POST a body; return the answer, a JSON object about the job that was asked for, and how it begins."""
        text = self._post(url, doing, body, limits)
        start = self.redact(text[: 10 * EXCERPT])[:EXCERPT]
        try:
            answer = parse_answer(text, self.redact, limits)
        except AnswerTooLargeError as error:
            raise _too_large(error, url, doing, limits) from None
        except (ValueError, RecursionError):
            what = "an HTML page" if text.lstrip()[:1] == "<" else "something else"
            raise ProtocolError(
                f"could not {doing}: the service answered with {what} where JSON belongs",
                url=url,
                start=start,
                retryable=True,
            ) from None
        if not isinstance(answer, dict):
            raise _not_understood(doing, url, start)
        asked = body.get("JobID", body.get("oldJob"))
        said = [answer[key] for key in JOB_NUMBERS if answer.get(key) is not None]
        if "OK" in answer and asked is not None and not all(is_number(number, asked) for number in said):
            raise ProtocolError(
                f"could not {doing}: the answer is about another job. This may pass: try again in a minute",
                url=url,
                start=start,
                retryable=True,
            )
        warning = answer.get("deprecationWarning")
        if "OK" in answer and isinstance(warning, dict) and isinstance(warning.get("message"), str):
            warn_once(f"The UKSSDC service says: {shorten(warning['message'])}")
        return answer, start

    def _post(self, url: str, doing: str, body: dict[str, Any], limits: AnswerLimits) -> str:
        deadline = time.monotonic() + self.timeout[1]
        try:
            with self.session.post(
                url,
                json=body,
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
                headers={"Accept-Encoding": "gzip"},  # what read_body can unpack within limits
            ) as response:
                set_deadline(response, deadline)
                if response.status_code != requests.codes.ok:
                    raise self._http_error(response, url, doing)
                return read_body(response, limits.size).decode("utf-8", errors="replace")
        except requests.RequestException as error:
            raise _as_transport_error(error, url, doing, self.base_url) from None
        except AnswerTooLargeError as error:
            raise _too_large(error, url, doing, limits) from None
        except (urllib3.exceptions.HTTPError, OSError, EOFError, zlib.error) as error:  # while the body is read
            if type(error) is OSError:  # what requests makes of a CA bundle that is not there
                raise TransportError(f"could not {doing}: {error}", url=url, sent=False) from None
            raise TransportError(
                f"could not {doing}: the answer of {self.base_url} {_body_problem(error)}. "
                "This may pass: try again in a minute",
                url=url,
            ) from None

    def _http_error(self, response: requests.Response, url: str, doing: str) -> TransportError:
        code = response.status_code
        wait = read_retry_after(response.headers)
        advice = _advice(code) if wait is None else f"{retry_after_text(wait).capitalize()}"
        reason = shorten(self.redact(str(response.reason)), EXCERPT)
        return TransportError(
            f"could not {doing}: {self.base_url} answered HTTP {code} {reason}. {advice}",
            url=url,
            status_code=code,
            retry_after=wait,
            reason=f"HTTP {code}",
        )


def _checked_url(base_url: str) -> str:
    """Return the address as it is used, and refuse what can never be called: it would look like a service away."""
    why = ""
    try:
        parts = urlsplit(base_url.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        requests.Request("POST", base_url).prepare()
        normalized = normalize_url(base_url)
    except ValueError as error:
        usable, why, normalized = False, f" ({error})", ""
    if not usable:
        problem = f"{base_url!r} is no address of the service{why}: it should look like {BASE_URL}"
        raise UKSSDCError(re.sub(r"//[^/\s]*@", "//", problem))  # without a password
    if has_credentials(base_url):
        warn_once(
            f"The user's name in the service's address is left out: nothing but your e-mail address is sent, to "
            f"{normalized}"
        )
    return normalized


def _not_understood(doing: str, url: str, start: str) -> ProtocolError:
    return ProtocolError(
        f"could not {doing}: the service's answer has no OK in it, so this client does not understand it",
        url=url,
        start=start,
    )


def _too_large(error: AnswerTooLargeError, url: str, doing: str, limits: AnswerLimits) -> ProtocolError:
    problem = f"could not {doing}: the answer {error}"
    if limits is RESULTS:
        return ResultTooLarge(
            f"{problem}, which is more than is read. The product's archive holds the same: download it",
            url=url,
            start="",
        )
    return ProtocolError(f"{problem}, which no such answer is", url=url, start="", retryable=True)


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
        reason=why,
    )


def _body_problem(error: Exception) -> str:
    if isinstance(error, (urllib3.exceptions.TimeoutError, TimeoutError)):
        return "is not there, whole, within the time-out"
    if isinstance(error, zlib.error):
        return "is compressed and cannot be unpacked"
    return f"broke off ({type(error).__name__})"


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
    one_group = isinstance(groups, dict) and "list" in groups
    for group in [groups] if one_group else as_list(groups) or []:
        if isinstance(group, dict):
            items = group.get("list")
            label = str(group.get("label", "")).strip().rstrip(":")
            said += [f"{label}: {item}".strip(": ") for item in (as_list(items) or [items])]
        elif isinstance(group, str):
            said.append(group.strip())
    if len(said) > MAX_REASONS:
        said = [*said[:MAX_REASONS], f"... and {len(said) - MAX_REASONS} more"]
    return [shorten(reason) for reason in said] or ["it gave no reason"]
