"""Who is asking: an Authorization header, a signature, or what a socket says at its start, becomes a Viewer."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from starlette.requests import Request

from db.base import Viewer
from graph.requests import header
from graph.signing import KEY_ID, read_signed
from schema.clients import PREFIX
from schema.kit.ids import split
from services import security
from services.clients import Signer, find_signer, is_allowed_host, take_nonce
from services.errors import InvalidCredentials, Unauthenticated
from services.server import Server
from services.sessions import viewer_of_session

T = TypeVar("T")

TRUSTED_SECONDS: Final = 5.0
"""How long what a session or a client may do is remembered: a revoked one stops working after that at the latest."""
ASKED_AGAIN_SECONDS: Final = 4.0
"""When whoever follows has it read anew: those who are told at once, and cannot wait for it, find it still remembered."""
SESSIONS_MAX: Final = 10_000
CLIENTS_MAX: Final = 1_000
SCHEME: Final = "bearer "
NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""When a client expires that signs."""


class Known(Generic[T]):
    """What was read by an id a moment ago."""

    def __init__(self, read: Callable[[UUID], Awaitable[T]], most: int, clock: Callable[[], float]) -> None:
        self._read, self._most, self._clock = read, most, clock
        self._known: OrderedDict[UUID, tuple[T, float]] = OrderedDict()

    async def of(self, id: UUID, *, trusted_seconds: float | None = None) -> T:
        """What is known of the id; read anew where that is older than TRUSTED_SECONDS, or than it says here."""
        moment = self._clock()
        trusted_seconds = TRUSTED_SECONDS if trusted_seconds is None else trusted_seconds
        known = self._known.get(id)
        if known is not None and moment - known[1] < trusted_seconds:
            return known[0]
        value = await self._read(id)
        self._known[id] = value, moment
        self._known.move_to_end(id)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return value

    def remembered(self, id: UUID) -> T | None:
        """What is known of the id, where that is not older than TRUSTED_SECONDS."""
        known = self._known.get(id)
        return known[0] if known is not None and self._clock() - known[1] < TRUSTED_SECONDS else None


class Identity:
    """Turns access tokens and signatures into viewers. Absent is anonymous, invalid is refused."""

    def __init__(self, server: Server, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._sessions = Known(self._read_session, SESSIONS_MAX, clock)
        self._clients = Known(self._read_client, CLIENTS_MAX, clock)

    async def of_request(self, request: Request) -> "Bearer | None":
        """Who asks: of its Authorization header, or without one of its signature."""
        authorization = header(request.scope, b"authorization")
        if authorization is not None:
            return await self._bearer(authorization.decode("latin-1"))
        key_id = header(request.scope, KEY_ID)
        return await self._of_signature(request, key_id.decode("latin-1")) if key_id is not None else None

    async def again(self, viewer: Viewer) -> Viewer:
        """The same viewer with what it may do now; Unauthenticated once its session is over, or the client deleted."""
        if viewer.is_service:
            client = await self._clients.of(viewer.id)
            if client is None:
                raise Unauthenticated("The service client is deleted.")
            return client.viewer
        return await self._going_on(viewer.session_id, viewer.id, trusted_seconds=ASKED_AGAIN_SECONDS)

    def remembered(self, viewer: Viewer) -> Viewer | None:
        """A member with what it may do now, where that need not be asked for."""
        found = self._sessions.remembered(viewer.session_id)
        return found if found is not None and found.id == viewer.id else None

    async def of_parameters(self, parameters: Mapping[str, Any] | None) -> "Bearer | None":
        """Who a connection_init payload says: `authorization`, in any case, as in the header."""
        named = {key.lower(): value for key, value in (parameters or {}).items()}
        given = named.get("authorization")
        if given is not None and not isinstance(given, str):
            raise Unauthenticated("authorization is a text.")
        return await self._bearer(given)

    async def _bearer(self, authorization: str | None) -> "Bearer | None":
        if authorization is None:
            return None
        if not authorization.lower().startswith(SCHEME):
            raise Unauthenticated("Authorization takes a bearer token.")
        try:
            claims = self._server.tokens.read(authorization[len(SCHEME) :].strip())
        except InvalidCredentials as error:
            raise Unauthenticated(error.message) from error
        return Bearer(self, await self._going_on(claims.session_id, claims.user_id), claims.expires_at)

    async def _going_on(
        self, session_id: UUID, user_id: UUID, *, trusted_seconds: float | None = None
    ) -> Viewer:
        viewer = await self._sessions.of(session_id, trusted_seconds=trusted_seconds)
        if viewer is None or viewer.id != user_id:
            raise Unauthenticated("The session is over.")
        return viewer

    async def _of_signature(self, request: Request, key_id: str) -> "Bearer":
        prefix, id = split(key_id)
        try:
            client = await self._signer(request, key_id, id if prefix == PREFIX else None)
        except Unauthenticated as refused:
            security.note(security.SIGNATURE_REFUSED, client_id=id, reason=refused.message)
            raise
        return Bearer(self, client.viewer, NEVER)

    async def _signer(self, request: Request, key_id: str, id: UUID | None) -> Signer:
        older = self._server.takes_older_signatures
        signed = await read_signed(request, key_id, takes_older=older)
        client = await self._clients.of(id) if id is not None else None
        if id is not None and client is not None and not signed.is_of(client.secrets):
            # It may have been given another secret since it was read.
            client = await self._clients.of(id, trusted_seconds=0)
        if client is None or not signed.is_of(client.secrets):
            raise Unauthenticated("The signature is not valid.")
        if not is_allowed_host(client.allowed_hosts, signed.host):
            raise Unauthenticated("The service client may not ask this host.")
        if signed.nonce is not None and not await take_nonce(self._server.database, client, signed.nonce):
            raise Unauthenticated("The nonce was used before.")
        return client

    async def _read_session(self, id: UUID) -> Viewer | None:
        return await viewer_of_session(self._server.database, id)

    async def _read_client(self, id: UUID) -> Signer | None:
        return await find_signer(self._server.database, self._server.vault, id)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever a token or a signature says, until it expires. Called, it says who that is now; Unauthenticated once it is over."""

    identity: Identity
    viewer: Viewer
    expires_at: datetime

    async def __call__(self) -> Viewer:
        return await self.identity.again(self.viewer)

    def remembered(self) -> Viewer | None:
        """Who that is now, where it need not be asked for."""
        return self.identity.remembered(self.viewer)
