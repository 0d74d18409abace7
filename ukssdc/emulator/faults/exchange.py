"""One call that goes wrong: its answer as a whole, and its connection, both ready to be spoilt."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from types import MethodType
from typing import Any, Final, cast

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ukssdc.emulator.faults import Fault

PIECES: Final = 50  # of a slow answer
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: what is unsent is thrown away, and the other side is told so


@dataclass
class Answer:
    """An answer as a whole, ready to be spoilt."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @classmethod
    def of(cls, response: Response) -> Answer:
        """Take over a response that is not streamed."""
        return cls(response.status_code, list(response.raw_headers), bytes(response.body))

    def with_length(self, length: int) -> Answer:
        """Return it with another Content-Length."""
        kept = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        return Answer(self.status, [*kept, (b"content-length", str(length).encode())], self.body)

    def with_body(self, body: bytes) -> Answer:
        """Return it with another body, of the length that it says."""
        return Answer(self.status, self.headers, body).with_length(len(body))


class Exchange:
    """One call that goes wrong: what can be done to it.

    Parameters
    ----------
    fault : Fault
        What goes wrong.
    app : ASGI application
        The service.
    scope, receive, send
        As ASGI has them.
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
        # uvicorn's own `send` (h11) is a method of the object that knows the connection.
        self._cycle: Any = cast("MethodType", scope["ukssdc.send"]).__self__

    async def process(self) -> Answer:
        """Let the call take effect; return the answer."""
        answer = Answer()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], list(message["headers"])
            else:
                answer.body += message.get("body", b"")

        await self._app(self._scope, replay(self._body, self._receive), collect)
        self._scope["ukssdc.tell"](**self._scope.get("ukssdc.note", {}))
        return answer

    async def reply(self, answer: Answer, *, broken: bool = False) -> None:
        """Send an answer; where `broken`, close the connection where its end would be."""
        await self._send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await self._send({"type": "http.response.body", "body": answer.body, "more_body": broken})
        if broken:
            self._scope["ukssdc.tell"](finished=True)
            self._cycle.transport.close()
            await self._gone()

    async def send_slowly(self, answer: Answer) -> None:
        """Send an answer in small pieces, as long as someone listens."""
        await self._send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        size = max(-(-len(answer.body) // PIECES), 1)
        for start in range(0, len(answer.body), size):
            await self.wait(self.fault.seconds / PIECES)
            await self._send(
                {"type": "http.response.body", "body": answer.body[start : start + size], "more_body": True}
            )
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def drop(self, *, reset: bool = True) -> None:
        """Close the connection without a word, or reset it."""
        self._scope["ukssdc.tell"](finished=True)
        _drop(self._cycle.transport, reset=reset)
        await self._gone()

    async def drop_all(self) -> None:
        """Reset every connection of the server, this one included."""
        for protocol in list(self._cycle.on_response.__self__.connections):
            if protocol.transport is not self._cycle.transport:
                _drop(protocol.transport, reset=True)
        await self.drop()

    async def wait(self, seconds: float) -> None:
        """Do nothing for so long, or until the client has gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone()

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _drop(transport: Any, *, reset: bool) -> None:
    if reset and (connection := transport.get_extra_info("socket")) is not None and not transport.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that begins with a body that has been read already."""
    pending = [body]

    async def again() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return again
