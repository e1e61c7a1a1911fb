"""What every request gets before anything else: an id, a time, one log line and its client's address."""

import asyncio
import ipaddress
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from graph.settings import Network
from services.errors import TooLarge

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
CLIENT_VERSION: Final = re.compile(rb"[ -~]{1,64}")
PATH_LENGTH_MAX: Final = 256
HOPS_MAX: Final = 32
BODY_BYTES_MAX: Final = 256 * 1024
ADDRESSES_MAX: Final = 10_000
"""How many addresses are remembered as they were read."""
CLIENT_CLOSED_REQUEST: Final = 499
UNKNOWN_ADDRESS: Final = "unknown"
SAFELY: Final = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
"""What every answer is sent with that does not say so itself: data is no page, however a browser is made to open it."""
QUIET_PATHS: Final = frozenset({"/livez", "/readyz", "/health", "/metrics"})  # asked every few seconds

logger = structlog.get_logger("switchboard.requests")


class RequestIdMiddleware:
    """The outermost layer: gives each request its id, and answers 500 where everything below has failed.

    The id is in `scope["state"]["request_id"]`, in every log line meanwhile, and in the answer's headers.
    """

    def __init__(self, app: ASGIApp, *, writes_lines: bool = True) -> None:
        self.app, self._writes_lines = app, writes_lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = Request(scope, send)
        before = structlog.contextvars.bind_contextvars(request_id=request.id)
        try:
            await self.app(request.scope, receive, request.send)
        except asyncio.CancelledError:
            request.status = request.status or CLIENT_CLOSED_REQUEST
            raise
        except Exception:
            # Logged here, where the request id is known, and nowhere else.
            logger.exception("request failed")
            await request.fail()
        finally:
            # A line that nobody would see costs more than a short answer.
            try:
                if self._writes_lines:
                    request.write_line()
            finally:
                structlog.contextvars.reset_contextvars(**before)


async def read_body(receive: Receive) -> bytes:
    """The body of a request; TooLarge, before any of it is understood, where it is larger than the server takes.

    ClientDisconnect where the client leaves before it has sent it all.
    """
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise TooLarge(f"A request has at most {BODY_BYTES_MAX:,} bytes.")
        more = message.get("more_body", False)
    return b"".join(parts)


class Request:
    """One HTTP request or WebSocket on its way through the server."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.started = time.perf_counter()
        self.id = request_id(scope)
        # A copy: some servers share one state between all requests.
        self.scope: Scope = {**scope, "state": {**scope.get("state", {}), "request_id": self.id}}
        self.status = 0  # no answer yet
        self._send = send

    async def send(self, message: Message) -> None:
        """Pass a message on to the client, the first of an answer with the headers of this layer."""
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
            given = list(message.get("headers", ()))
            named = {name for name, _ in given}
            own = [
                (b"x-request-id", self.id.encode()),
                (b"server-timing", f"total;dur={self.milliseconds()}".encode()),
                *[header for header in SAFELY if header[0] not in named],
            ]
            message = {**message, "headers": [*given, *own]}
        elif kind == "websocket.accept":
            self.status = 101
        elif kind == "websocket.close" and not self.status:
            self.status = 403  # what a server answers to a handshake that is refused
        await self._send(message)

    async def fail(self) -> None:
        """Tell the client that the server failed, as far as the answer still allows it."""
        if self.scope["type"] == "websocket":
            with suppress(Exception):  # the socket may be closed already
                await self.send({"type": "websocket.close", "code": 1011})
        elif not self.status:
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            await self.send({"type": "http.response.start", "status": 500, "headers": headers})
            await self.send({"type": "http.response.body", "body": b"Internal Server Error"})

    def milliseconds(self) -> float:
        return round((time.perf_counter() - self.started) * 1_000, 1)

    def write_line(self) -> None:
        """The one log line of this request. The query string is left out: it may hold secrets."""
        path = self.scope["path"]
        write = logger.debug if path in QUIET_PATHS else logger.info
        fields = {
            "method": self.scope.get("method", "WEBSOCKET"),
            "path": path[:PATH_LENGTH_MAX],
            "status": self.status,
            "ms": self.milliseconds(),
        }
        version = header(self.scope, b"x-client-version")
        if version and CLIENT_VERSION.fullmatch(version):
            fields["client_version"] = version.decode()
        write("request", **fields)


def request_id(scope: Scope) -> str:
    """The id that the client gave, where it looks like one, else a new one."""
    given = header(scope, b"x-request-id")
    return given.decode() if given and REQUEST_ID.fullmatch(given) else uuid7().hex


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that name (in lower case), as ASGI hands it over."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


def header_text(scope: Scope, name: bytes) -> str:
    """The same as text; empty where there is none."""
    return (header(scope, name) or b"").decode("latin-1")


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """The address of who asks. X-Forwarded-For counts only as far as trusted proxies have written it."""
    client = scope.get("client")
    address = parse_address(client[0]) if client else None
    if address is None:
        return UNKNOWN_ADDRESS  # a Unix socket
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == b"x-forwarded-for"]
    if not lines:
        return text_of(address)
    hops = ",".join(lines).split(",")[-HOPS_MAX:]
    # From the nearest hop outwards: each was written by the one before, so the first stranger ends trust.
    while hops and any(address in network for network in trusted):
        hop = parse_address(hops.pop())
        if hop is None:
            break
        address = hop
    return text_of(address)


@lru_cache(maxsize=ADDRESSES_MAX)
def text_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """How an address is written."""
    return str(address)


@lru_cache(maxsize=ADDRESSES_MAX)
def parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address, also with a port behind it; nothing where there is none. IPv4 inside IPv6 is IPv4."""
    text = text.strip()
    if match := re.fullmatch(r"\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+", text):
        text = match[1] or match[2]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_local(origin: str) -> bool:
    """Whether a page's origin is on this machine, at any port."""
    try:
        return urlsplit(origin).hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
