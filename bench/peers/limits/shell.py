"""What the two limits share: a Starlette application with one route, and subscriptions with the least that can be done."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

POOL_MIN, POOL_MAX = 2, 10
Variables = dict[str, Any]
Answer = Callable[["Pool", str, Variables], Awaitable[bytes]]
"""The whole answer to one operation, by its name."""
Pool = Any
Subscriber = tuple[str, "asyncio.Queue[str]"]
"""The id of a subscription on its socket, and what waits to be sent there."""


class Chats:
    """Who follows which chat. A message is made text once, whoever many there are."""

    def __init__(self) -> None:
        self._followers: dict[str, set[Subscriber]] = {}

    def publish(self, chat: str, message: Any) -> None:
        """Puts the message into every follower's queue."""
        followers = self._followers.get(chat)
        if not followers:
            return
        payload = orjson.dumps({"data": {"messageAdded": message}}, default=str).decode()
        for id, queue in followers:
            queue.put_nowait(f'{{"type":"next","id":"{id}","payload":{payload}}}')

    def follow(self, chat: str, subscriber: Subscriber) -> None:
        """From now on."""
        self._followers.setdefault(chat, set()).add(subscriber)

    def leave(self, queue: "asyncio.Queue[str]") -> None:
        """Nothing more for that socket."""
        for followers in self._followers.values():
            followers.difference_update([one for one in followers if one[1] is queue])


def application(answer: Answer) -> Starlette:
    """An application that answers operations by name and announces what was sent."""
    chats = Chats()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        url = os.environ["BENCH_URL"]
        async with asyncpg.create_pool(url, min_size=POOL_MIN, max_size=POOL_MAX) as pool:
            app.state.pool = pool
            yield

    async def graphql(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        name, variables = asked["operationName"], asked["variables"]
        if name is None:
            return Response(b'{"data":{"__typename":"Query"}}', media_type="application/json")
        found = await answer(request.app.state.pool, name, variables)
        if name == "Send":
            chats.publish(variables["chatId"], orjson.loads(found)["data"]["sendMessage"]["message"])
        return Response(found, media_type="application/json")

    async def follow(socket: WebSocket) -> None:
        await _serve_socket(socket, chats)

    routes = [Route("/graphql", graphql, methods=["POST"]), WebSocketRoute("/graphql", follow)]
    return Starlette(routes=routes, lifespan=lifespan)


async def _serve_socket(socket: WebSocket, chats: Chats) -> None:
    await socket.accept("graphql-transport-ws")
    queue: asyncio.Queue[str] = asyncio.Queue()
    sending = asyncio.create_task(_send_all(socket, queue))
    try:
        while True:
            said = orjson.loads(await socket.receive_text())
            if said["type"] == "connection_init":
                await socket.send_text('{"type":"connection_ack"}')
            elif said["type"] == "subscribe":
                chats.follow(said["payload"]["variables"]["chatId"], (said["id"], queue))
    except WebSocketDisconnect:
        pass
    finally:
        sending.cancel()
        chats.leave(queue)


async def _send_all(socket: WebSocket, queue: "asyncio.Queue[str]") -> None:
    while True:
        await socket.send_text(await queue.get())
