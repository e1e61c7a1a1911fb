"""Arguments that are read from marks say what graphql-core says, for whatever is given, left out, or null."""

from typing import Any, cast

import pytest
from graphql import FieldNode, OperationDefinitionNode, parse
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from schema import schema
from schema.kit.execution.arguments import arguments_of
from schema.kit.execution.run import Run

DOCUMENTS = {
    "plain": "query ($n: Int) { chats(first: $n) { totalCount } }",
    "default": "query ($n: Int = 3) { chats(first: $n) { totalCount } }",
    "nested": "query ($a: ID!, $b: ID) { chats(where: {channelId: [$a, $b], and: [{customerId: [$b]}]}) { totalCount } }",
    "enum": "query ($s: OrderStatus!) { orders(where: {status: [$s]}, first: 5) { totalCount } }",
    "whole": "query ($w: OrderFilter) { orders(where: $w) { totalCount } }",
    "one of": "query ($id: ID!) { chat(by: {id: $id}) { id } }",
    "input": "mutation ($c: ID!, $k: String) { messageSend(input: {conversationId: $c, content: $k, clientKey: $k}) { message { id } } }",
    "scalar": 'mutation ($c: ID!, $k: JSON) { messageSend(input: {conversationId: $c, content: "", metadata: {a: $k}}) { message { id } } }',
}
GIVEN: list[dict[str, Any]] = [
    {},
    {
        "n": 5,
        "a": "chat_1",
        "b": "chat_2",
        "s": "SHIPPED",
        "w": {"status": ["SHIPPED"]},
        "id": "x",
        "c": "x",
        "k": "y",
    },
    {"n": None, "a": "chat_1", "b": None, "s": "SHIPPED", "w": None, "id": "x", "c": "x", "k": None},
    {"a": "chat_1", "s": "PENDING", "id": "y", "c": "x"},
]


class Only:
    """A run, as far as arguments look at it."""

    def __init__(self, variables: VariableValues) -> None:
        self.variables = variables


def outcome(read: Any) -> Any:
    try:
        return read()
    except Exception as error:
        return str(error)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_arguments_are_what_graphql_core_reads(name: str) -> None:
    document = parse(DOCUMENTS[name])
    operation = cast("OperationDefinitionNode", document.definitions[0])
    node = cast("FieldNode", operation.selection_set.selections[0])
    core = schema._schema
    root = core.get_root_type(operation.operation)
    assert root is not None
    field = root.fields[node.name.value]
    read = arguments_of(field, node)
    compared = 0
    for given in GIVEN:
        variables = get_variable_values(core, operation.variable_definitions or (), given)
        if isinstance(variables, list):
            continue  # refused before any argument is read
        run = cast("Run", Only(variables))
        exact = outcome(lambda v=variables: get_argument_values(field, node, v))
        # Twice: what was read once is not changed by it.
        assert outcome(lambda r=run: read(r)) == outcome(lambda r=run: read(r)) == exact
        compared += 1
    assert compared >= 2
