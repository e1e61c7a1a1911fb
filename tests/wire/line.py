"""A WebSocket without a client library: what goes in and out is what is on the wire."""

import asyncio
import json
import secrets
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")
WAIT_SECONDS = 10
FOLLOW = """subscription ($conversationId: ID!, $after: Int) {
  messageAdded(conversationId: $conversationId, after: $after) { sequence content }
}"""
HISTORY = "query ($id: ID!) { chat(by: {id: $id}) { messages(first: 100) { nodes { sequence content } } } }"


class Line:
    """A WebSocket without a client library: what goes in and out is what is on the wire."""

    def __init__(self, socket):
        self.socket = socket

    async def send(self, **message):
        await self.socket.send(json.dumps(message))

    async def read(self):
        async with asyncio.timeout(WAIT_SECONDS):
            return json.loads(await self.socket.recv())

    async def closing(self, *, after_messages=False):
        """The code with which the server closes; nothing may come before, unless messages may."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                frame = await self.socket.recv()
                while after_messages:
                    frame = await self.socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None
        raise AssertionError(frame)

    async def start(self, payload=None):
        await self.send(type="connection_init", payload=payload or {})
        assert await self.read() == {"type": "connection_ack"}

    async def subscribe(self, id, query, **variables):
        await self.send(id=id, type="subscribe", payload={"query": query, "variables": variables})


@asynccontextmanager
async def line_to(running, caller=None, *, query="", **options):
    """A socket, signed in as the caller where one is given."""
    async with connect(running.socket + query, subprotocols=[PROTOCOL], **options) as socket:
        line = Line(socket)
        if caller is not None:
            await line.start({"authorization": f"Bearer {caller.token}"})
        yield line


@asynccontextmanager
async def bystander(running, owner, chat):
    """Somebody else's socket, which has to go on: leaving the block proves that it still delivers."""
    async with line_to(running, owner) as line:
        await line.subscribe("followed", FOLLOW, conversationId=chat, after=0)
        assert (await line.read())["payload"]["data"]["messageAdded"]["sequence"] == 1
        yield
        content = secrets.token_hex(4)
        sequence = await owner.send(chat, content)
        message = await line.read()
        assert message["payload"]["data"]["messageAdded"] == {"sequence": sequence, "content": content}


async def history(owner, chat):
    """What is stored of a chat."""
    found = await owner.ask(HISTORY, id=chat)
    return found["messages"]["nodes"]
