"""Several workers of one server: started, started again when one dies, and drained together."""

import asyncio
import signal
import sys
import time
from typing import Final

import structlog

from graph.serving import bound_sockets

WAIT_SECONDS_FIRST: Final = 0.2
WAIT_SECONDS_MAX: Final = 10.0
"""A worker that dies again and again is started again ever more slowly."""
HEALTHY_SECONDS: Final = 30.0
"""One that lived that long begins with the short wait again."""
DRAIN_SECONDS_MAX: Final = 25.0
"""What has not ended by then is killed."""

logger = structlog.get_logger("switchboard.supervisor")


class Supervisor:
    """Keeps `count` workers running on one address, until it is told to end."""

    def __init__(self, host: str, port: int, count: int) -> None:
        # Without SO_REUSEPORT first: another server there would otherwise share its clients with this one.
        free = bound_sockets(host, port, shared=False)
        port = free[0].getsockname()[1]
        for one in free:
            one.close()
        # Bound, and not listening: nobody else takes the port, and no client waits at it.
        self._reserved = bound_sockets(host, port, shared=True)
        self.port, self._count = port, count
        self._stopping = asyncio.Event()
        self._processes: set[asyncio.subprocess.Process] = set()

    async def run(self) -> None:
        """Until SIGTERM or SIGINT, and then until the last worker has drained."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        await asyncio.gather(*[self._keep_running(place) for place in range(1, self._count + 1)])
        for one in self._reserved:
            one.close()

    def _stop(self) -> None:
        self._stopping.set()
        for process in self._processes:
            if process.returncode is None:
                process.terminate()

    async def _keep_running(self, place: int) -> None:
        wait = WAIT_SECONDS_FIRST
        while not self._stopping.is_set():
            begun = time.monotonic()
            status = await self._run_worker(place)
            if self._stopping.is_set():
                return
            lived = time.monotonic() - begun
            wait = WAIT_SECONDS_FIRST if lived > HEALTHY_SECONDS else min(wait * 2, WAIT_SECONDS_MAX)
            logger.warning("worker died", worker=place, status=status, again_in=wait)
            try:
                await asyncio.wait_for(self._stopping.wait(), wait)
            except TimeoutError:
                continue

    async def _run_worker(self, place: int) -> int:
        # The worker holds the other end of this pipe, and leaves when it closes: with this process.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "graph", "worker"),
            *("--port", str(self.port), "--workers", str(self._count)),
            stdin=asyncio.subprocess.PIPE,
        )
        self._processes.add(process)
        logger.info("worker started", worker=place, pid=process.pid)
        try:
            if self._stopping.is_set():
                process.terminate()
            return await self._ended(process)
        finally:
            self._processes.discard(process)

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        ended = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        try:
            return await asyncio.wait_for(ended, None if not self._stopping.is_set() else DRAIN_SECONDS_MAX)
        except TimeoutError:
            logger.error("worker killed", pid=process.pid)
            process.kill()
            return await process.wait()
