"""A screen that loses nothing: loads the inbox, follows everything from there, and goes on after every broken line.

python -m examples.follow --url http://127.0.0.1:8000/graphql --token $TOKEN [--changes 20] [--break-every 5]
"""

import argparse
import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
AGAIN_SECONDS: Final = 0.2
LATER: Final = (429, 503)
"""Too much was asked, or the database is away: `Retry-After` says when to ask again."""
RELOAD: Final = frozenset({"CURSOR_EXPIRED", "CURSOR_AHEAD"})
"""The cursor cannot be served: what was missed is no longer kept, so the screen is loaded again."""

INBOX: Final = """query Inbox {
  eventCursor
  chats(first: 50) { nodes { id lastSequence } }
}"""
FOLLOW: Final = """subscription Follow($after: EventCursor) {
  events(after: $after) {
    __typename
    cursor
    ... on ChangeEvent {
      kind
      change
      nodeId
      message { sequence content chat { id } }
    }
  }
}"""


class CannotResumeError(Exception):
    """The server says that what was missed can no longer be told."""


class PutOffError(Exception):
    """The server says when to come back."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass
class Screen:
    """What a client shows, and how it knows that nothing is missing."""

    url: str
    token: str
    cursor: str = ""
    sequences: dict[str, int] = field(default_factory=dict)
    """The last message of each chat. The next one has the next number: anything else would be a loss."""
    changes: int = 0
    connections: int = 0

    async def load(self) -> None:
        """Loads the inbox. Its cursor is older than everything else in the answer: nothing falls between."""
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {self.token}"}) as web:
            response = await web.post(self.url, json={"query": INBOX})
        if response.status_code in LATER:
            raise PutOffError(float(response.headers.get("Retry-After", AGAIN_SECONDS)))
        answer = response.raise_for_status().json()
        if "errors" in answer:
            _check_errors(answer["errors"])
        self.cursor = answer["data"]["eventCursor"]
        self.sequences = {chat["id"]: chat["lastSequence"] for chat in answer["data"]["chats"]["nodes"]}

    async def follow(self, changes: int, break_every: int) -> None:
        """Follows until so many changes were seen; breaks the line itself after every few, to show that it may."""
        while self.changes < changes:
            try:
                if not self.cursor:
                    await self.load()
                await self._follow_once(changes, break_every)
            except CannotResumeError:
                self.cursor = ""
            except PutOffError as error:
                await asyncio.sleep(error.seconds)
            except (ConnectionClosed, httpx.TransportError, OSError, TimeoutError):
                await asyncio.sleep(AGAIN_SECONDS)

    async def _follow_once(self, changes: int, break_every: int) -> None:
        address = urlsplit(self.url)
        socket = address._replace(scheme={"https": "wss"}.get(address.scheme, "ws")).geturl()
        async with connect(socket, subprotocols=[PROTOCOL]) as line:
            self.connections += 1
            await _send(line, type="connection_init", payload={"authorization": f"Bearer {self.token}"})
            async for frame in line:
                message = json.loads(frame)
                if message["type"] == "connection_ack":
                    variables = {"after": self.cursor}
                    payload = {"query": FOLLOW, "variables": variables}
                    await _send(line, id="1", type="subscribe", payload=payload)
                elif message["type"] == "ping":
                    await _send(line, type="pong")
                elif message["type"] == "next":
                    self._take(message["payload"])
                    if self.changes >= changes:
                        return
                    if break_every and self.changes and self.changes % break_every == 0:
                        line.transport.abort()  # as a train in a tunnel would
                        return  # what has come and was not looked at is lost with the line
                elif message["type"] == "error":
                    _check_errors(message["payload"])

    def _take(self, payload: dict[str, Any]) -> None:
        if "errors" in payload:
            _check_errors(payload["errors"])
        event = payload["data"]["events"]
        # From here the next connection goes on.
        self.cursor = event["cursor"]
        if event["__typename"] != "ChangeEvent":
            return
        self.changes += 1
        message = event["message"]
        if message is None or event["change"] != "CREATED":
            print(json.dumps({"kind": event["kind"], "change": event["change"], "id": event["nodeId"]}))
            return
        chat, sequence = message["chat"]["id"], message["sequence"]
        last = self.sequences.get(chat, sequence - 1)
        if sequence <= last:
            return  # the inbox had it already
        if sequence != last + 1:
            raise SystemExit(f"{chat}: {sequence} came after {last}. That never happens.")
        self.sequences[chat] = sequence
        told = {"chat": chat, "sequence": sequence, "content": message["content"]}
        print(json.dumps({**told, "connections": self.connections}), flush=True)


def _check_errors(errors: list[dict[str, Any]]) -> None:
    told = errors[0].get("extensions", {})
    if told.get("code") in RELOAD:
        raise CannotResumeError
    if told.get("code") in ("DATABASE_UNAVAILABLE", "RATE_LIMITED"):
        raise PutOffError(told.get("retryAfter", AGAIN_SECONDS))
    raise SystemExit(f"The server refuses: {errors}")


async def _send(line: ClientConnection, **message: Any) -> None:
    await line.send(json.dumps(message))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000/graphql")
    parser.add_argument("--token", required=True, help="an access token, as login gives it")
    parser.add_argument("--changes", type=int, default=20, help="how many to wait for")
    parser.add_argument("--break-every", type=int, default=0, help="break the line after every so many")
    given = parser.parse_args()
    screen = Screen(given.url, given.token)
    asyncio.run(screen.follow(given.changes, given.break_every))
    print(json.dumps({"changes": screen.changes, "connections": screen.connections, "missing": 0}))


if __name__ == "__main__":
    main()
