"""Writes the function that turns the driver's rows into the objects of an answer: one loop, columns by position."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLNonNull, GraphQLObjectType, GraphQLOutputType, get_named_type

from db.base import Row, column
from db.engine import Dialect
from schema.kit.edges import (
    AnyNode,
    AnyOne,
    Column,
    Computed,
    Embedded,
    Few,
    Live,
    Many,
    One,
    Private,
    TypedId,
)
from schema.kit.execution.columns import answered, python_value
from schema.kit.execution.readings import Path, Reading
from schema.kit.execution.scopes import Rows, Scope
from schema.kit.execution.selected import Selected, Unplanned


@dataclass(frozen=True)
class Origin:
    """The rows that an edge starts from, which its own rows point back at with `key`."""

    key: str
    table: type[Row]
    kind: str | None

    def is_target(self, edge: One) -> bool:
        """Whether an edge of those rows leads back to the row that they were reached from, which is in sight."""
        same = edge.keys == (self.key,) and edge.matches == ("id",) and edge.table is self.table
        return same and edge.kind in (None, self.kind)


class Writer:
    """Writes the body of the loop for one type. `links` makes what follows an edge that is not joined."""

    def __init__(
        self, reading: Reading, dialect: Dialect, compiler: Any, scope: Scope, origin: Origin | None = None
    ) -> None:
        self.reading, self.dialect, self.compiler, self.scope = reading, dialect, compiler, scope
        self.origin = origin

    def object(self, kind: GraphQLObjectType, fields: Sequence[Selected], path: Path, name: str) -> list[str]:
        """Statements that leave the object of one row in `name`."""
        before: list[str] = []
        after: list[str] = []
        members = [f"{f.key!r}: {self.value(kind, f, path, name, before, after)}" for f in fields]
        return [*before, f"{name} = {{{', '.join(members)}}}", *after]

    def value(
        self, kind: GraphQLObjectType, f: Selected, path: Path, name: str, before: list[str], after: list[str]
    ) -> str:
        """An expression for one field; what it needs goes before the object is made, what waits for it after."""
        if f.field is None:
            return repr(kind.name)
        declared = f.declared
        if isinstance(declared, One):
            return self.one(declared, f, path, name, before, after)
        if isinstance(declared, AnyOne):
            return self.any_one(declared, f, path, name, before, after)
        if isinstance(declared, AnyNode | Many | Few):
            return self.held(f, path, name, after)
        return self.own(f, path, before)

    def own(self, f: Selected, path: Path, before: list[str]) -> str:
        """An expression for a field that its row alone answers."""
        declared = f.declared
        if declared is None:
            return self.column(f.attribute, f.type, path, before)
        if isinstance(declared, Column):
            return self.column(declared.name, f.type, path, before)
        if isinstance(declared, TypedId):
            return f"'{declared.prefix}_' + {self.slot('id', path)}"
        if isinstance(declared, Embedded):
            return self.embedded(declared, f, path, before)
        if isinstance(declared, Computed):
            return self.computed(declared, f, path)
        if isinstance(declared, Live):
            return self.live(declared, f, path)
        if isinstance(declared, Private):
            shown = f"({self.slot('id', path)} == own_id or {self.scope.allowed(declared.permission)})"
            self.need_own_id()
            return f"({self.column(declared.name, f.type, path, before)}) if {shown} else None"
        raise Unplanned(f"{f.parent.name}.{f.name}")

    def slot(self, column_name: str, path: Path) -> str:
        return f"c{self.reading.slot(column_name, path)}"

    def need_own_id(self) -> None:
        if "own_id" not in self.scope.names:
            self.scope.names["own_id"] = None
            self.scope.head.append("own_id = run.own_id")

    def column(self, attribute: str, type: GraphQLOutputType, path: Path, before: list[str]) -> str:
        table = self.reading.table_at(path)
        stored, slot = column(table, attribute), self.slot(attribute, path)
        nullable = bool(getattr(stored, "nullable", False))
        required = isinstance(type, GraphQLNonNull)
        if required and nullable:
            before.append(f"if {slot} is None: raise Surprise")
        name = self.scope.fresh("write")
        written = answered(stored, type, self.dialect, name, nullable=nullable and not required)
        return self.scope.take(written, slot)

    def embedded(self, declared: Embedded, f: Selected, path: Path, before: list[str]) -> str:
        kind = get_named_type(f.type)
        assert isinstance(kind, GraphQLObjectType)
        members = []
        for part in self.compiler.operation.below(f.details, kind):
            if part.field is None:
                members.append(f"{part.key!r}: {kind.name!r}")
            else:
                source = declared.columns[part.attribute]
                members.append(f"{part.key!r}: {self.column(source, part.type, path, before)}")
        return f"{{{', '.join(members)}}}"

    def computed(self, declared: Computed, f: Selected, path: Path) -> str:
        seen = self.scope.name(self.compiler.seen(declared.needs), "seen")
        table = self.reading.table_at(path)
        given = []
        for needed in declared.needs:
            name = self.scope.fresh("value")
            given.append(
                self.scope.take(
                    python_value(column(table, needed), self.dialect, name), self.slot(needed, path)
                )
            )
        work_out = self.scope.name(declared.work_out, "work_out")
        complete = self.scope.name(self.compiler.completer(f.type, f.details), "complete")
        return f"{complete}({work_out}({seen}({', '.join(given)})), run)"

    def live(self, declared: Live, f: Selected, path: Path) -> str:
        writing = python_value(
            column(self.reading.table_at(path), "id"), self.dialect, self.scope.fresh("value")
        )
        id = self.scope.take(writing, self.slot("id", path))
        look = self.scope.name(declared.look, "look")
        complete = self.scope.name(self.compiler.completer(f.type, f.details), "complete")
        return f"{complete}({look}(run.context.server, {id}), run)"

    def one(
        self, declared: One, f: Selected, path: Path, name: str, before: list[str], after: list[str]
    ) -> str:
        kind = self.compiler.target(f.type, declared)
        if not path and self.origin is not None and self.origin.is_target(declared):
            fields = self.compiler.operation.below(f.details, kind)
            if all(part.field is None or isinstance(part.declared, TypedId) for part in fields):
                return self.back(kind, fields, declared.keys[0])
        onward = self.reading.join(path, f.key, declared)
        if onward is None:
            return self.held(f, path, name, after)
        made = self.scope.fresh("row")
        self.scope.joined.add((path, f.key))
        inner = self.object(kind, self.compiler.operation.below(f.details, kind), onward, made)
        before += self.unless_none(self.slot("id", onward), made, inner, f.type)
        return made

    def back(self, kind: GraphQLObjectType, fields: Sequence[Selected], key: str) -> str:
        """The row that all of this was reached from, of which no more is asked than the key tells."""
        members = []
        for part in fields:
            known = None if part.field is None else part.declared
            told = (
                f"'{known.prefix}_' + {self.slot(key, ())}" if isinstance(known, TypedId) else repr(kind.name)
            )
            members.append(f"{part.key!r}: {told}")
        return f"{{{', '.join(members)}}}"

    def any_one(
        self, declared: AnyOne, f: Selected, path: Path, name: str, before: list[str], after: list[str]
    ) -> str:
        made = self.scope.fresh("row")
        lines = [f"{made} = None"]
        word = "if"
        for choice in declared.choices:
            kind = self.compiler.target(f.type, choice)
            onward = self.reading.join(path, f"{f.key}:{choice.type_name}", choice)
            if onward is None:
                return self.held(f, path, name, after)
            inner = self.object(kind, self.compiler.operation.below(f.details, kind), onward, made)
            lines.append(f"{word} {self.slot(choice.keys[0], path)} is not None:")
            shown = f"{self.slot('id', onward)} is not None"
            needed = self.compiler.needs_of(choice)
            if needed is not None:
                shown += f" and {self.scope.allowed(needed)}"
            lines += [f"    if {shown}:", *[f"        {line}" for line in inner]]
            word = "elif"
        self.scope.joined.add((path, f.key))
        if isinstance(f.type, GraphQLNonNull):
            lines.append(f"if {made} is None: raise Surprise")
        before += lines
        return made

    def unless_none(self, slot: str, made: str, inner: list[str], type: GraphQLOutputType) -> list[str]:
        none = "raise Surprise" if isinstance(type, GraphQLNonNull) else f"{made} = None"
        return [f"if {slot} is None:", f"    {none}", "else:", *[f"    {line}" for line in inner]]

    def held(self, f: Selected, path: Path, name: str, after: list[str]) -> str:
        """Holds the object for a link. Links of several keys, and those of a nullable key, look at it themselves."""
        link = self.compiler.link(f, self.reading.table_at(path))
        slots = [self.slot(key, path) for key in link.keys]
        key = slots[0] if len(slots) == 1 else f"({', '.join(slots)})"
        after.append(f"{self.scope.holder(link)}(({key}, {name}))")
        return "None"


def write_rows(
    kind: GraphQLObjectType,
    fields: Sequence[Selected],
    reading: Reading,
    dialect: Dialect,
    compiler: Any,
    *,
    placed: bool,
    origin: Origin | None = None,
) -> Callable[[], Rows]:
    """What makes the function for one type and selection. The reading gets its columns now; call it once that has all.

    `placed` rows begin with the place of their key.
    """
    scope = Scope()
    body = Writer(reading, dialect, compiler, scope, origin).object(kind, fields, (), "row")

    def build() -> Rows:
        slots = [*(["_"] if placed else []), *[f"c{i}" for i in range(len(reading.slots))]]
        return scope.build(f"rows of {kind.name}", slots, 1 + len(scope.joined), body)

    return build
