"""The HTTP status of an answer, and the headers that go with it."""

from collections.abc import Mapping
from typing import Any, Final

from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from services.errors import ErrorCode

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
TOLD_WITH: Final[Mapping[int, tuple[tuple[bytes, bytes], ...]]] = {
    401: ((b"www-authenticate", b"Bearer"),),
    405: ((b"allow", b"GET, POST"),),
}


def is_refused_whole(result: ExecutionResult) -> bool:
    """Whether nothing was executed: then there is no `data` in the answer, not even null."""
    if isinstance(result, PreExecutionError):
        return True
    return result.data is None and not any(error.path for error in result.errors or ())


def status_of(error: Mapping[str, Any]) -> int:
    """The HTTP status of an answer without data: that of its first error."""
    return STATUSES[ErrorCode(error["extensions"]["code"])]


def waits_of(answer: Mapping[str, Any]) -> int | None:
    """In how many seconds to ask again, where an error of the answer says so."""
    waits = [error.get("extensions", {}).get("retryAfter") for error in answer.get("errors", ())]
    return max((wait for wait in waits if wait is not None), default=None)
