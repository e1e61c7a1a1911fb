"""What no column can hold is refused before the database is asked: at its place, with nothing done, in every mutation."""

from collections.abc import Iterable
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
MUTATIONS = GRAPH.mutation_type.fields
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
}
COMPARED: set[tuple[str, Path]] = {
    ("login", ("username",)),
    ("login", ("password",)),
    ("tokenRefresh", ("refreshToken",)),
    ("passwordChange", ("currentPassword",)),
}
"""Compared with what is kept, never kept: a wrong one is no more than wrong."""
CUT: set[tuple[str, Path]] = {("login", ("deviceInfo",))}
"""Cut to what can be kept, as a User-Agent is: nobody is kept from signing in by it."""


def lists_of(kind: Any, at: Path = ()) -> list[Path]:
    """Where an input type takes a list."""
    if isinstance(kind, GraphQLNonNull):
        return lists_of(kind.of_type, at)
    if isinstance(kind, GraphQLList):
        return [at]
    if isinstance(kind, GraphQLInputObjectType):
        return [p for name, field in kind.fields.items() for p in lists_of(field.type, (*at, name))]
    return []


LISTS = [(name, path) for name, field in MUTATIONS.items() for path in lists_of(field.args["input"].type)]


@pytest.fixture(scope="session")
async def ours(server: Server) -> Tenant:
    return await tenants.build(Make(server))


def of(places: Iterable[tuple[str, Path]], mutation: str) -> list[Path]:
    return [path for name, path in places if name == mutation]


@pytest.mark.parametrize("name", sorted({name for name, _ in TEXTS}))
async def test_a_text_that_cannot_be_kept_is_refused_at_its_place(
    name: str, ask: Ask, make: Make, ours: Tenant
) -> None:
    before = await snapshot(make, ours)
    for path in set(of(TEXTS, name)) - set(of(CUT, name)):
        for why, text in TEXTS_REFUSED.items():
            input = with_value(ours.inputs()[name], path, text)
            answer = await ask(ours.owner, mutation_document(name), input=input)
            if (name, path) in COMPARED:
                assert answer.codes == ["INVALID_CREDENTIALS"], (path, why)
            else:
                assert answer.codes == ["VALIDATION_ERROR"], (path, why)
                told = answer.user_errors[0]["path"]
                assert told == spelled(path)[: max(len(told), 2)], (path, why)
    assert await snapshot(make, ours) == before


@pytest.mark.parametrize(("name", "path"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
async def test_metadata_that_cannot_be_kept_is_refused_at_its_place(
    name: str, path: Path, ask: Ask, make: Make, ours: Tenant
) -> None:
    before = await snapshot(make, ours)
    for why, value in METADATA_REFUSED.items():
        input = with_value(ours.inputs()[name], path, value)
        answer = await ask(ours.owner, mutation_document(name), input=input)
        assert answer.codes == ["VALIDATION_ERROR"], why
        assert answer.user_errors[0]["path"] == spelled(path), why
    assert await snapshot(make, ours) == before


@pytest.mark.parametrize(("name", "path"), LISTS, ids=[f"{name}.{path[0]}" for name, path in LISTS])
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


@pytest.mark.parametrize("name", sorted(set(MUTATIONS) - {n for n, _ in tenants.mutation_leaves("ID")}))
async def test_the_valid_input_that_the_refused_ones_were_made_of_is_taken(
    name: str, ask: Ask, make: Make
) -> None:
    ours = await tenants.build(make)
    before = await snapshot(make, ours)
    answer = (await ask(ours.owner, mutation_document(name), input=ours.inputs()[name])).ok()
    assert answer["userErrors"] == []
    assert name in {"register", "login"} or await snapshot(make, ours) != before


def test_every_place_was_tried() -> None:
    assert (len(TEXTS), len(DOCUMENTS), len(LISTS)) == (102, 6, 9)
