"""Seals what has to be kept but never shown: AES-256-GCM, bound to the place it is kept in."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = "v1"
SEALED_PREFIX = f"{VERSION}:"
"""What every sealed text begins with, and no hash of a password or a token."""
NONCE_BYTES = 12
KEY_BYTES = 32


class Unsealable(Exception):
    """A sealed text that no key opens, or that was moved from the place it was sealed for."""


class Vault:
    """Seals and opens with a ring of keys (id → secret): the first seals, all open."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = {id: AESGCM(_derive(secret)) for id, secret in keys.items()}
        self._sealing_key = next(iter(self._keys))
        self.prefix = f"{SEALED_PREFIX}{self._sealing_key}:"
        """What the texts that it seals begin with."""

    def seal(self, text: str, table: str, column: str, row_id: UUID) -> str:
        """`v1:<key id>:<nonce and ciphertext>`: opened only for the same table, column and row."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[self._sealing_key].encrypt(nonce, text.encode(), _place(table, column, row_id))
        return f"{self.prefix}{urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, table: str, column: str, row_id: UUID) -> str:
        """The text again; Unsealable where it was tampered with, moved, or its key is gone."""
        try:
            version, key_id, data = sealed.split(":")
            raw = urlsafe_b64decode(data)
            if version != VERSION:
                raise ValueError(version)
            place = _place(table, column, row_id)
            return self._keys[key_id].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place).decode()
        except (ValueError, KeyError, InvalidTag) as error:
            raise Unsealable(f"{table}.{column} of {row_id} cannot be opened.") from error


def _derive(secret: str) -> bytes:
    info = b"switchboard database encryption"
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(secret.encode())


def _place(table: str, column: str, row_id: UUID) -> bytes:
    return f"{table}.{column}.{row_id.hex}".encode()
