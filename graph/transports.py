"""uvicorn's WebSocket protocol, with an end for peers that do not read: no close waits for them, and none lasts."""

from asyncio import TimerHandle
from typing import Any, Final

import structlog
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

TRY_AGAIN_LATER: Final = 1013
GOODBYE_SECONDS: Final = 10.0
"""How long a peer may take to answer a close before the connection is cut."""

logger = structlog.get_logger("switchboard.sockets")


class WebSocketTransport(WebSocketsSansIOProtocol):
    """A WebSocket that holds at most one message beyond the transport's high-water mark."""

    cut_timer: TimerHandle | None = None

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
