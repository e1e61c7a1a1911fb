"""Sends one query again and again, at a rate that does not wait for answers, and prints what came of it as JSON.

`python -m tests.faults.flood PORT TOKEN CONNECTIONS SECONDS RATE`; a RATE of 0 sends the next as soon as one is answered.
"""

import asyncio
import json
import sys
import time
from collections import deque
from typing import cast

import uvloop

from bench.load import HEAD_END, is_whole, render

QUERY = """{ chats(first: 20) { nodes { id number status customer { id displayName } channel { id name }
  messages(last: 10) { nodes { id sequence content sender { id displayName } } } } } }"""
TICK_SECONDS = 0.005


class Line(asyncio.Protocol):
    """One connection, which has at most one request on its way."""

    def __init__(self, flood: "Flood") -> None:
        self._flood, self._answer, self._sent_at = flood, bytearray(), 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._flood.idle.append(self)

    def send(self, request: bytes) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if is_whole(self._answer):
            status = int(self._answer[9:12])
            self._answer.clear()
            self._flood.answered(self, status, time.perf_counter() - self._sent_at)


class Flood:
    """What is sent, and what came back: seconds of each answer, by status."""

    def __init__(self, request: bytes, rate: float) -> None:
        self.request, self.rate = request, rate
        self.idle: deque[Line] = deque()
        self.seconds: dict[int, list[float]] = {}
        self.unsent = 0
        self.is_over = False

    def answered(self, line: Line, status: int, seconds: float) -> None:
        self.seconds.setdefault(status, []).append(seconds)
        if self.rate or self.is_over:
            self.idle.append(line)
        else:
            line.send(self.request)

    async def run(self, seconds: float) -> None:
        began, due = time.perf_counter(), 0.0
        while not self.rate and self.idle:
            self.idle.popleft().send(self.request)
        while (passed := time.perf_counter() - began) < seconds:
            while due < passed * self.rate:
                due += 1
                if self.idle:
                    self.idle.popleft().send(self.request)
                else:
                    self.unsent += 1
            await asyncio.sleep(TICK_SECONDS)
        self.is_over = True


async def main(port: int, token: str, connections: int, seconds: float, rate: float) -> None:
    flood = Flood(render(port, json.dumps({"query": QUERY}), f"Bearer {token}"), rate)
    assert flood.request.count(HEAD_END) == 1
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Line(flood), "127.0.0.1", port)
    await flood.run(seconds)
    told = {
        status: {"count": len(found), "p99": sorted(found)[len(found) * 99 // 100]}
        for status, found in flood.seconds.items()
    }
    sys.stdout.write(json.dumps({"seconds": seconds, "unsent": flood.unsent, "answers": told}) + "\n")


if __name__ == "__main__":
    port, token, connections, seconds, rate = sys.argv[1:]
    uvloop.run(main(int(port), token, int(connections), float(seconds), float(rate)))
