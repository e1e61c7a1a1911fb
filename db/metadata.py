"""Every table, for whoever needs them all: migrations, drift checks, tests."""

from db import (
    accounts,
    attempts,
    audit,
    buckets,
    channels,
    clients,
    conversations,
    counters,
    customers,
    events,
    idempotency,
    orders,
    products,
    roles,
    sessions,
)
from db.base import Row

AREAS = (
    accounts,
    audit,
    attempts,
    buckets,
    channels,
    clients,
    conversations,
    counters,
    customers,
    events,
    idempotency,
    orders,
    products,
    roles,
    sessions,
)
"""Imported is what makes a table known."""
METADATA = Row.metadata
