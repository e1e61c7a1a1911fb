"""The unit of work: what a service reads and writes with, as the viewer, in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, delete, insert, inspect, select, update
from sqlalchemy import Row as Record
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.base import Row, Viewer, columns_of, new_id, now
from db.events import Change
from db.row_security import see_everywhere
from services.columns import check
from services.errors import Conflict, NotFound, StaleVersion, Unauthenticated
from services.events import TOLD_OF, Notes
from services.hub import CONVERSATION, LOG, Hint, Subject
from services.trails import Trail
from services.uniques import broken_unique

T = TypeVar("T")

UPSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass
class Work:
    """A transaction of one viewer. Rows it does not see do not exist for it."""

    connection: AsyncConnection
    asking: Viewer | None
    hints: list[Hint] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    trail: Trail = field(default_factory=Trail)
    rows: dict[int, tuple[Record[Any], type[Row]]] = field(default_factory=dict, repr=False)
    """Whole rows that were read or written, by their identity: a row does not know its table."""

    @property
    def viewer(self) -> Viewer:
        """Who is asking; raises Unauthenticated for nobody."""
        if self.asking is None:
            raise Unauthenticated("Sign in first.")
        return self.asking

    async def fetch(self, statement: Executable) -> Sequence[Record[Any]]:
        """Runs any statement in this transaction."""
        return (await self.connection.execute(statement)).all()

    async def one(self, statement: Executable) -> Record[Any] | None:
        """The first row of any statement, in this transaction."""
        return (await self.connection.execute(statement)).first()

    async def execute(self, statement: Executable) -> None:
        """Runs a statement that gives nothing back."""
        await self.connection.execute(statement)

    async def see_everywhere(self) -> None:
        """From here on rows of every workspace are seen, as far as the database has a say: for who signs in."""
        await see_everywhere(self.connection)

    async def find(
        self,
        table: type[Row],
        *conditions: ColumnElement[bool],
        newest: bool = False,
        deleted: bool = False,
        locked: bool = False,
    ) -> Record[Any] | None:
        """A visible row that fulfils the conditions, the newest where it matters; None when there is none.

        Deleted rows are looked at as well where `deleted` says so.
        """
        exists = table.visible_to(self.viewer) if deleted else self.within(table)
        rows = select(*columns_of(table, table, self.viewer)).where(exists, *conditions)
        rows = rows.with_for_update(read=True) if locked else rows
        found = await self.one(rows.order_by(_column(table, "id").desc()) if newest else rows)
        return found if found is None else self._known(table, found)

    async def find_all(self, table: type[Row], *conditions: ColumnElement[bool]) -> Sequence[Record[Any]]:
        """The visible rows that fulfil the conditions."""
        return await self.fetch(select(*self.columns(table)).where(self.within(table), *conditions))

    async def get(self, table: type[Row], id: UUID, *path: str | int, locked: bool = False) -> Record[Any]:
        """The visible row with the id, kept from changing until the commit where `locked`; NotFound at the path."""
        row = await self.find(table, _column(table, "id") == id, locked=locked)
        if row is None:
            raise missing(table, *path)
        return row

    async def insert(self, table: type[Row], **values: Any) -> Record[Any]:
        """Adds a row and gives it back whole. Id, workspace, times and version are filled in where not given."""
        new = insert(table).values(self._filled(table, values))
        row = (await self._write(table, new.returning(*self.columns(table))))[0]
        self._note(table, row, Change.CREATED)
        return row

    async def insert_many(self, table: type[Row], rows: Sequence[Mapping[str, Any]]) -> Sequence[Record[Any]]:
        """Adds rows by one statement; each as `insert` would."""
        new = insert(table).values([self._filled(table, row) for row in rows])
        return await self._write(table, new.returning(*self.columns(table)))

    async def update(
        self,
        table: type[Row],
        id: UUID,
        changes: Mapping[str, Any],
        *conditions: ColumnElement[bool],
        expected_version: int | None = None,
        raises: Callable[[Record[Any]], Exception] | None = None,
        counts: bool = True,
        change: Change = Change.UPDATED,
    ) -> Record[Any]:
        """Changes a row in one statement that is the check as well, and gives it back whole.

        `counts` raises its version, and has the change told; no change at all does neither. Raises NotFound for a
        row out of sight, StaleVersion where it is not at the expected version, and what `raises` makes of the row as
        it is where another of the conditions does not hold.
        """
        check(table, changes)
        if not changes and not conditions:
            return self._at_version(await self.get(table, id, "id"), expected_version)
        where = [_column(table, "id") == id, self.within(table), *conditions]
        values = {"updated_at": now(), **changes}
        if counts and "version" in inspect(table).column_attrs:
            values["version"] = _column(table, "version") + 1
            if expected_version is not None:
                where.append(_column(table, "version") == expected_version)
        rows = await self._write(
            table, update(table).where(*where).values(values).returning(*self.columns(table))
        )
        if rows:
            if counts:
                self._note(table, rows[0], change, changes)
            return rows[0]
        current = self._at_version(await self.get(table, id, "id"), expected_version)
        raise raises(current) if raises else missing(table, "id")

    async def erase(
        self,
        table: type[Row],
        id: UUID,
        blanks: Mapping[str, Any],
        *conditions: ColumnElement[bool],
        expected_version: int | None = None,
        raises: Callable[[Record[Any]], Exception] | None = None,
    ) -> Record[Any]:
        """Deletes a row for who looks, and keeps it, emptied of what is personal, for who points at it."""
        changes = {**blanks, "deleted_at": now()}
        return await self.update(
            table,
            id,
            changes,
            *conditions,
            expected_version=expected_version,
            raises=raises,
            change=Change.REMOVED,
        )

    async def update_all(
        self,
        table: type[Row],
        changes: Mapping[str, Any],
        *conditions: ColumnElement[bool],
        change: Change = Change.UPDATED,
    ) -> None:
        """Changes every visible row that fulfils the conditions, and counts and tells each change."""
        values = {**changes, "updated_at": now(), "version": _column(table, "version") + 1}
        told = [_column(table, name) for name in TOLD_OF if name in inspect(table).column_attrs]
        changed = update(table).where(table.visible_to(self.viewer), *conditions).values(values)
        for row in await self.fetch(changed.returning(*told)):
            self._note(table, row, change, changes)

    async def upsert(
        self, table: type[Row], key: Mapping[str, Any], new: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> None:
        """Adds the row with that primary key, or changes it where it is there already."""
        make = UPSERTS[self.connection.dialect.name]
        moment = now()
        times = {"created_at": moment, "updated_at": moment, "workspace_id": self.viewer.workspace_id}
        added = make(table).values({**times, **key, **new})
        kept = {**changes, "updated_at": moment}
        await self.connection.execute(added.on_conflict_do_update(index_elements=list(key), set_=kept))

    async def remove(self, table: type[Row], *conditions: ColumnElement[bool]) -> int:
        """Really deletes the visible rows that fulfil the conditions; says how many."""
        done = await self.connection.execute(delete(table).where(table.visible_to(self.viewer), *conditions))
        return int(done.rowcount)

    def hint(self, conversation_id: UUID, sequence: int = 0) -> None:
        """After the commit, says that the conversation has messages up to the sequence; 0: look at it again."""
        self.hints.append((Subject(CONVERSATION, conversation_id), sequence))

    async def finish(self) -> None:
        """Writes what is told of the changes: the last thing before the commit."""
        if self.notes:
            position = await self.notes.write(self.connection, self.viewer.workspace_id)
            self.hints.append((Subject(LOG, self.viewer.workspace_id), position))
            # Whoever has read such a message already reads it again.
            self.hints += [(Subject(CONVERSATION, id), 0) for id in self.notes.conversations_changed()]

    def forget(self) -> None:
        """What was done was undone: nothing is announced of it."""
        self.__dict__.update(Work(self.connection, self.asking).__dict__ | {"rows": self.rows})

    def knows(self, row: Record[Any]) -> bool:
        """Whether the row was read or written whole by this work."""
        return id(row) in self.rows

    def table_of(self, row: Record[Any]) -> type[Row]:
        """The table that this work has a row from."""
        return self.rows[id(row)][1]

    def _note(self, table: type[Row], row: Record[Any], change: Change, fields: Iterable[str] = ()) -> None:
        self.notes.add(table, row, change, fields)
        if hasattr(row, "id"):
            self.trail.add(table, row.id, fields, change)

    def _known(self, table: type[Row], row: Record[Any]) -> Record[Any]:
        self.rows[id(row)] = row, table
        return row

    def _at_version(self, current: Record[Any], expected_version: int | None) -> Record[Any]:
        if expected_version is not None and current.version != expected_version:
            raise StaleVersion(f"It is at version {current.version}.", "expected_version", current=current)
        return current

    def within(self, table: type[Row]) -> ColumnElement[bool]:
        """The rows of the table that exist for the viewer."""
        visible = table.visible_to(self.viewer)
        return visible & _column(table, "deleted_at").is_(None) if hasattr(table, "deleted_at") else visible

    def columns(self, table: type[Row]) -> list[ColumnElement[Any]]:
        """What a row of the table is given back with."""
        return columns_of(table, table, self.viewer)

    def _filled(self, table: type[Row], values: Mapping[str, Any]) -> dict[str, Any]:
        moment, columns = now(), inspect(table).column_attrs
        defaults = {"id": new_id(), "version": 1, "created_at": moment, "updated_at": moment}
        defaults["workspace_id"] = self.viewer.workspace_id
        filled = {k: v for k, v in defaults.items() if k in columns} | dict(values)
        check(table, filled, whole=True)
        return filled

    async def _write(self, table: type[Row], statement: Executable) -> Sequence[Record[Any]]:
        try:
            return [self._known(table, row) for row in await self.fetch(statement)]
        except IntegrityError as error:
            taken = broken_unique(table, error)
            if taken is None:
                raise
            raise Conflict("It is taken already.", taken) from error


def missing(table: type[Row], *path: str | int) -> NotFound:
    """There is no such row for this viewer."""
    return NotFound(f"There is no such {table.__name__.lower()}.", *path)


def _column(table: type[Row], name: str) -> Any:
    return getattr(table, name)
