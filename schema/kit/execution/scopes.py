"""What a generated function may name, and how it is put together around the body of its loop."""

import linecache
import weakref
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from db.base import Permission
from schema.kit.execution.columns import Writing
from schema.kit.execution.readings import Path
from schema.kit.execution.run import Run, Surprise

Rows = Callable[[Sequence[Any], Run], list[Any]]
"""`rows(records, run)`: the objects of the answer, in order; the edges that go on are held in the run."""
SERIAL = count(1)


class Scope:
    """What a generated function may name, each under a name of its own."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"Surprise": Surprise}
        self.head: list[str] = []
        self.joined: set[tuple[Path, str]] = set()
        """The edges whose rows come with a record: with its own, what it counts for."""
        self._known: dict[Any, str] = {}

    def name(self, value: Any, hint: str) -> str:
        """A name for a value."""
        made = self._known.get(id(value))
        if made is None:
            made = self._known[id(value)] = f"{hint}_{len(self.names)}"
            self.names[made] = value
        return made

    def fresh(self, hint: str) -> str:
        """A name for something that the function itself makes."""
        made = f"{hint}_{len(self.names)}"
        self.names[made] = None
        return made

    def take(self, writing: Writing, slot: str) -> str:
        """An expression for the value of a slot; the functions it names become known."""
        self.names.update(writing.names)
        return writing.text.format(slot)

    def allowed(self, permission: Permission) -> str:
        """A name for whether the viewer holds a permission, looked up once for all rows."""
        made = f"can_{permission.value}"
        if made not in self.names:
            self.names[made] = None
            self.head.append(f"{made} = run.can({self.name(permission, 'permission')})")
        return made

    def holder(self, link: Any) -> str:
        """A name for what adds to the objects that wait for a link."""
        made = f"hold_{self.name(link, 'link')}"
        if made not in self.names:
            self.names[made] = None
            self.head.append(f"{made} = run.held({self.name(link, 'link')}).append")
        return made

    def build(self, title: str, slots: Sequence[str], weight: int, body: Sequence[str]) -> Rows:
        """The function: `body` for each record, whose values `slots` name, and which counts as `weight` objects."""
        lines = [
            "def rows(records, run):",
            f"    run.context.objects += len(records) * {weight}",
            *[f"    {line}" for line in self.head],
            "    rows = []",
            "    add = rows.append",
            f"    for {', '.join(slots)}, in records:",
            *[f"        {line}" for line in body],
            "        add(row)",
            "    return rows",
        ]
        return compiled("\n".join(lines) + "\n", f"{title} {next(SERIAL)}", self.names)


def compiled(source: str, title: str, names: dict[str, Any]) -> Rows:
    """A function from its source, which tracebacks show as long as there is the function."""
    # As a loader would give it: its lines are only made for who looks at them.
    linecache.cache[title] = (lambda: source,)
    exec(compile(source, title, "exec"), names)  # names and response keys are the schema's and repr()'s alone
    made: Rows = names["rows"]
    weakref.finalize(made, linecache.cache.pop, title, None)
    return made
