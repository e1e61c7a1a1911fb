"""Who is asking: an Authorization header, or what a socket says at its start, becomes a Viewer."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from db.base import Viewer
from services.errors import InvalidCredentials, Unauthenticated
from services.server import Server
from services.sessions import viewer_of_session

TRUSTED_SECONDS: Final = 5.0
"""How long what a session may do is remembered: a revoked one stops working after that at the latest."""
SESSIONS_MAX: Final = 10_000
SCHEME: Final = "bearer "


class Identity:
    """Turns access tokens into viewers. Absent is anonymous, invalid is refused."""

    def __init__(self, server: Server, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._server, self._clock = server, clock
        self._known: OrderedDict[UUID, tuple[Viewer | None, float]] = OrderedDict()

    async def of_header(self, authorization: str | None) -> Viewer | None:
        """The viewer of an Authorization header; None without one, Unauthenticated for one that is bad."""
        bearer = await self._bearer(authorization)
        return bearer.viewer if bearer is not None else None

    async def again(self, viewer: Viewer | None) -> Viewer | None:
        """The same viewer with what it may do now; Unauthenticated once its session is over."""
        return None if viewer is None else await self._going_on(viewer.session_id, viewer.id)

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

    async def _going_on(self, session_id: UUID, user_id: UUID) -> Viewer:
        viewer = await self._of_session(session_id)
        if viewer is None or viewer.id != user_id:
            raise Unauthenticated("The session is over.")
        return viewer

    async def _of_session(self, session_id: UUID) -> Viewer | None:
        moment = self._clock()
        known = self._known.get(session_id)
        if known is not None and moment - known[1] < TRUSTED_SECONDS:
            return known[0]
        viewer = await viewer_of_session(self._server.database, session_id)
        self._known[session_id] = viewer, moment
        self._known.move_to_end(session_id)
        if len(self._known) > SESSIONS_MAX:
            self._known.popitem(last=False)
        return viewer


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever a token says, until it expires. Called, it says who that is now; Unauthenticated once it is over."""

    identity: Identity
    viewer: Viewer
    expires_at: datetime

    async def __call__(self) -> Viewer | None:
        return await self.identity.again(self.viewer)
