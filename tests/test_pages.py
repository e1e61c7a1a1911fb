"""Pages of lists: every row once, in the promised order, over ties and NULLs, forwards and backwards."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schema.kit.ids import encode
from tests.ask import Ask
from tests.make import Make

NAMES = [None, "a", "B", None, "É", "a", "b", "ä", "", None, "a", "Z", "_", "%", "a%b"]
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = """query($first: Int, $after: String, $last: Int, $before: String, $offset: Int, $sort: [CustomerSort!]) {
  customers(first: $first, after: $after, last: $last, before: $before, offset: $offset, sort: $sort) {
    nodes { id fullName } edges { cursor node { id } } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def customers_with_ties_and_nulls(make: Make) -> tuple[Any, list[Any]]:
    """A viewer and its customers, in the order they were made: names repeat, and some have none."""
    owner = await make.owner()
    channel = await make.channel(owner)
    return owner, [await make.customer(owner, channel, full_name=name) for name in NAMES]


def expected(rows: list[Any], *keys: tuple[str, bool]) -> list[str]:
    """The ids in the promised order: code points, NULL last both ways, the id last in the direction of the last key."""
    ordered = list(rows)
    for name, descending in reversed([*keys, ("id", keys[-1][1])]):
        known = [r for r in ordered if getattr(r, name) is not None]
        known.sort(key=lambda r: getattr(r, name), reverse=descending)
        ordered = known + [r for r in ordered if getattr(r, name) is None]
    return [encode("customer", r.id) for r in ordered]


SORTS = [
    [("full_name", False)],
    [("full_name", True)],
    [("first_seen_at", True)],
    [("full_name", False), ("first_seen_at", True)],
    [("full_name", True), ("last_seen_at", False)],
]


def sort_argument(keys: list[tuple[str, bool]]) -> list[dict[str, str]]:
    return [{"field": name.upper(), "direction": "DESC" if down else "ASC"} for name, down in keys]


@pytest.mark.parametrize("size", [1, 2, 4, 100])
@pytest.mark.parametrize("keys", SORTS, ids=str)
async def test_pages_cross_ties_and_nulls_both_ways(
    ask: Ask, make: Make, keys: list[tuple[str, bool]], size: int
) -> None:
    owner, rows = await customers_with_ties_and_nulls(make)
    wanted, sort = expected(rows, *keys), sort_argument(keys)
    found: list[str] = []
    after = None
    while True:
        page = (await ask(owner, PAGE, first=size, after=after, sort=sort)).ok()
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert [e["node"]["id"] for e in page["edges"]] == [n["id"] for n in page["nodes"]]
        assert page["totalCount"] == len(rows)
        found += [n["id"] for n in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == wanted
    backwards: list[str] = []
    before = None
    while True:
        page = (await ask(owner, PAGE, last=size, before=before, sort=sort)).ok()
        assert page["pageInfo"]["hasNextPage"] is (before is not None)
        backwards = [n["id"] for n in page["nodes"]] + backwards
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert backwards == wanted


async def test_every_edge_cursor_continues_after_its_own_row(ask: Ask, make: Make) -> None:
    owner, _ = await customers_with_ties_and_nulls(make)
    sort = sort_argument([("full_name", True)])
    edges = (await ask(owner, PAGE, first=100, sort=sort)).ok()["edges"]
    for place, edge in enumerate(edges):
        rest = (await ask(owner, PAGE, first=100, after=edge["cursor"], sort=sort)).ok()["nodes"]
        assert [n["id"] for n in rest] == [e["node"]["id"] for e in edges[place + 1 :]]


async def test_rows_that_join_meanwhile_shift_nothing(ask: Ask, make: Make) -> None:
    owner, rows = await customers_with_ties_and_nulls(make)
    sort = sort_argument([("first_seen_at", True)])
    page = (await ask(owner, PAGE, first=5, sort=sort)).ok()
    await make.customer(owner)
    rest = (await ask(owner, PAGE, first=100, after=page["pageInfo"]["endCursor"], sort=sort)).ok()
    seen = [n["id"] for n in (*page["nodes"], *rest["nodes"])]
    assert seen == expected(rows, ("first_seen_at", True))


async def test_without_a_sort_the_newest_come_first_twenty_of_them(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = [await make.product(owner) for _ in range(22)]
    page = (await ask(owner, "{ products { nodes { id } pageInfo { hasNextPage } } }")).ok()
    assert [n["id"] for n in page["nodes"]] == [encode("product", p.id) for p in reversed(made)][:20]
    assert page["pageInfo"]["hasNextPage"] is True


async def test_offset_jumps_to_a_page(ask: Ask, make: Make) -> None:
    owner, rows = await customers_with_ties_and_nulls(make)
    wanted = expected(rows, ("full_name", False))
    page = (await ask(owner, PAGE, first=4, offset=6, sort=sort_argument([("full_name", False)]))).ok()
    assert [n["id"] for n in page["nodes"]] == wanted[6:10]
    assert page["pageInfo"]["hasPreviousPage"] is True
    beyond = (await ask(owner, PAGE, first=4, offset=10_000)).ok()
    assert (beyond["nodes"], beyond["totalCount"]) == ([], len(NAMES))
    assert beyond["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"first": 1, "last": 1}, "first"),
        ({"first": 0}, "first"),
        ({"first": -1}, "first"),
        ({"first": 101}, "first"),
        ({"last": 101}, "last"),
        ({"after": "x", "before": "x"}, "after"),
        ({"first": 1, "before": "x"}, "first"),
        ({"last": 1, "after": "x"}, "last"),
        ({"offset": 1, "last": 1}, "offset"),
        ({"offset": 1, "after": "x"}, "offset"),
        ({"offset": -1}, "offset"),
        ({"offset": 10_001}, "offset"),
        ({"after": "no cursor"}, "after"),
        ({"before": ""}, "before"),
        ({"after": "x" * 5000}, "after"),
        ({"sort": [{"field": "FULL_NAME"}, {"field": "FULL_NAME"}]}, "sort"),
        ({"sort": [{"field": "FULL_NAME"}] * 6}, "sort"),
    ],
    ids=str,
)
async def test_arguments_that_do_not_fit_are_refused_by_name(
    ask: Ask, make: Make, arguments: dict[str, Any], argument: str
) -> None:
    owner = await make.owner()
    answer = await ask(owner, PAGE, **arguments)
    assert answer.codes == ["VALIDATION_ERROR"]
    assert answer.errors[0]["path"] == ["customers"]
    assert answer.errors[0]["extensions"]["argument"] == [argument]
    assert (await ask(owner, PAGE, first=1)).ok()["nodes"] == []


async def test_a_cursor_is_good_only_for_its_own_order(ask: Ask, make: Make) -> None:
    owner, _ = await customers_with_ties_and_nulls(make)
    by_name = sort_argument([("full_name", False)])
    cursor = (await ask(owner, PAGE, first=1, sort=by_name)).ok()["pageInfo"]["endCursor"]
    other = await ask(owner, PAGE, first=1, after=cursor, sort=sort_argument([("full_name", True)]))
    assert other.codes == ["VALIDATION_ERROR"]
    assert (await ask(owner, PAGE, first=1, after=cursor, sort=by_name)).ok()["nodes"]


@pytest.mark.parametrize(
    "made",
    [
        "[]", "{}", "null", "1", '[1,"full_name+,id+"]', '[1,"full_name+,id+",["a"]]', '[1,"full_name+,id+",["a","b"]]',
        '[1,"full_name+,id+",["a",null]]', '[1,"full_name+,id+",[1,"018f00000000700080000000000000aa"]]',
        '[2,"full_name+,id+",["a","018f00000000700080000000000000aa"]]', '[1,"full_name+,id+",["\\u0000","018f00000000700080000000000000aa"]]',
        '[1,"full_name+,id+",[[],{}]]', "[" * 500,
    ],
)  # fmt: skip
async def test_a_forged_cursor_is_refused(ask: Ask, make: Make, made: str) -> None:
    owner, _ = await customers_with_ties_and_nulls(make)
    forged = base64.urlsafe_b64encode(made.encode()).decode()
    answer = await ask(owner, PAGE, first=1, after=forged, sort=sort_argument([("full_name", False)]))
    assert answer.codes == ["VALIDATION_ERROR"]


async def test_nested_pages_are_cut_for_each_parent(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    lengths = [0, 1, 3, 5]
    for number, length in enumerate(lengths):
        customer = await make.customer(owner, channel, full_name=str(number))
        for turn in range(length):
            await make.inbound(owner, customer, str(turn), timestamp=BEGINNING + timedelta(minutes=turn))
    document = """query($first: Int, $after: String, $last: Int, $before: String) {
      customers(sort: [{field: FULL_NAME}]) { nodes { fullName chats { nodes { id
        messages(first: $first, after: $after, last: $last, before: $before) {
          totalCount nodes { content sequence } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } } } }"""

    async def pages(**arguments: Any) -> list[Any]:
        nodes = (await ask(owner, document, **arguments)).ok()["nodes"]
        return [chat["messages"] for n in nodes for chat in n["chats"]["nodes"]]

    newest = await pages(last=3)
    assert [[m["content"] for m in p["nodes"]] for p in newest] == [["0"], ["0", "1", "2"], ["2", "3", "4"]]
    assert [p["pageInfo"]["hasPreviousPage"] for p in newest] == [False, False, True]
    assert [p["totalCount"] for p in newest] == [1, 3, 5]
    before = await pages(last=2, before=newest[2]["pageInfo"]["startCursor"])
    assert [m["content"] for m in before[2]["nodes"]] == ["0", "1"]
    after = await pages(first=1, after=newest[2]["pageInfo"]["startCursor"])
    assert [[m["content"] for m in p["nodes"]] for p in after] == [[], [], ["3"]]


@pytest.mark.parametrize(
    "instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00", "soon"]
)
async def test_a_forged_instant_is_refused(ask: Ask, make: Make, instant: str) -> None:
    owner, _ = await customers_with_ties_and_nulls(make)
    made = f'[1,"first_seen_at-,id-",["{instant}","018f00000000700080000000000000aa"]]'
    forged = base64.urlsafe_b64encode(made.encode()).decode()
    answer = await ask(owner, PAGE, first=1, after=forged, sort=sort_argument([("first_seen_at", True)]))
    assert answer.codes == ["VALIDATION_ERROR"]


async def test_the_longest_value_has_a_cursor_that_is_taken(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    for _ in range(2):
        await make.customer(owner, full_name="\x01" * 255)
    sort = sort_argument([("full_name", False)])
    cursor = (await ask(owner, PAGE, first=1, sort=sort)).ok()["pageInfo"]["endCursor"]
    assert len((await ask(owner, PAGE, first=1, after=cursor, sort=sort)).ok()["nodes"]) == 1


async def test_a_number_of_thousands_of_digits_is_refused(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    answer = await ask(owner, "{ customers(first: " + "1" * 5_000 + ") { totalCount } }")
    assert answer.codes == ["VALIDATION_ERROR"]
    assert (await ask(owner, "{ customers(first: 1) { totalCount } }")).ok()["totalCount"] == 0
