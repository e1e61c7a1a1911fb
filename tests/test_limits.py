"""How much may be asked: what one operation may be, what a viewer may ask for altogether, and that nothing more is done."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from db.base import Viewer, new_id
from schema import schema
from schema.kit.admission import VARIABLES_LENGTH_MAX
from schema.kit.documents import OCCURRENCES_MAX
from schema.kit.parsing import DOCUMENT_LENGTH_MAX
from services.limits import LEVELS, LevelName, Limits, level_name, read_levels
from services.server import Server
from tests.ask import Ask
from tests.make import Make

CHATS = "query($n: Int!) { chats(first: $n) { nodes { id } } }"
LEFT = "{ viewer { rateLimit { maximum available restorePerSecond } } }"


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limited(server: Server, clock: Clock) -> Ask:
    """Asks a server that counts."""
    return Ask(replace(server, limits=Limits(clock=clock)))


async def spent(ask: Ask, viewer: Viewer | None, document: str, /, **variables: Any) -> dict[str, Any]:
    result = await schema.execute(document, variables, ask.context(viewer))
    cost: dict[str, Any] = (result.extensions or {})["cost"]
    return cost


def test_a_level_is_by_what_a_viewer_is() -> None:
    viewer = Viewer(new_id(), new_id(), new_id())
    assert level_name(None) is LevelName.ANONYMOUS
    assert level_name(viewer) is LevelName.USER
    assert level_name(replace(viewer, is_premium=True)) is LevelName.PREMIUM
    assert level_name(replace(viewer, is_administrator=True)) is LevelName.ADMIN
    assert level_name(replace(viewer, is_superuser=True)) is LevelName.ADMIN
    costs = [LEVELS[name].cost for name in LevelName]
    assert costs == [100, 3_000, 6_000, 12_000, 12_000]


async def test_what_is_not_used_is_given_back(limited: Ask, owner: Viewer) -> None:
    cost = await spent(limited, owner, CHATS, n=100)
    assert (cost["requested"], cost["actual"]) == (102, 2)
    assert cost["throttle"] == {"maximum": 100_000, "available": 99_998, "restorePerSecond": 5_000}
    left = (await limited(owner, LEFT)).ok()["rateLimit"]
    assert left == {"maximum": 100_000, "available": 99_997, "restorePerSecond": 5_000}


async def test_an_empty_bucket_refuses_and_fills_again(
    server: Server, clock: Clock, make: Make, owner: Viewer
) -> None:
    levels = read_levels('{"admin": {"cost": 30, "bucket": 40, "restore": 10}}')
    ask = Ask(replace(server, limits=Limits(levels, clock=clock)))
    name = "mutation($name: String!) { workspaceUpdate(input: {name: $name}) { workspace { name } userErrors { code } } }"
    for done in ("one", "two", "three"):
        assert (await ask(owner, name, name=done)).ok()["workspace"] == {"name": done}
    refused = await ask(owner, name, name="four")
    assert (refused.data, refused.codes) == (None, ["RATE_LIMITED"])
    assert refused.errors[0]["extensions"]["retryAfter"] == 1
    seen = "{ viewer { workspace { name } } }"
    assert (await ask(owner, seen)).ok() == {"workspace": {"name": "three"}}
    # Somebody else's bucket is another.
    assert (await ask(await make.owner(), seen)).ok()["workspace"]["name"]
    clock.now += 2
    assert (await ask(owner, name, name="four")).ok()["workspace"] == {"name": "four"}


async def test_who_has_spent_all_does_not_get_a_document_validated(
    server: Server, clock: Clock, owner: Viewer
) -> None:
    levels = read_levels('{"admin": {"cost": 10, "bucket": 10, "restore": 1}}')
    ask = Ask(replace(server, limits=Limits(levels, clock=clock)))
    document = "{ viewer { permissions nothing } }"
    # What is refused costs 1, and gives its turn back.
    for _ in range(10):
        assert (await ask(owner, document)).codes == ["VALIDATION_ERROR"]
    fresh = f"{document}#{new_id()}"
    assert (await ask(owner, fresh)).codes == ["RATE_LIMITED"]
    known = schema.documents.of(fresh, LEVELS[LevelName.ADMIN])
    assert "errors" not in vars(known)
    clock.now += 1
    assert (await ask(owner, fresh)).codes == ["VALIDATION_ERROR"]
    assert "errors" in vars(known)


async def test_all_addresses_of_an_ipv6_network_have_one_bucket(server: Server, clock: Clock) -> None:
    levels = read_levels('{"anonymous": {"cost": 3, "bucket": 3, "restore": 1}}')
    ask = Ask(replace(server, limits=Limits(levels, clock=clock)))

    async def codes(address: str) -> list[str]:
        context = replace(ask.context(None), client_address=address)
        result = await schema.execute("{ viewer { permissions } }", None, context)
        return [str((error.extensions or {})["code"]) for error in result.errors or ()]

    assert [await codes(f"2001:db8:1:2::{n}") for n in range(3)] == [[], [], []]
    assert await codes("2001:db8:1:2:3:4:5:6") == ["RATE_LIMITED"]
    assert await codes("2001:db8:1:3::1") == []
    assert [await codes(f"192.0.2.{n}") for n in range(5)] == [[]] * 5


async def test_what_is_too_dear_is_refused_for_ever_and_costs_almost_nothing(
    limited: Ask, make: Make, owner: Viewer
) -> None:
    agent = replace(owner, is_administrator=False)
    deep = "query($n: Int!) { chats(first: $n) { nodes { messages(last: 100) { nodes { id } } } } }"
    refused = await limited(agent, deep, n=100)
    assert (refused.data, refused.codes) == (None, ["QUERY_TOO_EXPENSIVE"])
    assert "10,202" in refused.errors[0]["message"]
    assert (await limited(agent, deep, n=20)).ok() == {"nodes": []}
    assert (await limited(owner, deep, n=100)).ok() == {"nodes": []}
    left = (await limited(agent, LEFT)).ok()["rateLimit"]
    assert left["maximum"] == 15_000
    assert left["available"] > 14_990 - 5


async def test_a_document_has_few_passwords_hashed(limited: Ask, owner: Viewer) -> None:
    def adding(members: int) -> str:
        names = [f"m-{new_id().hex}" for _ in range(members)]
        fields = [
            f'{name.replace("-", "_")}: userCreate(input: {{username: "{name}", email: "{name}@example.com"}}) {{ user {{ id }} }}'
            for name in names
        ]
        return f"mutation {{ {' '.join(fields)} }}"

    assert (await limited(owner, adding(12))).codes == ["QUERY_TOO_EXPENSIVE"]
    assert (await limited(owner, "{ users { totalCount } }")).ok()["totalCount"] == 1
    assert (await limited(owner, adding(11))).ok()["user"]["id"]
    assert (await limited(owner, "{ users { totalCount } }")).ok()["totalCount"] == 12


@pytest.mark.parametrize("fields", ["nothing{n}", 'a{n}: explain(document: "?") {{ cost }}'])
async def test_an_answer_lists_ten_errors(ask: Ask, owner: Viewer, fields: str) -> None:
    def asking(times: int) -> str:
        return "{ " + " ".join(fields.format(n=n) for n in range(times)) + " }"

    assert len((await ask(owner, asking(9))).codes) == 9
    assert len((await ask(owner, asking(15))).codes) == 10


async def test_only_so_many_operations_run_at_once(server: Server, make: Make, owner: Viewer) -> None:
    levels = read_levels('{"admin": {"at_once": 2}}')
    limits = Limits(levels)
    ask = Ask(replace(server, limits=limits))
    level = limits.level_of(owner)
    await limits.enter(owner.id, level, 1)
    assert (await ask(owner, LEFT)).ok()
    await limits.enter(owner.id, level, 1)
    refused = await ask(owner, LEFT)
    assert (refused.data, refused.codes) == (None, ["RATE_LIMITED"])
    limits.leave(owner.id, level, 0)
    assert (await ask(owner, LEFT)).ok()
    # An operation that fails gives its turn back as well.
    for _ in range(3):
        assert (await ask(owner, "query($n: Int!) { chats(first: $n) { nodes { id } } }", n=-1)).errors
    assert (await ask(owner, LEFT)).ok()


@pytest.mark.parametrize(
    ("name", "document", "what"),
    [
        ("anonymous", "{ viewer { " + " ".join(f"a{n}: permissions" for n in range(6)) + " } }", "aliases"),
        ("anonymous", "{ viewer { " + "permissions @include(if: true) " * 6 + "} }", "directives"),
        (
            "anonymous",
            "{ viewer { user { chats { nodes { customer { channel { owner { id } } } } } } } }",
            "levels",
        ),
        ("admin", "{ viewer { " + "user { id } " * (OCCURRENCES_MAX + 1) + "} }", "times one field"),
    ],
    ids=["aliases", "directives", "depth", "occurrences"],
)
async def test_what_is_too_large_is_refused_and_a_little_less_is_not(
    ask: Ask, owner: Viewer, name: str, document: str, what: str
) -> None:
    viewer = owner if name == "admin" else None
    refused = await ask(viewer, document)
    assert (refused.data, refused.codes) == (None, ["QUERY_TOO_EXPENSIVE"])
    assert what in refused.errors[0]["message"]
    smaller = {
        "aliases": document.replace("a5: permissions", ""),
        "directives": document.replace("permissions @include(if: true) ", "", 1),
        "levels": document.replace("owner { id }", "id"),
        "times one field": document.replace("user { id } ", "", 1),
    }[what]
    assert "QUERY_TOO_EXPENSIVE" not in (await ask(viewer, smaller)).codes


async def test_a_document_of_too_many_tokens_is_not_read_to_its_end(ask: Ask, owner: Viewer) -> None:
    document = "{ viewer { " + "permissions " * 600 + "} }"
    anonymous = await ask(None, document)
    assert (anonymous.data, anonymous.codes) == (None, ["QUERY_TOO_EXPENSIVE"])
    assert "500 tokens" in anonymous.errors[0]["message"]
    assert (await ask(None, "{ viewer { permissions } }")).data == {"viewer": None}
    # Read for one who may, it is refused all the same for one who may not.
    wide = "{ viewer { " + " ".join(f"... {{ user {{ id n{n}: id }} }}" for n in range(60)) + " } }"
    assert (await ask(owner, wide)).ok()
    assert (await ask(None, wide)).codes == ["QUERY_TOO_EXPENSIVE"]


async def test_a_document_and_its_variables_have_a_size(ask: Ask, owner: Viewer) -> None:
    long = "{ viewer { permissions } } #" + "x" * DOCUMENT_LENGTH_MAX
    assert (await ask(owner, long)).codes == ["PAYLOAD_TOO_LARGE"]
    assert (await ask(owner, long[:DOCUMENT_LENGTH_MAX])).ok()
    for depth, codes in ((32, []), (33, ["VALIDATION_ERROR"])):
        value: Any = 1
        for _ in range(depth - 1):
            value = {"a": value}
        explain = (
            'query($v: JSON) { explain(document: "{ viewer { permissions } }", variables: $v) { cost } }'
        )
        assert (await ask(owner, explain, v=value)).codes == codes
    length = VARIABLES_LENGTH_MAX - 4
    for text, codes in (("x" * length, []), ("x" * (length + 1), ["PAYLOAD_TOO_LARGE"])):
        assert (await ask(owner, explain, v={"a": ["", text]})).codes == codes
    for items, codes in ((length + 2, []), (length + 3, ["PAYLOAD_TOO_LARGE"])):
        assert (await ask(owner, explain, v={"a": [0] * items})).codes == codes


async def test_what_takes_too_long_is_broken_off_and_no_change_is_begun_late(
    server: Server, ask: Ask, owner: Viewer
) -> None:
    hurried = Ask(replace(server, limits=Limits(read_levels('{"admin": {"seconds": 0}}'), enabled=False)))
    name = 'mutation { workspaceUpdate(input: {name: "late"}) { workspace { name } userErrors { code } } }'
    late = await hurried(owner, name)
    assert (late.data, late.codes) == ({"workspaceUpdate": None}, ["TIMEOUT"])
    read = "{ viewer { workspace { name } } }"
    broken_off = await hurried(owner, read)
    assert (broken_off.data, broken_off.codes) == (None, ["TIMEOUT"])
    assert (await ask(owner, read)).ok()["workspace"]["name"] != "late"
    assert (await ask(owner, name)).ok()["workspace"] == {"name": "late"}


async def test_events_wait_for_a_bucket_and_none_is_left_out(
    server: Server, make: Make, owner: Viewer
) -> None:
    levels = read_levels('{"admin": {"cost": 12, "bucket": 12, "restore": 1000}}')
    ask = Ask(replace(server, limits=Limits(levels)))
    chat = await make.chat(owner)
    for n in range(30):
        await make.outbound(owner, chat, str(n))
    document = (
        "subscription($id: ID!) { messageAdded(conversationId: $id, after: 0) { content sender { id } } }"
    )
    async with asyncio.timeout(60):
        async with ask.follow(owner, document, id=f"chat_{chat.id.hex}") as answers:
            told = [(await anext(answers)).ok()["content"] for _ in range(30)]
    assert told == [str(n) for n in range(30)]


def test_levels_are_changed_one_number_at_a_time() -> None:
    changed = read_levels('{"user": {"cost": 5000, "seconds": 2.5}}')
    assert changed[LevelName.USER] == replace(LEVELS[LevelName.USER], cost=5_000, seconds=2.5)
    assert {name for name in LevelName if changed[name] != LEVELS[name]} == {LevelName.USER}
    for wrong in (
        "x",
        "[]",
        '{"user": 1}',
        '{"nobody": {}}',
        '{"user": {"coins": 1}}',
        '{"user": {"cost": -1}}',
    ):
        with pytest.raises(ValueError, match=r"should|neither"):
            read_levels(wrong)
    with pytest.raises(ValueError, match="a bucket should hold"):
        read_levels('{"user": {"bucket": 10}}')
