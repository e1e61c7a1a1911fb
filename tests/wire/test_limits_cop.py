"""What a scanner of GraphQL servers (graphql-cop) sends to be answered dearly: nobody gets it done. Needs the limits on how much may be asked."""

import pytest

from tests.running import serve
from tests.wire.caller import Caller, code_of
from tests.wire.conftest import PRODUCTION

ALIASES = "{ " + " ".join(f"a{n}: __typename" for n in range(101)) + " }"
DIRECTIVES = "{ __typename " + "@include(if: true) " * 10 + "}"
CIRCULAR = "{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }"
DUPLICATES = "{ " + "__typename " * 500 + "}"
BOMB = (
    "{ ...F0 } "
    + " ".join(
        f"fragment F{n} on Query {{ ...F{n + 1} a{n}: viewer {{ permissions }} ...F{n + 1} }}"
        for n in range(30)
    )
    + " fragment F30 on Query { __typename }"
)
DEEP = (
    "{ viewer { user { workspace "
    + "{ members { nodes { workspace " * 10
    + "{ name }"
    + " } } }" * 10
    + " } } }"
)
TOO_DEAR = {
    "101 aliases": ALIASES,
    "500 times the same field": DUPLICATES,
    "a fragment bomb": BOMB,
    "twenty levels": DEEP,
}
CHEAP = {
    "two aliases": "{ a: __typename b: __typename }",
    "a directive": "{ __typename @include(if: true) }",
    "the same field twice": "{ __typename __typename }",
    "a fragment": "{ ...F } fragment F on Query { __typename }",
}


@pytest.fixture(scope="module")
async def nobody(own_database):
    """Who is not signed in, of a server in production with its limits on."""
    async with own_database() as url, serve(url, RATE_LIMITS="on", **PRODUCTION) as running:
        yield Caller(running.web)


@pytest.mark.parametrize("name", TOO_DEAR)
async def test_what_costs_too_much_is_refused_before_it_runs(nobody, name):
    answer = await nobody.post(TOO_DEAR[name])
    assert (answer.status_code, code_of(answer)) == (400, "QUERY_TOO_EXPENSIVE")


async def test_introspection_in_circles_is_refused(nobody):
    """Either reason will do: it takes a sign-in as well."""
    answer = await nobody.post(CIRCULAR)
    assert (answer.status_code, code_of(answer)) in ((400, "QUERY_TOO_EXPENSIVE"), (401, "UNAUTHENTICATED"))


async def test_a_directive_is_not_repeated(nobody):
    answer = await nobody.post(DIRECTIVES)
    assert answer.status_code == 400
    assert {e["extensions"]["code"] for e in answer.json()["errors"]} <= {
        "VALIDATION_ERROR",
        "QUERY_TOO_EXPENSIVE",
    }
    assert "data" not in answer.json()


@pytest.mark.parametrize("name", CHEAP)
async def test_what_costs_little_is_answered(nobody, name):
    answer = await nobody.post(CHEAP[name])
    assert answer.status_code == 200
    assert "errors" not in answer.json()
    assert "Query" in answer.json()["data"].values()
