"""What may happen to channels: connected, changed, disconnected for good."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from db.base import new_id
from db.channels import Channel, PlatformType
from services.columns import as_columns, check_filled, text_fault
from services.errors import Invalid
from services.secrets import Vault
from services.work import Work

SEALED = ("access_token", "refresh_token")
TOKEN_LENGTH_MAX = 8_192
"""Characters in a token before it is sealed."""


async def connect_channel(
    work: Work, vault: Vault, platform_type: PlatformType, *, scopes: list[str] | None = None, **values: Any
) -> Row[Any]:
    """A new channel, its tokens sealed, owned by the viewer, or by the member that a client was made by."""
    id = new_id()
    columns = {"is_active": True, "scopes": scopes or [], **_sealed(vault, id, values)}
    return await work.insert(
        Channel, id=id, owner_id=work.viewer.member_id, platform_type=platform_type, **columns
    )


async def update_channel(
    work: Work, vault: Vault, id: UUID, *, expected_version: int | None = None, **values: Any
) -> Row[Any]:
    """Changes what is given; a null token destroys the kept one."""
    return await work.update(Channel, id, _sealed(vault, id, values), expected_version=expected_version)


async def delete_channel(work: Work, id: UUID, *, expected_version: int | None = None) -> Row[Any]:
    """Destroys its tokens and what they allowed; customers, orders and chats stay, and so does the name they show."""
    blanks: dict[str, Any] = {
        "access_token": None,
        "refresh_token": None,
        "token_expires_at": None,
        "scopes": [],
        "platform_specific_id": None,
        "details": None,
        "is_active": False,
    }
    return await work.erase(Channel, id, blanks, expected_version=expected_version)


def _sealed(vault: Vault, id: UUID, values: dict[str, Any]) -> dict[str, Any]:
    columns = as_columns(values)
    check_filled(columns, "platform_specific_id", *SEALED)
    for name in SEALED:
        if columns.get(name) is not None:
            fault = text_fault(columns[name], TOKEN_LENGTH_MAX)
            if fault:
                raise Invalid(fault, name)
            columns[name] = vault.seal(columns[name], Channel.__tablename__, name, id)
    return columns
