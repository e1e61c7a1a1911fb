"""What is good once is good once on two workers: refresh tokens, nonces, guesses; and what ended has ended on both."""

import asyncio
from contextlib import AsyncExitStack
from itertools import cycle

import httpx
import pytest

from db.base import new_id
from tests.databases import create_database, drop_database
from tests.faults.cluster import cluster
from tests.wire.caller import LOGIN, PASSWORD, Caller, register
from tests.wire.line import line_to
from tests.wire.signer import make_signer

WAIT_SECONDS = 20
CLOSED_SECONDS_MAX = 5
AT_ONCE = 20
GUESSES = 40
FREE = '{"anonymous": {"bucket": 1000000, "at_once": 100}}'
"""It is attempts that are counted here, and not what strangers ask for."""
WHO = "{ viewer { permissions user { username } } }"
DELETE = "mutation ($id: ID!) { serviceClientDelete(input: {id: $id}) { deletedId userErrors { code } } }"
REFRESH = """mutation ($token: String!) {
  tokenRefresh(input: {refreshToken: $token}) { accessToken refreshToken userErrors { code } }
}"""


class Pair:
    """Two workers on one database, and connections to both."""

    def __init__(self, workers, webs):
        self.workers, self.webs = workers, webs


@pytest.fixture(scope="session")
async def pair(postgres_url, tmp_path_factory):
    url = await create_database(postgres_url, f"two_workers_{new_id().hex[-12:]}")
    folder = tmp_path_factory.mktemp("two_workers")
    async with cluster(folder, url, {"RATE_LIMITS": "on", "LIMITS": FREE}) as made, AsyncExitStack() as stack:
        webs = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=worker.url, timeout=WAIT_SECONDS))
            for worker in made.workers
        ]
        yield Pair(made.workers, webs)
        assert made.complaints() == []
    await drop_database(url)


async def signed_in(pair):
    """A member of a new workspace and a session of its own, with a name to sign in by."""
    owner = await register(pair.webs[0])
    name = (await owner.ask(WHO))["user"]["username"]
    return owner, name, await Caller(pair.webs[0]).ask(LOGIN, username=name, password=PASSWORD)


async def refreshed(web, token):
    answer = (await Caller(web).post(REFRESH, {"token": token})).json()
    assert "errors" not in answer, answer
    return answer["data"]["tokenRefresh"]


async def is_over(callers):
    """Until none of them is let in any more."""
    async with asyncio.timeout(WAIT_SECONDS):
        while any([(await caller.post(WHO)).status_code != 401 for caller in callers]):
            pass


async def test_twenty_parallel_uses_of_a_refresh_token_leave_one_that_is_good(pair):
    _, _, session = await signed_in(pair)
    webs = [web for web, _ in zip(cycle(pair.webs), range(AT_ONCE), strict=False)]
    answers = await asyncio.gather(*[refreshed(web, session["refreshToken"]) for web in webs])
    (successor,) = {answer["refreshToken"] for answer in answers}
    assert successor != session["refreshToken"]
    for web, answer in zip(webs, answers, strict=True):
        assert (await Caller(web, answer["accessToken"]).post(WHO)).status_code == 200
    assert (await refreshed(pair.webs[1], successor))["accessToken"]


async def test_a_stolen_refresh_token_ends_the_session_and_its_sockets_on_both_workers(pair):
    owner, _, session = await signed_in(pair)
    second = await refreshed(pair.webs[0], session["refreshToken"])
    third = await refreshed(pair.webs[1], second["refreshToken"])
    callers = [Caller(web, third["accessToken"]) for web in pair.webs]
    async with AsyncExitStack() as stack:
        lines = []
        for worker, caller in zip(pair.workers, callers, strict=True):
            lines.append(await stack.enter_async_context(line_to(worker, caller)))
        stolen = await refreshed(pair.webs[1], session["refreshToken"])
        assert (stolen["accessToken"], stolen["userErrors"]) == (None, [{"code": "INVALID_CREDENTIALS"}])
        async with asyncio.timeout(CLOSED_SECONDS_MAX):
            for line in lines:
                assert await line.closing() == 4403
    await is_over(callers)
    assert (await refreshed(pair.webs[0], third["refreshToken"]))["accessToken"] is None
    # The member's other session goes on.
    assert (await owner.post(WHO)).status_code == 200


async def test_a_nonce_is_good_at_one_worker_alone(pair):
    owner = await register(pair.webs[0])
    signer = await make_signer(owner, "PRODUCTS_READ")
    # By one name, whichever of the two it reaches.
    plain = owner.web.build_request(
        "POST", "/graphql", json={"query": WHO}, headers={"Host": "graph.example"}
    )
    signed = signer.sign(plain)
    sent = []
    for web, _ in zip(cycle(pair.webs), range(AT_ONCE), strict=False):
        copy = web.build_request("POST", "/graphql", content=signed.content, headers=signed.headers)
        sent.append(web.send(copy))
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*sent))
    assert statuses == [200] + [401] * (AT_ONCE - 1)
    for web in pair.webs:
        signer.web = web
        assert (await signer.ask(WHO)).status_code == 200


class SignedCaller:
    """Asks one worker as a service client, signed anew each time."""

    def __init__(self, web, signer):
        self._web, self._signer = web, signer

    async def post(self, document):
        request = self._web.build_request("POST", "/graphql", json={"query": document})
        return await self._web.send(self._signer.sign(request))


async def test_a_deleted_client_is_refused_by_both_workers(pair):
    owner = await register(pair.webs[0])
    signer, other = await make_signer(owner, "CHATS_READ"), await make_signer(owner, "CHATS_READ")
    callers = [SignedCaller(web, signer) for web in pair.webs]
    for caller in callers:
        assert (await caller.post(WHO)).status_code == 200
    await owner.ask(DELETE, id=signer.key_id)
    await is_over(callers)
    for web in pair.webs:
        assert (await SignedCaller(web, other).post(WHO)).status_code == 200


async def test_guesses_are_counted_by_both_workers_together(pair):
    _, name, _ = await signed_in(pair)
    given = {"username": name, "password": "not the password"}
    webs = [web for web, _ in zip(cycle(pair.webs), range(GUESSES), strict=False)]
    answers = await asyncio.gather(*[Caller(web).post(LOGIN, given) for web in webs])
    bodies = [answer.json() for answer in answers]
    looked_at = [body for body in bodies if "errors" not in body]
    assert len(looked_at) == 5
    assert {body["data"]["login"]["userErrors"][0]["code"] for body in looked_at} == {"INVALID_CREDENTIALS"}
