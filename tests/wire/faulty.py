"""A server in which something nobody foresaw goes wrong, where and how the id of a request says: `fault.read.key.7`."""

import sqlite3
import sys
from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy.exc import ProgrammingError
from structlog.contextvars import get_contextvars

from db import postgres, sqlite
from db.engine import Database
from graph import identity
from graph.__main__ import main
from services.work import Work
from tests.fuzz.faults import COMPUTED

SECRET = "hunter2hunter2"
URL = f"postgresql://switchboard:{SECRET}@db.internal:5432/switchboard"
PATH = "/srv/switchboard/db/engine.py"
SQL = f"SELECT users.password_hash FROM users WHERE token = '{SECRET}'"
KINDS: dict[str, Callable[[], Exception]] = {
    "sql": lambda: ProgrammingError(SQL, {"password": SECRET}, Exception(f"{SQL}: no such column"), False),
    "sqlite": lambda: sqlite3.OperationalError(f'near "{SQL}": syntax error in {PATH}'),
    "asyncpg": lambda: asyncpg.UndefinedTableError(f'relation "users" does not exist, password={SECRET}'),
    "key": lambda: KeyError(f"password={SECRET} in {PATH}"),
    "value": lambda: ValueError(f"invalid dsn {URL}"),
    "attribute": lambda: AttributeError(f"'NoneType' object has no attribute 'x' at {PATH}, secret={SECRET}"),
    "assertion": lambda: AssertionError(f"token: {SECRET}"),
    "group": lambda: ExceptionGroup(f"2 tasks failed, {URL}", [KeyError(PATH), ValueError(URL)]),
}
"""What is raised: texts of drivers, paths and secrets, as such errors have them."""
SESSIONS = "sessions"


def fail(place: str) -> None:
    """Raises what the request in whose name this runs asks for at this place."""
    prefix, *told = str(get_contextvars().get("request_id", "")).split(".")
    if prefix == "fault" and told[0] == place:
        error = KINDS[told[1]]()
        raise error


def fail_statement(text: str) -> None:
    fail("identity" if SESSIONS in text else "read")


def failing(cls: type[Any], name: str, place: Callable[..., None]) -> None:
    """Has a method fail first."""
    method = getattr(cls, name)

    async def may_fail(self: Any, *args: Any, **kwargs: Any) -> Any:
        place(*args, **kwargs)
        return await method(self, *args, **kwargs)

    setattr(cls, name, may_fail)


def install() -> None:
    """Puts the faults in place."""
    identity.TRUSTED_SECONDS = 0.0  # type: ignore[misc]
    failing(Database, "_read", lambda statement, *_: fail_statement(str(statement)))
    for source in (sqlite.SqliteSource, postgres.PostgresSource):
        failing(source, "fetch", lambda _connection, text, _arguments: fail_statement(text))
    failing(Work, "fetch", lambda *_: fail("write"))
    failing(Work, "finish", lambda: fail("finish"))
    for declared in [each for found in COMPUTED.values() for each in found]:
        object.__setattr__(declared, "work_out", _failing_field(declared.work_out))


def _failing_field(work_out: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def may_fail(row: Any) -> Any:
        fail("field")
        return work_out(row)

    return may_fail


if __name__ == "__main__":
    install()
    main(sys.argv[1:], prog_name="python -m graph")
