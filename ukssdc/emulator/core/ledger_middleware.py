"""The ASGI middleware that records each call in the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ukssdc.emulator.core.endpoints import call_name
from ukssdc.emulator.core.ledger import Call, Ledger


class LedgerMiddleware:
    """ASGI middleware that records each call in the ledger.

    The record is complete before the last chunk of the answer is sent: a caller that has read an answer finds it.
    """

    def __init__(self, app: ASGIApp, ledger: Ledger) -> None:
        self._app = app
        self._ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = Call(call=call_name(scope["method"], scope["path"]), method=scope["method"])
        index = self._ledger.add(call)

        def update(**known: Any) -> None:
            nonlocal call
            call = replace(call, **known)
            self._ledger.replace_at(index, call)

        async def recording_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                update(**scope.get("ukssdc.ledger_fields", {}), http_status=message["status"])
            else:
                sent = call.bytes_sent + len(message.get("body", b""))
                update(bytes_sent=sent, finished=not message.get("more_body", False))
            await send(message)

        scope.update({"ukssdc.call": call.call, "ukssdc.update_ledger": update, "ukssdc.send": send})
        try:
            await self._app(scope, receive, recording_send)
        finally:
            update(**scope.get("ukssdc.ledger_fields", {}), finished=True)
