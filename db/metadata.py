"""Every table, for whoever needs them all: migrations, drift checks, tests."""

from db import accounts, channels, conversations, counters, customers, orders, products, roles, sessions
from db.base import Row

AREAS = (
    accounts,
    roles,
    sessions,
    counters,
    channels,
    customers,
    products,
    orders,
    conversations,
)
METADATA = Row.metadata
