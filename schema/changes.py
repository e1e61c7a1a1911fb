"""What clients call the columns that changed."""

from collections.abc import Iterable

from strawberry.utils.str_converters import to_camel_case

FIELDS = {
    "assignee_id": ("assignee",),
    "currency": ("price",),
    "details": ("metadata",),
    "hashed_password": ("password",),
    "last_read_sequence": ("lastReadSequence", "unreadCount"),
    "seller_id": ("seller",),
}
"""Where that is not the column's own name."""


def field_names(columns: Iterable[str]) -> list[str]:
    """The fields that show these columns, each once."""
    named = [name for column in columns for name in FIELDS.get(column, (to_camel_case(column),))]
    return list(dict.fromkeys(named))
