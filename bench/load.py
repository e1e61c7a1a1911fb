"""A process that keeps a server busy: python -m bench.load FILE, where the file says whom and with what.

The requests are rendered beforehand and answers are hardly looked at, so that one core here drives several of a server.
"""

import asyncio
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import orjson
import uvloop

HEAD_END: Final = b"\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
LENGTH: Final = b"content-length:"
GOOD: Final = b" 200 "
FAILED: Final = (b'"errors":[{', b'"errors": [{', b'"message":null', b'"message": null')
"""What no good answer holds: errors, or a payload without what the mutation was to make."""
LAST_ANSWER_SECONDS: Final = 30.0
"""How long the answers on their way at the end are waited for: they count, since the server has worked for them."""
ANSWERS_MIN: Final = 3
"""Of each connection, however slow the server is."""


@dataclass(slots=True)
class Tally:
    """What has come back so far."""

    latencies: list[float]
    errors: int = 0
    answer_bytes: int = 0


def render(port: int, body: str, authorization: str | None) -> bytes:
    """One request as it goes over the wire."""
    content = body.encode()
    lines = [
        "POST /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(content)}",
        *([f"Authorization: {authorization}"] if authorization else []),
    ]
    return "\r\n".join(lines).encode() + HEAD_END + content


class Caller(asyncio.Protocol):
    """One connection: sends the next request as soon as the answer to the last is there."""

    def __init__(self, requests: deque[bytes], tally: Tally, until: float) -> None:
        self._requests, self._tally, self._until = requests, tally, until
        self._answer = bytearray()
        self._sent_at = 0.0
        self._answers = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not is_whole(self._answer):
            return
        moment = time.perf_counter()
        self._count(moment)
        self._answer.clear()
        self._answers += 1
        if moment < self._until or self._answers < ANSWERS_MIN:
            self._send()
            return
        self.done.set_result(None)
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._tally.errors += 1
            self.done.set_result(None)

    def _send(self) -> None:
        self._requests.rotate(-1)
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests[0])

    def _count(self, moment: float) -> None:
        self._tally.latencies.append(moment - self._sent_at)
        self._tally.answer_bytes += len(self._answer)
        good = GOOD in self._answer[:16] and not any(mark in self._answer for mark in FAILED)
        self._tally.errors += not good


def is_whole(answer: bytearray) -> bool:
    """Whether the answer has ended, by its length or its last chunk."""
    end = answer.find(HEAD_END)
    if end < 0:
        return False
    head = answer[:end].lower()
    at = head.find(LENGTH)
    if at < 0:
        return answer.endswith(LAST_CHUNK)
    length = int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0])
    return len(answer) >= end + len(HEAD_END) + length


async def drive(port: int, requests: list[bytes], connections: int, seconds: float) -> dict[str, Any]:
    """Keeps so many requests on their way for so long; what came back, with the latencies in milliseconds."""
    loop = asyncio.get_running_loop()
    tally, queue = Tally([]), deque(requests)
    begun = time.perf_counter()
    callers = []
    for _ in range(connections):
        made = await loop.create_connection(lambda: Caller(queue, tally, begun + seconds), "127.0.0.1", port)
        callers.append(made[1])
    await asyncio.wait([caller.done for caller in callers], timeout=seconds + LAST_ANSWER_SECONDS)
    taken = time.perf_counter() - begun
    latencies = sorted(tally.latencies)
    return {
        "count": len(latencies),
        "seconds": taken,
        "p50": percentile(latencies, 0.50),
        "p99": percentile(latencies, 0.99),
        "errors": tally.errors,
        "answer_bytes": tally.answer_bytes // max(1, len(latencies)),
    }


def percentile(ordered: list[float], share: float) -> float:
    """The latency in milliseconds that this share of the requests did not exceed."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1_000


def main() -> None:
    job = orjson.loads(Path(sys.argv[1]).read_bytes())
    port = job["port"]
    requests = [render(port, r["body"], r["authorization"]) for r in job["requests"]]
    found = uvloop.run(drive(port, requests, job["connections"], job["seconds"]))
    sys.stdout.buffer.write(orjson.dumps(found))


if __name__ == "__main__":
    main()
