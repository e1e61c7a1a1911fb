"""Access tokens: signed, short-lived, read without the database. Refresh tokens: random, kept as a hash."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from db.base import new_id, now
from services.errors import InvalidCredentials

ALGORITHM = "HS256"
ISSUER = "switchboard"
AUDIENCE = "switchboard-api"
TYPE = "at+jwt"
ACCESS_LIFETIME_SECONDS = 600
SESSION_LIFETIME = timedelta(days=30)
LEEWAY = timedelta(seconds=30)
REQUIRED = ("exp", "iat", "iss", "aud", "sub", "sid", "ws", "jti")
REFRESH_BYTES = 32
TOKEN_LENGTH_MAX = 4_096
READ_MAX = 10_000
"""How many tokens are remembered once they are verified."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says of its bearer, until `expires_at`."""

    user_id: UUID
    workspace_id: UUID
    session_id: UUID
    expires_at: datetime


class Tokens:
    """Signs and checks access tokens with a ring of keys (id → secret): the first signs, all verify."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = dict(keys)
        self._signing_key = next(iter(self._keys))
        self._read: OrderedDict[str, Claims] = OrderedDict()

    def issue(self, user_id: UUID, workspace_id: UUID, session_id: UUID, username: str) -> str:
        """An access token, good for ACCESS_LIFETIME_SECONDS."""
        moment = now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user_id.hex,
            "ws": workspace_id.hex,
            "sid": session_id.hex,
            "jti": new_id().hex,
            "iat": moment,
            "exp": moment + timedelta(seconds=ACCESS_LIFETIME_SECONDS),
            "username": username,
        }
        headers = {"kid": self._signing_key, "typ": TYPE}
        return jwt.encode(claims, self._keys[self._signing_key], ALGORITHM, headers=headers)

    def read(self, token: str) -> Claims:
        """What a token says; InvalidCredentials for one that is forged, expired, or not an access token.

        A good one is remembered: checking a signature costs more than a short query.
        """
        known = self._read.get(token)
        if known is not None and now() < known.expires_at + LEEWAY:
            return known
        claims = self._read[token] = self._verified(token)
        if len(self._read) > READ_MAX:
            self._read.popitem(last=False)
        return claims

    def _verified(self, token: str) -> Claims:
        try:
            if len(token) > TOKEN_LENGTH_MAX:
                raise ValueError("too long")
            header = jwt.get_unverified_header(token)
            if header.get("typ") != TYPE or "crit" in header:
                raise ValueError("not an access token")
            claims = jwt.decode(
                token,
                self._keys[header["kid"]],
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": list(REQUIRED)},
            )
            # The signature bears some leeway between clocks; a socket is closed at the time itself.
            return Claims(
                UUID(hex=claims["sub"]),
                UUID(hex=claims["ws"]),
                UUID(hex=claims["sid"]),
                datetime.fromtimestamp(claims["exp"], tz=UTC),
            )
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise InvalidCredentials("The access token is not valid.") from error

    def refresh_token_after(self, token: str) -> str:
        """The refresh token that follows another: always the same, and known to nobody without our key."""
        key = self._keys[self._signing_key].encode()
        made = hmac.new(key, b"refresh token after " + token.encode(errors="replace"), hashlib.sha256)
        return urlsafe_b64encode(made.digest()).rstrip(b"=").decode()


def new_refresh_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(REFRESH_BYTES)


def hash_refresh_token(token: str) -> str:
    """What is kept of a refresh token: its SHA-256."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
