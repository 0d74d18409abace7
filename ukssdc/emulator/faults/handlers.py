"""What each kind of fault does to a call: one handler per kind."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any, Final

from starlette.responses import HTMLResponse, RedirectResponse, Response

from ukssdc.emulator.core.app import error_page
from ukssdc.emulator.core.emulated_job import STATUS_TEXTS
from ukssdc.emulator.faults.exchange import BufferedResponse, Exchange
from ukssdc.status import Product

OTHER_HOST: Final = "http://127.0.0.2:9/"  # another host, where nothing listens
MAINTENANCE: Final = (
    "<!DOCTYPE html>\n<html><head><title>UKSSDC</title></head>\n"
    "<body><h1>Maintenance</h1><p>Our servers are down for maintenance. Please come back later.</p></body></html>\n"
)
LOWERED_CODES: Final = (2, 3, 4)  # status codes that can go back by one


async def _reset_after(exchange: Exchange) -> None:
    await exchange.process()
    await exchange.disconnect()


async def _stall(exchange: Exchange) -> None:
    await exchange.wait(exchange.fault.seconds)
    await exchange.disconnect(reset=False)


async def _stall_after(exchange: Exchange) -> None:
    answer = await exchange.process()
    await exchange.wait(exchange.fault.seconds)
    await exchange.reply(answer)


async def _slow(exchange: Exchange) -> None:
    await exchange.send_slowly(await exchange.process())


async def _endless_headers(exchange: Exchange) -> None:
    await exchange.send_endless_headers()


async def _restart(exchange: Exchange) -> None:
    if exchange.fault.after:
        await exchange.process()
    await exchange.reset_all_connections()


async def _unchanged(exchange: Exchange) -> None:
    await exchange.reply(await exchange.process())


async def _truncated(exchange: Exchange) -> None:
    answer = await exchange.process()
    await exchange.reply(_halved(answer).with_length(len(answer.body)), broken=True)


async def _wrong_length(exchange: Exchange) -> None:
    answer = await exchange.process()
    await exchange.reply(answer.with_length(len(answer.body) + 1000), broken=True)


def _replaced_by(make: Callable[[], Response]) -> Callable[[Exchange], Awaitable[None]]:
    async def handler(exchange: Exchange) -> None:
        if exchange.fault.after:
            await exchange.process()
        await exchange.reply(BufferedResponse.from_response(make()))

    return handler


def _altered(change: Callable[[BufferedResponse], BufferedResponse]) -> Callable[[Exchange], Awaitable[None]]:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(change(await exchange.process()))

    return handler


def _altered_statuses(
    change: Callable[[dict[str, Any]], dict[str, Any] | None],
) -> Callable[[Exchange], Awaitable[None]]:
    """Change the products' entries in a status answer, or leave them out (None).

    A fault with a product changes that product alone.
    """

    async def handler(exchange: Exchange) -> None:
        answer = await exchange.process()
        content = json.loads(answer.body)
        if exchange.call == "rebin_status":
            content = _altered_rebin_status(content, change)
        chosen = [exchange.fault.product] if exchange.fault.product else list(Product)
        for wire in [p.wire for p in Product if p in chosen and p.wire in content]:
            changed = change(content.pop(wire))
            content |= {} if changed is None else {wire: changed}
        await exchange.reply(answer.with_body(json.dumps(content).encode()))

    return handler


def _altered_rebin_status(
    content: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any] | None]
) -> dict[str, Any]:
    """Change the status of a rebinning as a product's entry is changed."""
    rest = {key: value for key, value in content.items() if key not in ("status", "text")}
    changed = change({"statusCode": content.get("status"), "statusText": content.get("text")})
    return rest if changed is None else rest | {"status": changed["statusCode"], "text": changed["statusText"]}


def _backwards(entry: dict[str, Any]) -> dict[str, Any]:
    code = entry.get("statusCode")
    if code not in LOWERED_CODES:
        return entry
    return {"statusCode": code - 1, "statusText": STATUS_TEXTS[code - 1], "progress": {"GotProgress": 0}}


def _halved(answer: BufferedResponse) -> BufferedResponse:
    return answer.with_body(answer.body[: len(answer.body) // 2])


def _corrupted(answer: BufferedResponse) -> BufferedResponse:
    body = bytearray(answer.body)
    for position in range(20, len(body), 97):  # dense enough to hit every header of a tar file
        body[position] ^= 0xFF
    return answer.with_body(bytes(body))


def _altered_json(change: Callable[[Any], Any]) -> Callable[[Exchange], Awaitable[None]]:
    return _altered(lambda answer: answer.with_body(json.dumps(change(json.loads(answer.body))).encode()))


def _lists_as_objects(value: Any) -> Any:
    if isinstance(value, list):
        return {str(2 * place + 1): _lists_as_objects(item) for place, item in enumerate(value)}
    return {key: _lists_as_objects(item) for key, item in value.items()} if isinstance(value, dict) else value


def _without_ok(content: Any) -> Any:
    return {key: value for key, value in content.items() if key != "OK"}


async def _other_job(exchange: Exchange) -> None:
    answer = await exchange.process()
    content = json.loads(answer.body)
    key = "oldJob" if exchange.call == "old_job" else "JobID"
    content[key] = int(exchange.request.get(key, 0)) + 1
    await exchange.reply(answer.with_body(json.dumps(content).encode()))


def _oversized(answer: BufferedResponse) -> BufferedResponse:
    padding = b'{"padding": "' + b"x" * (70 * 2**20) + b'", ' + answer.body.lstrip()[1:]
    packed = answer.with_body(gzip.compress(padding, compresslevel=1))
    return BufferedResponse(packed.status, [*packed.headers, (b"content-encoding", b"gzip")], packed.body)


def _with_retry_after(status: int, value: Callable[[float], str]) -> Callable[[Exchange], Awaitable[None]]:
    async def handler(exchange: Exchange) -> None:
        answer = BufferedResponse.from_response(error_page(status))
        answer.headers.append((b"retry-after", value(exchange.fault.seconds).encode()))
        await exchange.reply(answer)

    return handler


def _not_ok() -> Response:
    return HTMLResponse(json.dumps({"OK": 0, "ERROR": "An internal error occurred. Please try again later."}))


HANDLERS: Final[Mapping[str, Callable[[Exchange], Awaitable[None]]]] = {
    "refuse": lambda exchange: exchange.disconnect(reset=False),
    "reset_before": lambda exchange: exchange.disconnect(),
    "reset_after": _reset_after,
    "stall": _stall,
    "stall_after": _stall_after,
    "slow": _slow,
    "endless_headers": _endless_headers,
    "restart": _restart,
    "restart_forgetful": _unchanged,
    "http_500": _replaced_by(lambda: error_page(500)),
    "http_502": _replaced_by(lambda: error_page(502)),
    "http_400": _replaced_by(lambda: error_page(400)),
    "http_401": _replaced_by(lambda: error_page(401)),
    "http_403": _replaced_by(lambda: error_page(403)),
    "http_429": _with_retry_after(429, lambda seconds: str(round(seconds))),
    "http_503": _with_retry_after(503, lambda seconds: formatdate(time.time() + seconds, usegmt=True)),
    "html_200": _replaced_by(lambda: HTMLResponse(MAINTENANCE)),
    "truncated_json": _truncated,
    "invalid_json": _altered(lambda answer: answer.with_body(b'{"OK": 1, "JobID": }')),
    "not_ok": _replaced_by(_not_ok),
    "json_list": _altered_json(lambda content: [content]),
    "json_string": _altered_json(lambda _: "OK"),
    "json_null": _altered_json(lambda _: None),
    "no_ok": _altered_json(_without_ok),
    "too_large": _altered(_oversized),
    "lists_as_objects": _altered_json(_lists_as_objects),
    "other_job": _other_job,
    "status_missing": _altered_statuses(lambda _: None),
    "status_backwards": _altered_statuses(_backwards),
    "archive_truncated": _truncated,
    "archive_short": _altered(_halved),
    "archive_corrupt": _altered(_corrupted),
    "archive_wrong_length": _wrong_length,
    "archive_404": _replaced_by(lambda: error_page(404)),
    "archive_html": _replaced_by(lambda: HTMLResponse(MAINTENANCE)),
    "archive_redirect": _replaced_by(lambda: RedirectResponse(OTHER_HOST + "lc.tar.gz", 302)),
}
