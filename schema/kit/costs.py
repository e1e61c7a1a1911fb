"""`@cost`: what a field costs beyond the rule, in the SDL and in words."""

from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.schema_directive import Location

from schema.kit.edges import LIST_SIZE, Computed, Few

COST = "cost"
COUNT_WEIGHT = 3
"""What counting all rows of a list costs."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="cost",
    description="Weight of a field in the cost of an operation; `size` prices a list that has no pages.",
)
class CostMark:
    weight: int | None = strawberry.directive_field(name="weight", default=strawberry.UNSET)
    size: int | None = strawberry.directive_field(name="size", default=strawberry.UNSET)


@dataclass(frozen=True, slots=True)
class Cost:
    """`weight` is added to what the field leads to; `size` is how many rows a list without pages usually has."""

    weight: int = 0
    size: int = LIST_SIZE

    @classmethod
    def of(cls, declaration: Any) -> "Cost":
        """What a declaration says of its cost."""
        if isinstance(declaration, Few):
            return cls(size=declaration.usual)
        return cls(declaration.weight) if isinstance(declaration, Computed) else FREE

    def described(self, description: str | None) -> str | None:
        """The description of a field, and its cost in words."""
        words = [f"Costs {self.weight}."] if self.weight else []
        words += [f"Priced as {self.size} rows."] if self.size != LIST_SIZE else []
        return "\n\n".join(filter(None, [description, " ".join(words)])) or None

    def marks(self) -> list[object]:
        """The directive of a field."""
        weight, size = self.weight or None, self.size if self.size != LIST_SIZE else None
        given = {name: value for name, value in (("weight", weight), ("size", size)) if value is not None}
        return [CostMark(**given)] if given else []


FREE = Cost()
