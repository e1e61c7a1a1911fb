"""Talks to the API over HTTP: signs in, renews its tokens, tries again after faults, pages through lists."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache, reduce
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportError, TransportQueryError, TransportServerError
from gql.transport.httpx import HTTPXAsyncTransport
from graphql import DocumentNode, parse

T = TypeVar("T")

AT_ONCE_MAX: Final = 20
"""Requests; the HTTP client keeps no more idle connections than that."""
TRIES_MAX: Final = 7
"""With the pauses between them about 13 s: time for a server to start again."""
PAUSE_SECONDS: Final = 0.2
PAUSE_SECONDS_MAX: Final = 30.0
WAIT_SECONDS_MAX: Final = 300.0
"""How long one request is put off, altogether, by a server that says when to come back."""
ANSWER_SECONDS_MAX: Final = 30.0
TOKEN_SHARE_USED: Final = 0.8
"""Of an access token's life; then it is renewed, so that none expires on its way."""
PAGE_SIZE: Final = 100
PAGES_MAX: Final = 1_000
LIMITED: Final = "RATE_LIMITED"
PASSING: Final = frozenset({"INTERNAL", "DATABASE_UNAVAILABLE", "TIMEOUT", LIMITED, "UNAUTHENTICATED"})
"""Faults that may be over at the next try. Every write has a key of its own, so that trying again is safe."""

SESSION = "accessToken refreshToken expiresIn userErrors { code message path }"
LOGIN = f"mutation Login($input: LoginInput!) {{ session: login(input: $input) {{ {SESSION} }} }}"
REGISTER = f"mutation Register($input: RegisterInput!) {{ session: register(input: $input) {{ {SESSION} }} }}"
REFRESH = (
    f"mutation Refresh($input: TokenRefreshInput!) {{ session: tokenRefresh(input: $input) {{ {SESSION} }} }}"
)


class Refused(Exception):
    """The server understood and said no."""

    def __init__(self, code: str, message: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(f"{code}: {message} ({'.'.join(path)})" if path else f"{code}: {message}")
        self.code, self.message, self.path = code, message, path

    def is_taken(self, name: str) -> bool:
        """Whether the value of that input field is there already."""
        return self.code == "CONFLICT" and self.path[-1:] == (name,)


class Unreachable(Exception):
    """No useful answer came, however often it was asked."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in. `is_new` registers, and logs in where the name is taken; else the other way round."""

    username: str
    password: str
    is_new: bool = False


class Api:
    """`async with Api(url, account) as api: await api.ask(DOCUMENT, input={…})`."""

    def __init__(self, url: str, account: Account, *, at_once: int = AT_ONCE_MAX) -> None:
        self.url = url
        self._account, self._at_once = account, at_once
        transport = HTTPXAsyncTransport(url, timeout=ANSWER_SECONDS_MAX)
        self._client = Client(transport=transport, execute_timeout=None)
        self._session: AsyncClientSession | None = None
        self._open = AsyncExitStack()
        self._renewing = asyncio.Lock()
        self._access_token, self._refresh_token, self._renew_at = "", "", 0.0
        self.wait_count, self.wait_seconds = 0, 0.0

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._session = await stack.enter_async_context(self._client)
            await self._sign_in()
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors. Raises Refused, or Unreachable after TRIES_MAX tries.

        Being told to come back later is no try: it is waited out, up to WAIT_SECONDS_MAX, and counted.
        """
        return await self._try(document, variables, tries_max=TRIES_MAX, signed_in=True)

    async def rows(self, document: str, place: str, **variables: Any) -> list[dict[str, Any]]:
        """The nodes of all pages of the list at `place` ("chats", "chat.messages")."""
        nodes: list[dict[str, Any]] = []
        after = None
        for _ in range(PAGES_MAX):
            data = await self.ask(document, first=PAGE_SIZE, after=after, **variables)
            page = reduce(lambda value, name: value[name], place.split("."), data)
            nodes += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return nodes
            after = page["pageInfo"]["endCursor"]
        raise Unreachable(f"{place} does not end after {PAGES_MAX} pages.")

    async def for_each(self, items: Iterable[T], action: Callable[[T], Awaitable[None]]) -> None:
        """Does something with every item, with so many at once as the API was opened for."""
        remaining = iter(items)

        async def work() -> None:
            for item in remaining:
                await action(item)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._at_once):
                tasks.create_task(work())

    async def authorization(self) -> str:
        """What a header or the start of a socket says, good for some minutes."""
        async with self._renewing:
            if time.monotonic() >= self._renew_at:
                await self._renew()
            return f"Bearer {self._access_token}"

    async def _try(
        self, document: str, variables: dict[str, Any], *, tries_max: int, signed_in: bool
    ) -> dict[str, Any]:
        assert self._session is not None
        request = GraphQLRequest(_parsed(document), variable_values=variables)
        waited, tries = 0.0, 0
        while True:
            headers = {"Authorization": await self.authorization()} if signed_in else {}
            try:
                data = await self._session.execute(request, extra_args={"headers": headers})
            except TransportError as error:
                problem = error
            else:
                _check_payloads(data)
                return data
            self._check_passing(problem)
            wait = told_seconds(problem)
            if wait is not None and code_of(problem) == LIMITED and waited + wait <= WAIT_SECONDS_MAX:
                waited += wait
                self.wait_count, self.wait_seconds = self.wait_count + 1, self.wait_seconds + wait
            else:
                tries += 1
                if tries == tries_max:
                    raise self._unreachable(problem) from problem
                wait = min(wait or PAUSE_SECONDS * 2 ** (tries - 1), PAUSE_SECONDS_MAX)
            # Spread, or all that were turned away together come back together.
            await asyncio.sleep(wait * random.uniform(1.0, 1.2))

    def _check_passing(self, problem: TransportError) -> None:
        """Raises where trying again is no use."""
        if isinstance(problem, TransportQueryError):
            if code_of(problem) not in PASSING:
                raise _refused(_first(problem)) from problem
            if code_of(problem) == "UNAUTHENTICATED":
                self._renew_at = 0.0
        elif isinstance(problem, TransportServerError) and problem.code and problem.code < 500:
            raise self._unreachable(problem) from problem

    def _unreachable(self, problem: TransportError) -> Unreachable:
        reason = _refused(_first(problem)) if isinstance(problem, TransportQueryError) else problem
        return Unreachable(f"{self.url} gave no useful answer: {reason}")

    async def _sign_in(self) -> None:
        first, second = self._log_in, self._register
        if self._account.is_new:
            first, second = second, first
        try:
            await first()
        except Refused as refused:
            if refused.code not in ("INVALID_CREDENTIALS", "CONFLICT"):
                raise
            await second()

    async def _log_in(self) -> None:
        account = {"username": self._account.username, "password": self._account.password}
        await self._begin_session(LOGIN, account, tries_max=TRIES_MAX)

    async def _register(self) -> None:
        account = {
            "username": self._account.username,
            "email": f"{self._account.username}@example.com",
            "password": self._account.password,
            "businessName": "Replay",
        }
        await self._begin_session(REGISTER, account, tries_max=1)

    async def _renew(self) -> None:
        try:
            # Once: using a refresh token twice ends its session, and a lost answer may have used it.
            await self._begin_session(REFRESH, {"refreshToken": self._refresh_token}, tries_max=1)
        except (Refused, Unreachable):
            await self._log_in()

    async def _begin_session(self, document: str, input: dict[str, str], *, tries_max: int) -> None:
        asked_at = time.monotonic()
        data = await self._try(document, {"input": input}, tries_max=tries_max, signed_in=False)
        session = data["session"]
        self._access_token, self._refresh_token = session["accessToken"], session["refreshToken"]
        self._renew_at = asked_at + session["expiresIn"] * TOKEN_SHARE_USED


def told_seconds(problem: BaseException) -> float | None:
    """When to come back, where the server says so."""
    told = _first(problem).get("extensions", {}).get("retryAfter")
    return None if told is None else float(told)


def code_of(problem: BaseException) -> str:
    """The code of the first error that an answer has."""
    return _refused(_first(problem)).code


def leaves(error: BaseException) -> list[BaseException]:
    """The errors themselves: those of tasks come in groups, and groups of groups."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


@cache
def _parsed(document: str) -> DocumentNode:
    return parse(document)


def _first(problem: BaseException) -> dict[str, Any]:
    if not isinstance(problem, TransportQueryError) or not problem.errors:
        return {}
    return dict(problem.errors[0])


def _refused(problem: dict[str, Any]) -> Refused:
    """An error of either kind: a payload's has its code at hand, a top-level one among its extensions."""
    code = problem.get("code") or problem.get("extensions", {}).get("code", "UNKNOWN")
    path = tuple(str(step) for step in problem.get("path") or ())
    return Refused(code, problem.get("message", "no reason was given"), path)


def _check_payloads(data: dict[str, Any]) -> None:
    for payload in data.values():
        if isinstance(payload, dict) and payload.get("userErrors"):
            raise _refused(payload["userErrors"][0])
