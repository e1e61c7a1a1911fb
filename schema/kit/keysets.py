"""What comes after a cursor: the comparison of a row with the values that another was sorted by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, false, or_, tuple_

from schema.kit.edges import Order
from schema.kit.statements import is_nullable


def beyond(entity: Any, order: Order, nulls: Sequence[bool], *, backwards: bool) -> ColumnElement[bool]:
    """What comes after the row whose values are cursor_0, cursor_1 …; before it where the list is read backwards."""
    bounds = [bindparam(f"cursor_{i}", type_=getattr(entity, n).type) for i, (n, _) in enumerate(order)]
    terms = [
        _Term(entity, n, d is not backwards, b, z) for (n, d), b, z in zip(order, bounds, nulls, strict=True)
    ]
    one_way = len({descending for _, descending in order}) == 1
    if one_way and not any(is_nullable(entity, n) for n, _ in order):
        # One comparison of rows, which an index serves as a range.
        columns, values = tuple_(*[t.column for t in terms]), tuple_(*bounds)
        return columns < values if terms[0].descending else columns > values
    steps = [and_(*[t.same() for t in terms[:i]], term.after(backwards)) for i, term in enumerate(terms)]
    return or_(*steps)


@dataclass(frozen=True)
class _Term:
    """One column of the order, against the cursor's value of it."""

    entity: Any
    name: str
    descending: bool
    bound: Any
    bound_is_null: bool

    @property
    def column(self) -> Any:
        return getattr(self.entity, self.name)

    def same(self) -> ColumnElement[bool]:
        return self.column.is_(None) if self.bound_is_null else self.column == self.bound  # type: ignore[no-any-return]

    def after(self, backwards: bool) -> ColumnElement[bool]:
        if self.bound_is_null:
            # NULLs are last: nothing but other NULLs follows one, everything else precedes it.
            return self.column.is_not(None) if backwards else false()
        beyond_it = self.column < self.bound if self.descending else self.column > self.bound
        if backwards or not is_nullable(self.entity, self.name):
            return beyond_it  # type: ignore[no-any-return]
        return beyond_it | self.column.is_(None)  # type: ignore[no-any-return]
