"""How many requests one worker works at: one more waits for nothing, and is told to come back."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.errors import RateLimited
from services.limits import WAIT_FOR_A_TURN_SECONDS


class Turns:
    """So many at once. Each that is taken beyond would make all others wait, and those that have given up as well."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """A turn, while the block runs; RateLimited where there is none."""
        if self.taken >= self.most:
            raise RateLimited("The server has as much to do as it can.", retry_after=WAIT_FOR_A_TURN_SECONDS)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    def check(self) -> None:
        """RateLimited where there is no turn left."""
        if self.taken >= self.most:
            raise RateLimited(
                "The server has as much to do as it can.", retry_after=WAIT_FOR_A_TURN_SECONDS
            )
