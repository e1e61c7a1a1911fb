"""Keeps malformed frames and sockets that are gone from the protocol handler, which bears neither."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from graphql import GraphQLError
from starlette.websockets import WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from db.faults import DatabaseFault
from graph.operations import fault_of_request
from schema.kit.context import Context
from services.errors import ErrorCode

TRY_AGAIN_LATER: Final = 1013
REASON_BYTES_MAX: Final = 123
"""What a close frame has room for."""
ID_LENGTH_MAX: Final = 128
TYPES: Final = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})

logger = structlog.get_logger("switchboard.sockets")


class Socket(ASGIWebSocketAdapter):
    """One client's socket, which may be closed while operations still have something to send."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        await super().send_json(message)

    async def close(self, code: int, reason: str) -> None:
        if self.ws.application_state is not WebSocketState.DISCONNECTED:
            await super().close(code, reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore"))


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """graphql-transport-ws for clients that may send anything: a malformed frame ends that socket only."""

    async def handle_message(self, message: Any) -> None:
        wrong = fault_of(message)
        if wrong is not None:
            await self.handle_invalid_message(wrong)
        elif message["type"] == "subscribe" and self._is_full():
            await self._refuse(message["id"], "Too many operations at once on this connection.")
        else:
            # The handler does not know that a payload of null is none.
            given: Any = {name: value for name, value in message.items() if value is not None}
            try:
                await super().handle_message(given)
            except DatabaseFault as fault:
                logger.warning("database fault", kind=fault.kind.value, cause=repr(fault.__cause__))
                await self.websocket.close(TRY_AGAIN_LATER, "The database does not answer.")

    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):  # a client that left is no failure
            await super().handle_task_exception(error)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        # A document that does not parse is an error of its operation, not the end of all on the socket.
        return None

    def _is_full(self) -> bool:
        most = self.max_subscriptions_per_connection
        return most is not None and len(self.operations) >= most

    async def _refuse(self, operation_id: str, text: str) -> None:
        error = GraphQLError(text, extensions={"code": ErrorCode.RATE_LIMITED.value}).formatted
        await self.send_message({"id": operation_id, "type": "error", "payload": [error]})


def fault_of(frame: object) -> str | None:
    """What is wrong with a frame, by the letter of the protocol; None where nothing is."""
    if not isinstance(frame, dict):
        return "A message is an object."
    kind, payload = frame.get("type"), frame.get("payload")
    if not isinstance(kind, str) or kind not in TYPES:
        return "The type of a message is one of: " + ", ".join(sorted(TYPES)) + "."
    if payload is not None and not isinstance(payload, dict):
        return "A payload is an object."
    if kind in ("subscribe", "complete") and not _is_id(frame.get("id")):
        return f"The id of an operation is a text of 1 to {ID_LENGTH_MAX} characters."
    if kind == "subscribe":
        return fault_of_request(payload or {})
    return None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= ID_LENGTH_MAX
