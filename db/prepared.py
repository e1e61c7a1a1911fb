"""Statements compiled once, to be run by the driver itself: text, and how named values become its arguments."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam
from sqlalchemy.engine import Dialect as Compiler
from sqlalchemy.engine import make_url

from db.base import Viewer
from db.codecs import READS

Process = Callable[[Any], Any]
COMPILERS: Mapping[str, Compiler] = {
    "postgresql": make_url("postgresql+asyncpg://").get_dialect()(),
    "sqlite": make_url("sqlite+aiosqlite://").get_dialect()(),
}
"""SQLAlchemy's dialects, which write the text and convert values, without a connection."""
COMPILED_MAX = 150
"""How many statements an engine keeps compiled, or half as many again before it forgets the oldest: each takes room."""
NUMERIC = 1700
"""PostgreSQL's number of the one type whose conversion depends on what the server sent."""


LIMIT = bindparam("limit", type_=Integer(), literal_execute=True)
"""How many rows a statement reads, as part of its text. Of a parameter PostgreSQL supposes a tenth of all rows, finds that
it had better plan for each value, and plans an inbox anew each time, which takes longer than reading it."""
LIMIT_OF_SOME = bindparam("limit", type_=Integer())
"""The same as a parameter: where rows are filtered by values, planning for those is better than for any."""
LIMIT_MARK = "__[POSTCOMPILE_limit]"
TEXTS_MAX = 50
"""How many texts of one statement are kept, one for each limit."""


class Prepared:
    """One statement as the driver takes it. Its rows come by position, as the driver gives them."""

    __slots__ = ("_binds", "_says_limit", "_text", "_texts")

    def __init__(self, statement: Select[Any], dialect: str) -> None:
        compiled = statement.compile(dialect=COMPILERS[dialect])
        processes: Mapping[str, Any] = compiled._bind_processors
        self._text, self._texts = str(compiled), dict[int, str]()
        self._says_limit = LIMIT_MARK in self._text
        self._binds: list[tuple[str | None, Process | None, Any]] = []
        for name in compiled.positiontup or ():
            process, parameter = processes.get(name), compiled.binds[name]
            if parameter in compiled.literal_execute_params:
                continue
            if parameter.required:
                self._binds.append((name, process, None))
            else:
                own = parameter.effective_value
                self._binds.append((None, None, own if process is None else process(own)))

    def text(self, values: Mapping[str, Any]) -> str:
        """What is sent; it says the limit that the values give, where that is a part of it."""
        if not self._says_limit:
            return self._text
        limit = values["limit"]
        text = self._texts.get(limit)
        if text is None:
            if len(self._texts) >= TEXTS_MAX:
                self._texts.clear()
            text = self._texts[limit] = self._text.replace(LIMIT_MARK, str(int(limit)))
        return text

    def arguments(self, values: Mapping[str, Any], viewer: Viewer) -> list[Any]:
        """The arguments in order: of the values, of the viewer's, or what the statement itself says."""
        arguments = []
        for name, process, own in self._binds:
            if name is None:
                arguments.append(own)
                continue
            value = values[name] if name in values else viewer.value(name)
            arguments.append(value if process is None else process(value))
        return arguments


@cache
def reads(kind: Any, dialect: str) -> Process | None:
    """What turns a driver's value of a column type into Python's; None where it is that already."""
    if dialect == "postgresql" and type(kind) in READS:
        return READS[type(kind)]
    compiler = COMPILERS[dialect]
    process: Process | None = kind.dialect_impl(compiler).result_processor(compiler, NUMERIC)
    return process
