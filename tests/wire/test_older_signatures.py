"""Signatures without a nonce: for plain GETs alone, and only where the operator takes them."""

import pytest

from tests.running import serve
from tests.wire.caller import code_of, register
from tests.wire.signer import make_signer

WHO = "{ viewer { permissions } }"
HELD = {"viewer": {"permissions": ["PRODUCTS_READ"]}}
LATE_SECONDS = 302
EVENTS = "text/event-stream"


@pytest.fixture(scope="module")
async def taking(tmp_path_factory):
    """A server that takes them."""
    url = f"sqlite:///{tmp_path_factory.mktemp('older') / 'older.db'}"
    async with serve(url, OLDER_SIGNATURES="on") as server:
        yield server
    assert server.failures() == []


@pytest.fixture(scope="module")
async def signer(taking):
    return await make_signer(await register(taking.web), "PRODUCTS_READ")


def request(signer, method="GET", **headers):
    given = {"params": {"query": WHO}} if method == "GET" else {"json": {"query": WHO}}
    return signer.web.build_request(method, "/graphql", headers=headers, **given)


async def test_a_plain_get_is_let_in(signer):
    for _ in range(2):
        answer = await signer.web.send(signer.older(request(signer)))
        assert (answer.status_code, answer.json()["data"]) == (200, HELD)


REFUSED = {
    "a post": lambda s: s.older(request(s, "POST")),
    "a stream": lambda s: s.older(request(s, Accept=EVENTS)),
    "another query": lambda s: with_url(s, s.older(request(s))),
    "an old one": lambda s: s.older(request(s), seconds_ago=LATE_SECONDS),
    "an empty nonce": lambda s: with_nonce(s.older(request(s))),
}


def with_url(signer, signed):
    signed.url = signed.url.copy_merge_params({"query": "{ __typename }"})
    return signed


def with_nonce(signed):
    signed.headers["X-API-Nonce"] = ""
    return signed


@pytest.mark.parametrize("name", REFUSED)
async def test_anything_else_is_refused(name, signer):
    answer = await signer.web.send(REFUSED[name](signer))
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")


async def test_the_newer_form_is_taken_as_well(signer):
    assert (await signer.ask(WHO)).json()["data"] == HELD


async def test_a_server_takes_none_unless_it_was_told_to(owner):
    signer = await make_signer(owner, "PRODUCTS_READ")
    answer = await signer.web.send(signer.older(request(signer)))
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
    assert (await signer.ask(WHO, by="GET")).json()["data"] == HELD
