"""Relay connections over keyset pages: each part is read only when it is selected."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from schema.kit import cursors
from schema.kit.costs import COUNT_WEIGHT
from schema.kit.edges import Many, computed
from schema.kit.load import Load
from schema.kit.node import described_type
from schema.kit.pages import Page, PageRequest

T = TypeVar("T")


@described_type
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool
    """Whether there is more after this page."""
    has_previous_page: bool
    """Whether there is more before this page."""
    start_cursor: str | None
    """Cursor of the first row; null on an empty page."""
    end_cursor: str | None
    """Cursor of the last row; null on an empty page."""


@dataclass(frozen=True)
class PlacedRow:
    """A row with the page it is on: the source object of every `…Edge`."""

    node: Any
    page: Page

    def cursor(self) -> str:
        """Where the row stands in its list."""
        return cursors.encode(self.node, self.page.order)


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

    async def edges(self) -> list[PlacedRow]:
        """The rows with their places."""
        page = await self.page()
        return [PlacedRow(row, page) for row in page.rows]

    async def nodes(self) -> Sequence[Any]:
        """The rows alone."""
        return (await self.page()).rows

    async def page_info(self) -> PageInfo:
        """Whether there is more, and where to go on."""
        page = await self.page()
        ends = [cursors.encode(row, page.order) for row in (*page.rows[:1], *page.rows[-1:])]
        return PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=ends[0] if ends else None,
            end_cursor=ends[-1] if ends else None,
        )

    async def total(self) -> int:
        """How many rows there are on all pages."""
        return await self.load.total(self.edge, self.request, self.parent)


@described_type
class Edge(Generic[T]):
    """One row of a list, with its cursor."""

    cursor: str = computed(PlacedRow.cursor)
    """Where the row stands; give it back as `after` or `before`."""
    node: T
    """The row."""


@described_type
class Connection(Generic[T]):
    """One page of a list."""

    edges: list[Edge[T]] = computed(Pages.edges)
    """The rows, each with its cursor."""
    nodes: list[T] = computed(Pages.nodes)
    """The rows alone."""
    page_info: PageInfo = computed(Pages.page_info)
    """Whether there is more on either side, and where to go on."""
    total_count: int | None = computed(Pages.total, weight=COUNT_WEIGHT)
    """How many rows there are on all pages. Counted when selected."""
