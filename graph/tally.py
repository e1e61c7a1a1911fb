"""What has been asked of a worker: each operation by its name and what came of it, how long it took and what it cost."""

import re
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from strawberry.types import ExecutionResult

from graph.statuses import is_refused_whole
from schema.kit.schema import Schema
from schema.kit.subscriptions import EventResult

NAMES_MAX: Final = 100
"""How many operations are counted by their names: whoever writes them chooses those."""
NAME_LENGTH_MAX: Final = 64
OTHER: Final = "other"
UNNAMED: Final = "unnamed"
DONE: Final = "OK"
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
COSTS: Final = (1.0, 5.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0)
FIRST: Final = re.compile(
    r"(?:[\s,\ufeff]++|#[^\r\n]*+)*+(?:query|mutation|subscription)\s++([A-Za-z_]\w*+)", re.ASCII
)
"""The name that a document begins with. Nothing is tried twice, however much comes before it."""


class Histogram:
    """How often a value was up to each of the bounds, in all, and their sum."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts, self.total = [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus has them: each bound with how many were up to it."""
        found, sum_so_far = [], 0
        for bound, count in zip((*self._bounds, float("inf")), self.counts, strict=True):
            sum_so_far += count
            found.append(("+Inf" if bound == float("inf") else repr(bound), float(sum_so_far)))
        return found


class Tally:
    """The operations of one worker, counted."""

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """By name and code."""
        self.refused: Counter[str] = Counter()
        """What was refused whole, by code; also what was no operation at all."""
        self.seconds: dict[str, Histogram] = {}
        self.costs: dict[str, Histogram] = {}
        self._names: set[str] = {UNNAMED, OTHER}

    def note(
        self, name: str | None, code: str, seconds: float | None, cost: float | None, *, known: bool = True
    ) -> None:
        """Counts an operation; `seconds` where it was answered once, `cost` where that is known.

        A new name is counted as its own only of a `known` caller whose operation was answered: strangers cannot
        use up the names.
        """
        label = self._label(name, admits=known and code == DONE)
        self.outcomes[label, code] += 1
        if seconds is not None:
            self._of(self.seconds, label, SECONDS).add(seconds)
        if cost is not None:
            self._of(self.costs, label, COSTS).add(cost)

    def refuse(self, code: str) -> None:
        """Counts what was refused whole."""
        self.refused[code] += 1

    def _label(self, name: str | None, *, admits: bool) -> str:
        if name is None:
            return UNNAMED
        if name in self._names:
            return name
        if not admits or len(self._names) >= NAMES_MAX + 2 or len(name) > NAME_LENGTH_MAX:
            return OTHER
        self._names.add(name)
        return name

    @staticmethod
    def _of(kept: dict[str, Histogram], label: str, bounds: tuple[float, ...]) -> Histogram:
        found = kept.get(label)
        if found is None:
            found = kept[label] = Histogram(bounds)
        return found


class Tallied:
    """The schema as the endpoint runs it, where each operation is counted. All else is the schema's own."""

    def __init__(self, schema: Schema, tally: Tally) -> None:
        self._schema, self._tally = schema, tally

    def __getattr__(self, name: str) -> Any:
        return getattr(self._schema, name)

    async def execute(self, query: str | None, *args: Any, **kwargs: Any) -> ExecutionResult:
        """Runs a query or a mutation."""
        began = time.perf_counter()
        result = await self._schema.execute(query, *args, **kwargs)
        self._note(query, result, began, kwargs)
        return result

    async def stream(self, query: str | None, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """The answers of any operation, one after the other."""
        began = time.perf_counter()
        answers = await self._schema.stream(query, *args, **kwargs)

        async def noted() -> AsyncGenerator[Any, None]:
            is_first = True
            async with aclosing(answers):
                async for result in answers:
                    if is_first:
                        is_first = False
                        self._note(query, result, began, kwargs)
                    yield result

        return noted()

    def _note(self, query: str | None, result: ExecutionResult, began: float, asked: dict[str, Any]) -> None:
        # How long the first event of a subscription took to happen says nothing of the server.
        seconds = None if isinstance(result, EventResult) else time.perf_counter() - began
        code = code_of(result)
        if code != DONE and is_refused_whole(result):
            self._tally.refuse(code)
        name = asked.get("operation_name") or first_name(query or "")
        context = asked.get("context_value")
        known = context is not None and context.asking is not None
        self._tally.note(name, code, seconds, cost_of(result), known=known)


def code_of(result: ExecutionResult) -> str:
    """What came of an operation: OK, or the code of its first error. What a payload says is an answer as any other."""
    if not result.errors:
        return DONE
    extensions = result.errors[0].extensions or {}
    return str(extensions.get("code", DONE))


def cost_of(result: ExecutionResult) -> float | None:
    """What an operation cost, where that was worked out."""
    told = (result.extensions or {}).get("cost")
    cost = told.get("actual") if isinstance(told, dict) else None
    return float(cost) if cost is not None else None


def first_name(query: str) -> str | None:
    """The name that a document begins with, for who sends no operationName."""
    found = FIRST.match(query)
    return found[1] if found else None
