"""A program that signs its requests: asks the graph as a service client.

API_SECRET=$SECRET python -m examples.sign --url http://127.0.0.1:8000/graphql --key-id $KEY_ID '{ viewer { permissions } }'
"""

import argparse
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Generator
from typing import Final

import httpx

FORM: Final = "HMAC-V2"


class Signature(httpx.Auth):
    """Signs each request of a client as it is sent: `httpx.Client(auth=Signature(key_id, secret))`."""

    requires_request_body = True

    def __init__(self, key_id: str, secret: str) -> None:
        self._key_id, self._secret = key_id, secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the four headers. A request that is sent again is signed again: a nonce is good once."""
        timestamp, nonce = str(int(time.time())), secrets.token_urlsafe(16)
        signed = (
            FORM,
            request.method,
            request.headers["host"],
            request.url.raw_path.decode(),  # with the query
            timestamp,
            nonce,
            request.headers.get("content-type", ""),
            hashlib.sha256(request.content).hexdigest(),
        )
        request.headers["X-API-Key-Id"] = self._key_id
        request.headers["X-API-Timestamp"] = timestamp
        request.headers["X-API-Nonce"] = nonce
        request.headers["X-API-Signature"] = sign(self._secret, "\n".join(signed))
        yield request


def sign(secret: str, text: str) -> str:
    """The signature of a text: HMAC-SHA256, in hexadecimal digits."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def main() -> None:
    """Asks one document and prints the answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000/graphql")
    parser.add_argument("--key-id", required=True)
    parser.add_argument("document", help="what to ask")
    options = parser.parse_args()
    # Not as an argument: those can be seen by everybody on the machine.
    signature = Signature(options.key_id, os.environ["API_SECRET"])
    with httpx.Client(auth=signature) as web:
        answer = web.post(options.url, json={"query": options.document})
    print(json.dumps(answer.json(), indent=2))


if __name__ == "__main__":
    main()
