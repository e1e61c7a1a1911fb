"""JSON comes out as it went in, from both databases."""

import json
from typing import Any

import pytest

from services.server import Server
from tests import tenant as tenants
from tests.ask import Ask
from tests.make import Make
from tests.tenant import Tenant

CUSTOMER = """mutation($i: CustomerUpdateInput!) { customerUpdate(input: $i) {
  customer { id metadata } userErrors { code path } } }"""
CUSTOMER_READ = "query($id: ID!) { customer(by: {id: $id}) { id metadata } }"
JSONS: list[Any] = [
    {},
    [],
    "",
    0,
    False,
    "text",
    1.5,
    {"z": 1, "a": {"y": [1, {"x": None}], "b": []}, "m": True},
    {"größe": "漢字 😀 \u2028", "": "empty key", 'quote"\\': "\\u0000 is six characters"},
    [2**53 + 1, 2**63 - 1, -(2**63), 0.1, -1.5e-7, 1e22],
    {"null": None, "nested": [[[[None]]]]},
]


@pytest.fixture(scope="session")
async def ours(server: Server) -> Tenant:
    return await tenants.build(Make(server))


@pytest.mark.parametrize("given", JSONS, ids=lambda value: ascii(value)[:20])
async def test_json_comes_out_as_it_went_in(given: Any, ask: Ask, ours: Tenant) -> None:
    input = {"id": ours.ids["customer"], "metadata": given}
    made = (await ask(ours.owner, CUSTOMER, i=input)).ok()["customer"]["metadata"]
    read = (await ask(ours.owner, CUSTOMER_READ, id=ours.ids["customer"])).ok()["metadata"]
    # As text: 1 and 1.0, true and 1 are equal in Python, and so are objects with their keys in another order.
    assert json.dumps(made) == json.dumps(read) == json.dumps(given)


async def test_json_in_the_document_is_read_like_json_in_a_variable(ask: Ask, ours: Tenant) -> None:
    document = """mutation($id: ID!, $x: JSON) { customerUpdate(input: {id: $id,
      metadata: {b: [1, 2.5, "c", true, null, WORD], a: {x: $x}}}) { customer { metadata } userErrors { code } } }"""
    made = (await ask(ours.owner, document, id=ours.ids["customer"], x={"y": [None]})).ok()["customer"][
        "metadata"
    ]
    assert json.dumps(made) == json.dumps({"b": [1, 2.5, "c", True, None, "WORD"], "a": {"x": {"y": [None]}}})


async def test_null_clears_json(ask: Ask, ours: Tenant) -> None:
    for given in ({"a": 1}, None):
        input = {"id": ours.ids["customer"], "metadata": given}
        assert (await ask(ours.owner, CUSTOMER, i=input)).ok()["customer"]["metadata"] == given
    assert (await ask(ours.owner, CUSTOMER_READ, id=ours.ids["customer"])).ok()["metadata"] is None
