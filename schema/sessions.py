"""Sessions: registering, logging in, and staying signed in."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from db import sessions as tables
from schema.account_changes import HASHING
from schema.kit.context import Info
from schema.kit.edges import to_one
from schema.kit.errors import Payload, payload
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, given
from schema.kit.node import Node, node
from schema.kit.roots import mutation
from schema.refs import SessionRef, UserRef
from services import accounts, security
from services import sessions as services
from services.attempts import counted
from services.errors import Forbidden, InvalidCredentials
from services.logins import check_current_password, check_login, find_login
from services.refreshing import refresh_session

SessionId = Annotated[strawberry.ID, IdOf("session")]
TOKEN_TYPE = "Bearer"
SIGNING_IN = 50
"""What it costs who is nobody yet to have a password looked at: a tenth of a second of a processor."""


@node(tables.Session, "session")
class Session(Node):
    """One sign-in of one member. Seen by the member itself, and with USERS_READ."""

    user: UserRef = to_one(tables.Session.user_id)
    """Who is signed in."""
    device_info: str | None
    """What the client said of itself."""
    ip_address: str | None
    """Where it signed in from."""
    is_active: bool
    """False once it was ended."""
    is_current: bool
    """Whether this request runs in it."""
    last_seen_at: datetime
    """When its tokens were last renewed."""
    expires_at: datetime
    """When it ends by itself."""
    created_at: datetime
    """When it began."""


@described_input
class RegisterInput:
    """A new business and its first member, who administers it."""

    username: str
    """3 to 100 letters a-z, digits, `.`, `_` or `-`; kept in lower case."""
    email: str
    """The member's e-mail address; kept in lower case."""
    password: str
    """10 to 256 characters."""
    full_name: str | None
    """The member's name."""
    business_name: str | None
    """What the business is called; the username, where absent."""


@described_input
class LoginInput:
    """Who wants to sign in."""

    username: str
    """Username or e-mail address, in any case."""
    password: str
    """The password."""
    device_info: str | None
    """What the client says of itself, shown in the list of sessions; its User-Agent, where absent."""


@described_input
class TokenRefreshInput:
    """A refresh token to be renewed."""

    refresh_token: str
    """The token: good once."""


@described_input
class LogoutInput:
    """What to end."""

    all_sessions: bool = False
    """Every session of the viewer, not this one alone."""


@described_input
class PasswordChangeInput:
    """A new password."""

    current_password: str
    """The password until now."""
    new_password: str
    """The password from now on: 10 to 256 characters."""


@described_input
class SessionRevokeInput:
    """A session to end."""

    id: SessionId
    """Which session."""


@payload
class AuthPayload(Payload):
    """Tokens of a session, or why there are none."""

    access_token: str | None = None
    """Send it as `Authorization: Bearer …`, and in connection_init as `authorization`."""
    refresh_token: str | None = None
    """Good once, for the next pair of tokens. One that comes again ends its session: see `tokenRefresh`."""
    token_type: str | None = None
    """Bearer."""
    expires_in: int | None = None
    """Seconds for which the access token is good."""
    user: UserRef | None = None
    """Who is signed in."""


@payload
class LogoutPayload(Payload):
    """What was ended."""

    revoked_sessions: int = 0
    """How many sessions were ended."""


@payload
class SessionPayload(Payload):
    """A session, or why not."""

    session: SessionRef | None = None
    """The session as it is now."""


@strawberry.type
class SessionMutation:
    @mutation(public=True, attempt=True, weight=SIGNING_IN)
    async def register(self, info: Info, input: RegisterInput) -> AuthPayload | None:
        """Makes a workspace and its administrator, and signs it in."""
        server = info.context.server
        if not server.allow_registration:
            raise Forbidden("This server takes no registrations.")
        values = given(input)
        async with counted(server, info.context.client_address):
            hashed = await accounts.hash_new(server.passwords, values.pop("password"))
            signed_in = await info.context.transact(
                services.sign_up, server.tokens, hashed_password=hashed, **_client(info, None), **values
            )
        return _signed_in(info, signed_in)

    @mutation(public=True, attempt=True, weight=SIGNING_IN)
    async def login(self, info: Info, input: LoginInput) -> AuthPayload | None:
        """Signs a member in by username or e-mail. An unknown name takes as long as a wrong password."""
        server, values = info.context.server, given(input)
        address = info.context.client_address
        found = await find_login(server.database, values["username"])
        async with counted(server, address, found.account):
            proof = await check_login(server.database, server.passwords, found, values["password"], address)
            client = _client(info, values.get("device_info"))
            signed_in = await info.context.transact(services.log_in, server.tokens, proof, **client)
        return _signed_in(info, signed_in)

    @mutation(public=True, attempt=True)
    async def token_refresh(self, info: Info, input: TokenRefreshInput) -> AuthPayload | None:
        """A new pair of tokens for a refresh token. One that comes again ends its session, but for ten seconds while its successor is unused."""
        server = info.context.server
        async with counted(server, info.context.client_address):
            renewed = await info.context.transact(refresh_session, server.tokens, **given(input))
            if renewed is None:
                raise InvalidCredentials(
                    "The refresh token was used before: its session is over.", "refresh_token"
                )
        return _signed_in(info, renewed)

    @mutation()
    async def logout(self, info: Info, input: LogoutInput) -> LogoutPayload | None:
        """Ends the viewer's session, or all it has. Their access tokens stop working within 5 s."""
        viewer = info.context.viewer
        ended = await info.context.transact(services.end_sessions, **given(input))
        security.note(security.SESSIONS_ENDED, user_id=viewer.id, session_id=viewer.session_id, count=ended)
        return LogoutPayload(revoked_sessions=ended)

    @mutation(repeatable=False, attempt=True, weight=HASHING)
    async def password_change(self, info: Info, input: PasswordChangeInput) -> AuthPayload | None:
        """Changes the viewer's password, ends its other sessions, and gives new tokens for this one."""
        server, viewer = info.context.server, info.context.viewer
        accounts.check_password(input.new_password, "new_password")
        async with counted(server, info.context.client_address, viewer.id.hex):
            old_hash = await check_current_password(
                server.database, server.passwords, viewer, input.current_password
            )
        new_hash = await server.passwords.hash(input.new_password)
        changed = await info.context.transact(
            services.change_password, server.tokens, old_hash=old_hash, new_hash=new_hash
        )
        security.note(security.PASSWORD_CHANGED, user_id=changed.viewer.id)
        return _signed_in(info, changed)

    @mutation()
    async def session_revoke(self, info: Info, input: SessionRevokeInput) -> SessionPayload | None:
        """Ends one's own session, or with USERS_WRITE a colleague's; its access token within 5 s too."""
        by = info.context.viewer.id
        session = await info.context.transact(services.revoke_session, **given(input))
        if session is not None:  # a repeat, of which the row is gone
            told = {"user_id": session.user_id, "session_id": session.id, "revoked_by": by}
            security.note(security.SESSION_REVOKED, **told)
        return SessionPayload(session=session)


def _client(info: Info, device_info: str | None) -> dict[str, Any]:
    context = info.context
    return {"device_info": device_info or context.client_agent, "address": context.client_address}


def _signed_in(info: Info, signed_in: services.SignedIn) -> AuthPayload:
    # The rest of the payload is read as whoever just signed in.
    info.context.act_as(signed_in.viewer)
    return AuthPayload(
        access_token=signed_in.access_token,
        refresh_token=signed_in.refresh_token,
        token_type=TOKEN_TYPE,
        expires_in=signed_in.expires_in,
        user=signed_in.user,
    )
