"""What a resolver is given: who asks, what it may read with, and how it changes something."""

import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import UUID

import strawberry

from db.base import Viewer
from db.faults import until_answered
from schema.kit.execution.telling import Telling
from schema.kit.load import Load
from services.audit import Origin, run_audited
from services.errors import Problem, TimedOut, Unauthenticated
from services.idempotency import Once, run_once
from services.networks import network_of
from services.server import Server
from services.sharing import Seat
from services.transactions import transact


class Outlet(Protocol):
    """The way to the client of one subscription, for events that need not be waited for."""

    def is_free(self) -> bool:
        """Whether one can be sent now: the client reads, and has not left."""

    def viewer(self) -> Viewer | None:
        """Who the client is by now; None where that would have to be asked."""

    def send(self, payload: bytes) -> None:
        """Sends one, encoded, while it is free."""


@dataclass
class Outcome:
    """What came of a mutation field, and who it made the viewer."""

    value: Any = None
    error: Exception | None = None
    acting: Viewer | None = None


@dataclass
class Context:
    """One operation of one viewer; `asking` is None for nobody. `client` tells address and user agent."""

    server: Server
    asking: Viewer | None = None
    request_id: str = ""
    client_address: str | None = None
    client_agent: str | None = None
    connection_params: Mapping[str, Any] | None = None
    line_id: UUID | None = None
    """The socket that this came over; None where it came without."""
    identify: Callable[[], Awaitable[Viewer | None]] | None = field(default=None, repr=False)
    """Who is asking now, where one context serves a whole connection; raises Unauthenticated once that is over."""
    refusal: Callable[[Viewer | None], tuple[Problem, Any] | None] = field(default=lambda _: None, repr=False)
    """Why a viewer may not run this operation; None where it may."""
    telling: Telling | None = field(default=None, repr=False)
    """Where it is noted how the operation is executed, for who asked to be told."""
    outlet: Outlet | None = field(default=None, repr=False)
    """Where events can be sent without being waited for; None where each is read from the stream."""
    seat: Seat | None = field(default=None, repr=False)
    """Where a subscription can be told something by another one."""
    ends_at: float = math.inf
    """When the operation has had its time, on the monotonic clock: no further field of a mutation is begun then."""
    objects: int = 0
    """How many rows and lists it has been given: what it really cost."""
    outcomes: dict[str | int, "Outcome"] = field(default_factory=dict, repr=False)
    """What the mutation fields of this operation did, by response key: none of them is done twice."""
    _first: dict[Any, Any] = field(default_factory=dict, repr=False)
    _acting: Viewer | None = field(default=None, repr=False)
    _action: str = field(default="", repr=False)
    _load: Load | None = field(default=None, repr=False)
    _kept: Once | None = field(default=None, repr=False)

    @property
    def viewer(self) -> Viewer:
        """Who is asking; raises Unauthenticated for nobody."""
        viewer = self._acting or self.asking
        if viewer is None:
            raise Unauthenticated("Sign in first.")
        return viewer

    @property
    def load(self) -> Load:
        """Reads as the viewer, each edge once for all its parents."""
        if self._load is None:
            self._load = Load(self.server.database, self.viewer, self.count)
        return self._load

    def count(self, objects: int) -> None:
        """Notes rows and lists that the operation was given."""
        self.objects += objects

    async def identify_again(self) -> None:
        """Sets who is asking to who that is now; raises Unauthenticated where the session is over."""
        if self.identify is not None:
            self.asking = await self.identify()

    def act_as(self, viewer: Viewer) -> None:
        """The rest of this field is read as whoever just signed in; the next one again as before."""
        self._acting = viewer
        self.forget()

    def begin_field(self, action: str = "", kept: Once | None = None) -> None:
        """Another root field of a mutation, with its key: what the one before changed is read afresh, as who asked."""
        self._acting, self._action, self._kept = None, action, kept
        self.forget()

    def forget(self) -> None:
        """Read afresh from here on: something changed."""
        self._load = None

    async def read_first(self, reads: Iterable[Callable[["Context"], Awaitable[Any]]]) -> None:
        """Reads what has to be known before anything else of the operation is read; a failure is its field's own."""
        for read in reads:
            try:
                self._first[read] = await read(self)
            except Exception as error:
                self._first[read] = error

    def read_already(self, read: Any) -> Any:
        """What was read first; raises what that raised."""
        value = self._first[read]
        if isinstance(value, Exception):
            raise value
        return value

    @property
    def payer(self) -> UUID | str:
        """Whose limits count: the viewer's, or the network of who is nobody."""
        return self.asking.id if self.asking is not None else network_of(self.client_address or "")

    def fork(self) -> "Context":
        """The same for another operation: a socket has many, and each reads for itself."""
        return Context(
            server=self.server,
            asking=self.asking,
            request_id=self.request_id,
            client_address=self.client_address,
            client_agent=self.client_agent,
            connection_params=self.connection_params,
            line_id=self.line_id,
            identify=self.identify,
            telling=self.telling,
            outlet=self.outlet,
        )

    async def once(
        self, key: str | int, do: Callable[[], Awaitable[Any]], action: str, kept: Once | None
    ) -> Any:
        """What a mutation field does; where it was done already in this operation, or under its key, what came of it."""
        self.begin_field(action, kept)
        outcome = self.outcomes.get(key)
        if outcome is None:
            outcome = self.outcomes[key] = Outcome()
            try:
                if time.monotonic() > self.ends_at:
                    raise TimedOut(
                        "The fields before took all the time of the operation; this was not begun."
                    )
                outcome.value = await do()
            except Exception as error:
                outcome.error = error
            outcome.acting = self._acting
        elif outcome.acting is not None:
            self.act_as(outcome.acting)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    @property
    def origin(self) -> Origin:
        """What the audit log is told of where a change comes from."""
        return Origin(self.request_id, self._action)

    @property
    def is_kept(self) -> bool:
        """Whether what this field does is kept under a key: then it takes a transaction that can keep it."""
        return self._kept is not None

    def viewer_now(self) -> Viewer:
        """Who is asking, for what runs on while that changes."""
        return self.viewer

    async def afresh(self, told: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        """The events of a subscription, each read for itself, while the viewer may see it.

        An older Load would show yesterday's data, and an older viewer what it may no longer see.
        """
        try:
            async for occurrence in told:
                await until_answered(self.identify_again)
                refused = self.refusal(self.asking)
                if refused is not None:
                    raise refused[0]
                self.forget()
                yield occurrence
        finally:
            await told.aclose()

    async def transact(self, service: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Runs `service(work, …)` in a transaction of its own. What it gives back are rows, the sources of graph types."""
        server, audited = self.server, (run_audited, self.origin, service, *args)
        try:
            if self._kept is None:
                return await transact(server.database, server.hub, self.asking, *audited, **kwargs)
            once, self._kept = self._kept, replace(self._kept, place=self._kept.place + 1)
            kept: tuple[Any, ...] = (run_once, once, *audited)
            outcome = await transact(server.database, server.hub, self.asking, *kept, **kwargs)
        finally:
            self.forget()
        if outcome.problem is not None:
            raise outcome.problem
        return outcome.result


Info = strawberry.Info[Context, None]
