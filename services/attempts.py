"""Attempts to sign in, counted for account and address by all workers together before a password is looked at."""

import hashlib
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, delete, update

from db.attempts import Attempts
from db.base import now
from db.engine import Database
from db.shields import shielded
from services import security
from services.errors import RateLimited
from services.networks import network_of
from services.server import Server
from services.work import UPSERTS

WINDOW: Final = timedelta(minutes=15)
"""How long an attempt counts at most: from the first one on."""
ACCOUNT_MAX: Final = 5
"""Failed attempts at one account from one address in that time."""
ADDRESS_MAX: Final = 100
"""Failed attempts from one address, whatever the account: many people may share it."""


@asynccontextmanager
async def counted(server: Server, address: str | None, account: str | None = None) -> AsyncIterator[None]:
    """Counts an attempt and runs the block, which raises where it fails; what succeeds is given back.

    RateLimited, with nothing looked at, where there were too many: counted first, so that many at once do not slip by.
    """
    if not server.counts_attempts:
        yield
        return
    limits = _limits(address, account)
    try:
        await shielded(_take(server.database, limits))
    except RateLimited:
        security.note(security.ATTEMPTS_REFUSED, address=address)
        raise
    yield
    await shielded(_give_back(server.database, limits))


def _limits(address: str | None, account: str | None) -> Mapping[str, int]:
    network = network_of(address or "")
    limits = {_key(network): ADDRESS_MAX}
    if account is not None:
        limits[_key(network, account)] = ACCOUNT_MAX
    # In one order: two that lock the same rows never wait for each other.
    return dict(sorted(limits.items()))


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()


async def _take(database: Database, limits: Mapping[str, int]) -> None:
    moment = now()
    rows = [{"key": key, "made": 1, "expires_at": moment + WINDOW, "updated_at": moment} for key in limits]
    is_over = Attempts.expires_at <= moment
    async with database.write() as connection:
        new = UPSERTS[connection.dialect.name](Attempts).values(rows)
        changes: dict[str, Any] = {
            "made": case((is_over, 1), else_=Attempts.made + 1),
            "expires_at": case((is_over, new.excluded.expires_at), else_=Attempts.expires_at),
            "updated_at": moment,
        }
        counting = new.on_conflict_do_update(index_elements=["key"], set_=changes)
        columns = (Attempts.key, Attempts.made, Attempts.expires_at)
        taken = (await connection.execute(counting.returning(*columns))).all()
        ends = [row.expires_at for row in taken if row.made > limits[row.key]]
        if ends:
            # Undone with the transaction: what is not looked at is no guess, or one account's would shut the address.
            wait = _seconds_until(max(ends), moment)
            raise RateLimited("Too many attempts: try again later.", retry_after=wait)


def _seconds_until(end: datetime, moment: datetime) -> int:
    return max(math.ceil((end - moment).total_seconds()), 1)


async def _give_back(database: Database, limits: Mapping[str, int]) -> None:
    taken = (Attempts.key.in_(list(limits)), Attempts.made > 0)
    async with database.write() as connection:
        await connection.execute(update(Attempts).where(*taken).values(made=Attempts.made - 1))


async def prune_attempts(database: Database) -> None:
    """Forgets the attempts whose window is over."""
    async with database.write() as connection:
        await connection.execute(delete(Attempts).where(Attempts.expires_at <= now()))
