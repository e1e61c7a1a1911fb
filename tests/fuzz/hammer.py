"""Asks one server whatever the generator makes, valid and broken, as an administrator, an agent and nobody."""

from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import orjson

from db.base import Viewer
from schema import schema
from schema.kit.context import Context
from services.cursors import write_cursor
from services.errors import ErrorCode
from services.server import Server
from tests.fuzz.breaking import break_case
from tests.fuzz.cases import EVENTS_MIN, UNREPEATABLE, note
from tests.fuzz.documents import Case, Documents
from tests.fuzz.worlds import Workspace, workspace
from tests.make import Make

BROKEN: Final = 0.25
MUTATIONS: Final = 0.15
SUBSCRIPTIONS: Final = 0.05
OPERATIONS_PER_WORKSPACE: Final = 1_000
"""Mutations take away what there is to ask about: after so many operations there is a new workspace."""
SERVER_ERRORS: Final = frozenset({ErrorCode.INTERNAL, ErrorCode.DATABASE_UNAVAILABLE})
WHO: Final = ("administrator", "agent", "nobody")
SHARES: Final = (5, 3, 2)


@dataclass
class Tally:
    """What came of it: operations by who asked, answers with data among the valid ones, codes, and what must not be."""

    asked: Counter[str] = field(default_factory=Counter)
    valid: Counter[str] = field(default_factory=Counter)
    with_data: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    """Broken ones, by whether they were refused all the same."""
    codes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def share_with_data(self) -> float:
        """Of the valid operations of who is signed in, those that were answered with data."""
        signed_in = WHO[:2]
        asked = sum(self.valid[who] for who in signed_in)
        return sum(self.with_data[who] for who in signed_in) / max(1, asked)

    def __str__(self) -> str:
        parts = (self.asked, self.valid, self.with_data, self.broken, self.codes)
        names = ("asked", "valid", "with data", "broken", "codes")
        shown = [f"{name}: {dict(sorted(part.items()))}" for name, part in zip(names, parts, strict=True)]
        return "\n".join([*shown, f"faults: {len(self.faults)}"])


@dataclass
class _Scene:
    """A workspace, and who asks about it."""

    workspace: Workspace
    viewers: dict[str, Viewer | None]


class Hammer:
    """Asks one operation after the other."""

    def __init__(self, server: Server) -> None:
        self.server, self.tally = server, Tally()

    async def run(self, seed: int, count: int, told: Callable[[int], None] = lambda _: None) -> Tally:
        """Asks the operations of so many seeds; `told` hears after each how many there were."""
        for number in range(count):
            if number % OPERATIONS_PER_WORKSPACE == 0:
                scene = await self._scene()
            await self._ask(seed + number, scene)
            told(number + 1)
        return self.tally

    async def _scene(self) -> _Scene:
        made = await workspace(self.server)
        owner = made.tenant.owner
        agent = await Make(self.server).member(owner)
        return _Scene(made, dict(zip(WHO, (owner, agent, None), strict=True)))

    async def _ask(self, seed: int, scene: _Scene) -> None:
        random = Random(seed)
        who = random.choices(WHO, SHARES)[0]
        case = _case(random, scene.workspace, who)
        is_broken = random.random() < BROKEN
        if is_broken:
            break_case(case, random)
        context = Context(self.server, scene.viewers[who], request_id=f"seed {seed}")
        try:
            # A broken subscription may wait for what never comes: only whole ones are followed.
            is_followed = case.kind == "subscription" and not is_broken
            ask = _first if is_followed else schema.execute
            result = await ask(case.text, case.variables, context)
            self._note(who, case, is_broken, result)
        except Exception as error:
            self.tally.faults.append(f"seed {seed}, {who}: {error!r}\n{case.text}\n{case.variables}")
            return
        if result.data is not None:
            note(orjson.loads(orjson.dumps(result.data)), case, scene.workspace.known)

    def _note(self, who: str, case: Case, is_broken: bool, result: Any) -> None:
        tally = self.tally
        tally.asked[who] += 1
        has_data = any(value is not None for value in (result.data or {}).values())
        if is_broken:
            tally.broken["answered" if has_data else "refused"] += 1
        else:
            tally.valid[who] += 1
            tally.with_data[who] += has_data
        for error in result.errors or ():
            code = ErrorCode(error.formatted["extensions"]["code"])
            tally.codes[code] += 1
            if code in SERVER_ERRORS:
                tally.faults.append(f"{error.formatted}, {who}\n{case.text}\n{case.variables}")


async def _first(text: str, variables: dict[str, Any], context: Context) -> Any:
    """What a subscription tells first."""
    async with aclosing(await schema.subscribe(text, variables, context)) as source:
        return await anext(source)


def _case(random: Random, workspace: Workspace, who: str) -> Case:
    documents, chance = Documents(schema._schema, random, workspace.known), random.random()
    if chance < MUTATIONS:
        inputs = workspace.tenant.inputs()
        return documents.mutation({name: v for name, v in inputs.items() if name not in UNREPEATABLE})
    if chance < MUTATIONS + SUBSCRIPTIONS and who == "administrator":
        # There is always an event after it, and an administrator sees each.
        after = write_cursor(workspace.tenant.owner.workspace_id, random.randrange(EVENTS_MIN))
        return documents.subscription("events", {"after": after})
    return documents.query()
