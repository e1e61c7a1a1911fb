"""The house keeps its own rules: sizes, purposes, visibility, and no word out of place."""

import ast
import re
from pathlib import Path

import pytest

from db.attempts import Attempts
from db.base import ANYONE, Row
from db.buckets import Bucket
from db.clients import ClientNonce
from db.counters import Counter
from db.idempotency import Idempotency
from db.metadata import METADATA
from db.sessions import RefreshToken

ROOT = Path(__file__).parent.parent
FLOORS = ("graph", "schema", "services", "db", "bench")
SOURCES = sorted(p for floor in FLOORS for p in (ROOT / floor).rglob("*.py") if "node_modules" not in p.parts)
LINES_MAX, FUNCTION_LINES_MAX = 400, 70
SEEN_BY_NOBODY = {RefreshToken, Counter, Idempotency, ClientNonce, Attempts, Bucket}
"""Tables that no viewer reads: services look at them by key."""


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_there_is_a_house() -> None:
    assert len(SOURCES) > 70


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_stays_small(path: Path) -> None:
    text = path.read_text()
    if path.name == "__init__.py" and path.parent.name != "schema":
        assert text == ""
        return
    purpose = ast.get_docstring(ast.parse(text))
    assert purpose, "it has no purpose sentence"
    assert purpose.splitlines()[0].endswith(".")
    assert text.count("\n") <= LINES_MAX
    for function in functions(path):
        assert (function.end_lineno or 0) - function.lineno < FUNCTION_LINES_MAX, function.name
    if "kit" not in path.parts:
        assert "type: ignore" not in text
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)


TABLES = sorted((m.class_ for m in Row.registry.mappers), key=lambda table: table.__name__)


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.__name__)
def test_every_table_says_who_may_see_its_rows(table: type[Row]) -> None:
    denied = str(table.visible_to(ANYONE)) == str(Row.visible_to(ANYONE))
    assert denied is (table in SEEN_BY_NOBODY)


def test_a_table_that_says_nothing_is_seen_by_nobody() -> None:
    assert str(Row.visible_to(ANYONE)) == "false"
    assert len(METADATA.tables) == 23


def test_every_table_keeps_when_it_changed() -> None:
    silent = [t.name for t in METADATA.tables.values() if "updated_at" not in t.columns]
    assert sorted(silent) == ["audit_entries", "client_nonces", "events"]  # written once


def test_indexes_and_keys_have_the_names_of_the_convention() -> None:
    for table in METADATA.tables.values():
        for index in table.indexes:
            assert str(index.name).startswith(f"ix_{table.name}_"), index.name
            assert len(str(index.name)) <= 63
        for constraint in table.constraints:
            assert re.match(r"(pk|uq|fk|ck)_", str(constraint.name)), constraint.name
