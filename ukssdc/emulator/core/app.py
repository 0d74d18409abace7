"""The service's HTTP face: routes, the quirks of its answers, archives with ranges, and the line in the ledger."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ukssdc.emulator.archives import MEDIA_TYPES, Archive
from ukssdc.emulator.contents import files
from ukssdc.emulator.ledger import Call, Ledger
from ukssdc.emulator.parameters import requested_products
from ukssdc.emulator.service import API_VERSION, RESULTS, Service, products_named
from ukssdc.status import Product

ROOT: Final = "/user_objects"
CALLS: Final = {
    "run_userobject.php": "submit",
    "checkProductStatus.php": "status",
    "canceljob.php": "cancel",
    "getNumJobs.php": "active_jobs",
    "listOldJobs.php": "old_jobs",
    "getOldProduct.php": "old_job",
    "tprods/getPSFPos.php": "standard_position",
    "tprods/getEnhPos.php": "enhanced_position",
    "tprods/getAstromPos.php": "astrometric_position",
    "tprods/getSourceDetResults.php": "source_list",
    "tprods/getLCData.php": "light_curve",
    "tprods/getSpecData.php": "spectral_fits",
}
FILE: Final = re.compile(r"tprods/USERPROD_(\d{1,18})/(.+)")
# The version is a text in some answers and a number in the others.
TEXT_VERSION: Final = frozenset({"submit", "cancel", "old_job"})


@dataclass(frozen=True)
class Settings:
    """How the emulator serves.

    Attributes
    ----------
    ranges : bool
        Whether a part of an archive can be asked for.
    lengths : bool
        Whether the length of an archive is given.
    etags : bool
        Whether archives have an ETag.
    deprecation_warning : str
        Where not empty, every answer carries it.
    seconds_per_poll : float, optional
        By how much each status call moves the service's time on, once it is answered.
    """

    ranges: bool = True
    lengths: bool = True
    etags: bool = True
    deprecation_warning: str = ""
    seconds_per_poll: float | None = None


def make_app(
    service: Service, ledger: Ledger, settings: Settings, within: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> ASGIApp:
    """Return the application that serves `service` and writes to `ledger`, with the layer `within` between the two."""

    async def page(request: Request) -> Response:
        path = below_root(request.url.path)
        if request.method == "POST" and path in CALLS:
            return await _answer(request, CALLS[path], service, settings)
        if request.method in ("GET", "HEAD") and (match := FILE.fullmatch(path)):
            return _file(request, service, int(match[1]), match[2], settings)
        return error_page(404)

    routes = [Route("/{path:path}", page, methods=["GET", "HEAD", "POST", "PUT", "DELETE"])]
    return LedgerMiddleware(within(Starlette(routes=routes, exception_handlers={Exception: _crash})), ledger)


def error_page(status: int) -> Response:
    """Return one of the web server's own pages."""
    title, text = {
        404: ("Not Found", "The requested URL was not found on this server."),
        500: (
            "Internal Server Error",
            "The server encountered an internal error and was unable to complete your request.",
        ),
        502: ("Bad Gateway", "The proxy server received an invalid response from an upstream server."),
        503: (
            "Service Unavailable",
            "The server is temporarily unable to service your request. Please try again later.",
        ),
    }.get(status, ("Error", "Something went wrong."))
    return HTMLResponse(
        f'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>{status} {title}</title>\n'
        f"</head><body>\n<h1>{title}</h1>\n<p>{text}</p>\n</body></html>\n",
        status_code=status,
    )


def _crash(_: Request, __: Exception) -> Response:
    return error_page(500)


async def _answer(request: Request, call: str, service: Service, settings: Settings) -> Response:
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    answer = service.answer(call, body, str(request.base_url).rstrip("/") + ROOT)
    _note(request, call, body if isinstance(body, dict) else {}, answer)
    if call == "status" and settings.seconds_per_poll is not None:
        service.clock.advance(settings.seconds_per_poll)
    answer["APIVersion"] = API_VERSION if call in TEXT_VERSION else float(API_VERSION)
    if settings.deprecation_warning:
        answer["deprecationWarning"] = {"type": call, "message": settings.deprecation_warning}
    return HTMLResponse(json.dumps(answer))


def _note(request: Request, call: str, body: dict[str, Any], answer: dict[str, Any]) -> None:
    """Leave for the ledger what the call was about."""
    request.scope["ukssdc.note"] = {**about(call, body, answer), "ok": answer.get("OK")}


def about(call: str, body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return the job and the products that a call is about, as the ledger has them."""
    job_id = answer.get("JobID", body.get("JobID", body.get("oldJob"))) if call != "submit" else answer.get("JobID")
    products = requested_products(body) if call == "submit" else products_named(body.get("what"))
    return {
        "job_id": int(str(job_id)) if re.fullmatch(r"[0-9]{1,18}", str(job_id)) else None,
        "products": (RESULTS[call],) if call in RESULTS else products,
    }


def _file(request: Request, service: Service, job_id: int, path: str, settings: Settings) -> Response:
    """Serve an archive (`lc.tar.gz`), or one of the files in it (`spec/interval0.tar.gz`)."""
    archives = {f"{p.wire}.{form}": (p, form) for p in Product for form in MEDIA_TYPES}
    folders = {p.wire: p for p in Product}
    folder, _, name = path.partition("/")
    product = archives[path][0] if path in archives else folders.get(folder)
    request.scope["ukssdc.note"] = {"job_id": job_id, "products": (product,) if product else ()}
    if product is None or job_id not in service.jobs or not service.jobs[job_id].has_files(product):
        return error_page(404)
    if path in archives:
        return _archive(request, Archive(service.jobs[job_id], *archives[path]), settings)
    content = files(service.jobs[job_id], product).get(name)
    return error_page(404) if content is None else Response(content, media_type="application/octet-stream")


def _archive(request: Request, archive: Archive, settings: Settings) -> Response:
    headers = {"ETag": archive.etag} if settings.etags else {}
    span: tuple[int, int] | None = None
    if settings.ranges:
        headers["Accept-Ranges"] = "bytes"
        condition = request.headers.get("if-range")
        if condition is None or (settings.etags and condition == archive.etag):
            span = _wanted_range(request.headers.get("range", ""), archive.size)
    start, stop = span or (0, archive.size)
    if span and start >= stop:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{archive.size}"})
    if span:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{archive.size}"
    if settings.lengths:
        headers["Content-Length"] = str(stop - start)
    blocks: Iterator[bytes] = iter(()) if request.method == "HEAD" else archive.blocks(start, stop)
    return _Streaming(blocks, status_code=206 if span else 200, headers=headers, media_type=archive.media_type)


def _wanted_range(header: str, size: int) -> tuple[int, int] | None:
    """Read a Range header: (start, stop), empty where it lies beyond the end; None for none, or for several."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(size - int(match[2]), 0), size
    stop = min(int(match[2]) + 1, size) if match[2] else size
    return int(match[1]), stop


class _Streaming(StreamingResponse):
    """A streamed answer from a plain iterator, which is quick enough not to need a thread."""

    def __init__(self, blocks: Iterator[bytes], **kwargs: Any) -> None:
        async def generate() -> Any:
            for block in blocks:
                if block:
                    yield block
                else:  # passing over the start of a large archive takes a moment in which others want to be served
                    await asyncio.sleep(0)

        super().__init__(generate(), **kwargs)


class LedgerMiddleware:
    """ASGI layer that writes each call into the ledger.

    The line is complete before the last piece of the answer goes out, so that who has read an answer finds it.
    """

    def __init__(self, app: ASGIApp, ledger: Ledger) -> None:
        self._app = app
        self._ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = Call(call=_kind(scope["method"], scope["path"]), method=scope["method"])
        line = self._ledger.enter(call)

        def tell(**known: Any) -> None:
            nonlocal call
            call = replace(call, **known)
            self._ledger.correct(line, call)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                tell(**scope.get("ukssdc.note", {}), http_status=message["status"])
            else:
                sent = call.bytes_sent + len(message.get("body", b""))
                tell(bytes_sent=sent, finished=not message.get("more_body", False))
            await send(message)

        scope.update({"ukssdc.call": call.call, "ukssdc.tell": tell, "ukssdc.send": send})
        try:
            await self._app(scope, receive, noting)
        finally:
            tell(**scope.get("ukssdc.note", {}), finished=True)


def below_root(path: str) -> str:
    """Return a path as the service's calls are listed."""
    return path.removeprefix(ROOT).strip("/")


def _kind(method: str, path: str) -> str:
    below = below_root(path)
    if method == "POST":
        return CALLS.get(below, "unknown")
    return "download" if FILE.fullmatch(below) else "unknown"
