"""A process that follows one chat many times over and writes to it: python -m bench.fanout FILE.

First as fast as it goes, which gives deliveries a second; then a few messages a second, which gives how late they come.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
import uvloop

from bench.load import percentile

MARK: Final = "@@"
"""Around the moment of sending, inside the content of a message."""
CONNECTING_AT_ONCE: Final = 20
WARM_UP_MESSAGES: Final = 5
WAIT_SECONDS: Final = 20.0
"""How long deliveries on their way are waited for before they count as lost."""
SETTLE_SECONDS: Final = 0.5
Job = dict[str, Any]


class Deliveries:
    """What subscribers have received."""

    def __init__(self) -> None:
        self.count = 0
        self.odd: list[str] = []
        self.latencies: list[float] | None = None
        self._awaited = 0
        self._reached = asyncio.Event()

    def receive(self, frame: str) -> None:
        begin = frame.find(MARK)
        if begin < 0:
            self.odd.append(frame[:300])
            return
        self.count += 1
        if self.count >= self._awaited:
            self._reached.set()
        if self.latencies is not None:
            end = frame.find(MARK, begin + len(MARK))
            self.latencies.append(time.perf_counter() - float(frame[begin + len(MARK) : end]))

    async def reach(self, count: int) -> bool:
        """Until so many have come; False where they do not."""
        self._awaited = count
        self._reached.clear()
        if self.count < count:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._reached.wait(), WAIT_SECONDS)
        return self.count >= count


class Writer:
    """Sends messages to the chat."""

    def __init__(self, session: aiohttp.ClientSession, job: Job) -> None:
        self._session, self._job = session, job

    async def send(self) -> bool:
        """One message, with the moment in it; False where the answer has errors."""
        body = dict(self._job["publish"])
        content = f"{MARK}{time.perf_counter():.6f}{MARK} hello, where is my parcel?"
        body["variables"] = {**body["variables"], "content": content}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._job["authorization"]:
            headers["Authorization"] = self._job["authorization"]
        url = f"http://127.0.0.1:{self._job['port']}/graphql"
        async with self._session.post(url, data=orjson.dumps(body), headers=headers) as answer:
            text = await answer.text()
            return answer.status == 200 and '"errors":[{' not in text.replace(" ", "")


@asynccontextmanager
async def following(session: aiohttp.ClientSession, job: Job, deliveries: Deliveries) -> AsyncIterator[None]:
    """One subscriber, from its acknowledgement on."""
    url = f"ws://127.0.0.1:{job['port']}/graphql"
    async with session.ws_connect(url, protocols=["graphql-transport-ws"], max_msg_size=2**20) as socket:
        start: Job = {"type": "connection_init"}
        if job["authorization"]:
            start["payload"] = {"authorization": job["authorization"]}
        await socket.send_str(orjson.dumps(start).decode())
        acknowledged = await socket.receive_json()
        assert acknowledged["type"] == "connection_ack", acknowledged
        subscribe = {"id": "1", "type": "subscribe", "payload": job["subscribe"]}
        await socket.send_str(orjson.dumps(subscribe).decode())
        reading = asyncio.create_task(_read(socket, deliveries))
        try:
            yield
        finally:
            reading.cancel()


async def _read(socket: aiohttp.ClientWebSocketResponse, deliveries: Deliveries) -> None:
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT:
            continue
        if '"type":"ping"' in message.data.replace(" ", "")[:60]:
            await socket.send_str('{"type":"pong"}')
        else:
            deliveries.receive(message.data)


async def run(job: Job) -> Job:
    """Connects, warms up, writes in a burst and then in measure; what came of it."""
    subscribers: int = job["subscribers"]
    deliveries = Deliveries()
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        for begin in range(0, subscribers, CONNECTING_AT_ONCE):
            group = range(begin, min(begin + CONNECTING_AT_ONCE, subscribers))
            contexts = [following(session, job, deliveries) for _ in group]
            await asyncio.gather(*[stack.enter_async_context(context) for context in contexts])
        # A subscription is not acknowledged: that the first message comes to all shows that they stand.
        await asyncio.sleep(SETTLE_SECONDS)
        writer = Writer(session, job)
        for n in range(1, WARM_UP_MESSAGES + 1):
            await writer.send()
            if not await deliveries.reach(n * subscribers):
                break  # what is lost from here on is counted
        print("ready", file=sys.stderr, flush=True)
        sys.stdin.readline()
        burst = await _burst(job, writer, deliveries)
        print("measured", file=sys.stderr, flush=True)
        sys.stdin.readline()
        return burst | await _paced(job, writer, deliveries)


async def _burst(job: Job, writer: Writer, deliveries: Deliveries) -> Job:
    base, begun, sent, refused = deliveries.count, time.perf_counter(), 0, 0

    async def keep_writing() -> None:
        nonlocal sent, refused
        while time.perf_counter() < begun + job["seconds"]:
            refused += not await writer.send()
            sent += 1

    await asyncio.gather(*[keep_writing() for _ in range(job["writers"])])
    expected = sent * job["subscribers"]
    await deliveries.reach(base + expected)
    seconds = time.perf_counter() - begun
    count = deliveries.count - base
    errors = refused + abs(expected - count) + len(deliveries.odd)
    return {"count": count, "seconds": seconds, "errors": errors}


async def _paced(job: Job, writer: Writer, deliveries: Deliveries) -> Job:
    base, latencies = deliveries.count, list[float]()
    deliveries.latencies = latencies
    begun, sent = time.perf_counter(), 0
    while time.perf_counter() < begun + job["seconds"]:
        await writer.send()
        sent += 1
        await asyncio.sleep(max(0.0, begun + sent / job["paced_a_second"] - time.perf_counter()))
    await deliveries.reach(base + sent * job["subscribers"])
    latencies.sort()
    return {"p50": percentile(latencies, 0.50), "p99": percentile(latencies, 0.99)}


def main() -> None:
    job = orjson.loads(Path(sys.argv[1]).read_bytes())
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(run(job))))


if __name__ == "__main__":
    main()
