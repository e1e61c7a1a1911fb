"""Follows chats live over WebSocket, as an agent's screen does: notes what came twice, too early or never."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport
from graphql import parse

from examples.replay.api import PAUSE_SECONDS, TRIES_MAX, Api, leaves, told_seconds
from examples.replay.data import Dialogue

SUBSCRIPTIONS_MAX: Final = 100
"""Of one socket; for more, another one is opened."""
LAST_SECONDS_MAX: Final = 30.0
"""How long the last messages may take to arrive after the last was written."""
SETTLE_SECONDS: Final = 1.0
"""After all have arrived: time for one that should not."""
LOOK_SECONDS: Final = 0.05

FOLLOW = parse("""
subscription Follow($conversationId: ID!, $after: Int!) {
  messageAdded(conversationId: $conversationId, after: $after) { sequence content }
}
""")


@dataclass(slots=True)
class FollowedChat:
    """What arrived of one chat so far."""

    dialogue: Dialogue
    conversation_id: str
    last: int = 0
    sequences: set[int] = field(default_factory=set)
    received: int = 0
    repeated: int = 0
    out_of_order: int = 0
    texts_equal: int = 0

    @property
    def missing(self) -> int:
        return len(self.dialogue.turns) - len(self.sequences)

    def take(self, sequence: int, text: str) -> None:
        """Notes one message that arrived."""
        self.received += 1
        if sequence in self.sequences:
            self.repeated += 1
            return
        if sequence != self.last + 1:
            self.out_of_order += 1
        turns = self.dialogue.turns
        if 1 <= sequence <= len(turns) and turns[sequence - 1].text == text:
            self.texts_equal += 1
        self.sequences.add(sequence)
        self.last = max(self.last, sequence)


class Followers:
    """Sockets, each with up to SUBSCRIPTIONS_MAX chats. `follow` any number, then `finish`."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._sockets: list[Socket] = []
        self.chats: list[FollowedChat] = []

    def follow(self, dialogue: Dialogue, conversation_id: str) -> None:
        """Follows the chat from its first message on."""
        if not self._sockets or self._sockets[-1].is_full():
            self._sockets.append(Socket(self._api))
        chat = FollowedChat(dialogue, conversation_id)
        self.chats.append(chat)
        self._sockets[-1].add(chat)

    @property
    def socket_count(self) -> int:
        return len(self._sockets)

    @property
    def reconnection_count(self) -> int:
        return sum(socket.reconnections for socket in self._sockets)

    async def finish(self) -> list[str]:
        """Waits for what is still on its way, leaves, and says what went wrong with the sockets."""
        for _ in range(int(LAST_SECONDS_MAX / LOOK_SECONDS)):
            if not any(chat.missing for chat in self.chats):
                break
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(SETTLE_SECONDS if self.chats else 0)
        return await self.close()

    async def close(self) -> list[str]:
        """Leaves at once, and says what went wrong with the sockets."""
        faults = [await socket.close() for socket in self._sockets]
        return [fault for fault in faults if fault]


class Socket:
    """One connection. Where it is lost, another goes on after the last message of each chat."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._chats: list[FollowedChat] = []
        self._more = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self._connections = 0

    @property
    def reconnections(self) -> int:
        return max(self._connections - 1, 0)

    def is_full(self) -> bool:
        return len(self._chats) >= SUBSCRIPTIONS_MAX

    def add(self, chat: FollowedChat) -> None:
        self._chats.append(chat)
        self._more.set()

    async def close(self) -> str | None:
        """Ends the connection; the reason where it had ended by itself."""
        self._task.cancel()
        ended = (await asyncio.gather(self._task, return_exceptions=True))[0]
        is_fault = isinstance(ended, Exception)
        return f"a socket was given up: {ended!r}" if is_fault else None

    async def _run(self) -> None:
        failures = 0
        while True:
            received, told = self._received(), 0.0
            try:
                await self._follow_all()
            except* (TransportError, TimeoutError) as problems:
                failures = 1 if self._received() > received else failures + 1
                if failures == TRIES_MAX:
                    raise
                told = max(told_seconds(leaf) or 0.0 for leaf in leaves(problems))
            await asyncio.sleep(max(told, PAUSE_SECONDS * 2**failures))

    def _received(self) -> int:
        return sum(chat.received for chat in self._chats)

    async def _follow_all(self) -> None:
        transport = WebsocketsTransport(
            socket_url(self._api.url),
            init_payload={"authorization": await self._api.authorization()},
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        client = Client(transport=transport, execute_timeout=None)
        async with client as session, asyncio.TaskGroup() as tasks:
            self._connections += 1
            begun = 0
            while True:
                self._more.clear()
                for chat in self._chats[begun:]:
                    tasks.create_task(_follow(session, chat))
                    begun += 1
                await self._more.wait()


async def _follow(session: AsyncClientSession, chat: FollowedChat) -> None:
    variables: dict[str, Any] = {"conversationId": chat.conversation_id, "after": chat.last}
    async for data in session.subscribe(GraphQLRequest(FOLLOW, variable_values=variables)):
        message = data["messageAdded"]
        chat.take(message["sequence"], message["content"])
    raise TransportError("The server ended a subscription.")


def socket_url(url: str) -> str:
    """The WebSocket address of the API: the same, but for its scheme."""
    parts = urlsplit(url)
    return parts._replace(scheme="wss" if parts.scheme == "https" else "ws").geturl()
