"""The replay of real data: how it reads and rounds, what it notices, and runs against the real server."""

import asyncio
import gzip
import json
import secrets
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.replay import api as replay_api
from examples.replay.api import AT_ONCE_MAX, Account, Api, Unreachable
from examples.replay.checking import Report
from examples.replay.data import Data, Dialogue, Line, Turn, line_price, read_data, round_half_up
from examples.replay.following import FollowedChat, socket_url
from examples.replay.running import Run, is_followed, replay
from tests.running import PROJECT, Running, serve

PASSWORD = "correct horse battery"
KEYS = {"JWT_SECRET": secrets.token_hex(32), "DB_ENCRYPTION_KEY": secrets.token_hex(32)}
TIGHT = '{"admin": {"cost": 235, "bucket": 235, "restore": 30}}'
"""Just enough for ten orders to be read back, once it was waited for."""
REPLAYED_CONVERSATIONS = 20
REPLAY_SECONDS = 110

TABLES = {
    "customers": """\
customer_id,company_name,contact_name,contact_title,address,city,region,postal_code,country,phone,fax
ZOË,Zoë's Käse,Zoë O'Hara,Owner,Gasse 1,Graz,,,Austria,,
BOB,Bob,"Ruiz, Bob",Owner,Calle 2,León,CL,24001,Spain,1-2,3-4
""",
    "products": """\
product_id,product_name,quantity_per_unit,unit_price
7,Queso Añejo,1 kg,15.5
8,Tea,20 bags,3.29999995
""",
    "orders": """\
order_id,customer_id,order_date,ship_name,ship_address,ship_city,ship_region,ship_postal_code,ship_country
501,ZOË,2001-02-03,Zoë's Käse,Gasse 1\\nTür 2,Graz,,,Austria
502,BOB,2001-02-04,Bob,Calle 2,León,CL,24001,Spain
""",
    "order_details": """\
order_id,product_id,unit_price,quantity,discount
501,7,15.5,3,0.0500000007
501,8,3.29999995,2,0
502,8,3.29999995,10,0.150000006
""",
}
DIALOGUES = [
    {"id": "a", "turns": [["USER", "Hi"], ["SYSTEM", "Yes?"], ["USER", "¿Qué tal? 👋"], ["SYSTEM", ""]]},
    {"id": "b", "turns": [["SYSTEM", "Your order is ready."], ["USER", "Thanks"]]},
    {"id": "c", "turns": [["USER", "Hello"]]},
]


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A small shop and three dialogues, one of which the business begins."""
    (tmp_path / "northwind").mkdir()
    for name, text in TABLES.items():
        (tmp_path / "northwind" / f"{name}.csv").write_text(text, encoding="utf-8")
    write_dialogues(tmp_path, DIALOGUES)
    return tmp_path


@pytest.fixture
async def running(database_url: str) -> AsyncIterator[Running]:
    async with serve(database_url, **KEYS) as server:
        yield server


def write_dialogues(folder: Path, dialogues: list[dict[str, Any]]) -> None:
    lines = "".join(f"{json.dumps(dialogue)}\n" for dialogue in dialogues)
    (folder / "conversations.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


@pytest.mark.parametrize(
    ("unit_price", "discount", "price"),
    [
        ("9.80000019", "0", "9.80"),
        ("3.29999995", "0", "3.30"),
        ("16.7999992", "0.150000006", "14.28"),  # 16.80 × 0.85
        ("15.5", "0.0500000007", "14.73"),  # 14.725: half to even would say 14.72
        ("0.7", "0.25", "0.53"),  # 0.525: half to even would say 0.52, and so would a float
        ("1.005", "0", "1.01"),  # a float is 1.00499…
        ("10", "0.00999999978", "9.90"),
        ("2", "1", "0.00"),
    ],
)
def test_a_price_is_rounded_half_up_on_the_way_in_and_once_at_the_end(unit_price, discount, price):
    assert str(line_price(unit_price, discount)) == price


def test_money_is_rounded_half_up():
    assert [str(round_half_up(text)) for text in ("2.675", "2.665", "18", "0.0049999")] == [
        "2.68",
        "2.67",
        "18.00",
        "0.00",
    ]


def test_the_data_is_read_as_it_is_meant(data_folder):
    data = read_data(data_folder)
    zoe, bob = data.shop.customers
    assert (zoe.id, zoe.full_name, zoe.phone) == ("ZOË", "Zoë O'Hara", None)
    assert (bob.full_name, bob.phone) == ("Ruiz, Bob", "1-2")
    assert (zoe.metadata["company"], zoe.metadata["region"], bob.metadata["fax"]) == (
        "Zoë's Käse",
        None,
        "3-4",
    )
    assert [(p.sku, p.name, p.price) for p in data.shop.products] == [
        ("northwind-7", "Queso Añejo", Decimal("15.50")),
        ("northwind-8", "Tea", Decimal("3.30")),
    ]
    first, second = data.shop.orders
    assert first.lines == (Line("7", 3, Decimal("14.73")), Line("8", 2, Decimal("3.30")))
    assert (first.total, second.total) == (Decimal("50.79"), Decimal("28.10"))  # 44.19 + 6.60, 10 × 2.81
    assert first.placed_at == datetime(2001, 2, 3, tzinfo=UTC)
    # A backslash and an n in the file are a line break.
    assert (first.address["line1"], first.address["line2"]) == ("Gasse 1", "Tür 2")
    assert (second.address["line2"], second.address["region"]) == (None, "CL")
    assert data.dialogues[0].turns[2:] == (Turn(True, "¿Qué tal? 👋"), Turn(False, ""))
    assert (data.message_count, data.left_out) == (7, frozenset())


def test_a_short_run_knows_what_it_leaves_out(data_folder):
    data = read_data(data_folder, 1)
    assert [d.id for d in data.dialogues] == ["a"]
    assert data.left_out == {"b", "c"}


def test_every_tenth_chat_is_followed_and_each_with_an_empty_text():
    silent, plain = Dialogue("s", (Turn(True, ""),)), Dialogue("p", (Turn(True, "x"),))
    assert [place for place in range(25) if is_followed(place, plain)] == [0, 10, 20]
    assert is_followed(7, silent)


def test_a_follower_notices_what_came_twice_too_early_wrong_or_never():
    chat = FollowedChat(Dialogue("d", tuple(Turn(True, text) for text in "abcde")), "chat_1")
    for sequence, text in [(1, "a"), (2, "x"), (2, "b"), (5, "e"), (4, "d")]:
        chat.take(sequence, text)
    assert (chat.received, chat.texts_equal, chat.repeated, chat.out_of_order) == (5, 3, 1, 2)
    assert (chat.missing, chat.last) == (1, 5)


def test_a_comparison_names_what_differs():
    report = Report()
    report.compare("things", {"a": 1, "b": 2, "c": 3}, [("a", 1), ("b", 9), ("z", 0), ("a", 1)])
    assert not report.is_right
    assert report.faults == [
        "things: b is 9, not 2",
        "things: z is not in the data",
        "things: a is there 2 times",
        "things: c is not there",
    ]
    line = report.lines[0]
    assert (line.expected, line.found, line.equal, line.is_right) == (3, 4, 1, False)


def test_a_socket_has_the_address_of_the_api():
    assert socket_url("http://127.0.0.1:8000/graphql") == "ws://127.0.0.1:8000/graphql"
    assert socket_url("https://example.org/graphql") == "wss://example.org/graphql"


async def test_a_server_that_is_not_there_is_given_up(monkeypatch):
    monkeypatch.setattr(replay_api, "PAUSE_SECONDS", 0)
    with pytest.raises(Unreachable):
        async with Api("http://127.0.0.1:9/graphql", Account("nobody", PASSWORD)):
            pass


async def test_a_second_run_adds_nothing_and_a_changed_text_is_found_out(running, data_folder, monkeypatch):
    account = Account(f"replay-{secrets.token_hex(6)}", PASSWORD)
    first = await run_once(running, account, read_data(data_folder), at_once=1)
    assert first.report.faults == []
    assert first.report.is_right
    assert set(first.before.values()) == {0}
    added = {
        "shopCustomers": 2,
        "products": 2,
        "orders": 2,
        "chatCustomers": 3,
        "chats": 3,
        "messages": 7,
    }
    assert first.after == added

    monkeypatch.setattr(replay_api, "TOKEN_SHARE_USED", 0)  # every request needs a new token
    second = await run_once(running, account, read_data(data_folder))
    assert second.report.is_right
    assert second.before == second.after == added
    monkeypatch.undo()

    changed = [
        DIALOGUES[0],
        {"id": "b", "turns": [["SYSTEM", "Another text."], ["USER", "No"]]},
        DIALOGUES[2],
    ]
    write_dialogues(data_folder, changed)
    third = await run_once(running, account, read_data(data_folder))
    assert not third.report.is_right
    assert third.after == added
    # The key was used for another text: that is refused, and what is there is still what was first sent.
    assert any("dialogue b: CONFLICT" in fault for fault in third.report.faults)
    assert any("('b', 1)" in fault for fault in third.report.faults)


async def test_a_server_that_says_when_to_come_back_is_waited_for(database_url, data_folder, monkeypatch):
    monkeypatch.setattr(replay_api, "TRIES_MAX", 1)
    monkeypatch.setattr(replay_api, "PAGE_SIZE", 10)
    account = Account(f"replay-{secrets.token_hex(6)}", PASSWORD, is_new=True)
    async with serve(database_url, **KEYS, RATE_LIMITS="on", LIMITS=TIGHT) as server:
        run = await run_once(server, account, read_data(data_folder))
    assert run.report.faults == []
    assert run.report.is_right
    assert run.wait_count > 0
    assert run.wait_seconds >= run.wait_count


async def test_who_is_put_off_for_too_long_gives_up(database_url, data_folder, monkeypatch):
    monkeypatch.setattr(replay_api, "WAIT_SECONDS_MAX", 0)
    monkeypatch.setattr(replay_api, "TRIES_MAX", 1)
    monkeypatch.setattr(replay_api, "PAGE_SIZE", 10)
    account = Account(f"replay-{secrets.token_hex(6)}", PASSWORD, is_new=True)
    async with serve(database_url, **KEYS, RATE_LIMITS="on", LIMITS=TIGHT) as server:
        run = await run_once(server, account, read_data(data_folder))
    assert any("cannot be read back" in fault for fault in run.report.faults)


@pytest.mark.long
async def test_real_data_goes_through_twice_and_the_second_time_adds_nothing(running, shared_folder):
    arguments = (
        *("--url", running.graphql, "--data", str(shared_folder / "data"), "--password", PASSWORD),
        *("--username", f"replay-{secrets.token_hex(6)}", "--conversations", str(REPLAYED_CONVERSATIONS)),
    )
    first, second = await run_command(*arguments), await run_command(*arguments)
    shop = {"customers of the shop": 91, "products": 77, "orders": 830}
    expected = shop | {"customers of the chats": REPLAYED_CONVERSATIONS, "chats": REPLAYED_CONVERSATIONS}
    for name, number in expected.items():
        assert first[name] == [number, number, number, 0, number]
        assert second[name] == [number, number, number, number, 0]
    messages = first["messages"][0]
    assert first["messages"] == [messages, messages, messages, 0, messages]
    assert second["messages"] == [messages, messages, messages, messages, 0]
    for run in (first, second):
        assert run["followed messages"][0] > 0
        assert [run[name] for name in ("repeated", "out of order", "missing")] == [[0, 0]] * 3


async def run_once(running: Running, account: Account, data: Data, *, at_once: int = AT_ONCE_MAX) -> Run:
    async with Api(running.graphql, account, at_once=at_once) as api:
        return await replay(api, data, lambda _: None)


async def run_command(*arguments: str) -> dict[str, list[int]]:
    """The figures of each line of the table that the command prints, by its name."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.replay", *arguments),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(REPLAY_SECONDS):
        printed, log = await process.communicate()
    assert process.returncode == 0, printed.decode() + log.decode()
    rows = [line.split("│")[1:-1] for line in printed.decode().splitlines() if line.startswith("│")]
    return {
        name.strip(): [int(cell.replace(",", "")) for cell in cells[:-1] if cell.strip()]
        for name, *cells in rows
    }
