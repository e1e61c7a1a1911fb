"""What a request for an operation looks like, on every transport."""

from collections.abc import Mapping
from typing import Any, Final

MEMBERS: Final[Mapping[str, tuple[type, str]]] = {
    "query": (str, "a text"),
    "variables": (dict, "an object"),
    "operationName": (str, "a text"),
    "extensions": (dict, "an object"),
}


def fault_of_request(members: Mapping[str, Any]) -> str | None:
    """What is wrong with a request, before its document is looked at; None where nothing is."""
    if members.get("query") is None:
        return "There is no `query`."
    for name, (kind, spoken) in MEMBERS.items():
        value = members.get(name)
        if value is not None and not isinstance(value, kind):
            return f"`{name}` has to be {spoken}."
    return None
