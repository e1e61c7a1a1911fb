"""The operators that filters offer for each kind of value, and the direction of a sort."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import strawberry

from schema.kit.docs import publish_enum
from schema.kit.inputs import described_input


@publish_enum
class SortDirection(StrEnum):
    """Which end comes first. NULL is last both ways."""

    ASC = "ASC"
    """Smallest first."""
    DESC = "DESC"
    """Largest first."""


@described_input
class StringFilter:
    """`startsWith` ignores case, the others do not."""

    eq: str | None
    """Equal."""
    ne: str | None
    """Another, or none."""
    in_: list[str] | None = strawberry.field(default=strawberry.UNSET, name="in", description="One of these.")
    starts_with: str | None
    """Begins with this, in any case; `%` and `_` mean themselves."""
    is_null: bool | None
    """Whether there is none."""


@described_input
class IdFilter:
    """By typed ids."""

    eq: strawberry.ID | None
    """This one."""
    in_: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, name="in", description="One of these."
    )
    is_null: bool | None
    """Whether there is none."""


@described_input
class IntFilter:
    """By whole numbers."""

    eq: int | None
    """Equal."""
    in_: list[int] | None = strawberry.field(default=strawberry.UNSET, name="in", description="One of these.")
    gte: int | None
    """This or more."""
    lte: int | None
    """This or less."""


@described_input
class DecimalFilter:
    """By exact amounts, as numbers."""

    eq: Decimal | None
    """Equal."""
    gte: Decimal | None
    """This or more."""
    lte: Decimal | None
    """This or less."""


@described_input
class DateTimeFilter:
    """By instants."""

    gte: datetime | None
    """Then or later."""
    gt: datetime | None
    """Later."""
    lte: datetime | None
    """Then or earlier."""
    lt: datetime | None
    """Earlier."""
    is_null: bool | None
    """Whether there is none."""
