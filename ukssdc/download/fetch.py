"""One file from the service, over HTTP: it goes on from what is there, and follows redirects on its own host only."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from ukssdc.download.part import Part
from ukssdc.errors import DownloadError, TransportError

Progress = Callable[[int, int | None], None]
MAX_REDIRECTS = 5
CHUNK_SIZE = 1 << 16  # bytes, at most: progress is told with each
_OTHER_RANGE = 416  # nothing lies beyond what we have


def fetch(
    session: requests.Session,
    url: str,
    part: Part,
    *,
    base_url: str,
    progress: Progress | None,
    timeout: tuple[float, float],
) -> None:
    """Bring the part file to its full length, going on from what is there where the server allows it.

    Raises
    ------
    DownloadError
        For an HTTP error, a connection that breaks off, a length that does not match, another host's address.
    """
    had, validator = part.resumable()
    have = had
    began_at: int | None = None  # where the answer's bytes begin
    try:
        with _get(session, url, had, validator, base_url=base_url, timeout=timeout) as response:
            if have and response.headers.get("Content-Range") == f"bytes */{have}":
                return  # there is no more: it was interrupted before it could be verified
            if have and (response.status_code == _OTHER_RANGE or not _goes_on_at(response, have)):
                part.discard()
                raise DownloadError(
                    f"{url} is not what it was when its download began", url=url, retryable=True, corrupt=True
                )
            if response.status_code not in {requests.codes.ok, requests.codes.partial_content}:
                raise _refused(response, url)
            if response.status_code == requests.codes.ok:
                have = 0
                part.begin(_validator_of(response))
            began_at, total = have, _total_length(response, have)
            with part.path.open("ab") as file:
                tell = progress or (lambda _have, _total: None)
                tell(have, total)
                # read1: what has come, and not first a whole piece, which takes a slow line minutes
                while piece := response.raw.read1(CHUNK_SIZE, decode_content=False):
                    file.write(piece)
                    have += len(piece)
                    tell(have, total)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        kept, _ = part.resumable()
        raise DownloadError(
            f"the download of {url} broke off after {have} bytes ({type(error).__name__}). "
            "It goes on from there at the next try where the server allows it",
            url=url,
            retryable=True,
            # No answer is an outage; an answer that leaves us no further than before would cost as much each time.
            corrupt=began_at is not None and (began_at < had or kept <= had),
        ) from None
    if total is not None and have != total:
        if have > total:
            part.discard()
        raise DownloadError(f"{url} should have {total} bytes, but {have} came", url=url, retryable=True, corrupt=True)


def _get(
    session: requests.Session, url: str, have: int, validator: str, *, base_url: str, timeout: tuple[float, float]
) -> requests.Response:
    """GET, following redirects only as far as the service's own host."""
    # identity: the archive's own bytes are wanted, and a length that can be compared
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    for hops in range(MAX_REDIRECTS):
        if not is_same_origin(url, base_url):
            raise DownloadError(
                f"refused to download from {url}: archives come only from the service's own host, "
                f"{urlsplit(base_url).hostname}",
                url=url,
                retryable=hops > 0,  # a redirect may be a gateway's of the moment; the job's own address stays as it is
                corrupt=True,
            )
        response = session.get(url, headers=headers, stream=True, timeout=timeout, allow_redirects=False)
        if not response.is_redirect:
            return response
        url = _join(url, response.headers["Location"])
        response.close()
    raise DownloadError(f"{url} leads from one address to the next without end", url=url, retryable=True, corrupt=True)


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


def _refused(response: requests.Response, url: str) -> DownloadError:
    code = response.status_code
    gone = code in {requests.codes.not_found, requests.codes.gone}
    said = f"{url} could not be downloaded: HTTP {code} {response.reason}"
    retryable = gone or TransportError(said, url=url, status_code=code).retryable  # the rule is that of all calls
    if gone:
        advice = "The service removes old products; see the job's page"
    else:
        advice = "This may pass" if retryable else "See the job's page"
    return DownloadError(f"{said}. {advice}", url=url, retryable=retryable, corrupt=gone)


def _goes_on_at(response: requests.Response, have: int) -> bool:
    """Tell whether the answer, if it is a part, is the part that was asked for."""
    if response.status_code != requests.codes.partial_content:
        return True
    return re.match(rf"bytes {have}-", response.headers.get("Content-Range", "")) is not None


def _total_length(response: requests.Response, have: int) -> int | None:
    """Return the archive's full length in bytes, where the server tells it."""
    length = response.headers.get("Content-Length", "")
    return have + int(length) if length.isdecimal() else None


def _validator_of(response: requests.Response) -> str:
    """Return what names this very version of the archive; a weak tag won't do for If-Range (RFC 9110, 13.1.5)."""
    tag = response.headers.get("ETag", "")
    validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
    return validator if validator.isascii() else ""
