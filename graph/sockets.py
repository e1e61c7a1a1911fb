"""Keeps malformed frames and sockets that are gone from the protocol handler, which bears neither."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from typing import Any, Final, cast

import orjson
import structlog
from graphql import GraphQLError, OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)

from db.faults import DatabaseFault
from graph.identity import Bearer
from graph.lines import Lines
from graph.operations import fault_of_request
from graph.outlets import outlet_of
from graph.transports import TRY_AGAIN_LATER
from graph.trusted import TrustedDocuments
from schema.kit.context import Context
from schema.kit.subscriptions import EventResult
from services.errors import ErrorCode, Problem
from services.limits import Level

TOO_MANY: Final = 4429
REASON_BYTES_MAX: Final = 123
"""What a close frame has room for."""
ID_LENGTH_MAX: Final = 128
TYPES: Final = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})

logger = structlog.get_logger("switchboard.sockets")


class TooMany(Problem):
    """More operations at once than a connection may have."""

    code = ErrorCode.RATE_LIMITED


class Socket(ASGIWebSocketAdapter):
    """One client's socket, which may be closed while operations still have something to send."""

    def __init__(self, view: Any, request: WebSocket, response: WebSocket) -> None:
        super().__init__(view, request, response)
        self._turn = asyncio.Lock()
        self._send_seconds: float = view.socket_send_seconds
        self._lines: Lines = view.lines

    async def send_json(self, message: Mapping[str, object]) -> None:
        await self._send(lambda: super(Socket, self).send_json(message))

    async def send_event(self, operation_id: str, payload: bytes) -> None:
        """Sends what is encoded already, in an envelope of the operation's own."""
        envelope = (
            f'{{"id":{orjson.dumps(operation_id).decode()},"type":"next","payload":{payload.decode()}}}'
        )

        async def write() -> None:
            try:
                await self.ws.send_text(envelope)
            except WebSocketDisconnect as error:
                raise WebSocketDisconnected from error

        await self._send(write)

    async def _send(self, write: Callable[[], Awaitable[None]]) -> None:
        # One at a time: where many wait for a slow client, only one message at once is written past the high-water mark.
        async with self._turn:
            if self.ws.application_state is WebSocketState.DISCONNECTED:
                raise WebSocketDisconnected
            try:
                async with asyncio.timeout(self._send_seconds):
                    await write()
            except WebSocketDisconnect:
                raise WebSocketDisconnected from None
            except TimeoutError:
                self._lines.slow_count += 1
                logger.warning("socket closed", reason="its client does not read")
                await self.close(TRY_AGAIN_LATER, "What was sent is not read.")
                raise WebSocketDisconnected from None

    async def close(self, code: int, reason: str) -> None:
        if self.ws.application_state is not WebSocketState.DISCONNECTED:
            await super().close(code, reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore"))


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """graphql-transport-ws for clients that may send anything: a malformed frame ends that socket only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bearer: Bearer | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._is_leaving = False
        endpoint: Any = self.view
        self._lines: Lines = endpoint.lines
        self._trusted: TrustedDocuments = endpoint.trusted

    async def handle(self) -> None:
        with self._lines.socket(self):
            try:
                await super().handle()
            finally:
                if self.context.line_id is not None:
                    self.context.server.presences.leave(self.context.line_id)

    async def handle_message(self, message: Any) -> None:
        if self.connection_acknowledged and _begins(message):
            try:
                message = {**message, "payload": self._trusted.resolved(message["payload"])}
            except Problem as problem:
                await self._refuse(message["id"], problem)
                return
        wrong = fault_of(message)
        if wrong is not None:
            await self.handle_invalid_message(wrong)
        elif message["type"] == "subscribe" and self._is_leaving:
            pass  # never begun: the client asks again when it has come back
        elif message["type"] == "subscribe" and self._is_full():
            await self._refuse(message["id"], TooMany("Too many operations at once on this connection."))
        else:
            # The handler does not know that a payload of null is none.
            given: Any = {name: value for name, value in message.items() if value is not None}
            try:
                await super().handle_message(given)
            except _Missing as failure:
                raise failure.error from None
            except DatabaseFault as fault:
                logger.warning("database fault", kind=fault.kind.value, cause=repr(fault.__cause__))
                await self.websocket.close(TRY_AGAIN_LATER, "The database does not answer.")

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        with _not_the_clients():
            await super().handle_connection_init(message)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        payload = message["payload"]
        if self.connection_acknowledged and self._trusted.is_on:
            try:
                asking = await self.context.identify() if self.context.identify is not None else None
                self._trusted.check(payload["query"], payload.get("operationName"), asking)
            except Problem as problem:
                await self._refuse(message["id"], problem)
                return
        with _not_the_clients():
            await super().handle_subscribe(message)
        begun = self.operations.get(message["id"])
        if begun is not None and begun.task is not None and not self._follows(begun):
            self._answering.add(begun.task)
            begun.task.add_done_callback(self._answering.discard)

    async def cleanup_operation(self, operation_id: str) -> None:
        begun = self.operations.get(operation_id)
        if begun is None or begun.task not in self._answering:
            await super().cleanup_operation(operation_id)
            return
        # Cut short, a read would cost its connection: it is carried through, and nobody is told.
        begun.completed = True
        del self.operations[operation_id]

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        # The handler's own gives all operations the same context: there would be no telling whose events these are.
        websocket = cast("Socket", self.websocket)
        outlet = outlet_of(websocket.ws.scope, self.bearer, operation, self.operations)
        try:
            results: Any = await self.schema.stream(
                operation.query,
                variable_values=operation.variables,
                context_value=replace(self.context, outlet=outlet),
                operation_name=operation.operation_name,
            )
            async with aclosing(results):
                await self._send_result_stream(operation, results)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except Exception as error:
            await self.handle_task_exception(error)
            with suppress(Exception):
                await operation.send_operation_message({"id": operation.id, "type": "complete"})
            self.operations.pop(operation.id, None)
            raise

    async def _send_result_stream(self, operation: Operation[Context, None], result_source: Any) -> None:
        async def told() -> AsyncGenerator[Any, None]:
            async for result in result_source:
                if isinstance(result, EventResult) and not operation.completed:
                    # Encoded once for all who are told the same.
                    await cast("Socket", self.websocket).send_event(operation.id, result.encoded())
                else:
                    yield result

        await super()._send_result_stream(operation, told())

    async def send_message(self, message: Message) -> None:
        if message["type"] == "connection_ack":
            bearer = self.context.identify
            self.bearer = bearer if isinstance(bearer, Bearer) else None
            if not self._lines.admit(self, self.context.payer, self._level.sockets):
                await self.websocket.close(TOO_MANY, "Too many sockets of one member, or of one address.")
                return
        await super().send_message(message)

    async def leave(self, code: int, reason: str, within_seconds: float) -> None:
        """Takes no more operations, and closes once what was asked is answered, or when the time is over."""
        self._is_leaving = True
        deadline = time.monotonic() + within_seconds
        while self._answering and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(set(self._answering), timeout=left)
        await self.websocket.close(code, reason)

    def _follows(self, operation: Operation[Context, None]) -> bool:
        graph: Any = self.schema
        found = graph.operation(operation.query, operation.operation_name, self.context)
        return found is not None and found.operation is OperationType.SUBSCRIPTION

    async def handle_task_exception(self, error: Exception) -> None:
        if not isinstance(error, WebSocketDisconnected):  # a client that left is no failure
            await super().handle_task_exception(error)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        # A document that does not parse is an error of its operation, not the end of all on the socket.
        return None

    def _is_full(self) -> bool:
        told = {operation.task for operation in self.operations.values()}
        return len(told | self._answering) >= self._level.subscriptions

    @property
    def _level(self) -> Level:
        return self.context.server.limits.level_of(self.context.asking)

    async def _refuse(self, operation_id: str, problem: Problem) -> None:
        error = GraphQLError(problem.message, extensions={"code": problem.code.value}).formatted
        await self.send_message({"id": operation_id, "type": "error", "payload": [error]})


class _Missing(Exception):
    """A KeyError of ours on its way past the handler, which takes any for a member that a frame lacks."""

    def __init__(self, error: KeyError) -> None:
        super().__init__()
        self.error = error


@contextmanager
def _not_the_clients() -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise _Missing(error) from error


def _begins(frame: object) -> bool:
    """Whether a frame asks for an operation in a form that may name it by its hash."""
    asks = isinstance(frame, dict) and frame.get("type") == "subscribe" and _is_id(frame.get("id"))
    return asks and isinstance(cast("dict[str, object]", frame).get("payload"), dict)


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
