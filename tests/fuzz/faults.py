"""What goes wrong while a case runs: worked-out fields that raise or give what they must not, statements that fail."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final, cast
from unittest.mock import patch

from graphql import GraphQLObjectType
from structlog.testing import capture_logs

from db.engine import Database
from schema import schema
from schema.kit.edges import Computed
from schema.kit.node import NODES
from schema.kit.resolvers import declaration_of

SHARE: Final = 0.18
"""Of the cases that have a fault."""
IN_ROWS, IN_STATEMENTS = 0.35, 0.05
"""Of the faults; the rest are in worked-out fields, or in statements where a document has none."""
ROWS: Final = 0.4
"""Of the rows that a faulty field fails for."""
TABLES: Final = ("users", "customers", "channels", "products", "orders", "order_items", "messages")


class Boom(Exception):
    """What nobody foresaw."""


@dataclass
class Fault:
    """What goes wrong: `how` it does, and in which field or table."""

    how: str
    where: str = ""
    salt: int = 0

    @property
    def construct(self) -> str:
        """As what the case is counted."""
        return {"rows": "fault in rows", "statement": "fault in a statement"}.get(
            self.how, "fault in a field"
        )


@dataclass
class Now:
    """The fault of the case that is running."""

    fault: Fault | None = None


now = Now()


def choose(random: Random) -> Fault | None:
    """A fault, in some of the cases; `aim` says where. Of `rows` the database is full beforehand, in one workspace."""
    if random.random() > SHARE:
        return None
    chance = random.random()
    if chance < IN_ROWS:
        return Fault("rows")
    if chance < IN_ROWS + IN_STATEMENTS:
        return Fault("statement")
    return Fault(random.choice(("raises", "none", "wrong", "exception")))


def aim(fault: Fault, random: Random, text: str) -> None:
    """Makes the fault one that a document can meet."""
    if fault.how == "rows":
        return
    asked = [name for name in sorted(COMPUTED) if re.search(rf"\b{name}\b", text)]
    if not asked:
        fault.how = "statement"
    fault.where = random.choice(TABLES if fault.how == "statement" else asked)
    fault.salt = random.randrange(1_000)


def _computed() -> dict[str, list[Computed]]:
    found: dict[str, list[Computed]] = {}
    for kind in NODES.values():
        # Of rows alone: what a page has (its edges, its cursors) is no function that somebody writes.
        for name, field in cast("GraphQLObjectType", schema._schema.type_map[kind.name]).fields.items():
            declared = declaration_of(field)
            if isinstance(declared, Computed):
                found.setdefault(name, []).append(declared)
    return found


COMPUTED: Final = _computed()
"""The worked-out fields of the schema by name."""


def _failing(name: str, declared: Computed) -> Callable[[Any], Any]:
    work_out, needs = declared.work_out, declared.needs

    def failing(row: Any) -> Any:
        fault = now.fault
        if fault is None or fault.where != name or not _hit(fault, [getattr(row, n) for n in needs]):
            return work_out(row)
        if fault.how == "raises":
            raise Boom(name)
        return {"none": None, "wrong": Odd(), "exception": Boom(f"{name} as a value")}[fault.how]

    return failing


class Odd:
    """A value that is of no type of the schema, and says the same whenever it is shown."""

    def __repr__(self) -> str:
        return "Odd()"

    __str__ = __repr__


def _hit(fault: Fault, values: Sequence[Any]) -> bool:
    # By the values alone: a plan and the stock executor give the function different objects.
    seen = hashlib.sha256(f"{fault.salt} {list(map(str, values))}".encode()).digest()
    return seen[0] < 256 * ROWS


def _fails(text: str) -> bool:
    fault = now.fault
    if fault is None or fault.how != "statement":
        return False
    return f"FROM {fault.where} " in text.replace("\n", " ") or f"JOIN {fault.where} " in text.replace(
        "\n", " "
    )


@contextmanager
def possible(*databases: Database) -> Iterator[None]:
    """Faults happen where a case sets one, while the block runs. Nobody logs them."""
    with ExitStack() as stack:
        stack.enter_context(capture_logs())
        for name, fields in COMPUTED.items():
            for declared in fields:
                made = _failing(name, declared)
                before = declared.work_out
                object.__setattr__(declared, "work_out", made)
                stack.callback(object.__setattr__, declared, "work_out", before)
        for database in databases:
            stack.enter_context(patch.object(database, "_read", _read(database)))
            stack.enter_context(patch.object(database._source, "fetch", _fetch(database)))
        yield


def _read(database: Database) -> Callable[..., Any]:
    read = database._read

    async def failing(statement: Any, values: dict[str, Any], *rest: Any) -> Any:
        if now.fault is not None and now.fault.how == "statement" and _fails(str(statement)):
            raise Boom("a statement")
        return await read(statement, values, *rest)

    return failing


def _fetch(database: Database) -> Callable[..., Any]:
    fetch = database._source.fetch

    async def failing(connection: Any, text: str, arguments: Sequence[Any]) -> Any:
        if _fails(text):
            raise Boom("a statement")
        return await fetch(connection, text, arguments)

    return failing
