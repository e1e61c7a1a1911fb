"""What an operation asks for, measured before it is validated: its depth and its cost.

The cost is that of the operation's kind and of its fields: nothing for a leaf or a value object, 1 for an entity,
1 + size × (1 + what is below) for a list, and what `@cost` adds. A row that is shown several times costs as often.
An abstract type costs what its dearest type does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
)

from schema.kit.costs import COST, FREE, Cost
from schema.kit.merging import Merging, Selections, below, fragments_of
from schema.kit.resolvers import BACKREF, declaration_of

BASES: Final = {OperationType.QUERY: 1, OperationType.MUTATION: 10, OperationType.SUBSCRIPTION: 5}
COST_MAX: Final = 2**31 - 1
PAGE_SIZE: Final = 20
"""Rows of a page where nothing says how many."""
INTROSPECTION_SIZE: Final = 10
"""Rows of a list of the introspection; most types have fewer fields."""
SIZES: Final = frozenset({"first", "last"})
IDS: Final = "ids"


class Endless(Exception):
    """A fragment leads to itself."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What something asks for."""

    cost: int = 0
    depth: int = 0
    introspection: int = 0
    """The cost of what it asks of the schema itself; not in `cost`."""
    weight: int = 0
    """What of the cost is there whatever is found."""
    row_cost: int | None = None
    """Of a connection whose rows are selected: what is below one of them."""


CURSOR: Final = Measure()
"""An edge, apart from its row."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows the variables ask for, None where they are no sizes, and how many a page has at most."""

    named: Mapping[str, int | None]
    page_max: int


class Pricing:
    """One operation of a document."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        self._schema, self._operation = schema, operation
        self._fragments = fragments_of(document)
        self._defaults = {
            d.variable.name.value: size
            for d in operation.variable_definitions or ()
            if (size := _written(d.default_value)) is not None
        }
        self.variables: dict[str, int | None] = {}
        """The variables that say how many rows, with their defaults; filled by measuring."""

    def measure(self, sizes: Sizes) -> Measure:
        """What the operation asks for. Raises TooWide or Endless where it has no measure."""
        merging = Merging(self._schema, self._fragments)
        meter = _Meter(self._schema, merging, sizes, self._defaults, self.variables)
        root = self._schema.get_root_type(self._operation.operation)
        found = meter.below(root, (self._operation.selection_set,))
        cost = min(COST_MAX, BASES[self._operation.operation] + found.cost)
        weight = BASES[self._operation.operation] + found.weight
        return Measure(cost, found.depth, found.introspection, weight)


@dataclass(slots=True)
class _Meter:
    """One measuring. What is below a type and a set of selections is looked at once."""

    schema: GraphQLSchema
    merging: Merging
    sizes: Sizes
    defaults: Mapping[str, int]
    variables: dict[str, int | None]
    _known: dict[Any, Measure | None] = field(default_factory=dict)

    def below(self, kind: GraphQLNamedType | None, sets: Selections) -> Measure:
        """What selections of a type ask for; `kind` is None where the type is unknown."""
        if not sets:
            return Measure()
        key = (kind.name if kind is not None else "", *map(id, sets))
        if key in self._known:
            known = self._known[key]
            if known is None:
                raise Endless
            return known
        self._known[key] = None
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            found = self._dearest(kind, sets)
        elif is_connection(kind):
            found = self._connection(kind, sets)
        else:
            found = self._object(kind, sets)
        self._known[key] = found
        return found

    def _dearest(self, kind: GraphQLInterfaceType | GraphQLUnionType, sets: Selections) -> Measure:
        """Every type that the selections name, and one that they do not, in turn."""
        named = self.merging.conditions(sets)
        possible = self.schema.get_possible_types(kind)
        if not any(is_abstract_type(self.schema.get_type(name)) for name in named - {kind.name}):
            unnamed = [k for k in possible if k.name not in named]
            possible = [*(k for k in possible if k.name in named), *unnamed[:1]]
        measured = [self.below(k, sets) for k in possible]
        return Measure(max(m.cost for m in measured), max(m.depth for m in measured))

    def _object(self, kind: GraphQLNamedType | None, sets: Selections) -> Measure:
        cost = depth = introspection = weight = 0
        for nodes in self.merging.fields(kind, sets).values():
            found = self._field(kind, nodes)
            depth, weight = max(depth, found.depth), weight + found.weight
            if nodes[0].name.value in ("__schema", "__type"):
                introspection += found.cost
            else:
                cost += found.cost
        return Measure(min(COST_MAX, cost), depth, min(COST_MAX, introspection), weight)

    def _connection(self, kind: Any, sets: Selections) -> Measure:
        """What belongs to the whole of it, and apart from that what is below a row: `nodes`, `edges` and `node` are no depth."""
        cost, depth = 0, 0
        rows: list[Measure] = []
        for nodes in self.merging.fields(kind, sets).values():
            name = nodes[0].name.value
            if name == "nodes":
                rows.append(self.below(get_named_type(kind.fields[name].type), below(nodes)))
            elif name == "edges":
                rows += self._edges(get_named_type(kind.fields[name].type), below(nodes))
            else:
                part = self._field(kind, nodes)
                cost, depth = cost + part.cost, max(depth, part.depth)
        # A row that is shown under several names is there several times.
        again = max(0, len([row for row in rows if row is not CURSOR]) - 1)
        row_cost = min(COST_MAX, again + sum(row.cost for row in rows)) if rows else None
        depth = max([depth, *(row.depth for row in rows)])
        return Measure(min(COST_MAX, cost), depth, row_cost=row_cost)

    def _edges(self, edge: Any, sets: Selections) -> list[Measure]:
        row = get_named_type(edge.fields["node"].type)
        found = self.merging.fields(edge, sets).values()
        return [CURSOR, *(self.below(row, below(n)) for n in found if n[0].name.value == "node")]

    def _field(self, kind: GraphQLNamedType | None, nodes: list[FieldNode]) -> Measure:
        node, sets = nodes[0], below(nodes)
        found = self.schema.get_field(kind, node.name.value) if isinstance(kind, COMPOSITE) else None
        if found is None:
            return Measure(0, self.below(None, sets).depth + 1)
        price, named = cost_of(found), get_named_type(found.type)
        part, entity = self.below(named, sets), is_entity(named)
        is_of_introspection = named.name.startswith("__")
        if is_connection(named):
            rows = 0 if part.row_cost is None else self._page_size(node) * (1 + part.row_cost)
            cost = 1 + part.cost + rows
        elif sets and is_list_type(get_nullable_type(found.type)):
            size = INTROSPECTION_SIZE if is_of_introspection else self._list_size(node, price.size)
            is_counted = entity or is_of_introspection or part.cost > 0
            cost = 1 + size * (entity + part.cost) if is_counted else 0
        else:
            cost = entity + part.cost
        # The chain of wrapped types is as long as the types of this schema make it.
        depth = part.depth + (node.name.value != "ofType")
        return Measure(min(COST_MAX, price.weight + cost), depth, weight=price.weight)

    def _page_size(self, node: FieldNode) -> int:
        given = [a.value for a in node.arguments or () if a.name.value in SIZES]
        sizes = [size for value in given if (size := self._number(value)) is not None]
        return min(self.sizes.page_max, max(sizes, default=PAGE_SIZE))

    def _list_size(self, node: FieldNode, usual: int) -> int:
        for argument in node.arguments or ():
            if argument.name.value == IDS:
                size = self._number(argument.value)
                return usual if size is None else size
        return usual

    def _number(self, value: Any) -> int | None:
        """The size that a literal or a variable gives; None where it gives none."""
        if not isinstance(value, VariableNode):
            return _written(value)
        name = value.name.value
        default = self.variables.setdefault(name, self.defaults.get(name))
        return self.sizes.named.get(name, default)


COMPOSITE = (GraphQLObjectType, GraphQLInterfaceType, GraphQLUnionType)


def _written(value: Any) -> int | None:
    """The number of rows that a literal asks for."""
    if isinstance(value, ListValueNode):
        return len(value.values)
    return size_of(int(value.value[:12])) if isinstance(value, IntValueNode) else None


def size_of(value: Any) -> int | None:
    """The number of rows that a value of a variable asks for: a number, or as many ids as there are."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 100.0 is an Int as well
    return max(0, min(COST_MAX, value)) if isinstance(value, int) else None


def cost_of(field: GraphQLField) -> Cost:
    """What a field of the built schema says of its cost."""
    declared = declaration_of(field)
    if declared is not None:
        return Cost.of(declared)
    definition = field.extensions.get(BACKREF)
    cost: Cost = definition.metadata.get(COST, FREE) if definition is not None else FREE
    return cost


def is_connection(kind: Any) -> bool:
    """Whether a type is a page of a list."""
    return isinstance(kind, GraphQLObjectType) and "nodes" in kind.fields and "pageInfo" in kind.fields


def is_entity(kind: Any) -> bool:
    """Whether a type has an id of its own, or leads to types that have."""
    if isinstance(kind, GraphQLUnionType):
        return any(is_entity(k) for k in kind.types)
    return isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and "id" in kind.fields
