"""What the headers of a signed request say, the text that was signed, and whether a signature is of a secret."""

import hashlib
import hmac
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from graph.negotiation import EVENTS, liked_types
from services.errors import Unauthenticated

FORM: Final = "HMAC-V2"
KEY_ID: Final = b"x-api-key-id"
TIMESTAMP: Final = "x-api-timestamp"
NONCE: Final = "x-api-nonce"
SIGNATURE: Final = "x-api-signature"
SKEW_SECONDS_MAX: Final = 300
"""How far the clock of a client may be from ours, either way."""
INSTANT: Final = re.compile(r"[0-9]{1,12}")
NONCES: Final = re.compile(r"[A-Za-z0-9._~-]{16,128}")
PORT: Final = re.compile(r":[0-9]*$")


@dataclass(frozen=True, slots=True)
class Signed:
    """A request that says to be signed: by which key, over which text, with which nonce, for which host."""

    key_id: str
    text: bytes
    signature: bytes
    nonce: str | None
    """None in the older form, which has none."""
    host: str

    def is_of(self, secrets: Iterable[str]) -> bool:
        """Whether it was signed with one of the secrets; how long it takes says nothing of them."""
        made = [hmac.new(secret.encode(), self.text, hashlib.sha256).hexdigest() for secret in secrets]
        return any(hmac.compare_digest(one.encode(), self.signature) for one in made)


async def read_signed(request: Request, key_id: str, *, takes_older: bool) -> Signed:
    """A signed request; Unauthenticated where a header is missing or malformed, or its time is not now.

    Without a nonce it is of the older form, which says nothing of the body: for GETs alone, where it is taken.
    """
    headers = request.headers
    timestamp, nonce, host = headers.get(TIMESTAMP, ""), headers.get(NONCE), headers.get("host", "")
    if not INSTANT.fullmatch(timestamp) or abs(time.time() - int(timestamp)) > SKEW_SECONDS_MAX:
        raise Unauthenticated(
            f"X-API-Timestamp is the Unix time in seconds, at most {SKEW_SECONDS_MAX} from ours."
        )
    if nonce is None and takes_older and _is_plain(request):
        text = f"{request.method}:{_target(request)}:{timestamp}"
    elif nonce is None or not NONCES.fullmatch(nonce):
        raise Unauthenticated("X-API-Nonce is 16 to 128 letters, digits, `.`, `_`, `~` or `-`.")
    else:
        hashed = hashlib.sha256(await request.body()).hexdigest()
        kind = headers.get("content-type", "")
        text = "\n".join((FORM, request.method, host, _target(request), timestamp, nonce, kind, hashed))
    signature = headers.get(SIGNATURE, "").encode("latin-1")  # as the headers were read
    return Signed(key_id, text.encode("latin-1"), signature, nonce, PORT.sub("", host))


def _is_plain(request: Request) -> bool:
    """A GET that is answered once: what follows would outlive the minutes that a captured header is good for."""
    return request.method == "GET" and EVENTS not in liked_types(request.headers.get("accept", ""))


def _target(request: Request) -> str:
    """Path and query as they were sent."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")
