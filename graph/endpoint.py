"""The graph over HTTP, WebSocket and server-sent events: GraphQL over HTTP, graphql-transport-ws, graphql-sse."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.unset import UNSET, UnsetType

from db.base import now
from graph.identity import Identity
from graph.requests import client_address
from graph.settings import Network
from schema.kit.context import Context
from schema.kit.scalars import write_instant
from schema.kit.schema import Schema
from services.errors import ErrorCode, Problem, Unauthenticated
from services.server import Server

INIT_WAIT: Final = timedelta(seconds=5)
SUBSCRIPTIONS_MAX: Final = 100
JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
AGENT_LENGTH_MAX: Final = 255
STATUSES: Final = {
    ErrorCode.VALIDATION_ERROR: 400,
    ErrorCode.QUERY_TOO_EXPENSIVE: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.INVALID_CREDENTIALS: 401,
    ErrorCode.ACCESS_DENIED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.STALE_VERSION: 409,
    ErrorCode.INVALID_TRANSITION: 409,
    ErrorCode.IDEMPOTENCY_KEY_REUSED: 409,
    ErrorCode.CURSOR_AHEAD: 409,
    ErrorCode.CURSOR_EXPIRED: 410,
    ErrorCode.PAYLOAD_TOO_LARGE: 413,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.QUOTA_EXCEEDED: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.DATABASE_UNAVAILABLE: 503,
    ErrorCode.TIMEOUT: 504,
}


class Endpoint(GraphQL[Context, None]):
    """`/graphql`. Errors leave it with a code, answers with the request id and the time."""

    def __init__(
        self,
        schema: Schema,
        server: Server,
        *,
        allowed_origins: tuple[str, ...],
        any_local_origin: bool,
        trusted_proxies: tuple[Network, ...],
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=INIT_WAIT,
            max_subscriptions_per_connection=SUBSCRIPTIONS_MAX,
            allowed_origins=allowed_origins,
        )
        self._server, self._identity = server, Identity(server)
        self._any_local_origin, self._trusted_proxies = any_local_origin, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except HTTPException as error:
            code = ErrorCode.PAYLOAD_TOO_LARGE if error.status_code == 413 else ErrorCode.VALIDATION_ERROR
            response = self._refuse(request, error.reason, code, error.status_code)
        except Problem as problem:
            response = self._refuse(request, problem.message, problem.code, STATUSES[problem.code])
        await response(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Any) -> Context:
        headers = request.headers
        asking = None
        if request.scope["type"] == "http":
            asking = await self._identity.of_header(headers.get("authorization"))
        return Context(
            self._server,
            asking,
            request_id=_request_id(request.scope),
            client_address=client_address(request.scope, self._trusted_proxies),
            client_agent=headers.get("user-agent", "")[:AGENT_LENGTH_MAX] or None,
        )

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        try:
            context.asking = await self._identity.of_parameters(context.connection_params)
        except Unauthenticated as error:
            raise ConnectionRejectionError from error
        return UNSET

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return super().is_websocket_origin_allowed(request, origin) or (
            self._any_local_origin and is_local(origin)
        )

    async def execute_operation(
        self, request: Request, request_adapter: Any, *args: Any, **kwargs: Any
    ) -> Any:
        try:
            return await super().execute_operation(request, request_adapter, *args, **kwargs)
        except HTTPException as error:
            if isinstance(error.__cause__, InvalidOperationTypeError) and request.method == "GET":
                raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, error.reason) from error
            raise

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        # What `create_response` is given of the request: the only way to it.
        return Answer(request)

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        if not is_refused_whole(result):
            answer["data"] = result.data
        if result.extensions:
            answer["extensions"] = result.extensions
        return answer  # type: ignore[return-value]

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        assert isinstance(sub_response, Answer)
        status = HTTPStatus.OK if "data" in response_data else status_of(response_data["errors"])
        return self._respond(sub_response.request, response_data, status)

    def _refuse(self, request: Request, message: str, code: ErrorCode, status: int) -> Response:
        error = GraphQLError(message, extensions={"code": code.value}).formatted
        return self._respond(request, {"errors": [error]}, status)

    def _respond(self, request: Request | WebSocket, answer: dict[str, Any], status: int) -> Response:
        told = {"requestId": _request_id(request.scope), "timestamp": write_instant(now())}
        body = orjson.dumps({**answer, "extensions": {**answer.get("extensions", {}), **told}})
        kind = answer_type(request.headers.get("accept", ""))
        return Response(body, status, media_type=f"{kind}; charset=utf-8", headers={"Vary": "Accept"})

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()


class Answer(Response):
    """An answer before there is one: whose request it will be for."""

    def __init__(self, request: Request | WebSocket) -> None:
        super().__init__()
        self.request = request


def answer_type(accept: str) -> str:
    """The newer media type where the client names it, and names it before the older one; else plain JSON."""
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    preferred = next((n for n in named if n in (JSON, GRAPHQL_JSON)), JSON)
    return preferred


def is_refused_whole(result: ExecutionResult) -> bool:
    """Whether nothing was executed: then there is no `data` in the answer, not even null."""
    if isinstance(result, PreExecutionError):
        return True
    return result.data is None and not any(error.path for error in result.errors or ())


def status_of(errors: list[dict[str, Any]]) -> int:
    """The HTTP status of an answer without data: that of its first error."""
    code = errors[0].get("extensions", {}).get("code", ErrorCode.VALIDATION_ERROR)
    return STATUSES[ErrorCode(code)]


def is_local(origin: str) -> bool:
    """Whether a page's origin is on this machine, at any port."""
    return urlsplit(origin).hostname in ("localhost", "127.0.0.1", "::1")


def _request_id(scope: Scope) -> str:
    return str(scope.get("state", {}).get("request_id", ""))
