"""Counts the SQL statements that a database runs."""

from typing import Any, Self

from sqlalchemy import event

from db.engine import Database
from db.row_security import SETTING


class StatementCounter:
    """The texts of the statements run while it is open, reads and writes alike, but for saying whose rows they see."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engines = [engine.sync_engine for engine in database.engines]
        self.texts: list[str] = []

    def __enter__(self) -> Self:
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._note)
        self._database.listeners.append(self._hear)
        return self

    def __exit__(self, *_exception: object) -> None:
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._note)
        self._database.listeners.remove(self._hear)

    @property
    def count(self) -> int:
        """How many ran so far."""
        return len(self.texts)

    def reset(self) -> None:
        """Begin again at none."""
        self.texts.clear()

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: object) -> None:
        if SETTING not in statement:
            self.texts.append(statement)

    def _hear(self, statement: str, _arguments: object) -> None:
        self.texts.append(statement)
