"""Runs cases twice, without plans and with them, and says where the answers, or what was done, differ."""

import asyncio
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import orjson
from graphql import is_required_input_field

from db.base import Viewer
from schema import schema
from schema.kit.context import Context
from schema.kit.documents import ERRORS_MAX
from schema.kit.execution.plans import plans
from services.cursors import write_cursor
from services.limits import LEVELS, LevelName
from services.server import Server
from tests.fuzz import faults
from tests.fuzz.documents import Case, Documents
from tests.fuzz.faults import Fault
from tests.fuzz.inputs import Known
from tests.fuzz.worlds import Clock, Pair, Workspace, snapshot
from tests.statements import StatementCounter
from tests.tenant import fields_of

MUTATIONS: Final = 0.14
SUBSCRIPTIONS: Final = 0.10
UNREPEATABLE: Final = frozenset({"register", "passwordChange"})
"""Mutations that spend a tenth of a second on a password."""
TURNS: Final = 3
"""Of the event loop, in which a loader that was called begins to read."""
LEFT_SECONDS: Final = 30.0
EVENTS_MIN: Final = 30
"""So many events a workspace has had, at least."""
NULLABLE: Final = 0.12
"""How often an optional member of a mutation's input is left out."""


@dataclass
class Outcome:
    """An answer in the form in which two are compared."""

    data: bytes
    errors: list[tuple[Any, ...]]
    nulled: list[tuple[Any, ...]]
    statements: list[str]

    def agrees(self, other: "Outcome") -> bool:
        """Whether a client would see the same."""
        return (self.data, self.errors, self.nulled) == (other.data, other.errors, other.nulled)


@dataclass
class Difference:
    """Two answers that are not the same, or two databases that are not any more."""

    seed: int
    what: str
    case: Case
    fault: Fault | None
    stock: Any
    planned: Any

    def __str__(self) -> str:
        lines = [
            f"seed {self.seed}: {self.what}",
            f"  document  {self.case.text}",
            f"  variables {orjson.dumps(self.case.variables).decode()}",
            f"  fault     {self.fault}",
            f"  stock     {self.stock}",
            f"  planned   {self.planned}",
        ]
        return "\n".join(lines)


@dataclass
class Tally:
    """What has been run so far."""

    cases: int = 0
    planned: int = 0
    surprised: int = 0
    fallback: int = 0
    refused: int = 0
    with_errors: int = 0
    constructs: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def share(self, count: int) -> float:
        """Of all cases."""
        return count / max(1, self.cases)


class Runner:
    """Runs one case after the other on a pair of databases."""

    def __init__(self, pair: Pair, clock: Clock) -> None:
        self.pair, self.clock, self.tally = pair, clock, Tally()

    async def run(self, seed: int) -> None:
        """Makes the case of a seed and runs it."""
        random = Random(seed)
        fault = faults.choose(random)
        workspace = self.pair.broken if fault is not None and fault.how == "rows" else self.pair.good
        case = make_case(random, workspace)
        if fault is not None:
            faults.aim(fault, random, case.text)
        # What only an administrator may do would be refused, most of it.
        viewer = workspace.tenant.owner if case.kind == "mutation" else random.choice(workspace.viewers)
        if schema.documents.of(case.text, LEVELS[LevelName.ADMIN]).errors:
            self.tally.refused += 1
            return
        self.tally.cases += 1
        self.tally.constructs.update(case.constructs)
        if fault is not None:
            self.tally.constructs[fault.construct] += 1
        await self._compare(seed, case, viewer, fault, workspace.known)

    async def _compare(
        self, seed: int, case: Case, viewer: Viewer, fault: Fault | None, known: Known
    ) -> None:
        faults.now.fault = fault
        try:
            with plans.off():
                stock = await self._ask(self.pair.stock, case, viewer, seed)
            before = (plans.counters.planned, plans.counters.surprised, plans.counters.fallback)
            planned = await self._ask(self.pair.planned, case, viewer, seed)
        finally:
            faults.now.fault = None
        after = (plans.counters.planned, plans.counters.surprised, plans.counters.fallback)
        ran, surprised, fell = (b - a for a, b in zip(before, after, strict=True))
        self.tally.planned += ran > 0
        self.tally.surprised += surprised > 0
        self.tally.fallback += fell > 0
        self.tally.with_errors += bool(stock.errors or stock.nulled)
        if not stock.agrees(planned):
            self._differ(seed, "the answers differ", case, fault, stock, planned)
        elif ran and not surprised and len(planned.statements) > max(len(stock.statements), case.edges):
            self._differ(
                seed, "a plan takes more statements", case, fault, stock.statements, planned.statements
            )
        if case.kind == "mutation":
            await self._compare_rows(seed, case, fault)
        if stock.data != b"null":
            note(orjson.loads(stock.data), case, known)

    async def _compare_rows(self, seed: int, case: Case, fault: Fault | None) -> None:
        stock, planned = await snapshot(self.pair.stock), await snapshot(self.pair.planned)
        for name, rows in stock.items():
            if rows != planned[name]:
                only = [row for row in rows if row not in planned[name]]
                other = [row for row in planned[name] if row not in rows]
                self._differ(seed, f"what was done differs in {name}", case, fault, only, other)

    def _differ(
        self, seed: int, what: str, case: Case, fault: Fault | None, stock: Any, planned: Any
    ) -> None:
        self.tally.differences.append(Difference(seed, what, case, fault, stock, planned))

    async def _ask(self, server: Server, case: Case, viewer: Viewer, seed: int) -> Outcome:
        self.clock.restart(seed)
        others = asyncio.all_tasks()
        context = Context(server, viewer, request_id="fuzz")
        with StatementCounter(server.database) as counter:
            if case.kind == "subscription":
                result = await _first(case, context)
            else:
                result = await schema.execute(case.text, case.variables, context)
            await _settle(others)
        return outcome(result, list(counter.texts))


async def _settle(others: set[asyncio.Task[Any]]) -> None:
    """Until nothing runs any more that a failure left behind: it belongs to this case and to no other."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
    if left := asyncio.all_tasks() - others:
        _, endless = await asyncio.wait(left, timeout=LEFT_SECONDS)
        assert not endless, endless


async def _first(case: Case, context: Context) -> Any:
    source = await schema.subscribe(case.text, case.variables, context)
    async with aclosing(source), asyncio.timeout(LEFT_SECONDS):
        async for result in source:
            return result
    raise AssertionError("A subscription ended without an answer.")


def make_case(random: Random, workspace: Workspace) -> Case:
    """A query, mostly."""
    documents, chance = Documents(schema._schema, random, workspace.known), random.random()
    if chance < MUTATIONS:
        inputs = {n: v for n, v in workspace.tenant.inputs().items() if n not in UNREPEATABLE}
        return documents.mutation({name: _changed(name, value, random) for name, value in inputs.items()})
    if chance < MUTATIONS + SUBSCRIPTIONS:
        return documents.subscription(*_replayed(random, workspace))
    return documents.query()


def _replayed(random: Random, workspace: Workspace) -> tuple[str, dict[str, Any]]:
    """A subscription that is told of what has been: there is always an event to compare."""
    if random.random() < 0.5:
        return "messageAdded", {"conversationId": random.choice(workspace.spoken), "after": 0}
    position = random.randrange(EVENTS_MIN)
    return "events", {"after": write_cursor(workspace.tenant.owner.workspace_id, position)}


def _changed(name: str, value: dict[str, Any], random: Random) -> dict[str, Any]:
    fields = fields_of(str(fields_of("Mutation")[name].args["input"].type).strip("!"))
    kept = {n for n in value if is_required_input_field(fields[n]) or random.random() > NULLABLE}
    return {n: v for n, v in value.items() if n in kept}


def outcome(result: Any, statements: list[str]) -> Outcome:
    """An answer, with the errors at paths that survive told apart from those below a null."""
    data = orjson.dumps(result.data)
    errors, nulled = [], set()
    for error in result.errors or ():
        told = error.formatted
        path, is_below = _survives(result.data, tuple(told.get("path") or ()))
        if is_below:
            nulled.add(path)
        else:
            code = (told.get("extensions") or {}).get("code")
            places = tuple((at["line"], at["column"]) for at in told.get("locations") or ())
            errors.append((path, told["message"], code, places))
    if len(result.errors or ()) >= ERRORS_MAX:
        # Cut short, in an order that nobody promises.
        return Outcome(data, [], [], statements)
    own = {error[0] for error in errors}
    return Outcome(data, sorted(errors, key=str), sorted(nulled - own, key=str), statements)


def _survives(data: Any, path: tuple[Any, ...]) -> tuple[tuple[Any, ...], bool]:
    """The part of a path that is there, and whether it ends above the path's end."""
    found: list[Any] = []
    for step in path:
        if data is None:
            return tuple(found), True
        data = data[step]
        found.append(step)
    return tuple(found), False


def note(data: Any, case: Case, known: Known, name: str = "") -> None:
    """Keeps what may be asked for later: texts, instants, and cursors of lists."""
    if isinstance(data, dict):
        for key, value in data.items():
            plain = key.split("_")[0]
            if key in case.listings and isinstance(value, dict):
                _note_cursors(value, case.listings[key], known)
            elif isinstance(value, str) and value and not plain.endswith("ursor"):
                known.note(plain, value)
            else:
                note(value, case, known, plain)
    elif isinstance(data, list):
        for item in data:
            note(item, case, known, name)


def _note_cursors(value: dict[str, Any], listing: str, known: Known) -> None:
    for edge in value.get("edges") or ():
        known.note_cursor(listing, edge["cursor"])
    page = value.get("pageInfo") or {}
    for end in ("startCursor", "endCursor"):
        if page.get(end):
            known.note_cursor(listing, page[end])
