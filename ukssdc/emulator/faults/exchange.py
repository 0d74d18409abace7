"""One call to which a fault happens: its whole answer, and its connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from dataclasses import dataclass, field
from types import MethodType
from typing import Any, Final, cast

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ukssdc.emulator.faults.fault import Fault

SLOW_CHUNKS: Final = 50  # in which a slow answer is sent
HEADER_BYTE_INTERVAL: Final = 0.05  # s
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends RST


@dataclass
class BufferedResponse:
    """A whole answer, before it is sent."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @classmethod
    def from_response(cls, response: Response) -> BufferedResponse:
        """Return the answer that a response would give; not for streamed ones."""
        return cls(response.status_code, list(response.raw_headers), bytes(response.body))

    def with_length(self, length: int) -> BufferedResponse:
        """Return the answer with another Content-Length."""
        kept = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        return BufferedResponse(self.status, [*kept, (b"content-length", str(length).encode())], self.body)

    def with_body(self, body: bytes) -> BufferedResponse:
        """Return the answer with another body, and its Content-Length."""
        return BufferedResponse(self.status, self.headers, body).with_length(len(body))


class Exchange:
    """One call to which a fault happens, and what a handler can do to it.

    Parameters
    ----------
    fault : Fault
        The fault that is due.
    app : ASGI application
        The service.
    scope, receive, send
        As in ASGI.
    body : bytes
        The request's body.
    """

    def __init__(self, fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        self.fault = fault
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body = body
        # uvicorn's own `send` (h11) is a method of the object that holds the connection.
        self._cycle: Any = cast("MethodType", scope["ukssdc.send"]).__self__

    @property
    def call(self) -> str:
        """The call's name, as in the ledger."""
        return str(self._scope["ukssdc.call"])

    @property
    def request(self) -> dict[str, Any]:
        """The request's body; empty where it is no JSON object."""
        try:
            content = json.loads(self._body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    async def process(self) -> BufferedResponse:
        """Let the service process the call; return its answer."""
        answer = BufferedResponse()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], list(message["headers"])
            else:
                answer.body += message.get("body", b"")

        await self._app(self._scope, replay(self._body, self._receive), collect)
        self._scope["ukssdc.update_ledger"](**self._scope.get("ukssdc.ledger_fields", {}))
        return answer

    async def reply(self, answer: BufferedResponse, *, broken: bool = False) -> None:
        """Send an answer; with `broken`, close the connection before the answer is complete."""
        await self._send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await self._send({"type": "http.response.body", "body": answer.body, "more_body": broken})
        if broken:
            self._scope["ukssdc.update_ledger"](finished=True)
            self._cycle.transport.close()
            await self._wait_for_disconnect()

    async def send_slowly(self, answer: BufferedResponse) -> None:
        """Send an answer in small chunks, spread over the fault's seconds."""
        await self._send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        size = max(-(-len(answer.body) // SLOW_CHUNKS), 1)
        for start in range(0, len(answer.body), size):
            await self.wait(self.fault.seconds / SLOW_CHUNKS)
            await self._send(
                {"type": "http.response.body", "body": answer.body[start : start + size], "more_body": True}
            )
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send_endless_headers(self) -> None:
        """Begin an answer, and send one byte of a header now and then for the fault's seconds; then disconnect."""
        end = time.monotonic() + self.fault.seconds
        self._cycle.transport.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
        while time.monotonic() < end and not self._cycle.transport.is_closing():
            self._cycle.transport.write(b"x")
            await self.wait(HEADER_BYTE_INTERVAL)
        await self.disconnect(reset=False)

    async def disconnect(self, *, reset: bool = True) -> None:
        """Reset the connection; with `reset` false, close it. No answer is sent."""
        self._scope["ukssdc.update_ledger"](finished=True)
        _close(self._cycle.transport, reset=reset)
        await self._wait_for_disconnect()

    async def reset_all_connections(self) -> None:
        """Reset every connection of the server, including this one."""
        for protocol in list(self._cycle.on_response.__self__.connections):
            if protocol.transport is not self._cycle.transport:
                _close(protocol.transport, reset=True)
        await self.disconnect()

    async def wait(self, seconds: float) -> None:
        """Wait so many seconds, or until the client disconnects."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wait_for_disconnect()

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _close(transport: Any, *, reset: bool) -> None:
    if reset and (connection := transport.get_extra_info("socket")) is not None and not transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first yields a body that has been read already."""
    pending = [body]

    async def receive_again() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return receive_again
