"""Asks the graph without HTTP, as any viewer, and reads the answers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from db.base import Viewer
from schema import schema
from schema.kit.context import Context
from services.server import Server


@dataclass
class Answer:
    """What the graph answered."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]]

    @property
    def field(self) -> Any:
        """The value of the first root field."""
        assert self.data is not None, self.errors
        return next(iter(self.data.values()))

    @property
    def user_errors(self) -> list[dict[str, Any]]:
        """The userErrors of every root field."""
        fields = [f for f in (self.data or {}).values() if isinstance(f, dict)]
        return [e for f in fields for e in f.get("userErrors") or ()]

    @property
    def codes(self) -> list[str]:
        """Every code, of top-level errors first, then of userErrors."""
        return [e["extensions"]["code"] for e in self.errors] + [e["code"] for e in self.user_errors]

    def ok(self) -> Any:
        """The first root field of an answer without any error."""
        assert not self.errors, self.errors
        assert not self.user_errors, self.user_errors
        return self.field


class Ask:
    """`await ask(viewer, document, **variables)`; a viewer of None is nobody."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def __call__(self, viewer: Viewer | None, document: str, /, **variables: Any) -> Answer:
        result = await schema.execute(document, variables, self.context(viewer))
        return Answer(result.data, [dict(e.formatted) for e in result.errors or ()])

    @asynccontextmanager
    async def follow(
        self, viewer: Viewer | None, document: str, /, **variables: Any
    ) -> AsyncIterator[AsyncIterator[Answer]]:
        """The answers of a subscription, while the block runs."""
        async with aclosing(await self.subscribe(document, variables, self.context(viewer))) as answers:
            yield answers

    async def subscribe(
        self, document: str, variables: dict[str, Any], context: Context
    ) -> AsyncGenerator[Answer, None]:
        """The answers of a subscription in a context of the test's own; to be closed by the test."""
        source = await schema.subscribe(document, variables, context)

        async def answers() -> AsyncGenerator[Answer, None]:
            async with aclosing(source):
                async for result in source:
                    yield Answer(result.data, [dict(e.formatted) for e in result.errors or ()])

        return answers()

    def context(self, viewer: Viewer | None) -> Context:
        """A context of its own for each operation."""
        return Context(self.server, viewer, request_id="test")
