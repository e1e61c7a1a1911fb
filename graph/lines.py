"""The long-lived connections of one worker: its sockets and event streams, counted, and closed one after the other."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from graph.identity import Bearer
from services.limits import Key

RESTARTING: Final = 1012
SECONDS_BETWEEN_CLOSES: Final = 0.02
SPREAD_SECONDS_MAX: Final = 5.0
"""Over how long the sockets are closed at most: who comes back does not come back all at once."""


class Line(Protocol):
    """A socket or an event stream, as far as closing it goes."""

    bearer: Bearer | None

    async def leave(self, code: int, reason: str, within_seconds: float) -> None:
        """Takes no more operations, and closes once those are answered that end by themselves, or the time is over."""


class Lines:
    """What is open in this worker."""

    def __init__(self) -> None:
        self.sockets: set[Line] = set()
        self.streams: set[Line] = set()
        self.slow_count = 0
        """Sockets closed since the start because their client did not read."""
        self._of_payer: Counter[Key] = Counter()
        self._payers: dict[Line, Key] = {}

    def admit(self, line: Line, payer: Key, most: int) -> bool:
        """Counts a socket or an event stream as somebody's until it has ended; False where that has as many already."""
        if self._of_payer[payer] >= most:
            return False
        self._of_payer[payer] += 1
        self._payers[line] = payer
        return True

    def socket(self, line: Line) -> AbstractContextManager[None]:
        """Keeps a socket while the block runs."""
        return self._open(self.sockets, line)

    def stream(self, line: Line) -> AbstractContextManager[None]:
        """Keeps an event stream of a subscription while the block runs."""
        return self._open(self.streams, line)

    @contextmanager
    def _open(self, among: set[Line], line: Line) -> Iterator[None]:
        among.add(line)
        try:
            yield
        finally:
            among.discard(line)
            payer = self._payers.pop(line, None)
            if payer is not None:
                self._of_payer[payer] -= 1
                if not self._of_payer[payer]:
                    del self._of_payer[payer]

    async def close_all(self, within_seconds: float) -> None:
        """Closes every socket with 1012, spread over a while that grows with their number."""
        lines = list(self.sockets)
        spread = min(len(lines) * SECONDS_BETWEEN_CLOSES, SPREAD_SECONDS_MAX, within_seconds)

        async def close(line: Line, place: int) -> None:
            wait = spread * place / len(lines)
            await asyncio.sleep(wait)
            await line.leave(RESTARTING, "The server restarts.", within_seconds - wait)

        await asyncio.gather(*[close(line, n) for n, line in enumerate(lines)], return_exceptions=True)
