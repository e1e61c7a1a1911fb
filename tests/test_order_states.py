"""The states of orders: which step follows which, one by one, many at once, and what may be deleted."""

import asyncio
from itertools import product
from typing import Any

import pytest

from db.base import Viewer
from db.orders import OrderStatus
from schema.kit.ids import encode
from tests.ask import Answer, Ask
from tests.make import Make

FIELDS = "id version number status allowedTransitions deletedAt"
STEP = f"""mutation($i: OrderTransitionInput!) {{ orderTransition(input: $i) {{
  order {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
STEPS = f"""mutation($i: OrdersTransitionInput!) {{ ordersTransition(input: $i) {{
  orders {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
DELETE = """mutation($i: DeleteInput!) { orderDelete(input: $i) {
  deletedId userErrors { code message path } } }"""
READ = f"query($id: ID!) {{ node(id: $id) {{ ... on Order {{ {FIELDS} }} }} }}"
ALLOWED = {
    "PENDING": ["PROCESSING", "CANCELLED"],
    "PROCESSING": ["SHIPPED", "CANCELLED", "REFUNDED"],
    "SHIPPED": ["DELIVERED", "REFUNDED"],
    "DELIVERED": ["REFUNDED"],
    "CANCELLED": [],
    "REFUNDED": [],
}
WAYS = {
    "PENDING": [],
    "PROCESSING": ["PROCESSING"],
    "SHIPPED": ["PROCESSING", "SHIPPED"],
    "DELIVERED": ["PROCESSING", "SHIPPED", "DELIVERED"],
    "CANCELLED": ["CANCELLED"],
    "REFUNDED": ["PROCESSING", "REFUNDED"],
}
STATES = [status.value for status in OrderStatus]
PAIRS = list(product(STATES, STATES))


async def order_in(ask: Ask, make: Make, owner: Viewer, status: str) -> str:
    id = encode("order", (await make.order(owner)).id)
    for step in WAYS[status]:
        (await ask(owner, STEP, i={"id": id, "to": step})).ok()
    return id


async def read(ask: Ask, owner: Viewer, id: str) -> Any:
    return (await ask(owner, READ, id=id)).ok()


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=[f"{b}→{a}" for b, a in PAIRS])
async def test_a_step_is_taken_or_refused_as_the_rules_say(
    before: str, after: str, ask: Ask, make: Make
) -> None:
    owner = await make.owner()
    id = await order_in(ask, make, owner, before)
    current = await read(ask, owner, id)
    assert (current["status"], current["allowedTransitions"]) == (before, ALLOWED[before])
    answer = await ask(owner, STEP, i={"id": id, "to": after})
    if after in ALLOWED[before]:
        done = answer.ok()["order"]
        changed = {"status": after, "version": current["version"] + 1, "allowedTransitions": ALLOWED[after]}
        assert done == {**current, **changed}
        assert await read(ask, owner, id) == done
    else:
        assert answer.codes == ["INVALID_TRANSITION"]
        assert answer.user_errors[0]["path"] == ["input", "to"]
        assert answer.field["order"] == current
        assert await read(ask, owner, id) == current


async def test_all_pairs_of_states_were_tried() -> None:
    assert (len(PAIRS), sum(map(len, ALLOWED.values())), set(ALLOWED)) == (36, 8, set(STATES))


async def test_a_step_from_another_version_is_refused(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    id = await order_in(ask, make, owner, "PROCESSING")
    current = await read(ask, owner, id)
    stale = await ask(owner, STEP, i={"id": id, "to": "SHIPPED", "expectedVersion": 1})
    assert (stale.codes, stale.field["order"]) == (["STALE_VERSION"], current)
    assert stale.user_errors[0]["path"] == ["input", "expectedVersion"]
    assert await read(ask, owner, id) == current
    done = await ask(owner, STEP, i={"id": id, "to": "SHIPPED", "expectedVersion": 2})
    assert done.ok()["order"]["status"] == "SHIPPED"


async def test_of_twenty_who_take_the_same_step_at_once_one_wins(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    id = await order_in(ask, make, owner, "PENDING")
    steps = ["PROCESSING", "CANCELLED"] * 10
    answers: list[Answer] = await asyncio.gather(*[ask(owner, STEP, i={"id": id, "to": s}) for s in steps])
    won = [a.field["order"] for a in answers if not a.codes]
    lost = [a for a in answers if a.codes]
    # PROCESSING may still be CANCELLED by another of the twenty; nothing follows CANCELLED.
    assert [o["status"] for o in sorted(won, key=lambda o: o["version"])] in (
        ["CANCELLED"],
        ["PROCESSING", "CANCELLED"],
    )
    assert all(a.codes == ["INVALID_TRANSITION"] for a in lost)
    final = await read(ask, owner, id)
    assert final["version"] == 1 + len(won)
    same = await order_in(ask, make, owner, "PENDING")
    calls = [ask(owner, STEP, i={"id": same, "to": "PROCESSING"}) for _ in range(20)]
    codes = sorted([a.codes for a in await asyncio.gather(*calls)])
    assert codes == [[], *[["INVALID_TRANSITION"]] * 19]
    assert (await read(ask, owner, same))["version"] == 2


async def test_many_orders_take_a_step_each_on_its_own(ask: Ask, make: Make) -> None:
    owner, stranger = await make.owner(), await make.owner()
    states = ["PENDING", "SHIPPED", "PENDING", "CANCELLED"]
    ids = [await order_in(ask, make, owner, status) for status in states]
    foreign = await order_in(ask, make, stranger, "PENDING")
    asked = [ids[0], foreign, ids[1], "nonsense", ids[2], ids[3], ids[0]]
    answer = await ask(owner, STEPS, i={"ids": asked, "to": "PROCESSING"})
    assert answer.errors == []
    assert [o["id"] for o in answer.field["orders"]] == [ids[0], ids[2]]
    assert [o["status"] for o in answer.field["orders"]] == ["PROCESSING"] * 2
    told = [(e["code"], e["path"]) for e in answer.user_errors]
    assert told == [
        ("NOT_FOUND", ["input", "ids", "1"]),
        ("INVALID_TRANSITION", ["input", "ids", "2"]),
        ("NOT_FOUND", ["input", "ids", "3"]),
        ("INVALID_TRANSITION", ["input", "ids", "5"]),
        ("INVALID_TRANSITION", ["input", "ids", "6"]),
    ]
    kept = [(await read(ask, owner, id))["status"] for id in ids]
    assert kept == ["PROCESSING", "SHIPPED", "PROCESSING", "CANCELLED"]
    assert (await read(ask, stranger, foreign))["status"] == "PENDING"


async def test_a_hundred_orders_take_a_step_at_once_and_no_more(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    id = await order_in(ask, make, owner, "PENDING")
    for too_many in ([id] * 101, [id, *["nonsense"] * 100]):
        refused = await ask(owner, STEPS, i={"ids": too_many, "to": "PROCESSING"})
        assert (refused.codes, refused.field["orders"]) == (["VALIDATION_ERROR"], [])
        assert refused.user_errors[0]["path"] == ["input", "ids"]
        assert (await read(ask, owner, id))["version"] == 1
    taken = await ask(owner, STEPS, i={"ids": ["nonsense"] * 99 + [id], "to": "PROCESSING"})
    assert [o["id"] for o in taken.field["orders"]] == [id]
    assert taken.codes == ["NOT_FOUND"] * 99
    assert (await ask(owner, STEPS, i={"ids": [], "to": "SHIPPED"})).ok()["orders"] == []


@pytest.mark.parametrize("status", STATES)
async def test_an_order_is_deleted_before_anything_was_done_for_it_or_after_it_was_called_off(
    status: str, ask: Ask, make: Make
) -> None:
    owner = await make.owner()
    id = await order_in(ask, make, owner, status)
    current = await read(ask, owner, id)
    answer = await ask(owner, DELETE, i={"id": id})
    if status in ("PENDING", "CANCELLED"):
        assert answer.ok()["deletedId"] == id
        assert (await read(ask, owner, id))["deletedAt"] is not None
        assert (await ask(owner, STEP, i={"id": id, "to": "PROCESSING"})).codes == ["NOT_FOUND"]
    else:
        assert (answer.codes, answer.field["deletedId"]) == (["INVALID_TRANSITION"], None)
        assert answer.user_errors[0]["path"] == ["input", "id"]
        assert await read(ask, owner, id) == current


async def test_a_step_and_a_deletion_at_the_same_time_do_not_both_happen(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    for _ in range(5):
        id = await order_in(ask, make, owner, "PENDING")
        step, gone = await asyncio.gather(
            ask(owner, STEP, i={"id": id, "to": "PROCESSING"}), ask(owner, DELETE, i={"id": id})
        )
        assert (step.codes, gone.codes) in (([], ["INVALID_TRANSITION"]), (["NOT_FOUND"], []))
        final = await read(ask, owner, id)
        assert (final["deletedAt"] is None) is (final["status"] == "PROCESSING")
