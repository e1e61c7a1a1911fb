"""From a header to a viewer: only our own tokens count, and only while their session goes on."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from starlette.requests import Request

from db.accounts import User
from db.base import Permission, Viewer, new_id, now
from db.sessions import Session
from graph.identity import TRUSTED_SECONDS, Identity
from services.accounts import update_user
from services.errors import InvalidCredentials, Unauthenticated
from services.roles import set_role
from services.server import Server
from services.sessions import end_sessions, sign_up
from services.tokens import ACCESS_LIFETIME_SECONDS, LEEWAY, Tokens
from tests.auth import change_row, fresh_name
from tests.conftest import SECRET
from tests.make import Make
from tests.statements import StatementCounter

OTHER_SECRET = "a secret of somebody else, long enough"


class Clock:
    """A clock that only a test moves on."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(server: Server, clock: Clock) -> Identity:
    return Identity(server, clock=clock)


def token_of(server: Server, viewer: Viewer) -> str:
    return server.tokens.issue(viewer.id, viewer.workspace_id, viewer.session_id, "somebody")


async def of_header(identity: Identity, authorization: str | None) -> Viewer | None:
    """The viewer of a request with that header."""
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    bearer = await identity.of_request(Request({"type": "http", "headers": headers}))
    return bearer.viewer if bearer is not None else None


def forged(
    viewer: Viewer, *, secret: str = SECRET, headers: dict[str, Any] | None = None, **claims: Any
) -> str:
    """A token like ours but for what is given; a claim of None is left out."""
    moment = now()
    ours = {
        "iss": "switchboard",
        "aud": "switchboard-api",
        "sub": viewer.id.hex,
        "ws": viewer.workspace_id.hex,
        "sid": viewer.session_id.hex,
        "jti": new_id().hex,
        "iat": moment,
        "exp": moment + timedelta(minutes=5),
    }
    given = {name: value for name, value in (ours | claims).items() if value is not None}
    marked = {"kid": "test", "typ": "at+jwt"} | (headers or {})
    return jwt.encode(given, secret, marked.pop("alg", "HS256"), headers=marked)


async def test_a_token_becomes_the_viewer_of_its_session(
    make: Make, server: Server, identity: Identity
) -> None:
    owner = await make.owner()
    token = token_of(server, owner)
    assert await of_header(identity, f"Bearer {token}") == owner
    assert await of_header(identity, f"bearer   {token} ") == owner
    bearer = await identity.of_parameters({"Authorization": f"Bearer {token}"})
    assert bearer is not None
    assert (bearer.viewer, await bearer()) == (owner, owner)
    assert await of_header(identity, f"Bearer {forged(owner)}") == owner


async def test_nothing_said_is_nobody(identity: Identity) -> None:
    assert await of_header(identity, None) is None
    assert await identity.of_parameters(None) is None
    assert await identity.of_parameters({"lang": "de"}) is None


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer é", "Bearer " + "x" * 10_000, "token"],
)
async def test_a_header_that_is_no_good_is_refused_and_not_taken_for_nobody(
    identity: Identity, header: str
) -> None:
    with pytest.raises(Unauthenticated):
        await of_header(identity, header)
    with pytest.raises(Unauthenticated):
        await identity.of_parameters({"authorization": header})


@pytest.mark.parametrize("given", [7, ["Bearer x"], {"token": "x"}, True])
async def test_an_authorization_that_is_no_text_is_refused(identity: Identity, given: Any) -> None:
    with pytest.raises(Unauthenticated):
        await identity.of_parameters({"authorization": given})


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # HS512 with our own secret
@pytest.mark.parametrize(
    "different",
    [
        {"secret": OTHER_SECRET},
        {"secret": OTHER_SECRET, "headers": {"kid": "other"}},
        {"headers": {"kid": "other"}},
        {"headers": {"alg": "HS512"}},
        {"headers": {"alg": "none"}, "secret": ""},
        {"headers": {"typ": "JWT"}},
        {"headers": {"typ": "rt+jwt"}},
        {"headers": {"crit": ["exp"]}},
        {"iss": "somebody"},
        {"iss": None},
        {"aud": "another-api"},
        {"aud": None},
        {"exp": now() - (LEEWAY + timedelta(seconds=1))},
        {"exp": None},
        {"iat": now() + timedelta(hours=5)},
        {"iat": None},
        {"nbf": now() + timedelta(hours=5)},
        {"sub": None},
        {"sub": "somebody"},
        {"sid": None},
        {"sid": "0"},
        {"ws": None},
        {"jti": None},
        {"sub": new_id().hex},
        {"sid": new_id().hex},
    ],
)
async def test_a_token_that_is_not_ours_is_refused(
    make: Make, identity: Identity, different: dict[str, Any]
) -> None:
    owner = await make.owner()
    with pytest.raises(Unauthenticated):
        await of_header(identity, f"Bearer {forged(owner, **different)}")
    assert await of_header(identity, f"Bearer {forged(owner)}") == owner


async def test_clocks_may_differ_by_half_a_minute(make: Make, identity: Identity) -> None:
    owner = await make.owner()
    late = forged(owner, exp=now() - (LEEWAY - timedelta(seconds=10)))
    assert await of_header(identity, f"Bearer {late}") == owner
    assert timedelta(seconds=30) == LEEWAY


async def test_a_token_that_is_not_ours_costs_no_statement(
    make: Make, identity: Identity, statements: StatementCounter
) -> None:
    """It is counted for nobody, so that it must cost nearly nothing."""
    owner = await make.owner()
    statements.reset()
    for wrong in (
        "nonsense",
        forged(owner, secret=OTHER_SECRET),
        forged(owner, exp=None),
        forged(owner)[:-4],
    ):
        with pytest.raises(Unauthenticated):
            await of_header(identity, f"Bearer {wrong}")
    assert statements.count == 0
    # Made by our own hand for a session that there is not: read once, and remembered for five seconds.
    ended = forged(owner, sid=new_id().hex)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await of_header(identity, f"Bearer {ended}")
    assert statements.count == 1
    assert await of_header(identity, f"Bearer {forged(owner)}") == owner
    assert statements.count == 2


async def test_a_changed_token_is_refused(make: Make, server: Server, identity: Identity) -> None:
    token = token_of(server, await make.owner())
    head, claims, signature = token.split(".")
    _, other_claims, _ = token_of(server, await make.owner()).split(".")
    for wrong in (f"{head}.{other_claims}.{signature}", f"{head}.{claims}.", f"{head}.{claims}", token[:-4]):
        with pytest.raises(Unauthenticated):
            await of_header(identity, f"Bearer {wrong}")
    assert await of_header(identity, f"Bearer {token}") is not None


async def test_a_refresh_token_is_no_access_token(make: Make, server: Server, identity: Identity) -> None:
    values = {"username": fresh_name(), "email": f"{fresh_name()}@example.com", "hashed_password": None}
    signed_in = await make.run(None, sign_up, server.tokens, **values)
    with pytest.raises(Unauthenticated):
        await of_header(identity, f"Bearer {signed_in.refresh_token}")
    assert await of_header(identity, f"Bearer {signed_in.access_token}") == signed_in.viewer


def test_a_key_that_only_verifies_still_does() -> None:
    old, new = Tokens({"a": SECRET}), Tokens({"b": OTHER_SECRET, "a": SECRET})
    ids = new_id(), new_id(), new_id()
    assert new.read(old.issue(*ids, "x")).user_id == ids[0]
    assert jwt.get_unverified_header(new.issue(*ids, "x"))["kid"] == "b"
    with pytest.raises(InvalidCredentials):
        old.read(new.issue(*ids, "x"))


def test_a_token_says_when_it_ends() -> None:
    tokens = Tokens({"a": SECRET})
    before = now()
    claims = tokens.read(tokens.issue(new_id(), new_id(), new_id(), "x"))
    lasts = (claims.expires_at - before).total_seconds()
    assert ACCESS_LIFETIME_SECONDS - 2 < lasts <= ACCESS_LIFETIME_SECONDS + 2


async def test_a_revoked_session_stops_working_after_the_trusted_seconds(
    make: Make, server: Server, identity: Identity, clock: Clock
) -> None:
    owner = await make.owner()
    header = f"Bearer {token_of(server, owner)}"
    assert await of_header(identity, header) == owner
    await make.run(owner, end_sessions)
    clock.seconds += TRUSTED_SECONDS - 0.01
    assert await of_header(identity, header) == owner
    clock.seconds += 0.02
    with pytest.raises(Unauthenticated):
        await of_header(identity, header)
    with pytest.raises(Unauthenticated):
        await of_header(Identity(server), header)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (Session, {"expires_at": now() - timedelta(seconds=1)}),
        (Session, {"is_active": False}),
        (User, {"is_active": False}),
        (User, {"deleted_at": now()}),
    ],
)
async def test_a_session_is_over_with_its_time_and_with_its_member(
    make: Make, server: Server, identity: Identity, clock: Clock, table: Any, change: dict[str, Any]
) -> None:
    owner = await make.owner()
    header = f"Bearer {token_of(server, owner)}"
    assert await of_header(identity, header) == owner
    await change_row(server, table, owner.session_id if table is Session else owner.id, **change)
    clock.seconds += TRUSTED_SECONDS
    with pytest.raises(Unauthenticated):
        await of_header(identity, header)


async def test_what_a_member_may_do_follows_its_roles(
    make: Make, server: Server, identity: Identity, clock: Clock
) -> None:
    owner = await make.owner()
    role = await make.run(owner, set_role, "Reader", [Permission.CHATS_READ])
    member = await make.member(owner, role_ids=[role.id])
    header = f"Bearer {token_of(server, member)}"
    wider = [Permission.CHATS_READ, Permission.ORDERS_READ]
    await make.run(owner, set_role, "Reader", wider, id=role.id)
    seen = await of_header(identity, header)
    assert seen is not None
    assert seen.permissions == frozenset(wider)
    await make.run(owner, update_user, member.id, role_ids=[])
    clock.seconds += TRUSTED_SECONDS
    bare = await of_header(identity, header)
    assert bare is not None
    assert bare.permissions == frozenset()
