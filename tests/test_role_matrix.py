"""Every root field against every kind of caller: nobody, members, those of a workspace that pays, administrators, programs."""

from dataclasses import replace
from typing import Any

import pytest

from db.base import Permission, Viewer
from services.limits import LevelName, level_name
from services.roles import ADMINISTRATOR, AGENT
from tests.ask import Ask
from tests.make import Make
from tests.test_access_matrix import FIELDS, FOLLOWED, PUBLIC, document, expected, followed

MEMBERS_ONLY = {"logout", "presenceSet"}
"""What is about a person is refused to a program; tests/test_clients_acting.py has those that look at their input first."""
PERMISSIONS = {
    LevelName.ANONYMOUS: frozenset[Permission](),
    LevelName.USER: AGENT,
    LevelName.PREMIUM: AGENT,
    LevelName.ADMIN: ADMINISTRATOR,
    LevelName.SERVICE: AGENT,
}
CELLS = [(role, name) for role in LevelName for name in (*FIELDS, *FOLLOWED)]
CELLS_MIN = 310


@pytest.fixture
async def callers(make: Make) -> dict[LevelName, Viewer | None]:
    owner = await make.owner()
    agent = await make.member(owner)
    client, _ = await make.client(owner, *AGENT)
    return {
        LevelName.ANONYMOUS: None,
        LevelName.USER: agent,
        LevelName.PREMIUM: replace(agent, is_premium=True),
        LevelName.ADMIN: owner,
        LevelName.SERVICE: client,
    }


async def code_of(ask: Ask, viewer: Viewer | None, name: str) -> str:
    """Why a field is refused before it is looked at; empty where it is let in."""
    if name in FOLLOWED:
        code = await followed(ask, viewer, name)
        return code if code in ("UNAUTHENTICATED", "ACCESS_DENIED") else ""
    answer = await ask(viewer, document(name))
    assert "INTERNAL" not in answer.codes
    if name in PUBLIC or answer.data is not None:
        return next((code for code in answer.codes if code == "ACCESS_DENIED"), "")
    (code,) = answer.codes
    return code


def rule(role: LevelName, name: str) -> str:
    """What the rules say."""
    if role is LevelName.ANONYMOUS:
        return "" if name in PUBLIC else "UNAUTHENTICATED"
    needed = FOLLOWED[name] if name in FOLLOWED else expected(name)
    held = needed is None or needed in PERMISSIONS[role]
    if not held or (role is LevelName.SERVICE and name in MEMBERS_ONLY):
        return "ACCESS_DENIED"
    return ""


async def test_each_role_is_refused_what_the_rules_say_and_nothing_else(
    ask: Ask, callers: dict[LevelName, Any]
) -> None:
    assert [level_name(callers[role]) for role in LevelName] == list(LevelName)
    found = {(role, name): await code_of(ask, callers[role], name) for role, name in CELLS}
    assert found == {cell: rule(*cell) for cell in CELLS}
    assert len(found) >= CELLS_MIN
    for role in LevelName:
        codes = [code for (of, _), code in found.items() if of is role]
        assert "" in codes
        assert role is LevelName.ADMIN or len(set(codes)) > 1
