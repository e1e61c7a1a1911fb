"""Edges and worked-out fields, one line each. A declaration is data: whoever executes a query reads it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, get_args, get_type_hints

from sqlalchemy import ColumnElement, inspect
from sqlalchemy.orm import InstrumentedAttribute

from db.base import Permission, Row

LIST_SIZE = 20
"""How many rows a list without pages usually has, where nothing says so."""
Order = tuple[tuple[str, bool], ...]
"""Columns to sort by, each with whether it descends. The id is always the last."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column under another name."""

    name: str


@dataclass(frozen=True, eq=False)
class TypedId:
    """`<prefix>_<32 hex>` of the row's id."""

    prefix: str


@dataclass(frozen=True, eq=False)
class Computed:
    """A function of the row alone; `needs` names the columns it looks at, `weight` is what it costs."""

    work_out: Callable[[Any], Any]
    needs: tuple[str, ...]
    weight: int = 0


@dataclass(frozen=True, eq=False)
class Embedded:
    """A value object made of columns of the same row: its field → column."""

    type: Callable[..., Any]
    columns: dict[str, str]


@dataclass(frozen=True, eq=False)
class Private:
    """A column that only its owner (the row's id is the viewer's) and holders of the permission see; else null."""

    name: str
    permission: Permission


@dataclass(frozen=True, eq=False)
class One:
    """The row of `table` whose `matches` equal this row's `keys`. A kind other than `kind` counts as none."""

    table: type[Row]
    keys: tuple[str, ...]
    matches: tuple[str, ...] = ("id",)
    kind: str | None = None
    type_name: str | None = None


@dataclass(frozen=True, eq=False)
class AnyOne:
    """The row that the first of several keys that is set points at, each into a type of its own."""

    choices: tuple[One, ...]


@dataclass(frozen=True, eq=False)
class AnyNode:
    """The row whose table is named in one column and whose id is in another; null where its type is not to be seen."""

    table_key: str
    id_key: str


@dataclass(frozen=True, eq=False)
class Listing:
    """How rows of one type are listed: their table, order where none is asked, and the inputs that filter and sort.

    `is_total` says that the order alone tells the rows of one parent apart, by a unique constraint with its key: sorted
    by the id as well, no index would serve it.
    """

    table: type[Row]
    order: Order
    filter_by: Any = None
    sort_by: Any = None
    kind: str | None = None
    conditions: Callable[[Any], tuple[ColumnElement[bool], ...]] | None = None
    is_total: bool = False

    def filters(self) -> dict[str, Any]:
        """What the listing's filter looks at, field by field; resolved late, since areas refer to each other."""
        if self.filter_by is None:
            return {}
        fields: dict[str, Any] = _resolved(self.filter_by).filter_fields
        return fields

    def sorts(self) -> list[str]:
        """The columns that the listing can be sorted by."""
        if self.sort_by is None:
            return []
        return [str(choice.value) for choice in get_type_hints(_resolved(self.sort_by))["field"]]


def _resolved(reference: Any) -> Any:
    forward, lazy = get_args(reference)
    return getattr(import_module(lazy.module), forward.__forward_arg__)


@dataclass(frozen=True, eq=False)
class Many:
    """The rows of a listing whose `key` is this row's id, in pages; every row of the workspace where there is no key."""

    listing: Listing
    key: str | None = None


@dataclass(frozen=True, eq=False)
class Few:
    """A short list without pages, of `size` rows at most.

    `through` is the table between for many-to-many, `needs` the permission to ask for it.
    """

    table: type[Row]
    key: str | None
    order: Order
    size: int
    through: tuple[type[Row], str] | None = None
    conditions: Callable[[Any], tuple[ColumnElement[bool], ...]] | None = None
    private: Permission | None = None
    usual: int = LIST_SIZE
    """How many rows it usually has: what it is priced as."""
    needs: Permission | None = None


@dataclass(frozen=True, eq=False)
class ByKey:
    """One row by the key that is given: key's name in the input → the columns it stands for."""

    listing: Listing
    input: Any
    prefix: str
    keys: dict[str, tuple[str, ...]]
    needs: dict[str, Permission] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Live:
    """What the server knows at this moment of a row, by its id,, and no database does."""

    look: Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Asking:
    """What the server knows at this moment of who asks: `look(context)`."""

    look: Callable[[Any], Any]


Declaration = (
    Column
    | TypedId
    | Computed
    | Embedded
    | Private
    | One
    | AnyOne
    | AnyNode
    | Many
    | Few
    | ByKey
    | Live
    | Asking
)


def column(attribute: Any) -> Any:
    """A column that the table knows by another name."""
    return Column(attribute.key)


def computed(work_out: Callable[[Any], Any], *needs: Any, weight: int = 0) -> Any:
    """A value worked out from columns of the row: `work_out(row)`."""
    return Computed(work_out, tuple(name_of(n) for n in needs), weight)


def live(look: Callable[[Any, Any], Any]) -> Any:
    """What the server knows of the row at this moment: `look(server, id)`."""
    return Live(look)


def asking(look: Callable[[Any], Any]) -> Any:
    """What the server knows at this moment of who asks: `look(context)`."""
    return Asking(look)


def embedded(type: Callable[..., Any], **columns: Any) -> Any:
    """A value object made of columns of the row."""
    return Embedded(type, {n: c.key for n, c in columns.items()})


def private(attribute: Any, permission: Permission) -> Any:
    """A column for its owner and for holders of the permission."""
    return Private(attribute.key, permission)


def to_one(key: Any, *, kind: str | None = None) -> Any:
    """The row that a foreign key points at."""
    return One(table_of_key(key), (key.key,), kind=kind)


def to_row(table: type[Row], key: str, *, kind: str | None = None) -> Any:
    """The row whose id is found under a name in something that is no row itself."""
    return One(table, (key,), kind=kind)


def to_matching(keys: tuple[Any, ...], matches: tuple[Any, ...]) -> Any:
    """The row whose columns equal several of this row's: a composite key."""
    return One(matches[0].class_, tuple(name_of(k) for k in keys), tuple(m.key for m in matches))


def to_any(**choices: Any) -> Any:
    """The row that one of several foreign keys points at: type's name → key."""
    return AnyOne(tuple(One(table_of_key(k), (k.key,), type_name=n) for n, k in choices.items()))


def to_node(table_key: Any, id_key: Any) -> Any:
    """The row of whichever table one column names, with the id in the other."""
    return AnyNode(table_key.key, id_key.key)


def to_many(key: Any, listing: Listing) -> Any:
    """The rows that point here with the key, as a connection."""
    return Many(listing, key.key)


def to_list(key: Any, *order: tuple[str, bool], size: int, **options: Any) -> Any:
    """The rows that point here with the key, at most `size`, all at once."""
    return Few(key.class_, key.key, order, size, **options)


def to_list_through(key: Any, onward: Any, *order: tuple[str, bool], size: int, **options: Any) -> Any:
    """The rows on the other side of a table between: `key` there points here, `onward` there points at them."""
    return Few(table_of_key(onward), key.key, order, size, through=(key.class_, onward.key), **options)


def root_list(table: type[Row], *order: tuple[str, bool], size: int, needs: Permission | None = None) -> Any:
    """Every visible row of a small table."""
    return Few(table, None, order, size, needs=needs)


def root_page(listing: Listing) -> Any:
    """Every visible row of a listing, as a connection that also takes `offset`."""
    return Many(listing)


def by_key(
    listing: Listing, input: Any, prefix: str, *, needs: dict[str, Permission] | None = None, **keys: Any
) -> Any:
    """One row by one of several keys: name in the input → column, or channel and column of a PlatformKey."""
    columns = {n: tuple(c.key for c in (k if isinstance(k, tuple) else (k,))) for n, k in keys.items()}
    return ByKey(listing, input, prefix, columns, needs or {})


def table_of_key(key: InstrumentedAttribute[Any]) -> type[Row]:
    """The table that a foreign key points at."""
    target = next(iter(inspect(key).property.columns[0].foreign_keys)).column.table
    return next(m.class_ for m in Row.registry.mappers if m.local_table is target)


def name_of(attribute: Any) -> str:
    """The attribute name of a column, stored or derived, or of a plain name."""
    if isinstance(attribute, str):
        return attribute
    return str(getattr(attribute, "key", None) or attribute.__name__)
