"""How the stock executor resolves each kind of declaration. Attached to the schema once, after it is built."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter

from db.base import Viewer
from db.types import UNKEPT
from schema.kit import ids
from schema.kit.connection import Pages
from schema.kit.context import Context
from schema.kit.edges import (
    AnyNode,
    AnyOne,
    Asking,
    ByKey,
    Column,
    Computed,
    Declaration,
    Embedded,
    Few,
    Live,
    Many,
    One,
    Private,
    TypedId,
    table_of_key,
)
from schema.kit.node import DECLARED, EDGES_BY_ID, NODES, node_of_table
from schema.kit.pages import read_page
from services.errors import Forbidden, NotFound

Resolve = Callable[..., Any]
Info = GraphQLResolveInfo[Context]
BACKREF = GraphQLCoreConverter.DEFINITION_BACKREF


def declaration_of(field: Any) -> Declaration | None:
    """The declaration a field of the built schema was made from."""
    definition = field.extensions.get(BACKREF)
    declared: Declaration | None = definition.metadata.get(DECLARED) if definition is not None else None
    return declared


def attach(schema: GraphQLSchema) -> None:
    """Gives every declared field of the schema its resolver."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field in kind.fields.values():
                declared = declaration_of(field)
                if declared is not None:
                    field.resolve = RESOLVERS[type(declared)](declared)


def _column(declared: Column) -> Resolve:
    return lambda row, info: getattr(row, declared.name)


def _typed_id(declared: TypedId) -> Resolve:
    return lambda row, info: ids.encode(declared.prefix, row.id)


def _computed(declared: Computed) -> Resolve:
    return lambda row, info: declared.work_out(row)


def _embedded(declared: Embedded) -> Resolve:
    columns = tuple(declared.columns.items())
    return lambda row, info: declared.type(**{field: getattr(row, column) for field, column in columns})


def _private(declared: Private) -> Resolve:
    def resolve(row: Any, info: Info) -> Any:
        viewer = info.context.viewer
        seen = row.id == viewer.id or viewer.can(declared.permission)
        return getattr(row, declared.name) if seen else None

    return resolve


def _one(declared: One) -> Resolve:
    def resolve(row: Any, info: Info) -> Any:
        key = tuple(getattr(row, k) for k in declared.keys)
        return None if None in key else info.context.load.one(declared, key)

    return resolve


def _any_one(declared: AnyOne) -> Resolve:
    needs = {n.name: n.needs for n in NODES.values()}

    def resolve(row: Any, info: Info) -> Any:
        for choice in declared.choices:
            key = getattr(row, choice.keys[0])
            if key is not None:
                needed = needs[choice.type_name or ""]
                if needed is not None and not info.context.viewer.can(needed):
                    return None
                return info.context.load.one(choice, (key,))
        return None

    return resolve


def _any_node(declared: AnyNode) -> Resolve:
    def resolve(row: Any, info: Info) -> Any:
        known = node_of_table(getattr(row, declared.table_key))
        if known is None or (known.needs and not info.context.viewer.can(known.needs)):
            return None
        return info.context.load.one(EDGES_BY_ID[known.prefix], (getattr(row, declared.id_key),))

    return resolve


def _many(declared: Many) -> Resolve:
    def resolve(row: Any, info: Info, **arguments: Any) -> Pages:
        context = info.context
        request = read_page(declared.listing, arguments, context.viewer, context.server.page_size_max)
        return Pages(context.load, declared, request, row.id if declared.key is not None else None)

    return resolve


def _few(declared: Few) -> Resolve:
    def resolve(row: Any, info: Info) -> Any:
        context = info.context
        if declared.private and row.id != context.viewer.id and not context.viewer.can(declared.private):
            return None
        return context.load.few(declared, row.id if declared.key is not None else None)

    return resolve


def _live(declared: Live) -> Resolve:
    return lambda row, info: declared.look(info.context.server, row.id)


def _asking(declared: Asking) -> Resolve:
    return lambda row, info: declared.look(info.context)


def _by_key(declared: ByKey) -> Resolve:
    async def resolve(_root: Any, info: Info, by: dict[str, Any]) -> Any:
        name, key = read_key(declared, by, info.context.viewer)
        return None if key is None else await info.context.load.by_key(declared, name, key)

    return resolve


def read_key(declared: ByKey, by: dict[str, Any], viewer: Viewer) -> tuple[str, tuple[Any, ...] | None]:
    """Which of the keys is given, and its values; None where no row can have them. Forbidden as `needs` says."""
    ((name, value),) = by.items()
    needed = declared.needs.get(name)
    if needed is not None and not viewer.can(needed):
        raise Forbidden(f"To look up by {name} needs {needed}.", "by", name)
    try:
        return name, _key(declared, name, value)
    except NotFound:
        return name, None


def _key(declared: ByKey, name: str, value: Any) -> tuple[Any, ...]:
    # A coerced input object has its values in the order of its fields: that of the columns.
    values = tuple(value.values()) if isinstance(value, dict) else (value,)
    columns = zip(declared.keys[name], values, strict=True)
    return tuple(_key_value(declared, column, v, "by", name) for column, v in columns)


def _key_value(declared: ByKey, column: str, value: Any, *path: str) -> Any:
    if column == "id":
        return ids.decode(declared.prefix, value, *path)
    attribute = getattr(declared.listing.table, column)
    if attribute.property.columns[0].foreign_keys:
        pointed_at = table_of_key(attribute)
        prefix = next(n.prefix for n in NODES.values() if n.table is pointed_at)
        return ids.decode(prefix, value, *path)
    if isinstance(value, str) and UNKEPT.search(value):
        raise NotFound("No key holds such a character.", *path)
    return value.lower() if column in declared.listing.table.lower_case else value


RESOLVERS: dict[type, Callable[[Any], Resolve]] = {
    Column: _column,
    TypedId: _typed_id,
    Computed: _computed,
    Embedded: _embedded,
    Private: _private,
    One: _one,
    AnyOne: _any_one,
    AnyNode: _any_node,
    Many: _many,
    Few: _few,
    ByKey: _by_key,
    Live: _live,
    Asking: _asking,
}
