"""Postal addresses of orders."""

from dataclasses import fields
from typing import Any

from schema.kit.inputs import described_input
from schema.kit.node import described_type


@described_type
class Address:
    """Where something is sent, or who pays for it."""

    name: str | None
    """The person."""
    company: str | None
    """The business."""
    line1: str | None
    """Street and number."""
    line2: str | None
    """What does not fit into the first line."""
    city: str | None
    """Town or city."""
    region: str | None
    """State, province or county."""
    postal_code: str | None
    """Postal code."""
    country_code: str | None
    """Country, as the business writes it."""
    phone: str | None
    """Telephone number for the delivery."""


def read_address(kept: dict[str, Any] | None) -> Address | None:
    """An address as it is kept: without the lines that nobody gave."""
    return Address(**{line.name: kept.get(line.name) for line in fields(Address)}) if kept else None


@described_input
class AddressInput:
    """Where something is sent, or who pays for it."""

    name: str | None
    """The person."""
    company: str | None
    """The business."""
    line1: str | None
    """Street and number."""
    line2: str | None
    """What does not fit into the first line."""
    city: str | None
    """Town or city."""
    region: str | None
    """State, province or county."""
    postal_code: str | None
    """Postal code."""
    country_code: str | None
    """Country, as the business writes it."""
    phone: str | None
    """Telephone number for the delivery."""
