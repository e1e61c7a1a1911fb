"""Typed ids: `<prefix>_<32 hex of a UUID>`, readable, and enough to find the type again."""

from uuid import UUID

from services.errors import NotFound

HEX_LENGTH = 32


class IdOf:
    """Says in an annotation which type an id belongs to: `Annotated[strawberry.ID, IdOf("chat")]`."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix


def encode(prefix: str, id: UUID) -> str:
    """The id as clients see it."""
    return f"{prefix}_{id.hex}"


def split(value: str) -> tuple[str, UUID | None]:
    """The prefix and the UUID of an id; None where it is not one of ours."""
    prefix, _, digits = value.rpartition("_")
    if len(digits) != HEX_LENGTH or digits.lower() != digits or not digits.isalnum():
        return prefix, None
    try:
        return prefix, UUID(hex=digits)
    except ValueError:
        return prefix, None


def decode(prefix: str, value: str, *path: str | int) -> UUID:
    """The UUID of an id of the type; NotFound at the path for any other text."""
    found, id = split(value)
    if id is None or found != prefix:
        raise NotFound(f"There is no such {prefix}.", *path)
    return id
