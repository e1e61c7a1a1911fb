"""Compiles an operation: graphql-core's selection, our declarations, into a plan of statements and functions."""

from collections import namedtuple
from collections.abc import Mapping
from functools import cache
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
)

from db.base import Permission, Row
from db.engine import Dialect
from db.prepared import Prepared
from schema.kit.edges import AnyNode, AnyOne, ByKey, Few, Many, One
from schema.kit.execution import values
from schema.kit.execution.arguments import Arguments, arguments_of
from schema.kit.execution.connections import PageLink
from schema.kit.execution.links import AnyNodeLink, AnyOneLink, FewLink, OneLink
from schema.kit.execution.readings import Reading
from schema.kit.execution.rows import Origin, write_rows
from schema.kit.execution.run import Run
from schema.kit.execution.scopes import Rows
from schema.kit.execution.selected import Operation, Selected, Unplanned
from schema.kit.load import key_statement
from schema.kit.node import EDGES_BY_ID, NODES
from schema.kit.pages import few_select
from schema.kit.resolvers import read_key
from schema.kit.statements import Selection


class Compiler:
    """Compiles one operation for one database. Raises Unplanned for what the stock executor does."""

    def __init__(self, operation: Operation, dialect: Dialect) -> None:
        self.operation, self.dialect = operation, dialect

    def completer(self, type: GraphQLOutputType, details: values.Details) -> values.Complete:
        """What completes the values that a resolver or a worked-out field gives."""
        return values.completer(type, details, self)

    def target(self, type: GraphQLOutputType, edge: One | None) -> GraphQLObjectType:
        """The one object type that an edge leads to."""
        kind = get_named_type(type)
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            possible = self.operation.schema.get_possible_types(kind)
            if edge is not None:
                possible = [
                    k
                    for k in possible
                    if k.name == edge.type_name or (edge.type_name is None and _is_in(k, edge.table))
                ]
            if len(possible) != 1:
                raise Unplanned(f"{kind.name} is of several types")
            kind = possible[0]
        if not isinstance(kind, GraphQLObjectType) or is_introspection_type(kind):
            raise Unplanned(str(kind))
        return kind

    def needs_of(self, choice: One) -> Permission | None:
        """The permission to see the type that an edge to several types leads to."""
        return next(n.needs for n in NODES.values() if n.name == choice.type_name)

    def seen(self, needs: tuple[str, ...]) -> Any:
        """What a worked-out field is given in place of a row."""
        return _seen(needs)

    def arguments(self, f: Selected) -> Arguments:
        """What gives the coerced arguments of a field."""
        assert isinstance(f.field, GraphQLField)
        try:
            return arguments_of(f.field, f.nodes[0])
        except Exception as wrong:
            raise Unplanned("arguments that are refused") from wrong

    def link(self, f: Selected, table: type[Row] | None) -> Any:
        """What follows an edge by a statement of its own. `table` is that of its rows, where they are of a table."""
        declared = f.declared
        required = str(f.type).endswith("!")
        if isinstance(declared, One):
            return self._one(declared, f, required)
        if isinstance(declared, AnyOne):
            choices = [(self._one(c, f, False), self.needs_of(c)) for c in declared.choices]
            return AnyOneLink(choices, f.key, required=required)
        if isinstance(declared, AnyNode):
            return self._any_node(declared, f)
        if isinstance(declared, Few):
            return self.few(declared, f)
        if isinstance(declared, Many):
            return self.page(declared, f)
        raise Unplanned(f"{f.parent.name}.{f.name}")

    def _one(self, edge: One, f: Selected, required: bool) -> OneLink:
        kind, reading = self.target(f.type, edge), Reading(edge.table)
        rows = self.rows(kind, f, reading, placed=True)
        selection = Selection(edge.table, kind=edge.kind, columns=reading)
        return OneLink(edge, selection, rows, self.dialect, f.key, required=required)

    def _any_node(self, declared: AnyNode, f: Selected) -> AnyNodeLink:
        kind = get_named_type(f.type)
        assert isinstance(kind, GraphQLInterfaceType)
        kinds = {k.name for k in self.operation.schema.get_possible_types(kind)}
        choices = {
            n.table.__tablename__: (self._one(EDGES_BY_ID[n.prefix], f, False), n.needs)
            for n in NODES.values()
            if n.name in kinds
        }
        return AnyNodeLink(declared, choices, f.key)

    def few(self, edge: Few, f: Selected) -> FewLink:
        """A short list."""
        reading = Reading(edge.table)
        rows = self.rows(self.target(f.type, None), f, reading, placed=edge.key is not None)

        def statement(alone: bool) -> Any:
            return few_select(edge, self.dialect, reading, alone=alone)

        return FewLink(edge, statement, rows, self.dialect, f.key)

    def origin(self, f: Selected, key: str | None) -> Origin | None:
        """The rows that a list starts from, where they are of a table."""
        known = next((n for n in NODES.values() if n.name == f.parent.name), None)
        return Origin(key, known.table, known.kind) if known is not None and key is not None else None

    def page(self, edge: Many, f: Selected) -> PageLink:
        """A connection."""
        return PageLink(edge, f, self.arguments(f), self, self.dialect)

    def rows(self, kind: GraphQLObjectType, f: Selected, reading: Reading, *, placed: bool) -> Rows:
        """What makes the objects below a field."""
        fields = self.operation.below(f.details, kind)
        build = write_rows(kind, fields, reading, self.dialect, self, placed=placed)
        reading.slot("id")
        return build()


class KeyRoot:
    """A root field that finds one row by one of several keys."""

    def __init__(self, declared: ByKey, f: Selected, compiler: Compiler) -> None:
        self._declared, self._arguments = declared, compiler.arguments(f)
        self._dialect, self._reading = compiler.dialect, Reading(declared.listing.table)
        self._rows = compiler.rows(compiler.target(f.type, None), f, self._reading, placed=False)
        self._statements: dict[str, Prepared] = {}

    async def root(self, run: Run) -> Any:
        """The object of the row; None where there is none in sight."""
        by: Mapping[str, Any] = self._arguments(run)["by"]
        name, key = read_key(self._declared, dict(by), run.viewer)
        if key is None:
            return None
        statement = self._statements.get(name)
        if statement is None:
            made = key_statement.__wrapped__(self._declared, name, self._reading)
            statement = self._statements[name] = Prepared(made, self._dialect)
        records = await run.fetch(statement, {f"key_{i}": v for i, v in enumerate(key)})
        rows = self._rows(records, run)
        return rows[0] if rows else None


@cache
def _seen(needs: tuple[str, ...]) -> Any:
    return namedtuple("Seen", needs)


def _is_in(kind: GraphQLObjectType, table: type[Row]) -> bool:
    return any(n.name == kind.name and n.table is table for n in NODES.values())
