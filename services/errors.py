"""Everything that can be refused, and the one vocabulary of codes.

Problem
├── Invalid             VALIDATION_ERROR     a broken rule in the input
├── InvalidCredentials  INVALID_CREDENTIALS  wrong name or password, or a token that is no good
├── NotFound            NOT_FOUND            not there, or not for this viewer
├── Conflict            CONFLICT             a unique value is taken
├── StaleVersion        STALE_VERSION        somebody else changed the row; `current` is the row as it is
├── InvalidTransition   INVALID_TRANSITION   the state does not allow it; `current` is the row as it is
├── CursorExpired       CURSOR_EXPIRED       what came after the cursor is no longer kept    (never in userErrors)
├── CursorAhead         CURSOR_AHEAD         nothing has come that far yet                   (never in userErrors)
├── RateLimited         RATE_LIMITED         too much was asked; `retry_after` says when  (never in userErrors)
├── KeyReused           IDEMPOTENCY_KEY_REUSED  the same key with other arguments  (never in userErrors)
├── Unauthenticated     UNAUTHENTICATED      nobody is signed in            (never in userErrors)
└── Forbidden           ACCESS_DENIED        a permission is missing        (never in userErrors)
"""

from enum import StrEnum
from typing import Any, ClassVar

Path = tuple[str | int, ...]
"""Where in the input: ("items", 0, "quantity"), with the names the code uses."""


class ErrorCode(StrEnum):
    """One vocabulary for `userErrors` and for `errors[].extensions.code`. In brackets: the HTTP status when nothing else was answered."""

    VALIDATION_ERROR = "VALIDATION_ERROR"
    """[400] The input breaks a rule; `path` says where."""
    QUERY_TOO_EXPENSIVE = "QUERY_TOO_EXPENSIVE"
    """[400] Over the depth, breadth or cost that one operation may have."""
    UNAUTHENTICATED = "UNAUTHENTICATED"
    """[401] Sign in first."""
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    """[401] Wrong name or password, or a token that is no longer good."""
    ACCESS_DENIED = "ACCESS_DENIED"
    """[403] A permission is missing."""
    NOT_FOUND = "NOT_FOUND"
    """[404] Not there, or not for you."""
    CONFLICT = "CONFLICT"
    """[409] A unique value is taken."""
    STALE_VERSION = "STALE_VERSION"
    """[409] expectedVersion is not the current version."""
    INVALID_TRANSITION = "INVALID_TRANSITION"
    """[409] The state does not allow it."""
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    """[409] The same idempotency key with other arguments."""
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    """[410] The cursor is older than what is kept: load again, then subscribe again."""
    CURSOR_AHEAD = "CURSOR_AHEAD"
    """[409] The cursor is ahead of the log: the server was restored from a backup."""
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    """[413] The request is larger than the server takes."""
    RATE_LIMITED = "RATE_LIMITED"
    """[429] `extensions.retryAfter` says when."""
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    """[429] The plan does not include more."""
    INTERNAL = "INTERNAL"
    """[500] A fault of the server's; `extensions.requestId` finds it in the log."""
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    """[503] `extensions.retryAfter` says when."""
    TIMEOUT = "TIMEOUT"
    """[504] It took longer than one operation may."""


FIXABLE = frozenset(
    {
        ErrorCode.VALIDATION_ERROR,
        ErrorCode.INVALID_CREDENTIALS,
        ErrorCode.NOT_FOUND,
        ErrorCode.CONFLICT,
        ErrorCode.STALE_VERSION,
        ErrorCode.INVALID_TRANSITION,
        ErrorCode.QUOTA_EXCEEDED,
    }
)
"""What a caller of a mutation can fix: told in `userErrors`, everything else at the top level."""


class Problem(Exception):
    """Something refused, with nothing done. `path` says where in the input, `current` is the row it was refused for."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL

    def __init__(self, message: str, *path: str | int, current: Any = None) -> None:
        super().__init__(message)
        self.message, self.path, self.current = message, path, current


class Invalid(Problem):
    """The input breaks a rule."""

    code = ErrorCode.VALIDATION_ERROR


class InvalidCredentials(Problem):
    """The name, password or token is no good. Never says which."""

    code = ErrorCode.INVALID_CREDENTIALS


class NotFound(Problem):
    """There is no such row, or none that this viewer may see: the two cannot be told apart."""

    code = ErrorCode.NOT_FOUND


class Conflict(Problem):
    """A unique value is taken."""

    code = ErrorCode.CONFLICT


class StaleVersion(Problem):
    """The row is no longer at the version the caller expected."""

    code = ErrorCode.STALE_VERSION


class InvalidTransition(Problem):
    """The row's state does not allow the change."""

    code = ErrorCode.INVALID_TRANSITION


class CursorExpired(Problem):
    """What came after the cursor is no longer kept."""

    code = ErrorCode.CURSOR_EXPIRED


class CursorAhead(Problem):
    """Nothing has come that far: the server was restored from a backup."""

    code = ErrorCode.CURSOR_AHEAD


class KeyReused(Problem):
    """The caller used the idempotency key before, with other arguments."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED


class Unauthenticated(Problem):
    """Nobody is signed in."""

    code = ErrorCode.UNAUTHENTICATED


class TooExpensive(Problem):
    """It asks for more than one operation may."""

    code = ErrorCode.QUERY_TOO_EXPENSIVE


class TooLarge(Problem):
    """It is larger than the server takes."""

    code = ErrorCode.PAYLOAD_TOO_LARGE


class TimedOut(Problem):
    """It took longer than one operation may."""

    code = ErrorCode.TIMEOUT


class RateLimited(Problem):
    """Too much in too short a time; `retry_after` is in seconds."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, message: str, *path: str | int, retry_after: int) -> None:
        super().__init__(message, *path)
        self.retry_after = retry_after


class Forbidden(Problem):
    """The viewer lacks a permission."""

    code = ErrorCode.ACCESS_DENIED
