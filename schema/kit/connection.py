"""Relay connections over keyset pages: each part is read only when it is selected."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry

from schema.kit import cursors
from schema.kit.edges import Many
from schema.kit.load import Load
from schema.kit.pages import Page, PageRequest

T = TypeVar("T")


@dataclass(frozen=True)
class Pages:
    """A connection before anything of it is read: the source object of every `…Connection`."""

    load: Load
    edge: Many
    request: PageRequest
    parent: UUID | None

    async def page(self) -> Page:
        """The page that was asked for; read once however many parts of it are selected."""
        return await self.load.page(self.edge, self.request, self.parent)

    async def total(self) -> int:
        """How many rows there are on all pages."""
        return await self.load.total(self.edge, self.request, self.parent)


@dataclass(frozen=True)
class EdgeSource:
    """One row with the order it was listed in: the source object of every `…Edge`."""

    page: Page
    node: Any

    def cursor(self) -> str:
        """Where this row stands in its list."""
        return cursors.encode(self.node, self.page.order)


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first row; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last row; null on an empty page.")


def _edge_is(_cls: type, _value: Any, _info: Any = None) -> bool:
    return True


@strawberry.type(description="One row of a list, with its cursor.")
class Edge(Generic[T]):
    @strawberry.field(description="Where this row stands; give it back as `after` or `before`.")
    def cursor(self) -> str:
        return EdgeSource.cursor(self)  # type: ignore[arg-type]

    node: T = strawberry.field(description="The row.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    @strawberry.field(description="The rows, each with its cursor.")
    async def edges(self) -> list[Edge[T]]:
        page = await self.page()  # type: ignore[attr-defined]
        return [EdgeSource(page, row) for row in page.rows]  # type: ignore[misc]

    @strawberry.field(description="The rows alone.")
    async def nodes(self) -> list[T]:
        return (await self.page()).rows  # type: ignore[attr-defined, no-any-return]

    @strawberry.field(description="Whether there is more on either side, and where to go on.")
    async def page_info(self) -> PageInfo:
        page: Page = await self.page()  # type: ignore[attr-defined]
        ends = (
            [cursors.encode(r, page.order) for r in (page.rows[0], page.rows[-1])]
            if page.rows
            else (None, None)
        )
        return PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=ends[0],
            end_cursor=ends[1],
        )

    @strawberry.field(description="How many rows there are on all pages. Counted when selected.")
    async def total_count(self) -> int | None:
        return await self.total()  # type: ignore[attr-defined, no-any-return]
