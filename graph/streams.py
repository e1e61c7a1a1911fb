"""Event streams: the answers of a subscription over HTTP, for as long as whoever asked may be told of them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from strawberry.http.streaming import SSETransport

from graph.identity import Bearer
from graph.lines import Lines
from services.errors import ErrorCode

FORMAT: Final = SSETransport()


class EventStream(StreamingResponse):
    """One stream of server-sent events. Count it as somebody's first: it is counted until it has ended."""

    def __init__(
        self,
        parts: AsyncGenerator[str, None],
        lines: Lines,
        bearer: Bearer | None,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(parts, headers=headers)
        self._parts, self._lines, self.bearer = parts, lines, bearer
        self._time = asyncio.timeout(None)
        self._farewell = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._lines.stream(self):
            try:
                # Closed here: who is cut off while something is sent would leave it to the garbage collector.
                async with aclosing(self._parts), self._time:
                    await super().__call__(scope, receive, send)
            except TimeoutError:
                if not self._farewell:
                    raise
                await send({"type": "http.response.body", "body": self._farewell})

    async def leave(self, code: int, reason: str, within_seconds: float) -> None:
        """Ends it at once, with an error that says why: the client may come back with a new token."""
        if self._farewell:
            return
        error = {"message": reason, "extensions": {"code": ErrorCode.UNAUTHENTICATED.value}}
        told = FORMAT.encode_next({"errors": [error]}, lambda data: orjson.dumps(data).decode())
        self._farewell = (told + FORMAT.encode_complete()).encode()
        self._time.reschedule(asyncio.get_running_loop().time())
