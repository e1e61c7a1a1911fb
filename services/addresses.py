"""Postal addresses of orders."""

from collections.abc import Mapping

from services.columns import text_fault
from services.errors import Invalid

ADDRESS_LINE_MAX = 255
"""Characters in one field of a postal address."""


def check_address(address: Mapping[str, str | None] | None, *path: str | int) -> dict[str, str] | None:
    """A postal address as it is kept: what is given of it; None where that is nothing."""
    kept = {name: line for name, line in (address or {}).items() if line is not None}
    for name, line in kept.items():
        fault = text_fault(line, ADDRESS_LINE_MAX)
        if fault:
            raise Invalid(fault, *path, name)
    return kept or None
