"""The secrets of the server: rings of keys, so that each can be replaced while others are in use."""

import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SECRET_LENGTH_MIN: Final = 32
SECRET_DISTINCT_MIN: Final = 5  # fewer different characters are a held-down key, not a secret
KEYS_MAX: Final = 16
PLACEHOLDERS: Final = (
    "change-me",
    "changeme",
    "change_me",
    "placeholder",
    "example",
    "your-secret",
    "insecure",
)


class KeysError(Exception):
    """The file of generated secrets cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Key:
    """One secret of a ring. Its id travels with what it signed or encrypted, so that it is found again."""

    id: str
    secret: str = field(repr=False)


KeyRing = tuple[Key, ...]
"""Keys in order: the first signs or encrypts, all verify or decrypt."""


def parse_ring(text: str) -> KeyRing:
    """Keys from `secret` (its id is "default") or `id:secret,id:secret`; ValueError says what is wrong."""
    if ":" not in text and "," not in text:
        ring: KeyRing = (Key("default", text),)
    else:
        pairs = [part.strip().partition(":") for part in text.split(",")]
        ring = tuple(Key(key_id, secret) for key_id, _, secret in pairs)
    if len(ring) > KEYS_MAX:
        raise ValueError(f"should hold at most {KEYS_MAX} keys")
    if not all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", key.id) and key.secret for key in ring):
        raise ValueError("should be one secret without ':' and ',', or id:secret,id:secret")
    if len({key.id for key in ring}) < len(ring):
        raise ValueError("should not use one key id twice")
    if any(len(key.secret) < SECRET_LENGTH_MIN for key in ring):
        raise ValueError(f"should have at least {SECRET_LENGTH_MIN} characters in every secret")
    return ring


def is_placeholder(secret: str) -> bool:
    """Whether anyone could guess the secret: an example never replaced, or a few characters repeated."""
    return len(set(secret)) < SECRET_DISTINCT_MIN or any(word in secret.lower() for word in PLACEHOLDERS)


def keep_rings(path: Path, names: Iterable[str]) -> dict[str, KeyRing]:
    """A ring for each name, from the file; it is made where there is none, and two starts at once agree."""
    try:
        if not path.exists():
            made = {name: secrets.token_urlsafe(SECRET_LENGTH_MIN) for name in names}
            create_file(path, json.dumps(made, indent=2) + "\n")
        kept = json.loads(path.read_text())
        return {name: parse_ring(kept[name]) for name in names}
    except OSError as error:
        raise KeysError(
            f"The secrets of this server are kept in {path}, which failed: {error.strerror}. Set JWT_SECRET "
            "and DB_ENCRYPTION_KEY, or make that file readable and its folder writable."
        ) from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise KeysError(
            f"{path} does not hold the secrets that it should. Restore it, or set JWT_SECRET and "
            "DB_ENCRYPTION_KEY. New ones end every session and leave what was encrypted unreadable."
        ) from None


def create_file(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all; one that is there already stays."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # O_EXCL, mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename it fails where the name is taken: no secret is ever replaced
    except FileExistsError:
        return
    finally:
        Path(draft).unlink()
