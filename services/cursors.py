"""Cursors of the log: which workspace's, and how far. Opaque to clients, and good for ever."""

import binascii
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

from services.errors import Invalid

FORM: Final = 1
PACKED: Final = struct.Struct(">B16sQ")
LENGTH: Final = 34
POSITION_MAX: Final = 2**63 - 1


def write_cursor(workspace_id: UUID, position: int) -> str:
    """The cursor after that position."""
    return urlsafe_b64encode(PACKED.pack(FORM, workspace_id.bytes, position)).decode().rstrip("=")


def read_cursor(workspace_id: UUID, text: str) -> int:
    """The position of a cursor; Invalid for one of another workspace, and for any other text."""
    try:
        form, workspace, position = PACKED.unpack(
            urlsafe_b64decode(text + "==" if len(text) == LENGTH else "")
        )
    except (binascii.Error, struct.error, ValueError):
        raise Invalid("It is no cursor of the event log.", "after") from None
    known = form == FORM and workspace == workspace_id.bytes and position <= POSITION_MAX
    # A text that only decodes to the same is not one that we have given.
    if not known or write_cursor(workspace_id, position) != text:
        raise Invalid("It is no cursor of this workspace's event log.", "after")
    return int(position)
