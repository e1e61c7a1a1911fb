"""Clients that never give up: writers who send again what was not answered, and followers who come back."""

import asyncio
import contextlib
import itertools
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.faults.cluster import Cluster
from tests.wire.caller import Owner, register
from tests.wire.line import PROTOCOL

SEND = """mutation ($chat: ID!, $content: String!, $key: String!) {
  messageSend(input: {conversationId: $chat, content: $content, clientKey: $key}) {
    message { id sequence } userErrors { code } } }"""
FOLLOW = """subscription ($chat: ID!, $after: Int) {
  messageAdded(conversationId: $chat, after: $after) { sequence content } }"""
AGAIN_SECONDS = 0.05
ANSWER_SECONDS = 10.0
SIGNED_IN_SECONDS = 240.0
"""A long ordeal outlives a token of ten minutes."""
QUIET_SECONDS = 90.0
"""How long a follower may hear nothing before the test gives up on it."""


@dataclass
class Follower:
    """One who follows a chat through whatever happens, and keeps account of it."""

    cluster: Cluster
    owner: Owner
    chat: str
    last: int = 0
    received: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What no connection may do: repeat, leave out, mix up, tell errors instead of data."""
    connections: int = 0
    told_at: float = 0.0
    late_seconds: float = 0.0
    """The longest between the sending of a message and its arrival."""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError, EOFError):
                await self._connection()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _connection(self) -> None:
        url = self.cluster.any().socket
        async with connect(url, subprotocols=[PROTOCOL], open_timeout=ANSWER_SECONDS) as line:
            token = {"authorization": f"Bearer {self.owner.token}"}
            await line.send(json.dumps({"type": "connection_init", "payload": token}))
            answer = json.loads(await asyncio.wait_for(line.recv(), ANSWER_SECONDS))
            if answer["type"] != "connection_ack":
                return
            variables = {"chat": self.chat, "after": self.last}
            payload = {"query": FOLLOW, "variables": variables}
            await line.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            self.connections += 1
            async for frame in line:
                if not self._take(json.loads(frame)):
                    return

    def _take(self, message: dict[str, Any]) -> bool:
        """Notes a message; says whether the subscription goes on."""
        if message["type"] == "ping" or message["type"] == "pong":
            return True
        if message["type"] != "next":
            return False
        if "errors" in message["payload"]:
            self.wrong.append(f"errors: {message['payload']['errors']}")
            return False
        told = message["payload"]["data"]["messageAdded"]
        if told["sequence"] != self.last + 1:
            self.wrong.append(f"{told['sequence']} after {self.last}")
        self.last = max(self.last, told["sequence"])
        self.received.append(told["sequence"])
        self.told_at = time.monotonic()
        sent_at = float(told["content"].partition(" ")[0])
        self.late_seconds = max(self.late_seconds, self.told_at - sent_at)
        return True


@dataclass
class Writer:
    """Sends to chats in turn, several at once, each until it is acknowledged."""

    cluster: Cluster
    owner: Owner
    chats: list[str]
    acknowledged: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By client key: the chat and the sequence."""
    retries: int = 0

    async def send(self, count: int, at_once: int, every_seconds: float = 0.0) -> None:
        """So many messages."""
        turns = itertools.cycle(self.chats)
        left = iter(range(count))

        async def work(web: httpx.AsyncClient) -> None:
            for _ in left:
                await self._send(web, next(turns))
                await asyncio.sleep(every_seconds * at_once)

        limits = httpx.Limits(max_connections=at_once)
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, limits=limits) as web:
            await asyncio.gather(*[work(web) for _ in range(at_once)])

    async def _send(self, web: httpx.AsyncClient, chat: str) -> None:
        key = secrets.token_hex(8)
        content = f"{time.monotonic()} {key}"
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError, KeyError, TypeError):
                body = {"query": SEND, "variables": {"chat": chat, "content": content, "key": key}}
                url = f"{self.cluster.any().url}/graphql"
                answer = await web.post(url, json=body, headers=self.owner.headers)
                payload = answer.json()["data"]["messageSend"]
                self.acknowledged[key] = chat, payload["message"]["sequence"]
                return
            self.retries += 1
            await asyncio.sleep(AGAIN_SECONDS)


@dataclass
class Stage:
    """A workspace with chats, in a cluster."""

    cluster: Cluster
    owner: Owner
    chats: list[str]

    def followers(self, count: int) -> list[Follower]:
        """So many, spread over the chats."""
        places = itertools.cycle(self.chats)
        # The first message of each chat is the customer's; what is counted comes after it.
        return [Follower(self.cluster, self.owner, next(places), last=1) for _ in range(count)]

    def writers(self, count: int) -> list[Writer]:
        return [Writer(self.cluster, self.owner, self.chats) for _ in range(count)]


@asynccontextmanager
async def stage(cluster: Cluster, chats: int) -> AsyncIterator[Stage]:
    """A new workspace with so many chats."""
    async with httpx.AsyncClient(base_url=cluster.workers[0].url, timeout=30) as web:
        owner = await register(web)
        made = [await owner.chat() for _ in range(chats)]
        signed_in = asyncio.create_task(stay_signed_in(owner))
        try:
            yield Stage(cluster, owner, made)
        finally:
            signed_in.cancel()


async def stay_signed_in(owner: Owner) -> None:
    """A new token every now and then, from a server that may be gone at the moment."""
    while True:
        await asyncio.sleep(SIGNED_IN_SECONDS)
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError, AssertionError):
                await owner.sign_in_again()
                break
            await asyncio.sleep(AGAIN_SECONDS)


@asynccontextmanager
async def following(followers: list[Follower]) -> AsyncIterator[None]:
    """They follow, all of them connected before the block runs."""
    running = [asyncio.create_task(follower.run()) for follower in followers]
    try:
        async with asyncio.timeout(QUIET_SECONDS):
            while not all(follower.connections for follower in followers):
                await asyncio.sleep(0.02)
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def caught_up(
    followers: list[Follower], last: dict[str, int], quiet_seconds: float = QUIET_SECONDS
) -> float:
    """Waits until everyone has come to the last sequence of its chat, or nobody hears anything any more; seconds."""
    begun = time.monotonic()
    heard, heard_at = -1, begun
    while any(follower.last < last[follower.chat] for follower in followers):
        now_heard = sum(len(follower.received) for follower in followers)
        if now_heard != heard:
            heard, heard_at = now_heard, time.monotonic()
        elif time.monotonic() - heard_at > quiet_seconds:
            break
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


def account(followers: list[Follower], last: dict[str, int]) -> dict[str, int]:
    """Lost, repeated and mixed up, over all followers."""
    lost = sum(len(set(range(2, last[f.chat] + 1)) - set(f.received)) for f in followers)
    repeated = sum(len(f.received) - len(set(f.received)) for f in followers)
    mixed_up = sum(a >= b for f in followers for a, b in itertools.pairwise(f.received))
    return {
        "expected": sum(last[f.chat] - 1 for f in followers),
        "lost": lost,
        "repeated": repeated,
        "out of order": mixed_up,
        "wrong": sum(len(f.wrong) for f in followers),
    }
