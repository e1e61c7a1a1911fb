"""How an operation was executed, for who asks in development: plan or fallback and why, its statements with rows and time."""

import time
from dataclasses import dataclass, field
from typing import Any

PLANNED = "plan"
FALLBACK = "fallback"
SURPRISED = "surprise"


@dataclass
class Telling:
    """What is told of one operation, as `extensions.plan`."""

    by: str = FALLBACK
    why: str | None = None
    statements: list[dict[str, Any]] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def note(self, text: str, rows: int, began: float) -> None:
        """A statement has run. Times are in milliseconds, `at` since the operation began."""
        ended = time.perf_counter()
        told = {"sql": text, "rows": rows, "at": _milliseconds(began - self.started)}
        self.statements.append({**told, "milliseconds": _milliseconds(ended - began)})

    def extensions(self) -> dict[str, Any]:
        """As the answer has it. Only a plan's own statements are listed."""
        return {"plan": {"by": self.by, "why": self.why, "statements": self.statements}}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1_000, 3)
