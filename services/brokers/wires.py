"""The wire between workers: many small things are put into few messages, and a broker carries those."""

import asyncio
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final, Protocol

import structlog

COALESCED_SECONDS: Final = 0.005
"""How long something waits for others to travel with."""
MESSAGE_BYTES_MAX: Final = 7_000
"""PostgreSQL takes less than 8,000."""
PAYLOAD_BYTES_MAX: Final = 4_096
"""The largest thing that is sent: this is for hints and for who is typing, not for data."""
UNSENT_MAX: Final = 20_000
"""Things that wait while a broker is slow; what comes beyond is dropped, and the sweep finds what was hinted at."""
PUBLISH_SECONDS_MAX: Final = 5.0
ECHO: Final = "e"
"""What a worker says to itself over the broker, to see how long that takes."""
ECHO_SECONDS: Final = 5.0

Hear = Callable[[bytes], None]
logger = structlog.get_logger("switchboard.broker")


class Broker(Protocol):
    """Carries messages between the workers of one server, this one included. It may lose, repeat and reorder them."""

    name: str

    @property
    def is_connected(self) -> bool:
        """Whether what is published now has a chance to arrive."""

    async def run(self, heard: Hear, connected: Callable[[], None]) -> None:
        """Connects, and connects again whenever that ends, until it is cancelled. Never gives up.

        `connected` is called after each connecting: what was said before may have been missed.
        """

    async def publish(self, message: bytes) -> None:
        """Sends ASCII of at most MESSAGE_BYTES_MAX to every worker; raises where it cannot."""


class Wire:
    """What a worker sends to the others and hears from them, by topic. Small, quick, and never to be relied on."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.published = self.dropped = self.failed = 0
        self._unsent: dict[tuple[str, bytes], bytes] = {}
        self._waiting = asyncio.Event()
        self._listeners: dict[str, Hear] = {}
        self._came_back: list[Callable[[], None]] = []
        self._name, self._echoes, self._echo, self._asked_at = os.urandom(8), 0, b"", 0.0
        self._lag_seconds: float | None = None
        self.on(ECHO, self._hear_echo)

    def on(self, topic: str, hear: Hear) -> None:
        """What is sent under a topic, by any worker (this one too), is given to `hear`. A topic is one word."""
        self._listeners[topic] = hear

    def on_connected(self, call: Callable[[], None]) -> None:
        """Called after each (re)connecting of the broker: something may have been missed."""
        self._came_back.append(call)

    def send(
        self,
        topic: str,
        payload: bytes,
        *,
        key: bytes,
        pick: Callable[[bytes, bytes], bytes] = lambda old, new: new,
    ) -> None:
        """Sends soon. Of two under one key that have not left yet one is sent: the later, or what `pick` says."""
        assert len(payload) <= PAYLOAD_BYTES_MAX
        name = (topic, key)
        known = self._unsent.get(name)
        if known is None and len(self._unsent) >= UNSENT_MAX:
            self.dropped += 1
            return
        self._unsent[name] = payload if known is None else pick(known, payload)
        self._waiting.set()

    @property
    def unsent(self) -> int:
        """How many things wait to be sent."""
        return len(self._unsent)

    @property
    def lag_seconds(self) -> float:
        """How long the way over the broker takes; grows while an answer is awaited."""
        if self._lag_seconds is not None:
            return self._lag_seconds
        return time.monotonic() - self._asked_at if self._asked_at else 0.0

    async def run(self) -> None:
        """Hears and sends until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.broker.run(self.hear, self._connected))
            group.create_task(self._publish())
            group.create_task(self._ask_for_echoes())

    def hear(self, message: bytes) -> None:
        """Takes apart a message of any worker."""
        for frame in message.split(b"\n"):
            topic, _, payload = frame.partition(b" ")
            hear = self._listeners.get(topic.decode(errors="replace"))
            if hear is None:
                continue
            try:
                hear(b64decode(payload, validate=True))
            except Exception as error:
                # One bad frame, from a newer version perhaps, does not silence the wire.
                logger.warning("a message between workers was not understood", error=type(error).__name__)

    def take(self) -> bytes:
        """The next message: as much of what waits as fits into one."""
        frames: list[bytes] = []
        size = 0
        for name, payload in self._unsent.items():
            frame = name[0].encode() + b" " + b64encode(payload)
            size += len(frame) + 1
            if frames and size > MESSAGE_BYTES_MAX:
                break
            frames.append(frame)
        for name in list(self._unsent)[: len(frames)]:
            del self._unsent[name]
        return b"\n".join(frames)

    async def _publish(self) -> None:
        while True:
            await self._waiting.wait()
            await asyncio.sleep(COALESCED_SECONDS)
            self._waiting.clear()
            while self._unsent:
                message = self.take()
                try:
                    async with asyncio.timeout(PUBLISH_SECONDS_MAX):
                        await self.broker.publish(message)
                    self.published += 1
                except Exception as error:
                    # Whoever missed it looks by itself, within the time of a sweep.
                    self.failed += 1
                    logger.debug("not published", broker=self.broker.name, error=type(error).__name__)

    async def _ask_for_echoes(self) -> None:
        while True:
            if self._lag_seconds is not None or not self._asked_at:
                self._asked_at, self._lag_seconds = time.monotonic(), None
            # Else the last one is lost or late, and the time since it was asked for goes on.
            self._echoes += 1
            self._echo = self._name + self._echoes.to_bytes(8, "big")
            self.send(ECHO, self._echo, key=self._name)
            await asyncio.sleep(ECHO_SECONDS)

    def _hear_echo(self, payload: bytes) -> None:
        if payload == self._echo and self._lag_seconds is None:
            self._lag_seconds = time.monotonic() - self._asked_at

    def _connected(self) -> None:
        for call in self._came_back:
            call()
