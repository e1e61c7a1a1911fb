"""Statements as the driver takes them: the limit of what nothing filters is a part of the text, all else is bound."""

import re
from typing import Any

import pytest
from sqlalchemy import Integer, Select, bindparam, column, select, table

from db import prepared
from db.base import Viewer
from db.engine import Database
from db.prepared import LIMIT, LIMIT_OF_SOME, Prepared
from schema.kit.execution.plans import plans
from tests.ask import Ask
from tests.explaining import seen_statements
from tests.make import Make

ROWS: Select[Any] = (
    select(column("a")).select_from(table("t")).where(column("a") > bindparam("after", type_=Integer()))
)
DIALECTS = ["postgresql", "sqlite"]


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


@pytest.mark.parametrize("kind", DIALECTS)
def test_a_limit_is_a_part_of_the_text_and_no_argument(kind: str, owner: Viewer) -> None:
    statement = Prepared(ROWS.limit(LIMIT), kind)
    for limit in (1, 51, *range(2, prepared.TEXTS_MAX * 2), 1):
        values = {"after": -1, "limit": limit}
        assert re.search(rf"LIMIT {limit}\b", statement.text(values))
        assert statement.arguments(values, owner)[0] == -1
        assert limit not in statement.arguments(values, owner)
    assert len(statement._texts) <= prepared.TEXTS_MAX


@pytest.mark.parametrize("kind", DIALECTS)
def test_a_limit_is_nothing_but_a_number(kind: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Prepared(ROWS.limit(LIMIT), kind).text({"after": -1, "limit": "1; DROP TABLE t"})


@pytest.mark.parametrize("kind", DIALECTS)
def test_the_limit_of_what_is_filtered_is_an_argument(kind: str, owner: Viewer) -> None:
    statement = Prepared(ROWS.limit(LIMIT_OF_SOME), kind)
    values = {"after": -1, "limit": 50}
    assert statement.text(values) == statement.text({"after": -1, "limit": 51})
    assert statement.arguments(values, owner)[:2] == [-1, 50]


@pytest.mark.parametrize(("where", "said"), [("", True), (", where: {status: [OPEN]}", False)])
async def test_a_list_says_its_limit_unless_it_is_filtered(
    ask: Ask, database: Database, owner: Viewer, where: str, said: bool
) -> None:
    if not plans.enabled:
        pytest.skip("needs plans")
    document = f"{{ chats(first: 7{where}) {{ nodes {{ id }} }} }}"
    ((text, _),) = await seen_statements(database, lambda: ask(owner, document))
    assert bool(re.search(r"LIMIT 7\b", text)) is said
