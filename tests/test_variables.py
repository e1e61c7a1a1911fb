"""Variables that are taken as they are come out as graphql-core would have them, and are refused alike."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues, get_variable_values

from schema import schema
from schema.kit.variables import Variables

DECLARED = "query ($status: OrderStatus!, $kind: PlatformType, $first: Int, $id: ID) { __typename }"
GIVEN: list[tuple[dict[str, Any], bool]] = [
    ({"status": "PENDING"}, True),
    ({"status": "PENDING", "kind": "WHATSAPP", "first": 3, "id": "x"}, True),
    ({"status": "PENDING", "kind": None, "first": None, "id": None}, True),
    ({"status": "pending"}, False),
    ({"status": None}, False),
    ({}, False),
    ({"status": 1}, False),
    ({"status": "PENDING", "kind": "FAX"}, False),
    ({"status": "PENDING", "kind": ["WHATSAPP"]}, False),
    ({"status": "PENDING", "first": 2**31}, False),
    ({"status": "PENDING", "id": {}}, False),
]


@pytest.mark.parametrize(("given", "is_taken"), GIVEN)
def test_they_are_what_graphql_core_makes_of_them(given: dict[str, Any], is_taken: bool) -> None:
    (node,) = parse(DECLARED).definitions
    assert isinstance(node, OperationDefinitionNode)
    read = Variables(schema._schema, node).read(given)
    expected = get_variable_values(schema._schema, node.variable_definitions or (), given)
    assert isinstance(read, VariableValues) is isinstance(expected, VariableValues) is is_taken
    if isinstance(read, VariableValues) and isinstance(expected, VariableValues):
        assert read.coerced == expected.coerced
        assert {k: type(v) for k, v in read.coerced.items()} == {
            k: type(v) for k, v in expected.coerced.items()
        }
        assert {n: s.value for n, s in read.sources.items()} == {
            n: s.value for n, s in expected.sources.items()
        }
    else:
        assert [e.message for e in read] == [e.message for e in expected]  # type: ignore[union-attr]
