"""What a request for an operation looks like, on every transport."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from graphql import OperationType

from graph.negotiation import EVENTS, liked_types
from graph.trusted import TrustedDocuments
from schema.kit.context import Context
from schema.kit.schema import Schema

MEMBERS: Final[Mapping[str, tuple[type, str]]] = {
    "query": (str, "a text"),
    "variables": (dict, "an object"),
    "operationName": (str, "a text"),
    "extensions": (dict, "an object"),
}


def read_operation(
    body: bytes, accept: str, schema: Schema, trusted: TrustedDocuments, context: Context
) -> dict[str, Any] | None:
    """The query or mutation of a JSON body that is answered as JSON, as `Schema.execute` takes it.

    Where a hash stands for the query, its text is put in. None where anything is in its way or out of the ordinary: then Strawberry's view looks at the request.
    """
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(members, dict):
        return None
    members = trusted.resolved(members)
    if fault_of_request(members) is not None:
        return None
    query, name = members["query"], members.get("operationName")
    operation = schema.operation(query, name, context)
    if (
        operation is None
        or operation.operation is OperationType.SUBSCRIPTION
        or liked_types(accept)[:1] == (EVENTS,)
    ):
        return None
    return {"query": query, "variable_values": members.get("variables"), "operation_name": name}


def fault_of_request(members: Mapping[str, Any]) -> str | None:
    """What is wrong with a request, before its document is looked at; None where nothing is."""
    if members.get("query") is None:
        return "There is no `query`."
    for name, (kind, spoken) in MEMBERS.items():
        value = members.get(name)
        if value is not None and not isinstance(value, kind):
            return f"`{name}` has to be {spoken}."
    return None
