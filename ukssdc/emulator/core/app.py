"""The HTTP application: routes, the quirks of the service's answers, archives with ranges."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from ukssdc.emulator.core.emulated_job import EmulatedJob, EmulatedJobs
from ukssdc.emulator.core.emulated_service import API_VERSION, RESULT_CALLS, EmulatedService, parse_products
from ukssdc.emulator.core.endpoints import CALLS, FILE_PATH, REBIN_CALLS, REBIN_PATH, ROOT, relative_path
from ukssdc.emulator.core.ledger import Ledger
from ukssdc.emulator.core.ledger_middleware import LedgerMiddleware
from ukssdc.emulator.core.rebinning import REBIN_API_VERSION
from ukssdc.emulator.core.wire_parameters import requested_products
from ukssdc.emulator.data.archive_contents import archive_files
from ukssdc.emulator.data.packing import MEDIA_TYPES, Archive
from ukssdc.status import Product

# The version is a text in some answers and a number in the others.
TEXT_VERSION: Final = frozenset({"submit", "cancel", "old_job"})


@dataclass(frozen=True)
class ServingOptions:
    """How the emulator serves.

    Attributes
    ----------
    ranges : bool
        Whether archives can be requested in part (`Range`).
    lengths : bool
        Whether archives have a `Content-Length`.
    etags : bool
        Whether archives have an `ETag`.
    deprecation_warning : str
        Sent with every answer, unless empty.
    seconds_per_poll : float, optional
        Service time that passes after each status call, s.
    """

    ranges: bool = True
    lengths: bool = True
    etags: bool = True
    deprecation_warning: str = ""
    seconds_per_poll: float | None = None


def make_app(
    service: EmulatedService,
    ledger: Ledger,
    options: ServingOptions,
    middleware: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> ASGIApp:
    """Return the ASGI application.

    Parameters
    ----------
    service : EmulatedService
        Answers the calls.
    ledger : Ledger
        Records every call.
    options : ServingOptions
    middleware : callable, optional
        Wraps the application, inside the middleware that keeps the ledger.
    """

    async def handle(request: Request) -> Response:
        path = relative_path(request.url.path)
        if request.method == "POST" and request.url.path == REBIN_PATH:
            return await _answer_rebin(request, service, options)
        if request.method == "POST" and path in CALLS:
            return await _answer(request, CALLS[path], service, options)
        if request.method in ("GET", "HEAD") and (match := FILE_PATH.fullmatch(path)):
            jobs = service.jobs if match["kind"] == "USERPROD" else service.rebins
            return _file(request, jobs, int(match["number"]), match["file"], options)
        return error_page(404)

    routes = [Route("/{path:path}", handle, methods=["GET", "HEAD", "POST", "PUT", "DELETE"])]
    return LedgerMiddleware(
        middleware(Starlette(routes=routes, exception_handlers={Exception: _internal_error})), ledger
    )


def error_page(status: int) -> Response:
    """Return one of the web server's own pages."""
    title, text = {
        400: ("Bad Request", "Your browser sent a request that this server could not understand."),
        401: ("Unauthorized", "This server could not verify that you are authorized to access the document requested."),
        403: ("Forbidden", "You don't have permission to access this resource."),
        404: ("Not Found", "The requested URL was not found on this server."),
        500: (
            "Internal Server Error",
            "The server encountered an internal error and was unable to complete your request.",
        ),
        429: ("Too Many Requests", "The user has sent too many requests in a given amount of time."),
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


def _internal_error(_: Request, __: Exception) -> Response:
    return error_page(500)


async def _answer(request: Request, call: str, service: EmulatedService, options: ServingOptions) -> Response:
    body = await _read_json(request)
    answer = service.answer(call, body, _root(request))
    _annotate(request, call, body if isinstance(body, dict) else {}, answer)
    if call == "status" and options.seconds_per_poll is not None:
        service.clock.advance(options.seconds_per_poll)
    answer["APIVersion"] = API_VERSION if call in TEXT_VERSION else float(API_VERSION)
    if options.deprecation_warning:
        answer["deprecationWarning"] = {"type": call, "message": options.deprecation_warning}
    return HTMLResponse(json.dumps(answer))


async def _answer_rebin(request: Request, service: EmulatedService, options: ServingOptions) -> Response:
    body = await _read_json(request)
    given = body if isinstance(body, dict) else {}
    call = rebin_call(given)
    answer = service.answer_rebin(call, body, _root(request))
    _annotate(request, call, given, answer)
    if call == "rebin_status" and options.seconds_per_poll is not None:
        service.clock.advance(options.seconds_per_poll)
    return HTMLResponse(json.dumps({**answer, "APIVersion": REBIN_API_VERSION}))


async def _read_json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        return None


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/") + ROOT


def rebin_call(body: dict[str, Any]) -> str:
    """Return the name of a call to `REBIN_PATH`, which its body tells."""
    return REBIN_CALLS.get(str(body.get("APIFunc")), "unknown")


def _annotate(request: Request, call: str, body: dict[str, Any], answer: dict[str, Any]) -> None:
    """Leave in the scope what the ledger is to record about the call."""
    request.scope["ukssdc.ledger_fields"] = {**subject_of(call, body, answer), "ok": answer.get("OK")}


def subject_of(call: str, body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return what a call is about, as the ledger records it."""
    if call in REBIN_CALLS.values():
        number = body.get("objectID", body.get("JobID"))
        products: tuple[Product, ...] = (Product.LightCurve,)
        sent = body if call == "rebin" else {}
    else:
        number = body.get("JobID", body.get("oldJob")) if call != "submit" else None
        number = answer.get("JobID", number)
        products = requested_products(body) if call == "submit" else parse_products(body.get("what"))
        products = (RESULT_CALLS[call],) if call in RESULT_CALLS else products
        sent = {key: value for key, value in body.items() if key != "UserID"} if call == "submit" else {}
    return {
        "call": call,
        "job_id": int(str(number)) if re.fullmatch(r"[0-9]{1,18}", str(number)) else None,
        "products": products,
        "body": sent,
    }


def _file(request: Request, jobs: EmulatedJobs, job_id: int, path: str, options: ServingOptions) -> Response:
    """Serve an archive (`lc.tar.gz`), or one of the files in it (`spec/interval0.tar.gz`)."""
    archives = {f"{p.wire}.{suffix}": (p, suffix) for p in Product for suffix in MEDIA_TYPES}
    folders = {p.wire: p for p in Product}
    folder, _, name = path.partition("/")
    product = archives[path][0] if path in archives else folders.get(folder)
    request.scope["ukssdc.ledger_fields"] = {"job_id": job_id, "products": (product,) if product else ()}
    if product is None or job_id not in jobs or not jobs[job_id].has_files(product):
        return error_page(404)
    if path in archives:
        return _send_archive(request, _archive_of(jobs[job_id], *archives[path]), options)
    content = archive_files(jobs[job_id], product).get(name)
    return error_page(404) if content is None else Response(content, media_type="application/octet-stream")


def _archive_of(job: EmulatedJob, product: Product, archive_format: str) -> Archive:
    seed = f"{job.id} {product} {job.revision(product)}"
    return Archive(archive_files(job, product), archive_format, size=job.build(product).size, seed=seed)


def _send_archive(request: Request, archive: Archive, options: ServingOptions) -> Response:
    headers = {"ETag": archive.etag} if options.etags else {}
    byte_range: tuple[int, int] | None = None
    if options.ranges:
        headers["Accept-Ranges"] = "bytes"
        condition = request.headers.get("if-range")
        if condition is None or (options.etags and condition == archive.etag):
            byte_range = _parse_range(request.headers.get("range", ""), archive.size)
    start, stop = byte_range or (0, archive.size)
    if byte_range and start >= stop:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{archive.size}"})
    if byte_range:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{archive.size}"
    if options.lengths:
        headers["Content-Length"] = str(stop - start)
    blocks: Iterator[bytes] = iter(()) if request.method == "HEAD" else archive.blocks(start, stop)
    return _IteratorResponse(
        blocks, status_code=206 if byte_range else 200, headers=headers, media_type=archive.media_type
    )


def _parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Return (start, stop) of a Range header, empty beyond the end; None for no range, or for several."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(size - int(match[2]), 0), size
    stop = min(int(match[2]) + 1, size) if match[2] else size
    return int(match[1]), stop


class _IteratorResponse(StreamingResponse):
    """A streamed answer from an iterator that never blocks, and so needs no thread."""

    def __init__(self, blocks: Iterator[bytes], **kwargs: Any) -> None:
        async def generate() -> Any:
            for block in blocks:
                if block:
                    yield block
                else:  # skipping the start of a large archive takes time in which other calls are to be served
                    await asyncio.sleep(0)

        super().__init__(generate(), **kwargs)
