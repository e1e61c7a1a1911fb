"""Answers to operations as HTTP has them: JSON with its status and headers."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.http import GraphQLHTTPResponse
from strawberry.types import ExecutionResult

from db.base import now
from graph.negotiation import JSON, answer_type
from graph.requests import header_text
from graph.statuses import TOLD_WITH, is_refused_whole, status_of, waits_of
from schema.kit.scalars import write_instant
from services.errors import ErrorCode

Headers = list[tuple[bytes, bytes]]
ALWAYS: Final = ((b"vary", b"Accept"), (b"cache-control", b"no-store"))


class Answer(Response):
    """One answer. What is said of the request itself is put into its extensions here."""

    def __init__(self, request: Request | WebSocket, answer: Mapping[str, Any], status: int) -> None:
        # Starlette's own way to the same headers takes as long as a short query.
        self.status_code, self.background = int(status), None
        told = {"requestId": id_of(request), "timestamp": write_instant(now())}
        self.body = orjson.dumps({**answer, "extensions": {**answer.get("extensions", {}), **told}})
        self.raw_headers: Headers = [
            (b"content-length", b"%d" % len(self.body)),
            *headers_of(answer_type(accepted(request)), self.status_code),
        ]
        wait = waits_of(answer)
        if wait is not None:
            self.raw_headers.append((b"retry-after", b"%d" % wait))


class Unanswered(Response):
    """An answer before there is one: whose request it will be for."""

    def __init__(self, request: Request | WebSocket) -> None:
        super().__init__()
        self.request = request


@cache
def headers_of(media_type: str, status: int) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that go with a status."""
    content_type = f"{media_type}; charset=utf-8".encode()
    return (*ALWAYS, *TOLD_WITH.get(status, ()), (b"content-type", content_type))


def told(result: ExecutionResult) -> GraphQLHTTPResponse:
    """A result as it is sent, but for what is said of its request."""
    answer: GraphQLHTTPResponse = {}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
    if not is_refused_whole(result):
        answer["data"] = result.data
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


def status_of_answer(request: Request | WebSocket, answer: GraphQLHTTPResponse) -> int:
    """The HTTP status: 200 wherever anything was executed."""
    if "data" in answer:
        return 200
    error: Any = (answer.get("errors") or [])[0]
    nonsense = error["extensions"]["code"] == ErrorCode.VALIDATION_ERROR
    # The older media type wants 200 wherever the request was well-formed, whatever its document is.
    return 200 if nonsense and answer_type(accepted(request)) == JSON else status_of(error)


def accepted(request: Request | WebSocket) -> str:
    """The Accept header."""
    return header_text(request.scope, b"accept")


def id_of(request: Request | WebSocket) -> str:
    """The id of a request."""
    return str(request.scope.get("state", {}).get("request_id", ""))
