"""What an operator wants to know of who tried what: one line each, with ids and addresses, never with what was typed."""

from typing import Any, Final

import structlog

logger = structlog.get_logger("switchboard.security")

LOGIN_FAILED: Final = "login failed"
REFRESH_REUSED: Final = "refresh token reused"
SESSION_REVOKED: Final = "session revoked"
SESSIONS_ENDED: Final = "sessions ended"
PASSWORD_CHANGED: Final = "password changed"
PERMISSION_REFUSED: Final = "permission refused"
HOST_REFUSED: Final = "host refused"
ORIGIN_REFUSED: Final = "origin refused"
SIGNATURE_REFUSED: Final = "signature refused"
ATTEMPTS_REFUSED: Final = "attempts refused"
EVENTS: Final = (
    LOGIN_FAILED,
    ATTEMPTS_REFUSED,
    SIGNATURE_REFUSED,
    REFRESH_REUSED,
    SESSION_REVOKED,
    SESSIONS_ENDED,
    PASSWORD_CHANGED,
    PERMISSION_REFUSED,
    HOST_REFUSED,
    ORIGIN_REFUSED,
)
ALARMING: Final = frozenset({LOGIN_FAILED, ATTEMPTS_REFUSED, SIGNATURE_REFUSED, REFRESH_REUSED})
VALUE_LENGTH_MAX: Final = 256


def note(event: str, **told: Any) -> None:
    """Logs one of EVENTS. The id of the request is in the line already, as in every other."""
    write = logger.warning if event in ALARMING else logger.info
    write(event, **{name: _text(value) for name, value in told.items()})


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[:VALUE_LENGTH_MAX]
