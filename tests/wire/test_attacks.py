"""Tokens that are not ours, and guesses: refused on HTTP and on sockets, beside a good one that is let in."""

import asyncio
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from db.base import new_id, now
from tests.running import serve
from tests.wire.caller import LOGIN, PASSWORD, REGISTER, Caller, code_of, register
from tests.wire.conftest import PRODUCTION
from tests.wire.line import line_to

WHO = "{ viewer { user { id username } } }"
SECRET = PRODUCTION["JWT_SECRET"]
STRANGER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
KEPT_OUT_WITH = 4403
GUESSES = 100
GUESSES_AT_ONCE = 20
CHECKED_MAX = 5


@dataclass
class Victim:
    """A member, and what a session of it was given."""

    user_id: str
    token: str
    refresh_token: str


@pytest.fixture(scope="session")
async def victim(production):
    """Whose tokens an attacker would like to have, with a refresh token of its own."""
    server, _ = production
    name = (await (await register(server.web)).ask(WHO))["user"]["username"]
    signed_in = await Caller(server.web).ask(LOGIN, username=name, password=PASSWORD)
    return Victim(signed_in["user"]["id"], signed_in["accessToken"], signed_in["refreshToken"])


def forged(token, *, key=SECRET, algorithm="HS256", headers=None, **claims):
    """A token like a good one but for what is given; a claim or header of None is left out."""
    ours = jwt.decode(token, options={"verify_signature": False}) | claims
    marks = jwt.get_unverified_header(token) | {"alg": algorithm} | (headers or {})
    kept = {name: value for name, value in ours.items() if value is not None}
    return jwt.encode(
        kept, key, algorithm, headers={name: value for name, value in marks.items() if value is not None}
    )


def encoded(part):
    return urlsafe_b64encode(json.dumps(part, default=str).encode()).rstrip(b"=").decode()


def with_claims(token, **claims):
    """The same token with other claims, and the signature of the old ones."""
    head, _, signature = token.split(".")
    ours = jwt.decode(token, options={"verify_signature": False})
    return ".".join((head, encoded(ours | claims), signature))


def with_header(token, **marks):
    """The same token with another header, and the signature of the old one."""
    _, claims, signature = token.split(".")
    return ".".join((encoded(jwt.get_unverified_header(token) | marks), claims, signature))


def unsigned(token, algorithm="none"):
    return ".".join((*with_header(token, alg=algorithm).split(".")[:2], ""))


def other_signature(token):
    body, _, signature = token.rpartition(".")
    return f"{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


HOUR = timedelta(hours=1)
ATTACKS = {
    "no algorithm": unsigned,
    "no algorithm, in capitals": lambda t: unsigned(t, "NONE"),
    "no algorithm, with the signature": lambda t: with_header(t, alg="none"),
    "a signature by RS256": lambda t: forged(t, key=STRANGER, algorithm="RS256"),
    "a signature said to be by RS256": lambda t: with_header(t, alg="RS256"),
    "a signature by HS512 with our key": lambda t: forged(t, algorithm="HS512"),
    "another's key": lambda t: forged(t, key="k" * 64),
    "an empty key": lambda t: forged(t, key="\x00" * 32, headers={"kid": ""}),
    "an unknown key": lambda t: forged(t, headers={"kid": "nobody"}),
    "a key from a file": lambda t: forged(t, key="\x00" * 32, headers={"kid": "../../dev/null"}),
    "no key": lambda t: forged(t, headers={"kid": None}),
    "a key that it brings along": lambda t: forged(
        t, key="k" * 64, headers={"jwk": {"kty": "oct", "k": "a2tr"}, "jku": "https://example.com/jwks"}
    ),
    "another type": lambda t: forged(t, headers={"typ": "JWT"}),
    "no type": lambda t: forged(t, headers={"typ": None}),
    "something critical": lambda t: forged(t, headers={"crit": ["exp"]}),
    "another issuer": lambda t: forged(t, iss="somebody"),
    "no issuer": lambda t: forged(t, iss=None),
    "another audience": lambda t: forged(t, aud="another-api"),
    "no audience": lambda t: forged(t, aud=None),
    "no end": lambda t: forged(t, exp=None),
    "expired": lambda t: forged(t, exp=now() - HOUR),
    "an end that is no time": lambda t: forged(t, exp="never"),
    "not yet good": lambda t: forged(t, nbf=now() + HOUR),
    "of the future": lambda t: forged(t, iat=now() + HOUR),
    "no session": lambda t: forged(t, sid=None),
    "a session of nobody": lambda t: forged(t, sid=new_id().hex),
    "another member": lambda t: forged(t, sub=new_id().hex),
    "another member, signature kept": lambda t: with_claims(t, sub=new_id().hex),
    "a later end, signature kept": lambda t: with_claims(t, exp=4_000_000_000),
    "another signature": other_signature,
    "no signature": lambda t: t.rpartition(".")[0] + ".",
    "half of it": lambda t: t[: len(t) // 2],
    "too long": lambda t: t + "A" * 5_000,
}


async def is_kept_out(server, token):
    """Refused whole on HTTP, and on a socket before anything else."""
    answer = await Caller(server.web, token).post(WHO)
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
    async with line_to(server) as line:
        await line.send(type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert await line.closing() == KEPT_OUT_WITH


async def is_let_in(server, token, user_id):
    answer = await Caller(server.web, token).post(WHO)
    assert answer.json()["data"]["viewer"]["user"]["id"] == user_id
    async with line_to(server, Caller(server.web, token)) as line:
        await line.subscribe("1", WHO)
        assert (await line.read())["payload"]["data"]["viewer"]["user"]["id"] == user_id


@pytest.mark.parametrize("name", ATTACKS)
async def test_a_token_that_is_not_ours_keeps_out(name, production, victim):
    server, _ = production
    attack = ATTACKS[name](victim.token)
    assert attack != victim.token
    await is_kept_out(server, attack)
    # The same by our own hand is good: what was wrong is what was changed.
    await is_let_in(server, forged(victim.token), victim.user_id)


async def test_a_refresh_token_is_no_access_token(production, victim):
    server, _ = production
    await is_kept_out(server, victim.refresh_token)
    await is_let_in(server, victim.token, victim.user_id)


def login(name, password):
    return {"query": LOGIN, "variables": {"username": name, "password": password}}


ROOMY = '{"anonymous": {"cost": 9000, "bucket": 90000, "aliases": 200, "tokens": 5000, "at_once": 200}}'
"""Nothing but what is counted of attempts stands in the way."""


async def test_a_hundred_guesses_are_five_however_they_are_sent(tmp_path):
    async with serve(f"sqlite:///{tmp_path / 'guesses.db'}", RATE_LIMITS="on", LIMITS=ROOMY) as server:
        owner = await register(server.web)
        other = await register(server.web)
        name, other_name = [(await each.ask(WHO))["user"]["username"] for each in (owner, other)]
        wrong = login(name, "not the password")
        batch = await server.web.post("/graphql", json=[wrong] * GUESSES)
        assert batch.status_code == 400
        one = f'login(input: {{username: "{name}", password: "not the password"}}) {{ accessToken }}'
        aliased = " ".join(f"a{n}: {one}" for n in range(GUESSES))
        answer = await Caller(server.web).post(f"mutation {{ {aliased} }}")
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (
            400,
            "VALIDATION_ERROR",
        )
        turn = asyncio.Semaphore(GUESSES_AT_ONCE)

        async def guess():
            async with turn:
                return await server.web.post("/graphql", json=wrong)

        answers = await asyncio.gather(*[guess() for _ in range(GUESSES)])
        bodies = [answer.json() for answer in answers]
        limited = [a for a, body in zip(answers, bodies, strict=True) if "errors" in body]
        told = [body["data"]["login"]["userErrors"][0]["code"] for body in bodies if "errors" not in body]
        # None of those before was looked at, so that all five are left for these.
        assert told == ["INVALID_CREDENTIALS"] * CHECKED_MAX
        for each in limited:
            (error,) = each.json()["errors"]
            assert error["extensions"]["code"] == "RATE_LIMITED"
            assert 0 < int(each.headers["Retry-After"]) <= 900
            assert error["extensions"]["retryAfter"] == int(each.headers["Retry-After"])
        late = (await server.web.post("/graphql", json=login(name, PASSWORD))).json()
        assert late["data"] == {"login": None}
        fine = (await server.web.post("/graphql", json=login(other_name, PASSWORD))).json()
        assert fine["data"]["login"]["accessToken"]


async def test_a_document_that_signs_in_twice_is_refused_over_the_wire(nobody):
    name = f"twice-{new_id().hex}"
    first = REGISTER.replace("mutation (", "mutation Twice(").replace("register(", "a: register(", 1)
    second = first.rstrip().removesuffix("}") + ' tokenRefresh(input: {refreshToken: "t"}) { accessToken } }'
    given = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    refused = await nobody.post(second, given)
    assert (refused.status_code, code_of(refused)) == (400, "VALIDATION_ERROR")
    assert (await nobody.post(first, given)).json()["data"]["a"]["accessToken"]
