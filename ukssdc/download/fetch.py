"""One file from the service, over HTTP: it goes on from what is there, and follows redirects on its own host only."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from ukssdc.download.check import ArchiveCheck
from ukssdc.download.part import Part
from ukssdc.download.stall import DownloadLimits, StallGuard
from ukssdc.errors import DownloadError, TransportError
from ukssdc.limits import FIRST_BYTE_SETTING
from ukssdc.times import utcnow

Progress = Callable[[int, int | None], None]
MAX_REDIRECTS = 5
CHUNK_SIZE = 1 << 18  # bytes, at most: progress is told with each
MAX_DIGITS = 30  # of a length in a header
MAX_RETRY_AFTER = timedelta(days=366)
_OTHER_RANGE = 416  # nothing lies beyond what we have


@dataclass(frozen=True)
class Source:
    """Where archives come from.

    Attributes
    ----------
    session : requests.Session
    base_url : str
        The service's address: nothing is fetched from another host.
    limits : DownloadLimits
    redact : callable
        Takes out of a text what must not be shown.
    """

    session: requests.Session
    base_url: str
    limits: DownloadLimits = field(default_factory=DownloadLimits)
    redact: Callable[[str], str] = str

    def error(
        self, text: str, url: str, *, retryable: bool = True, corrupt: bool = True, retry_after: float | None = None
    ) -> DownloadError:
        """Return an error of which nothing may be secret, and which can be shown in a terminal."""
        return DownloadError(
            self._clean(text), url=self._clean(url), retryable=retryable, corrupt=corrupt, retry_after=retry_after
        )

    def _clean(self, text: str) -> str:
        return "".join(c if c.isprintable() else "\ufffd" for c in self.redact(text))


def fetch(source: Source, url: str, part: Part, check: ArchiveCheck, *, progress: Progress | None) -> None:
    """Bring the part file to its full length, going on from what is there where the server allows it.

    What has come is checked meanwhile.

    Raises
    ------
    DownloadError
        For an HTTP error, a connection that breaks off, stalls or trickles, a length that does not match, or is too
        large, another host's address.
    OSError
        Where the part cannot be written, or has no room.
    """
    had, validator = part.resumable()
    sent = time.monotonic()
    try:
        response = _get(source, url, had, validator)
    except requests.ReadTimeout:
        raise _late(source, url) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:  # no answer is an outage
        raise source.error(
            f"the download of {url} broke off after {had} bytes ({type(error).__name__}). "
            "It goes on from there at the next try where the server allows it",
            url,
            corrupt=False,
        ) from None
    with response, StallGuard(response, source.limits, sent) as guard:
        if had and response.headers.get("Content-Range") == f"bytes */{had}":
            return  # there is no more: it was interrupted before it could be verified
        if had and (response.status_code == _OTHER_RANGE or not _goes_on_at(response, had)):
            part.discard()
            raise source.error(f"{url} is not what it was when its download began", url)
        if response.status_code not in {requests.codes.ok, requests.codes.partial_content}:
            raise _refused(source, response, url)
        tell = _tell(check, progress)
        _read(source, url, part, response, guard, tell)


def _read(source: Source, url: str, part: Part, response: requests.Response, guard: StallGuard, tell: Progress) -> None:
    """Read an answer's body to its end, into the part file."""
    had, _ = part.resumable()
    have = began_at = had if response.status_code == requests.codes.partial_content else 0
    total = _total_length(response, have)
    _require_room(source, url, part, have, total)
    if not have:
        part.begin(_validator_of(response))
    broken: Exception | None = None
    with part.path.open("ab") as file:
        tell(have, total)
        try:
            # read1: what has come, and not first a whole piece, which takes a slow line minutes
            while piece := _next_piece(response, guard):
                file.write(piece)
                file.flush()
                have += len(piece)
                if have > source.limits.max_bytes:
                    _refuse_size(source, url, part)
                tell(have, total)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            broken = error
    if guard.problem is not None and not guard.began:
        raise _late(source, url)
    if broken is not None or guard.problem is not None:
        kept, _ = part.resumable()
        raise source.error(
            f"the download of {url} broke off after {have} bytes ({guard.problem or type(broken).__name__}). "
            "It goes on from there at the next try where the server allows it",
            url,
            # An answer that leaves us no further than before would cost as much each time.
            corrupt=began_at < had or kept <= had,
        )
    if total is not None and have != total:
        if have > total:
            part.discard()
        raise source.error(f"{url} should have {total} bytes, but {have} came", url)


def _tell(check: ArchiveCheck, progress: Progress | None) -> Progress:
    def tell(have: int, total: int | None) -> None:
        check.arrived(have)
        if progress is not None:
            progress(have, total)

    return tell


def _next_piece(response: requests.Response, guard: StallGuard) -> bytes:
    guard.expect()
    piece: bytes = response.raw.read1(CHUNK_SIZE, decode_content=False)
    guard.receive(len(piece))
    return piece


def _require_room(source: Source, url: str, part: Part, have: int, total: int | None) -> None:
    """Refuse an archive that is too large for us or for the disk, before it comes."""
    if total is None:
        return
    if total > source.limits.max_bytes:
        _refuse_size(source, url, part)
    disk = shutil.disk_usage(part.path.parent)
    if disk.total and total - have > disk.free:  # there are file systems that do not tell
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(part.path))


def _refuse_size(source: Source, url: str, part: Part) -> NoReturn:
    part.discard()
    raise source.error(
        f"{url} has more than {source.limits.max_bytes} bytes, as no archive of the service has. It was discarded", url
    )


def _late(source: Source, url: str) -> DownloadError:
    return source.error(
        f"the download of {url} did not begin within {source.limits.first_byte:g} s: the service may still be packing "
        f"the archive. To wait longer for its first byte, set {FIRST_BYTE_SETTING} to more seconds",
        url,
    )


def _get(source: Source, url: str, have: int, validator: str) -> requests.Response:
    """GET, following redirects only as far as the service's own host."""
    # identity: the archive's own bytes are wanted, and a length that can be compared
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    timeout = (source.limits.connect, source.limits.first_byte)
    for hops in range(MAX_REDIRECTS):
        if not is_same_origin(url, source.base_url):
            raise source.error(
                f"refused to download from {url}: archives come only from the service's own host, "
                f"{urlsplit(source.base_url).hostname}",
                url,
                retryable=hops > 0,  # a redirect may be a gateway's of the moment; the job's own address stays as it is
            )
        response = source.session.get(url, headers=headers, stream=True, timeout=timeout, allow_redirects=False)
        if not response.is_redirect:
            return response
        url = _join(url, response.headers["Location"])
        response.close()
    raise source.error(f"{url} leads from one address to the next without end", url)


def _join(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:  # no address at all: it will be refused as what it is
        return location


def is_same_origin(url: str, base_url: str) -> bool:
    """Tell whether an address lies at the service's own host; https may not fall back to http."""
    try:
        there, here = urlsplit(url), urlsplit(base_url)
        secure_enough = there.scheme == here.scheme or (there.scheme, here.scheme) == ("https", "http")
        same_port = there.scheme != here.scheme or there.port == here.port
    except ValueError:  # no address at all, or a port that is none
        return False
    return secure_enough and same_port and there.hostname == here.hostname and there.username is None


def _refused(source: Source, response: requests.Response, url: str) -> DownloadError:
    code = response.status_code
    gone = code in {requests.codes.not_found, requests.codes.gone}
    said = f"{url} could not be downloaded: HTTP {code} {response.reason}"
    retryable = gone or TransportError(said, url=url, status_code=code).retryable  # the rule is that of all calls
    wait = _retry_after(response.headers.get("Retry-After", "")) if retryable else None
    if wait is not None:
        advice = f"The service asks to wait until {utcnow() + wait:%Y-%m-%d %H:%M} UTC"
    elif gone:
        advice = "The service removes old products; see the job's page"
    else:
        advice = "This may pass" if retryable else "See the job's page"
    seconds = None if wait is None else wait.total_seconds()
    return source.error(f"{said}. {advice}", url, retryable=retryable, corrupt=gone, retry_after=seconds)


def _retry_after(header: str) -> timedelta | None:
    """Read how long the service asks to wait, in seconds or as a date (RFC 9110, 10.2.3); None where it doesn't."""
    header = header.strip()
    if header.isascii() and header.isdecimal():
        return timedelta(seconds=int(header)) if len(header) <= 7 else MAX_RETRY_AFTER  # noqa: PLR2004 - a third of a year
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - utcnow()
    return min(max(wait, timedelta(0)), MAX_RETRY_AFTER)


def _goes_on_at(response: requests.Response, have: int) -> bool:
    """Tell whether the answer, if it is a part, is the part that was asked for."""
    if response.status_code != requests.codes.partial_content:
        return True
    return re.match(rf"bytes {have}-", response.headers.get("Content-Range", "")) is not None


def _total_length(response: requests.Response, have: int) -> int | None:
    """Return the archive's full length in bytes, where the server tells it."""
    length = response.headers.get("Content-Length", "")
    return have + int(length) if length.isdecimal() and len(length) <= MAX_DIGITS else None


def _validator_of(response: requests.Response) -> str:
    """Return what names this very version of the archive; a weak tag won't do for If-Range (RFC 9110, 13.1.5)."""
    tag = response.headers.get("ETag", "")
    validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
    return validator if validator.isascii() else ""
