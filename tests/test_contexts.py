"""One context serves a connection: each operation has a fork of it, with nothing of another operation."""

from dataclasses import fields
from typing import Any

from schema.kit.context import Context

OF_AN_OPERATION = {
    *("refusal", "seat", "ends_at", "objects", "outcomes"),
    *("_first", "_acting", "_action", "_load", "_kept"),
}


def test_a_fork_keeps_what_is_of_the_connection_and_nothing_else() -> None:
    names = {field.name for field in fields(Context)}
    assert names > OF_AN_OPERATION
    values: dict[str, Any] = {name: object() for name in names}
    fork = Context(**values).fork()
    assert {name for name in names if getattr(fork, name) is values[name]} == names - OF_AN_OPERATION
