"""What may happen to service clients: made, given another secret, deleted; and what one that signs may do."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, delete, func, or_, select, tuple_, update

from db.base import Permission, Viewer, new_id, now
from db.clients import ClientNonce, ServiceClient
from db.engine import Database
from db.row_security import EVERYWHERE
from db.shields import shielded
from services.columns import check_filled
from services.errors import Invalid
from services.roles import check_grant, lock_workspace
from services.secrets import Vault
from services.work import UPSERTS, Work

CLIENTS_MAX: Final = 100
"""How many clients a workspace has at most: they are listed whole."""
HOSTS_MAX: Final = 100
SECRET_BYTES: Final = 32
HOST: Final = re.compile(r"(\*\.)?[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]")
USE_NOTED: Final = timedelta(minutes=1)
"""How often at most it is written down that a client was here."""
NONCE_KEPT: Final = timedelta(minutes=15)
"""Longer than a signature is good for, however far its client's clock is off."""
PRUNED_AT_ONCE_MAX: Final = 5_000


@dataclass(frozen=True)
class Issued:
    """A client with the secret that it was just given: nobody is shown that again."""

    client: Row[Any]
    secret: str


@dataclass(frozen=True, slots=True)
class Signer:
    """A client that may sign: as whom its requests run, and what they are checked against."""

    viewer: Viewer
    secrets: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    last_used_at: datetime | None


async def create_client(
    work: Work,
    vault: Vault,
    name: str,
    permissions: Sequence[Permission],
    *,
    allowed_hosts: Sequence[str] | None = None,
) -> Issued:
    """A new client that may do no more than the viewer. Without hosts it may ask any that the server answers for."""
    check_filled({"name": name}, "name")
    check_grant(work, permissions, "permissions")
    hosts = _read_hosts(allowed_hosts or ())
    await _check_room(work)
    id, secret = new_id(), secrets.token_urlsafe(SECRET_BYTES)
    client = await work.insert(
        ServiceClient,
        id=id,
        owner_id=work.viewer.member_id,
        name=name,
        permissions=sorted(set(permissions)),
        allowed_hosts=hosts,
        secret=_seal(vault, id, "secret", secret),
        previous_secret=None,
        last_used_at=None,
    )
    return Issued(client, secret)


async def rotate_secret(work: Work, vault: Vault, id: UUID) -> Issued:
    """Another secret for a client; the one until now stays good until the next rotation, the one before ends."""
    await lock_workspace(work)
    client = await work.get(ServiceClient, id, "id")
    # Whoever knows the secret may do what the client may.
    check_grant(work, client.permissions, "id")
    current = (await work.fetch(select(ServiceClient.secret).where(ServiceClient.id == id)))[0].secret
    secret = secrets.token_urlsafe(SECRET_BYTES)
    changes = {
        "secret": _seal(vault, id, "secret", secret),
        "previous_secret": _seal(vault, id, "previous_secret", _open(vault, id, "secret", current)),
    }
    return Issued(await work.update(ServiceClient, id, changes), secret)


async def delete_client(work: Work, id: UUID, *, expected_version: int | None = None) -> Row[Any]:
    """Destroys the secrets of a client and what they allowed; what it wrote keeps its name."""
    await lock_workspace(work)
    client = await work.get(ServiceClient, id, "id")
    check_grant(work, client.permissions, "id")
    blanks: dict[str, Any] = {
        "secret": None,
        "previous_secret": None,
        "permissions": [],
        "allowed_hosts": [],
    }
    return await work.erase(ServiceClient, id, blanks, expected_version=expected_version)


async def find_signer(database: Database, vault: Vault, id: UUID) -> Signer | None:
    """A client as of now; None where there is none, or no longer."""
    rows = await database.fetch(SIGNER, {"id": id}, within=EVERYWHERE)
    if not rows:
        return None
    row, known = rows[0], frozenset(Permission)
    granted = frozenset(Permission(p) for p in row.permissions if p in known)
    viewer = Viewer(row.id, row.workspace_id, row.id, granted, is_service=True, owner_id=row.owner_id)
    sealed = (("secret", row.secret), ("previous_secret", row.previous_secret))
    opened = tuple(_open(vault, id, column, text) for column, text in sealed if text is not None)
    return Signer(viewer, opened, tuple(row.allowed_hosts), row.last_used_at)


async def take_nonce(database: Database, signer: Signer, nonce: str) -> bool:
    """Takes a nonce and says whether it was free; notes now and then that the client was here."""
    return await shielded(_take_nonce(database, signer, nonce))


async def _take_nonce(database: Database, signer: Signer, nonce: str) -> bool:
    moment, id = now(), signer.viewer.id
    async with database.write(signer.viewer.workspace_id) as connection:
        new = {"client_id": id, "nonce": nonce, "created_at": moment}
        taken = UPSERTS[connection.dialect.name](ClientNonce).values(new).on_conflict_do_nothing()
        if (await connection.execute(taken)).rowcount != 1:
            return False
        if signer.last_used_at is None or signer.last_used_at <= moment - USE_NOTED:
            long_ago = or_(
                ServiceClient.last_used_at.is_(None), ServiceClient.last_used_at <= moment - USE_NOTED
            )
            used = update(ServiceClient).where(ServiceClient.id == id, long_ago)
            await connection.execute(used.values(last_used_at=moment))
    return True


async def prune_nonces(database: Database) -> None:
    """Forgets the nonces of signatures that are no longer good by their time."""
    key = (ClientNonce.client_id, ClientNonce.nonce)
    old = select(*key).where(ClientNonce.created_at < now() - NONCE_KEPT).limit(PRUNED_AT_ONCE_MAX)
    while True:
        async with database.write() as connection:
            done = await connection.execute(delete(ClientNonce).where(tuple_(*key).in_(old)))
        if done.rowcount < PRUNED_AT_ONCE_MAX:
            return


def is_allowed_host(allowed: Sequence[str], host: str) -> bool:
    """Whether a client may ask this host, named without its port; no hosts at all stand for any."""
    name = host.lower()
    return not allowed or any(
        name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:])) for pattern in allowed
    )


def _read_hosts(given: Sequence[str]) -> list[str]:
    if len(given) > HOSTS_MAX:
        raise Invalid(f"At most {HOSTS_MAX}.", "allowed_hosts")
    for place, host in enumerate(given):
        if not HOST.fullmatch(host.lower()):
            raise Invalid("A host name without scheme or port, or *.example.org.", "allowed_hosts", place)
    return list(dict.fromkeys(host.lower() for host in given))


async def _check_room(work: Work) -> None:
    await lock_workspace(work)
    held = await work.one(select(func.count().label("held")).where(work.within(ServiceClient)))
    if held is not None and held.held >= CLIENTS_MAX:
        raise Invalid(f"A workspace has at most {CLIENTS_MAX} service clients.")


def _seal(vault: Vault, id: UUID, column: str, secret: str) -> str:
    return vault.seal(secret, ServiceClient.__tablename__, column, id)


def _open(vault: Vault, id: UUID, column: str, sealed: str) -> str:
    return vault.open(sealed, ServiceClient.__tablename__, column, id)


SIGNER: Final = select(
    ServiceClient.id,
    ServiceClient.workspace_id,
    ServiceClient.owner_id,
    ServiceClient.permissions,
    ServiceClient.allowed_hosts,
    ServiceClient.secret,
    ServiceClient.previous_secret,
    ServiceClient.last_used_at,
).where(ServiceClient.id == bindparam("id", type_=Uuid()), ServiceClient.deleted_at.is_(None))
