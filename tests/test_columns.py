"""The check at the start: a field of the graph that its column cannot fill is found before anybody asks for it."""

from typing import Any

import pytest
from graphql import GraphQLBoolean, GraphQLInt, GraphQLNonNull, GraphQLString

from schema import schema
from schema.kit.execution.checks import Mismatch, check_columns

GRAPH = schema._schema
COLUMNS_MIN = 80


def test_every_column_fits_its_field() -> None:
    assert check_columns(GRAPH) >= COLUMNS_MIN


@pytest.mark.parametrize(
    ("kind", "field", "planted", "told"),
    [
        ("Customer", "fullName", GraphQLInt, "Customer.fullName is Int"),
        ("Order", "number", GraphQLString, "Order.number is String"),
        ("Product", "isAvailable", GraphQLNonNull(GraphQLInt), "Product.isAvailable is Int!"),
        ("User", "createdAt", GraphQLBoolean, "User.createdAt is Boolean"),
        ("Customer", "email", GraphQLNonNull(GraphQLString), "Customer.email is never null"),
    ],
)
def test_a_planted_mismatch_is_refused(
    kind: str, field: str, planted: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: Any = GRAPH.type_map[kind]
    fields = described.fields
    monkeypatch.setattr(fields[field], "type", planted)
    with pytest.raises(Mismatch, match=told):
        check_columns(GRAPH)
