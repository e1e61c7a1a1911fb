"""Signed requests on the wire: let in as they are, refused when a byte of them is another, or when they come twice."""

import asyncio
import time

import pytest

from tests.wire.caller import code_of
from tests.wire.line import line_to
from tests.wire.signer import Signer, make_signer, with_other_byte

pytestmark = pytest.mark.usefixtures("calm")
WAIT_SECONDS = 30
WHO = "{ viewer { user { id } permissions } }"
ADD = """mutation ($name: String!) {
  productCreate(input: {name: $name, price: {amount: "1.00", currency: "USD"}}) { product { id } userErrors { code } }
}"""
FOUND = "query ($name: String!) { products(where: {name: {eq: $name}}) { totalCount } }"


@pytest.fixture
async def signer(owner):
    return await make_signer(owner, "PRODUCTS_READ", "PRODUCTS_WRITE")


async def found(owner, name):
    return (await owner.ask(FOUND, name=name))["totalCount"]


def refused(answer):
    assert answer.status_code == 401, answer.text
    return code_of(answer) == "UNAUTHENTICATED"


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_signed_request_is_its_client_s(signer, method):
    answer = await signer.ask(WHO, by=method)
    assert answer.status_code == 200
    assert answer.json()["data"]["viewer"] == {
        "user": None,
        "permissions": ["PRODUCTS_READ", "PRODUCTS_WRITE"],
    }


SENT_OTHERWISE = {
    "body": lambda r: {"content": r.content.replace(b"1.00", b"2.00")},
    "query": lambda r: {"url": r.url.copy_merge_params({"a": "1"})},
    "method": lambda r: {"method": "GET"},
    "content type": lambda r: {"headers": {"Content-Type": "application/json;charset=utf-8"}},
    "host": lambda r: {"headers": {"Host": with_other_byte(r.headers["host"])}},
    "timestamp": lambda r: {"headers": {"X-API-Timestamp": str(int(r.headers["X-API-Timestamp"]) - 1)}},
    "nonce": lambda r: {"headers": {"X-API-Nonce": with_other_byte(r.headers["X-API-Nonce"])}},
    "signature": lambda r: {"headers": {"X-API-Signature": with_other_byte(r.headers["X-API-Signature"])}},
    "key": lambda r: {"headers": {"X-API-Key-Id": with_other_byte(r.headers["X-API-Key-Id"])}},
    "signature in capitals": lambda r: {"headers": {"X-API-Signature": r.headers["X-API-Signature"].upper()}},
    "no signature": lambda r: {"headers": {"X-API-Signature": ""}},
    "no nonce": lambda r: {"headers": {"X-API-Nonce": ""}},
    "no timestamp": lambda r: {"headers": {"X-API-Timestamp": ""}},
    "no key": lambda r: {"headers": {"X-API-Key-Id": ""}},
    "half a nonce": lambda r: {"headers": {"X-API-Nonce": r.headers["X-API-Nonce"][:8]}},
    "umlauts": lambda r: {"headers": {"X-API-Signature": "ä".encode("latin-1") * 64}},
    "a huge time": lambda r: {"headers": {"X-API-Timestamp": "9" * 400}},
}


def sent_otherwise(web, request, change):
    """The same request but for one thing, its signature left as it was."""
    given = {"method": request.method, "url": request.url, "content": request.content} | change(request)
    headers = {**request.headers, "content-length": str(len(given["content"]))}
    lower = {name.lower(): value for name, value in given.pop("headers", {}).items()}
    return web.build_request(headers=headers | lower, **given)


def what_is_sent(request):
    return request.method, str(request.url), request.content, sorted(request.headers.raw)


@pytest.mark.parametrize("name", SENT_OTHERWISE)
async def test_a_request_that_is_sent_otherwise_than_signed_is_refused(name, owner, signer):
    product = f"changed {name} {signer.key_id}"
    request = signer.request(ADD, {"name": product})
    changed = sent_otherwise(owner.web, request, SENT_OTHERWISE[name])
    assert what_is_sent(changed) != what_is_sent(request)
    assert refused(await owner.web.send(changed))
    assert await found(owner, product) == 0
    assert (await owner.web.send(request)).status_code == 200
    assert await found(owner, product) == 1


@pytest.mark.parametrize("part", ["form", "method", "host", "target", "content_type", "body"])
async def test_what_was_signed_for_something_else_is_refused(part, owner, signer):
    product = f"signed {part} {signer.key_id}"
    elsewhere = {
        "form": "HMAC-V1",
        "method": "PUT",
        "host": "other.example",
        "target": "/other",
        "content_type": "",
        "body": "0" * 64,
    }
    assert refused(await signer.ask(ADD, {"name": product}, **{part: elsewhere[part]}))
    assert await found(owner, product) == 0
    assert (await signer.ask(ADD, {"name": product})).status_code == 200


async def test_the_secret_of_another_client_is_no_good(owner, signer):
    other = await make_signer(owner, "PRODUCTS_READ")
    assert refused(await Signer(owner.web, signer.key_id, other.secret).ask(WHO))
    assert (await other.ask(WHO)).status_code == 200


async def test_a_nonce_is_good_once(owner, signer):
    request = signer.request(ADD, {"name": signer.key_id})
    assert (await owner.web.send(request)).status_code == 200
    for _ in range(3):
        assert refused(await owner.web.send(request))
    # Signed anew with the same nonce, at another time, for something else.
    nonce = request.headers["X-API-Nonce"]
    assert refused(await signer.ask(WHO, nonce=nonce))
    assert await found(owner, signer.key_id) == 1
    assert (await signer.ask(WHO)).status_code == 200


async def test_twenty_at_once_with_one_nonce_are_one(owner, signer):
    request = signer.request(ADD, {"name": f"at once {signer.key_id}"})
    answers = await asyncio.gather(*[owner.web.send(request) for _ in range(20)])
    assert sorted(a.status_code for a in answers) == [200] + [401] * 19
    assert await found(owner, f"at once {signer.key_id}") == 1


@pytest.mark.parametrize("seconds", [-3_000, -301, 330, 3_000])
async def test_a_signature_of_another_time_is_refused(seconds, owner, signer):
    moment = int(time.time())
    assert refused(await signer.ask(ADD, {"name": signer.key_id}, timestamp=str(moment + seconds)))
    assert await found(owner, signer.key_id) == 0
    near = 270 if seconds > 0 else -270
    assert (await signer.ask(WHO, timestamp=str(moment + near))).status_code == 200


async def test_a_client_asks_its_hosts_alone(owner):
    elsewhere = await make_signer(owner, "PRODUCTS_READ", hosts=["api.example.org", "*.example.net"])
    assert refused(await elsewhere.ask(WHO))
    at_home = await make_signer(owner, "PRODUCTS_READ", hosts=["127.0.0.1"])
    assert (await at_home.ask(WHO)).status_code == 200
    for host in ("api.example.org", "api.example.org:8443", "a.example.net"):
        request = owner.web.build_request("POST", "/graphql", json={"query": WHO}, headers={"Host": host})
        assert (await owner.web.send(elsewhere.sign(request))).status_code == 200


async def test_a_client_that_lacks_a_permission_is_refused_whole(owner, signer):
    answer = await signer.ask("{ chats { totalCount } products { totalCount } }")
    assert (answer.status_code, code_of(answer)) == (403, "ACCESS_DENIED")
    assert (await signer.ask("{ products { totalCount } }")).status_code == 200


async def test_a_token_goes_before_a_signature(owner, signer):
    request = signer.request(WHO)
    request.headers["Authorization"] = "Bearer nonsense"
    assert refused(await owner.web.send(request))
    request.headers["Authorization"] = f"Bearer {owner.token}"
    answer = (await owner.web.send(request)).json()
    assert answer["data"]["viewer"]["user"] == {"id": owner.user_id}


EVENTS = """subscription ($id: ID!) { messageAdded(conversationId: $id, after: 0) { sequence } }"""
DELETE = "mutation ($id: ID!) { serviceClientDelete(input: {id: $id}) { deletedId userErrors { code } } }"


async def test_a_client_follows_by_server_sent_events_until_it_is_deleted(owner, chat):
    follower = await make_signer(owner, "CHATS_READ")
    request = follower.request(EVENTS, {"id": chat})
    request.headers["Accept"] = "text/event-stream"
    answer = await owner.web.send(request, stream=True)
    try:
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        async with asyncio.timeout(WAIT_SECONDS):
            assert '"sequence":1' in await next_data(lines)
            await owner.send(chat, "while it may look")
            assert '"sequence":2' in await next_data(lines)
            await owner.ask(DELETE, id=follower.key_id)
            assert "UNAUTHENTICATED" in await next_data(lines)
            assert [line async for line in lines if line][-2:] == ["event: complete", "data: "]
    finally:
        await answer.aclose()


async def next_data(lines):
    async for line in lines:
        if line.startswith("data: {"):
            return line
    raise AssertionError("The stream ended.")


async def test_a_socket_takes_no_signature(running, owner, signer):
    headers = dict(signer.request(WHO).headers)
    marks = {name: value for name, value in headers.items() if name.startswith("x-api-")}
    async with line_to(running, additional_headers=marks) as line:
        await line.send(type="connection_init", payload=marks)
        assert (await line.read())["type"] == "connection_ack"
        await line.subscribe("1", "{ products { totalCount } }")
        (error,) = (await line.read())["payload"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
    async with line_to(running, owner) as line:
        await line.subscribe("1", "{ products { totalCount } }")
        assert (await line.read())["type"] == "next"
