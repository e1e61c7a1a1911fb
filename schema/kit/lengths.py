"""How long an answer is: leaves cost nothing, and a long text may be asked for under many names."""

from typing import Any, Final

LENGTH_MAX: Final = 16 * 2**20
"""Characters of all texts of one answer together."""
TEXT_LENGTH: Final = 32_768
"""How long one text of a row can be."""
NAMES_FEW: Final = 8
"""Aliases that make no answer worth looking through: it is not many times what was read for it."""


def may_be_long(objects: int, aliases: int) -> bool:
    """Whether an answer of so many rows, each of which may show a text under each of so many names, is to be looked at."""
    return aliases > NAMES_FEW and objects * aliases * TEXT_LENGTH > LENGTH_MAX


def is_long(data: Any) -> bool:
    """Whether the texts of an answer are longer together than it may be; looks no further then."""
    size, todo = 0, [data] if data else []
    while todo:
        held = todo.pop()
        for value in held.values() if type(held) is dict else held:
            kind = type(value)
            if kind is str:
                size += len(value)
            elif kind is dict or kind is list:
                todo.append(value)
        if size > LENGTH_MAX:
            return True
    return False
