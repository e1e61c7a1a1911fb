"""Signs requests as the documentation says, or a little differently: what a service client and an attacker send."""

import hashlib
import hmac
import secrets
import time
from typing import Any

import httpx

CREATE = """mutation ($name: String!, $permissions: [Permission!]!, $allowedHosts: [String!]) {
  serviceClientCreate(input: {name: $name, permissions: $permissions, allowedHosts: $allowedHosts}) {
    keyId secret userErrors { code message path }
  }
}"""
PARTS = ("method", "host", "target", "timestamp", "nonce", "content_type", "body")
"""What is signed, beside the name of the form."""


class Signer:
    """A service client on the wire."""

    def __init__(self, web: httpx.AsyncClient, key_id: str, secret: str) -> None:
        self.web, self.key_id, self.secret = web, key_id, secret

    def request(
        self, document: str, variables: Any = None, *, by: str = "POST", **signed: str
    ) -> httpx.Request:
        """A signed request; `signed` are parts that are signed otherwise than they are sent."""
        given: dict[str, Any] = {"json": {"query": document, "variables": variables}}
        if by == "GET":
            given = {"params": {"query": document}}
        return self.sign(self.web.build_request(by, "/graphql", **given), **signed)

    def sign(self, request: httpx.Request, **signed: str) -> httpx.Request:
        """Signs a request anew, whatever it was signed with before."""
        sent = {
            "method": request.method,
            "host": request.headers["host"],
            "target": request.url.raw_path.decode(),
            "timestamp": str(int(time.time())),
            "nonce": secrets.token_urlsafe(16),
            "content_type": request.headers.get("content-type", ""),
            "body": hashlib.sha256(request.content).hexdigest(),
        }
        parts = sent | signed
        text = "\n".join([signed.get("form", "HMAC-V2"), *[parts[name] for name in PARTS]])
        request.headers["X-API-Key-Id"] = self.key_id
        request.headers["X-API-Timestamp"] = signed.get("timestamp", sent["timestamp"])
        request.headers["X-API-Nonce"] = signed.get("nonce", sent["nonce"])
        made = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256)
        request.headers["X-API-Signature"] = made.hexdigest()
        return request

    def older(self, request: httpx.Request, *, seconds_ago: int = 0) -> httpx.Request:
        """Signs a request in the form that has no nonce and says nothing of the body."""
        timestamp = str(int(time.time()) - seconds_ago)
        text = f"{request.method}:{request.url.raw_path.decode()}:{timestamp}"
        made = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256)
        marks = {"Key-Id": self.key_id, "Timestamp": timestamp, "Signature": made.hexdigest()}
        request.headers.update({f"X-API-{name}": value for name, value in marks.items()})
        return request

    async def ask(self, document: str, variables: Any = None, **signed: str) -> httpx.Response:
        """The bare answer to a signed request."""
        return await self.web.send(self.request(document, variables, **signed))


async def make_signer(owner: Any, *permissions: str, hosts: list[str] | None = None) -> Signer:
    """A new client of the owner's workspace."""
    name = f"client-{secrets.token_hex(6)}"
    made = await owner.ask(CREATE, name=name, permissions=permissions, allowedHosts=hosts)
    return Signer(owner.web, made["keyId"], made["secret"])


def with_other_byte(text: str) -> str:
    """The same text with its last byte changed: to another of the same kind."""
    return text[:-1] + ("1" if text[-1] != "1" else "2")
