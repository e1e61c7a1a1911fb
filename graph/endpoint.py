"""The graph on the wire: GraphQL over HTTP, graphql-transport-ws, and graphql-sse in distinct connections."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from graphql import GraphQLError, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.parse_content_type import parse_content_type
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.unset import UnsetType

from db.base import new_id
from graph.answers import Answer, Unanswered, accepted, id_of, status_of_answer, told
from graph.identity import Bearer, Identity
from graph.lines import Lines
from graph.negotiation import EVENTS, JSON, liked_types
from graph.operations import fault_of_request, read_operation
from graph.requests import CLIENT_CLOSED_REQUEST, client_address, header, header_text, is_local, read_body
from graph.settings import Network
from graph.sockets import Socket, SocketHandler
from graph.statuses import status_of
from graph.streams import EventStream
from graph.tally import Tallied, Tally
from graph.trusted import TrustedDocuments
from graph.turns import Turns
from schema.kit.context import Context
from schema.kit.errors import present
from schema.kit.execution.telling import Telling
from schema.kit.schema import Schema
from services import security
from services.errors import ErrorCode, RateLimited, Unauthenticated
from services.limits import WAIT_FOR_A_TURN_SECONDS
from services.server import Server

TELL_PLAN: Final = b"x-plan"
"""A request with `X-Plan: 1` is told in `extensions.plan` how it was executed, in development."""
JSON_BYTES: Final = JSON.encode()
INIT_WAIT: Final = timedelta(seconds=5)
AGENT_LENGTH_MAX: Final = 255


class BoundedRequest(Request):
    """A request with a body of a bounded size, read at once: Starlette's way takes as long as understanding it."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await read_body(self.receive)
        return self._body


class RequestAdapter(StarletteRequestAdapter):
    """A request as the view reads it, and what the view has found out about it."""

    @property
    def context(self) -> Context:
        """What the request's operation will be run with."""
        context: Context = self._request.state.context
        return context

    def note_follows(self, follows: bool) -> None:
        """Whether it is answered for as long as the client likes."""
        self._request.state.follows = follows


class Endpoint(GraphQL[Context, None]):
    """`/graphql`. Errors leave it with a code, answers with the request id and the time."""

    graphql_transport_ws_handler_class = SocketHandler
    websocket_adapter_class = Socket
    request_adapter_class = RequestAdapter

    def __init__(
        self,
        schema: Schema,
        server: Server,
        *,
        allowed_origins: tuple[str, ...],
        any_local_origin: bool,
        trusted_proxies: tuple[Network, ...],
        lines: Lines,
        socket_send_seconds: float,
        tally: Tally,
        trusted: TrustedDocuments,
        turns: Turns,
        tells_plans: bool = False,
    ) -> None:
        counted: Any = Tallied(schema, tally)
        super().__init__(
            counted,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=INIT_WAIT,
            allowed_origins=allowed_origins,
        )
        self._graph, self._server, self._identity = counted, server, Identity(server)
        self._tally, self.trusted, self._turns = tally, trusted, turns
        self.lines, self.socket_send_seconds, self._tells_plans = lines, socket_send_seconds, tells_plans
        self._any_local_origin, self._trusted_proxies = any_local_origin, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            response = await self._answer(BoundedRequest(scope, receive))
            await response(scope, receive, send)
        elif GRAPHQL_TRANSPORT_WS_PROTOCOL in scope["subprotocols"]:
            await self.run(WebSocket(scope, receive, send))
        else:
            # Not accepted at all: in the older `graphql-ws` a client was let in before it had said who it is.
            await WebSocket(scope, receive, send).close()

    async def _answer(self, request: Request) -> Response:
        try:
            await request.body()  # whoever sends it slowly takes no turn meanwhile
            with self._turns:
                return await self._executed(request)
        except ClientDisconnect:
            # Nobody is there to read it: it is for the log line.
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        except HTTPException as refusal:
            self._tally.refuse(ErrorCode.VALIDATION_ERROR.value)
            error = GraphQLError(refusal.reason, extensions={"code": ErrorCode.VALIDATION_ERROR.value})
            return Answer(request, {"errors": [error.formatted]}, refusal.status_code)
        except Exception as failure:
            error = present(GraphQLError("", original_error=failure), id_of(request))
            self._tally.refuse(str((error.extensions or {})["code"]))
            return Answer(request, {"errors": [error.formatted]}, status_of(error.formatted))

    async def _executed(self, request: Request) -> Response:
        if request.method != "POST" or header(request.scope, b"content-type") != JSON_BYTES:
            return await self.run(request)
        context = await self.get_context(request, None)
        body = await request.body()
        operation = read_operation(body, accepted(request), self._graph, self.trusted, context)
        if operation is None:
            return await self.run(request, context)
        self.trusted.check(operation["query"], operation["operation_name"], context.asking)
        result = await self._graph.execute(context_value=context, **operation)
        answer = told(result)
        return Answer(request, answer, status_of_answer(request, answer))

    async def get_context(self, request: Request | WebSocket, response: Any) -> Context:
        scope = request.scope
        bearer = await self._identity.of_request(request) if isinstance(request, Request) else None
        context = Context(
            self._server,
            bearer.viewer if bearer is not None else None,
            identify=bearer,
            request_id=id_of(request),
            client_address=client_address(scope, self._trusted_proxies),
            client_agent=header_text(scope, b"user-agent")[:AGENT_LENGTH_MAX] or None,
            telling=Telling() if self._tells_plans and header(scope, TELL_PLAN) == b"1" else None,
            line_id=new_id() if scope["type"] == "websocket" else None,
        )
        scope["state"]["context"] = context
        return context

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        try:
            bearer = await self._identity.of_parameters(context.connection_params)
        except Unauthenticated as error:
            raise ConnectionRejectionError from error
        # A socket outlives what its viewer may do: asked again for each operation and each event.
        context.identify = bearer
        context.asking = bearer.viewer if bearer is not None else None
        return UnsetType()

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        local = self._any_local_origin and is_local(origin)
        allowed = local or super().is_websocket_origin_allowed(request, origin)
        if not allowed:
            security.note(security.ORIGIN_REFUSED, origin=origin)
        return allowed

    def should_render_graphql_ide(self, request: Any) -> bool:
        return self.graphql_ide is not None and super().should_render_graphql_ide(request)

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        members = self.trusted.resolved(await self._read_members(request))
        wrong = fault_of_request(members)
        if wrong is not None:
            raise HTTPException(HTTPStatus.BAD_REQUEST, wrong)
        query, name = members["query"], members.get("operationName")
        assert isinstance(request, RequestAdapter)
        self.trusted.check(query, name, request.context.asking)
        operation = self._graph.operation(query, name, request.context)
        kind = operation.operation if operation is not None else None
        if kind is OperationType.MUTATION and request.method == "GET":
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, "A mutation is sent by POST.")
        types = liked_types(request.headers.get("accept", ""))
        if kind is OperationType.SUBSCRIPTION and EVENTS not in types:
            raise HTTPException(
                HTTPStatus.NOT_ACCEPTABLE, f"A subscription is answered as {EVENTS}, or over a WebSocket."
            )
        streamed = types[:1] == (EVENTS,) or kind is OperationType.SUBSCRIPTION
        request.note_follows(kind is OperationType.SUBSCRIPTION)
        return GraphQLRequestData(
            query, members.get("variables"), name, members.get("extensions"), "sse" if streamed else "http"
        )

    async def _read_members(self, request: AsyncHTTPRequestAdapter) -> dict[str, Any]:
        if request.method == "GET":
            return self.parse_query_params(request.query_params)
        content_type, _ = parse_content_type(request.content_type or "")
        if content_type != JSON:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"A request is sent as {JSON}.")
        body = self.parse_json(await request.get_body())
        if isinstance(body, list):
            raise HTTPException(
                HTTPStatus.BAD_REQUEST, "Batches are not taken: send each operation by itself."
            )
        if not isinstance(body, dict):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "A request is a JSON object.")
        return body

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        # What `create_response` is given of the request: the only way to it.
        return Unanswered(request)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        return told(result)

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        assert isinstance(sub_response, Unanswered)
        request = sub_response.request
        return Answer(request, response_data, status_of_answer(request, response_data))

    async def create_streaming_response(
        self, request: Any, stream: Any, sub_response: Response, headers: Mapping[str, str]
    ) -> Response:
        headers = {**headers, "Vary": "Accept"}
        if not request.state.follows:
            return StreamingResponse(stream(), headers=headers)
        context: Context = request.state.context
        bearer = context.identify if isinstance(context.identify, Bearer) else None
        answer = EventStream(stream(), self.lines, bearer, headers)
        level = self._server.limits.level_of(context.asking)
        if not self.lines.admit(answer, context.payer, level.sockets):
            raise RateLimited("Too many sockets and event streams.", retry_after=WAIT_FOR_A_TURN_SECONDS)
        return answer

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()
