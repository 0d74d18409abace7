"""The ASGI middleware that writes the header `Date`, by a clock that may be wrong."""

from __future__ import annotations

import time
from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class DateHeader:
    """ASGI middleware that adds the header `Date` to every answer.

    Parameters
    ----------
    app : ASGI application
    skew : float
        How far its clock is ahead of this machine's, s.
    """

    def __init__(self, app: ASGIApp, skew: float = 0.0) -> None:
        self._app = app
        self._skew = skew

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(time.time() + self._skew, usegmt=True)
                message = {**message, "headers": [*message["headers"], (b"date", date.encode())]}
            await send(message)

        await self._app(scope, receive, send_dated)
