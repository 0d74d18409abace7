"""The ASGI middleware between the ledger and the service that makes calls fail for which a fault is due."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from ukssdc.emulator.core.app import rebin_call, subject_of
from ukssdc.emulator.core.endpoints import FILE_PATH, REBIN_PATH, relative_path
from ukssdc.emulator.faults.exchange import Exchange, replay
from ukssdc.emulator.faults.fault import Faults
from ukssdc.emulator.faults.handlers import HANDLERS
from ukssdc.status import Product


class FaultInjector:
    """ASGI middleware that makes calls fail; it runs inside the one that keeps the ledger.

    Parameters
    ----------
    app : ASGI application
        The service.
    faults : Faults
        Which calls fail, and how.
    forget : callable
        Makes the service lose its jobs (restart_forgetful).
    """

    def __init__(self, app: ASGIApp, faults: Faults, forget: Callable[[], None]) -> None:
        self._app = app
        self._faults = faults
        self._forget = forget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or let the fault that is due happen to it."""
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
        subject = _subject(scope, bytes(body))
        scope["ukssdc.call"] = subject.get("call", scope["ukssdc.call"])
        fault = self._faults.due(scope["ukssdc.call"], subject["products"])
        if fault is None:
            await self._app(scope, replay(bytes(body), receive), send)
            return
        scope["ukssdc.update_ledger"](fault=fault.kind, **subject)
        if fault.kind == "restart_forgetful":
            self._forget()
        await HANDLERS[fault.kind](Exchange(fault, self._app, scope, receive, send, bytes(body)))


def _subject(scope: Scope, body: bytes) -> dict[str, Any]:
    """Return the job and the products that a call is about, from the request alone."""
    if match := FILE_PATH.fullmatch(relative_path(scope["path"])):
        wire = re.split("[./]", match["file"])[0]
        return {"job_id": int(match["number"]), "products": tuple(p for p in Product if p.wire == wire)}
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    given = content if isinstance(content, dict) else {}
    call = rebin_call(given) if scope["path"] == REBIN_PATH else scope["ukssdc.call"]
    return subject_of(call, given, {})
