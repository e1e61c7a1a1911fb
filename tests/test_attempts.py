"""Guessing ends: attempts are counted by account and address, one for each request, before a password is looked at."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from db.accounts import User
from db.attempts import Attempts
from db.base import Viewer, now
from schema import schema
from services import attempts, security
from services.attempts import ACCOUNT_MAX, WINDOW, prune_attempts
from services.limits import Limits, read_levels
from services.server import Server
from services.sessions import begin_session
from tests.ask import Answer, Ask
from tests.auth import LOGIN, REFRESH, count_all, fresh_name, hurried, kept
from tests.make import PASSWORD, Make

ROOMY = Limits(
    read_levels('{"anonymous": {"cost": 9000, "bucket": 9000, "aliases": 200, "tokens": 5000}}'),
    enabled=False,
)
"""Nothing else refuses many attempts in one document."""
WRONG = "not the password"


class Guesser:
    """Signs in from an address, at a server that counts how often a password is really looked at."""

    def __init__(self, server: Server) -> None:
        self.server = replace(hurried(server), counts_attempts=True, limits=ROOMY)
        self.checks = 0
        check = self.server.passwords.check

        async def counted(password: str, hashed: str | None) -> Any:
            self.checks += 1
            return await check(password, hashed)

        self.server.passwords.check = counted  # type: ignore[method-assign]

    async def __call__(
        self, document: str, address: str, viewer: Viewer | None = None, **variables: Any
    ) -> Answer:
        context = replace(Ask(self.server).context(viewer), client_address=address)
        result = await schema.execute(document, variables, context)
        return Answer(result.data, [dict(e.formatted) for e in result.errors or ()])

    async def log_in(self, name: str, address: str, password: str = WRONG) -> Answer:
        return await self(LOGIN, address, username=name, password=password)


@pytest.fixture
def guess(server: Server) -> Guesser:
    return Guesser(server)


@pytest.fixture
def address() -> str:
    """That of nobody else."""
    return f"of {fresh_name()}"


@pytest.fixture
async def name(make: Make) -> str:
    owner = await make.owner()
    return str((await kept(make.server, User, owner.id)).username)


async def test_the_sixth_guess_is_not_looked_at(guess: Guesser, name: str, address: str) -> None:
    for _ in range(ACCOUNT_MAX):
        assert (await guess.log_in(name, address)).codes == ["INVALID_CREDENTIALS"]
    with capture_logs() as lines:
        refused = await guess.log_in(name, address, PASSWORD)
    assert [(line["event"], line["address"]) for line in lines] == [(security.ATTEMPTS_REFUSED, address)]
    assert (refused.data, refused.codes) == ({"login": None}, ["RATE_LIMITED"])
    assert 0 < refused.errors[0]["extensions"]["retryAfter"] <= WINDOW.total_seconds()
    assert guess.checks == ACCOUNT_MAX
    # Another account from there, and this account from elsewhere.
    assert (await guess.log_in(fresh_name(), address)).codes == ["INVALID_CREDENTIALS"]
    assert (await guess.log_in(name, f"beside {address}", PASSWORD)).ok()["accessToken"]


async def test_a_hundred_guesses_at_once_are_five(guess: Guesser, name: str, address: str) -> None:
    answers = await asyncio.gather(*[guess.log_in(name, address) for _ in range(100)])
    codes = sorted(code for answer in answers for code in answer.codes)
    assert codes == ["INVALID_CREDENTIALS"] * ACCOUNT_MAX + ["RATE_LIMITED"] * (100 - ACCOUNT_MAX)
    assert guess.checks == ACCOUNT_MAX


async def test_what_is_not_looked_at_does_not_count_for_the_address(
    guess: Guesser, name: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ADDRESS_MAX", ACCOUNT_MAX + 1)
    unknown = fresh_name()
    for _ in range(3 * ACCOUNT_MAX):
        await guess.log_in(unknown, address)
    assert (await guess.log_in(name, address, PASSWORD)).ok()["accessToken"]


async def test_an_unknown_name_is_counted_like_a_known_one(guess: Guesser, address: str) -> None:
    unknown = fresh_name()
    codes = [(await guess.log_in(unknown, address)).codes for _ in range(ACCOUNT_MAX + 1)]
    assert codes == [["INVALID_CREDENTIALS"]] * ACCOUNT_MAX + [["RATE_LIMITED"]]


async def test_all_names_of_an_account_are_one(guess: Guesser, make: Make, address: str) -> None:
    owner = await make.owner()
    user = await kept(make.server, User, owner.id)
    names = [user.username, user.email, user.username.upper(), user.email.upper(), user.username]
    for each in names:
        assert (await guess.log_in(each, address)).codes == ["INVALID_CREDENTIALS"]
    for each in names:
        assert (await guess.log_in(each, address, PASSWORD)).codes == ["RATE_LIMITED"]


async def test_who_knows_the_password_signs_in_as_often_as_it_likes(
    guess: Guesser, name: str, address: str
) -> None:
    for _ in range(2 * ACCOUNT_MAX):
        assert (await guess.log_in(name, address, PASSWORD)).ok()["accessToken"]


async def test_an_address_has_a_limit_of_its_own(
    guess: Guesser, name: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ADDRESS_MAX", 3)
    for _ in range(3):
        assert (await guess.log_in(fresh_name(), address)).codes == ["INVALID_CREDENTIALS"]
    assert (await guess.log_in(name, address, PASSWORD)).codes == ["RATE_LIMITED"]
    assert (await guess(REFRESH, address, token="nobody's")).codes == ["RATE_LIMITED"]
    elsewhere = f"beside {address}"
    assert (await guess(REFRESH, elsewhere, token="nobody's")).codes == ["INVALID_CREDENTIALS"]
    assert (await guess.log_in(name, elsewhere, PASSWORD)).ok()["accessToken"]


async def test_addresses_of_one_ipv6_network_are_one(guess: Guesser, name: str) -> None:
    network = ":".join(f"{n:x}" for n in (0x2001, 0xDB8, *divmod(abs(hash(name)) % 2**32, 2**16)))
    for host in range(1, ACCOUNT_MAX + 1):
        assert (await guess.log_in(name, f"{network}::{host:x}")).codes == ["INVALID_CREDENTIALS"]
    assert (await guess.log_in(name, f"{network}:ffff::1", PASSWORD)).codes == ["RATE_LIMITED"]
    assert (await guess.log_in(name, "2001:db9::1", PASSWORD)).ok()["accessToken"]


async def test_a_guess_counts_until_its_window_is_over(
    guess: Guesser, server: Server, name: str, address: str
) -> None:
    for _ in range(ACCOUNT_MAX + 1):
        await guess.log_in(name, address)
    assert (await guess.log_in(name, address, PASSWORD)).codes == ["RATE_LIMITED"]
    over = Attempts.__table__.update().values(expires_at=now() - timedelta(seconds=1))  # type: ignore[attr-defined]
    async with server.database.write() as connection:
        await connection.execute(over)
    assert (await guess.log_in(name, address, PASSWORD)).ok()["accessToken"]
    async with server.database.write() as connection:
        await connection.execute(over)
    await prune_attempts(server.database)
    assert await count_all(server, Attempts) == 0


async def test_a_current_password_is_guessed_five_times_as_well(
    guess: Guesser, make: Make, address: str
) -> None:
    owner = await make.owner()
    change = """mutation($old: String!) {
      passwordChange(input: {currentPassword: $old, newPassword: "another long password"}) {
        accessToken userErrors { code } } }"""
    for _ in range(ACCOUNT_MAX):
        assert (await guess(change, address, owner, old=WRONG)).codes == ["INVALID_CREDENTIALS"]
    assert (await guess(change, address, owner, old=PASSWORD)).codes == ["RATE_LIMITED"]
    assert guess.checks == ACCOUNT_MAX
    assert (await guess(change, f"beside {address}", owner, old=PASSWORD)).ok()["accessToken"]


async def test_twenty_refreshes_at_once_are_no_guesses(guess: Guesser, make: Make, address: str) -> None:
    owner = await make.owner()
    signed_in = await make.run(None, begin_session, make.server.tokens, owner.id)
    answers = await asyncio.gather(
        *[guess(REFRESH, address, token=signed_in.refresh_token) for _ in range(20)]
    )
    assert all(answer.ok()["accessToken"] for answer in answers)


async def test_nothing_is_counted_where_limits_are_off(server: Server, name: str, address: str) -> None:
    before = await count_all(server, Attempts)
    free = Guesser(server)
    free.server = replace(free.server, counts_attempts=False)
    for _ in range(ACCOUNT_MAX + 1):
        assert (await free.log_in(name, address)).codes == ["INVALID_CREDENTIALS"]
    assert await count_all(server, Attempts) == before


AUTH = "{ accessToken userErrors { code } }"


@pytest.mark.parametrize(
    "fields",
    [
        f"a: {{login}} {AUTH} b: {{login}} {AUTH}",
        f"{{login}} {AUTH} tokenRefresh(input: {{refreshToken: \"t\"}}) {AUTH}",
        f"... {{ a: {{login}} {AUTH} }} ...F}} fragment F on Mutation {{ ...G }} fragment G on Mutation {{ b: {{login}} {AUTH}",
    ],
    ids=["aliases", "kinds", "fragments"],
)  # fmt: skip
async def test_a_document_has_one_attempt(guess: Guesser, name: str, address: str, fields: str) -> None:
    login = f'login(input: {{username: "{name}", password: "{PASSWORD}"}})'
    refused = await guess(f"mutation {{ {fields.replace('{login}', login)} }}", address)
    assert (refused.data, refused.codes) == (None, ["VALIDATION_ERROR"])
    assert guess.checks == 0
    assert (await guess(f"mutation {{ {login} {AUTH} }}", address)).ok()["accessToken"]


async def test_a_hundred_aliases_are_no_guess_at_all(guess: Guesser, name: str, address: str) -> None:
    login = f'login(input: {{username: "{name}", password: "{WRONG}"}}) {AUTH}'
    aliases = " ".join(f"a{n}: {login}" for n in range(100))
    assert set((await guess(f"mutation {{ {aliases} }}", address)).codes) == {"VALIDATION_ERROR"}
    assert guess.checks == 0


async def test_of_several_operations_each_may_have_an_attempt(
    guess: Guesser, name: str, address: str
) -> None:
    login = f'login(input: {{username: "{name}", password: "{PASSWORD}"}}) {AUTH}'
    document = f"mutation A {{ {login} }} mutation B {{ {login} }}"
    context = replace(Ask(guess.server).context(None), client_address=address)
    result = await schema.execute(document, {}, context, operation_name="B")
    assert result.errors is None
    assert result.data is not None
    assert result.data["login"]["accessToken"]
    assert guess.checks == 1
