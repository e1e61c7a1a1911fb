"""The fields of a document that is not validated yet, merged as execution would merge them, within a bound."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    is_abstract_type,
)

VISITS_MAX: Final = 10_000
"""Selections looked at; a document that takes more multiplies itself by its fragments."""
Selections = tuple[SelectionSetNode, ...]


class TooWide(Exception):
    """The document multiplies itself."""


@dataclass(slots=True)
class Merging:
    """Looks at the selections of one document. A fragment counts once in one place, an unknown type has every field."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    widest: int = 0
    """How often one response name was selected, or how many fragments were spread, in one place, at most."""
    reached: set[str] = field(default_factory=set)
    """The fragments that were looked into."""
    visits: int = 0

    def fields(self, kind: GraphQLNamedType | None, sets: Selections) -> dict[str, list[FieldNode]]:
        """The fields that apply to a type, by the name an answer would have."""
        found: dict[str, list[FieldNode]] = {}
        for selection in self._reached(sets, lambda name: self._applies(name, kind)):
            if isinstance(selection, FieldNode):
                nodes = found.setdefault(response_name(selection), [])
                nodes.append(selection)
                self.widest = max(self.widest, len(nodes))
        return found

    def conditions(self, sets: Selections) -> set[str]:
        """The types that selections name, in fragments of fragments too."""
        return {found for found in self._reached(sets, lambda name: True) if isinstance(found, str)}

    def _reached(self, sets: Selections, enters: Callable[[str], bool]) -> Iterator[FieldNode | str]:
        """Fields, and the type conditions on the way to them."""
        seen: set[str] = set()
        todo: list[Any] = [s for selections in reversed(sets) for s in reversed(selections.selections)]
        while todo:
            self.visits += 1
            if self.visits > VISITS_MAX:
                raise TooWide
            selection = todo.pop()
            if isinstance(selection, FieldNode):
                yield selection
                continue
            if isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                selection = self.fragments.get(name) if name not in seen else None
                seen.add(name)
                self.reached.add(name)
                self.widest = max(self.widest, len(seen))
            if selection is None:
                continue
            condition = selection.type_condition
            if condition is not None:
                yield condition.name.value
            if condition is None or enters(condition.name.value):
                todo += reversed(selection.selection_set.selections)

    def _applies(self, name: str, kind: GraphQLNamedType | None) -> bool:
        if kind is None or kind.name == name:
            return True
        on = self.schema.get_type(name)
        return (
            is_abstract_type(on) and isinstance(kind, GraphQLObjectType) and self.schema.is_sub_type(on, kind)
        )


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments of a document by their names."""
    return {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}


def widest(schema: GraphQLSchema, document: DocumentNode) -> int:
    """What validation compares with each other, pair by pair: how much of one name is in one place, at most.

    As validation does, it looks into every operation, into fragments that none spreads, and past types that exclude
    each other. VISITS_MAX where a document multiplies itself.
    """
    merging = Merging(schema, fragments_of(document))
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    seen: set[tuple[int, ...]] = set()
    try:
        for definition in (*operations, *merging.fragments.values()):
            if isinstance(definition, FragmentDefinitionNode) and definition.name.value in merging.reached:
                continue
            todo: list[Selections] = [(definition.selection_set,)]
            while todo:
                sets = todo.pop()
                key = tuple(map(id, sets))
                if key not in seen:
                    seen.add(key)
                    todo += [s for nodes in merging.fields(None, sets).values() if (s := below(nodes))]
    except TooWide:
        return VISITS_MAX
    return merging.widest


def response_name(node: FieldNode) -> str:
    """The name a field has in an answer."""
    return node.alias.value if node.alias else node.name.value


def below(nodes: list[FieldNode]) -> Selections:
    """What is selected of the fields that are merged into one."""
    return tuple(node.selection_set for node in nodes if node.selection_set is not None)
