"""What no column can hold is refused before the database is asked: at its place, with nothing done, in every mutation."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLList, GraphQLNonNull

from schema import schema
from services.columns import JSON_BYTES_MAX
from services.server import Server
from tests import tenant as tenants
from tests.ask import Ask
from tests.make import Make
from tests.tenant import Path, Tenant, mutation_document, snapshot, spelled, with_value

GRAPH = schema._schema
assert GRAPH.mutation_type is not None
TEXTS = tenants.mutation_leaves("String")
DOCUMENTS = tenants.mutation_leaves("JSON")
LIST_SIZE_MAX = 100
TEXTS_REFUSED = {"too long": "x" * 40_000, "with U+0000": "a\x00b", "with half a surrogate pair": "a\ud800b"}
METADATA_REFUSED = {
    "over 16 KB": {"a": "x" * JSON_BYTES_MAX},
    "with U+0000": {"a": [{"b": "x\x00"}]},
    "with U+0000 in a key": {"a\x00": 1},
    "with half a surrogate pair": {"a": "\udc00"},
    "with an integer of more than 64 bits": {"a": 2**64},
    "with an infinite number": {"a": [float("inf")]},
    "nested without end": None,
}
SECRETS_COMPARED = {("login", ("username",)), ("login", ("password",)), ("tokenRefresh", ("refreshToken",))}
"""Compared with what is kept, never kept: a wrong one is no more than wrong."""
PASSWORDS_COMPARED = {("passwordChange", ("currentPassword",))}


def lists_of(kind: Any, at: Path = ()) -> list[Path]:
    """Where an input type takes a list."""
    if isinstance(kind, GraphQLNonNull):
        return lists_of(kind.of_type, at)
    if isinstance(kind, GraphQLList):
        return [at]
    if isinstance(kind, GraphQLInputObjectType):
        return [p for name, field in kind.fields.items() for p in lists_of(field.type, (*at, name))]
    return []


LISTS = [
    (name, path)
    for name, field in GRAPH.mutation_type.fields.items()
    for path in lists_of(field.args["input"].type)
]


def named(places: list[tuple[str, Path]]) -> dict[str, Any]:
    return {"argvalues": places, "ids": [f"{name}.{'.'.join(map(str, path))}" for name, path in places]}


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.fixture(scope="session")
async def ours(server: Server) -> Tenant:
    return await tenants.build(Make(server))


@pytest.mark.parametrize(("name", "path"), **named(TEXTS))
async def test_a_text_that_cannot_be_kept_is_refused_at_its_place(
    name: str, path: Path, ask: Ask, make: Make, ours: Tenant
) -> None:
    before = await snapshot(make, ours)
    for why, text in TEXTS_REFUSED.items():
        input = with_value(ours.inputs()[name], path, text)
        answer = await ask(ours.owner, mutation_document(name), input=input)
        if (name, path) in SECRETS_COMPARED | PASSWORDS_COMPARED:
            assert answer.codes == ["INVALID_CREDENTIALS"], why
            continue
        assert answer.codes == ["VALIDATION_ERROR"], why
        if name != "channelUpdate" or path != ("scopes", 0):
            told = answer.user_errors[0]["path"]
            assert told == spelled(path)[: len(told)], why
            assert len(told) > 1, why
    assert await snapshot(make, ours) == before


@pytest.mark.parametrize(("name", "path"), **named(DOCUMENTS))
async def test_metadata_that_cannot_be_kept_is_refused_at_its_place(
    name: str, path: Path, ask: Ask, make: Make, ours: Tenant
) -> None:
    before = await snapshot(make, ours)
    for why, value in METADATA_REFUSED.items():
        input = with_value(ours.inputs()[name], path, nested(300) if value is None else value)
        answer = await ask(ours.owner, mutation_document(name), input=input)
        assert answer.codes == ["VALIDATION_ERROR"], why
        assert answer.user_errors[0]["path"] == spelled(path), why
    assert await snapshot(make, ours) == before


@pytest.mark.parametrize(("name", "path"), **named(LISTS))
async def test_a_list_of_more_than_a_hundred_is_refused_at_its_place(
    name: str, path: Path, ask: Ask, make: Make, ours: Tenant
) -> None:
    before = await snapshot(make, ours)
    valid = ours.inputs()[name]
    one = tenants.value_at(valid, (*path, 0))
    input = with_value(valid, path, [one] * (LIST_SIZE_MAX + 1))
    answer = await ask(ours.owner, mutation_document(name), input=input)
    assert answer.codes == ["VALIDATION_ERROR"]
    assert answer.user_errors[0]["path"] == spelled(path)
    assert await snapshot(make, ours) == before


@pytest.mark.parametrize("name", sorted(GRAPH.mutation_type.fields))
async def test_the_valid_input_is_taken(name: str, ask: Ask, make: Make) -> None:
    ours = await tenants.build(make)
    (await ask(ours.owner, mutation_document(name), input=ours.inputs()[name])).ok()


def test_every_place_was_tried() -> None:
    assert (len(TEXTS), len(DOCUMENTS), len(LISTS)) == (100, 6, 7)
