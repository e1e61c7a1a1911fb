"""uvicorn's WebSocket protocol, with an end for peers that do not read: no close waits for them, and none lasts."""

from asyncio import TimerHandle
from typing import Any, Final

import structlog
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import OPEN

TRY_AGAIN_LATER: Final = 1013
AT_ONCE: Final = "switchboard.at_once"
"""The extension of a scope that holds its transport, for who writes without waiting."""
GOODBYE_SECONDS: Final = 10.0
"""How long a peer may take to answer a close before the connection is cut."""
TEXT: Final = 0x81
"""How a frame begins that is a whole message of text."""

logger = structlog.get_logger("switchboard.sockets")


class WebSocketTransport(WebSocketsSansIOProtocol):
    """A WebSocket that holds at most one message beyond the transport's high-water mark."""

    cut_timer: TimerHandle | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.handshake_complete:  # else it was refused, and nobody is asked
            extensions: Any = self.scope["extensions"]
            extensions[AT_ONCE] = self

    def is_free(self) -> bool:
        """Whether a message can be written at once: the connection stands, and its peer reads."""
        return self.writable.is_set() and self.conn.state is OPEN and not self.transport.is_closing()

    def write_text(self, text: bytes) -> None:
        """Writes a message without waiting; to be called while it is free."""
        self.transport.write(text_frame(text))

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close" and self.handshake_complete:
            # Behind what is not read yet, instead of waiting until it was.
            self.writable.set()
            self._cut_later()
        elif message["type"] == "websocket.send":
            await self.writable.wait()
            if self.close_sent:
                raise ClientDisconnected
        await super().send(message)

    def keepalive_timeout(self) -> None:
        """The peer did not answer a ping: it is gone, or it does not read."""
        self.pong_timer = self.pending_ping_payload = None
        if self.close_sent or self.transport.is_closing():
            return
        reads = self.writable.is_set()
        code = 1011 if reads else TRY_AGAIN_LATER
        logger.info("socket closed", reason="no answer to a ping", reads=reads)
        self.conn.fail(code, "No answer to a ping.")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self.writable.set()
        self.transport.close()
        self._cut_later()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.cut_timer is not None:
            self.cut_timer.cancel()
            self.cut_timer = None
        super().connection_lost(exc)

    def _cut_later(self) -> None:
        # A transport that is closed waits until its buffer is read, which may be never.
        if self.cut_timer is None and not self.disconnected:
            self.cut_timer = self.loop.call_later(GOODBYE_SECONDS, self.transport.abort)


def text_frame(text: bytes) -> bytes:
    """A whole message in one frame of a server, which is not masked."""
    length = len(text)
    if length < 126:
        return bytes((TEXT, length)) + text
    if length < 65_536:
        return bytes((TEXT, 126)) + length.to_bytes(2) + text
    return bytes((TEXT, 127)) + length.to_bytes(8) + text
