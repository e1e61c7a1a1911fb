"""Exact amounts of one currency."""

from decimal import Decimal

import strawberry

from schema.kit.inputs import described_input
from schema.kit.scalars import CurrencyCode
from services.money import Money as MoneyValue


@strawberry.type(description="An exact amount of one currency.")
class Money:
    amount: Decimal = strawberry.field(description="The amount.")
    currency: CurrencyCode = strawberry.field(description="Its currency.")


@described_input
class MoneyInput:
    """An exact amount of one currency, with no more decimals than the currency has, and at most two."""

    amount: Decimal
    """The amount."""
    currency: CurrencyCode
    """Its currency."""

    def to_value(self) -> MoneyValue:
        """As services take it."""
        return MoneyValue(self.amount, self.currency)
