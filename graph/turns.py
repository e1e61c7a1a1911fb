"""How many requests one worker works at: one more waits for nothing, and is told to come back."""

import time
from typing import Final

import orjson
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.tally import Tally
from services.errors import ErrorCode, RateLimited
from services.limits import WAIT_FOR_A_TURN_SECONDS

BUSY: Final = "The server has as much to do as it can."
SAID_AGAIN_SECONDS: Final = 60.0
EXTENSIONS: Final = {"code": ErrorCode.RATE_LIMITED.value, "retryAfter": WAIT_FOR_A_TURN_SECONDS}
ANSWER: Final = orjson.dumps({"errors": [{"message": BUSY, "extensions": EXTENSIONS}]})
HEADERS: Final = (
    (b"content-type", b"application/json; charset=utf-8"),
    (b"content-length", str(len(ANSWER)).encode()),
    (b"cache-control", b"no-store"),
    (b"retry-after", str(WAIT_FOR_A_TURN_SECONDS).encode()),
)

logger = structlog.get_logger("switchboard")


class Turns:
    """So many at once. Each that is taken beyond would make all others wait, and those that have given up as well."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    @property
    def is_full(self) -> bool:
        """Whether there is none left."""
        return self.taken >= self.most

    def __enter__(self) -> None:
        """Takes a turn, for as long as the block runs; RateLimited where there is none."""
        if self.is_full:
            raise RateLimited(BUSY, retry_after=WAIT_FOR_A_TURN_SECONDS)
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1


class Door:
    """Before anything else: where there is no turn left a request costs next to nothing, or answering that would be all there is time for.

    It is counted, and said in the log once a minute, but has no line and no id of its own.
    """

    def __init__(self, app: ASGIApp, turns: Turns, tally: Tally, path: str) -> None:
        self._app, self._turns, self._tally, self._path = app, turns, tally, path
        self._said_at = -SAID_AGAIN_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._turns.is_full or scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        self._tally.refuse(ErrorCode.RATE_LIMITED.value)
        if time.monotonic() - self._said_at >= SAID_AGAIN_SECONDS:
            self._said_at = time.monotonic()
            logger.warning("busy", requests=self._turns.taken)
        await send({"type": "http.response.start", "status": 429, "headers": HEADERS})
        await send({"type": "http.response.body", "body": ANSWER})
