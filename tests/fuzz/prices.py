"""Asks random queries and compares their price with the objects that they were answered with."""

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from graphql import FieldNode, NameNode, SelectionSetNode, Visitor, parse, print_ast, visit

from schema import schema
from schema.kit.context import Context
from schema.kit.pricing import is_entity
from services.server import Server
from tests.fuzz.cases import note
from tests.fuzz.documents import Case, Documents
from tests.fuzz.worlds import Workspace

ENTITIES: Final = frozenset(name for name, kind in schema._schema.type_map.items() if is_entity(kind))


@dataclass
class Tally:
    """How many queries there were, and those whose price was held against their answer."""

    refused: int = 0
    beyond: int = 0
    """With a list without pages that is longer than it usually is: more than its price may be answered."""
    covered: int = 0
    objects: int = 0
    requested: int = 0
    dearest: float = 0.0
    """The largest share of its price that any of them was answered in objects."""
    cheap: list[str] = field(default_factory=list)
    """Those that were answered more than they were priced as."""

    def __str__(self) -> str:
        return (
            f"{self.covered} covered, {self.beyond} with longer lists, {self.refused} refused, "
            f"{self.objects} objects for {self.requested}, at most {self.dearest:.0%} of a price, "
            f"{len(self.cheap)} too cheap"
        )


class _Named(Visitor):
    """Has every object of an answer say its type."""

    def leave_selection_set(self, node: SelectionSetNode, _key: Any, parent: Any, *_rest: Any) -> Any:
        asked = FieldNode(
            name=NameNode(value="__typename"), alias=None, arguments=(), directives=(), selection_set=None
        )
        return SelectionSetNode(selections=(*node.selections, asked))


async def compare(server: Server, workspace: Workspace, seed: int, tally: Tally) -> None:
    """Asks the query of a seed."""
    random = Random(seed)
    case = Documents(schema._schema, random, workspace.known).query()
    text = print_ast(visit(parse(case.text), _Named()))
    context = Context(server, random.choice(workspace.viewers), request_id=f"seed {seed}")
    result = await schema.execute(text, case.variables, context)
    if result.data is None:
        tally.refused += 1
        return
    note(result.data, case, workspace.known)
    if not _is_usual(result.data, case):
        tally.beyond += 1
        return
    cost, objects = (result.extensions or {})["cost"], objects_in(result.data)
    requested, actual = cost["requested"], cost["actual"]
    tally.covered += 1
    tally.objects += objects
    tally.requested += requested
    tally.dearest = max(tally.dearest, objects / requested)
    if requested < max(objects, actual):
        tally.cheap.append(
            f"seed {seed}: {requested} for {objects} objects, {actual}\n{text}\n{case.variables}"
        )


def _is_usual(data: Any, case: Case) -> bool:
    """Whether every list without pages is as long as it is priced, at most."""
    if isinstance(data, dict):
        long = [k for k, v in data.items() if isinstance(v, list) and len(v) > case.sizes.get(k, len(v))]
        return not long and all(_is_usual(value, case) for value in data.values())
    return all(_is_usual(item, case) for item in data) if isinstance(data, list) else True


def objects_in(data: Any) -> int:
    """How many objects of types with an id an answer holds, each as often as it is there."""
    if isinstance(data, dict):
        return (data.get("__typename") in ENTITIES) + sum(map(objects_in, data.values()))
    return sum(map(objects_in, data)) if isinstance(data, list) else 0
