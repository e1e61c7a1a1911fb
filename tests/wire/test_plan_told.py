"""`X-Plan: 1`: in development an answer tells how it was made."""

import pytest

from tests.wire.caller import register

CHATS = "{ chats(first: 5) { nodes { id messages(last: 1) { nodes { content } } } } }"
TELL = {"X-Plan": "1"}

pytestmark = pytest.mark.usefixtures("calm")


async def test_who_asks_is_told_the_statements(running):
    owner = await register(running.web)
    await owner.chat()
    told = (await owner.post(CHATS, **TELL)).json()["extensions"]["plan"]
    assert (told["by"], told["why"]) == ("plan", None)
    assert [statement["rows"] for statement in told["statements"]] == [1, 1]
    assert all("SELECT" in statement["sql"] for statement in told["statements"])
    assert all(statement["milliseconds"] > 0 for statement in told["statements"])
    assert "plan" not in (await owner.post(CHATS)).json()["extensions"]


async def test_who_asks_is_told_why_there_is_no_plan(owner):
    told = (await owner.post("{ __schema { queryType { name } } }", **TELL)).json()["extensions"]["plan"]
    assert told == {"by": "fallback", "why": "introspection", "statements": []}


async def test_production_tells_nobody(production):
    server, _ = production
    stranger = await register(server.web)
    answer = (await stranger.post(CHATS, **TELL)).json()
    assert answer["data"]["chats"]["nodes"] == []
    assert "plan" not in answer["extensions"]
