"""One worker: the application under uvicorn, from its start to a drain that breaks off nothing."""

import asyncio
import gc
import os
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from graph.health import ServerState
from graph.settings import Settings
from graph.transports import WebSocketTransport

FRAME_BYTES_MAX: Final = 262_144
"""Room for the longest message in any script, escaped or not, with its metadata."""
NOTICE_SECONDS: Final = 0.5
"""Between being no longer ready and taking no more: what is on its way still comes in."""
FINISH_SECONDS: Final = 10.0
"""How long a draining worker gives to what runs."""
CLOSE_SECONDS: Final = 5.0
"""How long it takes to cut its event streams."""
END_SECONDS: Final = 2.0
"""How long it waits for peers to say goodbye."""
ORPHAN_SECONDS: Final = 4.5
"""A worker whose supervisor died is gone after that, whatever it is doing."""
LOOK_SECONDS: Final = 0.05
NOTICE_LOOKS: Final = 10
QUIET_LOOKS: Final = 5
"""How often it has to look busy no more: a loop that is late has not yet read what was sent to it."""
GC_THRESHOLDS: Final = (70_000, 10, 10)
"""Requests make many objects and few cycles: fewer, later collections."""
BACKLOG: Final = 2_048

logger = structlog.get_logger("switchboard")


class Worker(uvicorn.Server):
    """A server that ends with status 0, having answered what it took."""

    def __init__(self, app: ASGIApp, settings: Settings, state: ServerState) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.service_host,
                port=settings.service_port,
                backlog=BACKLOG,
                loop="uvloop",
                http="httptools",
                ws=WebSocketTransport,
                ws_max_size=FRAME_BYTES_MAX,
                ws_per_message_deflate=False,
                ws_ping_interval=settings.socket_ping_interval,
                ws_ping_timeout=settings.socket_send_timeout,
                timeout_graceful_shutdown=int(END_SECONDS),
                proxy_headers=False,
                server_header=False,
                log_config=None,
                access_log=False,
            )
        )
        self._state = state
        self._is_orphan = False
        self._quiet_looks = 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn would raise the signal again at the end, and the process would end by it.
        super().handle_exit(sig, frame)
        self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What is there now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        logger.info("worker ready", pid=os.getpid())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drains: not ready, takes no more, finishes, closes its sockets one after the other, and only then ends."""
        self._state.draining = True
        lines = self._state.lines
        logger.info("draining", sockets=len(lines.sockets), streams=len(lines.streams))
        finish, notice = (1.0, 0.0) if self._is_orphan else (FINISH_SECONDS, NOTICE_SECONDS)
        deadline = time.monotonic() + finish
        # Looks, and not one long sleep: a loop that is late has not yet read what was sent to it.
        for _ in range(NOTICE_LOOKS):
            await asyncio.sleep(notice / NOTICE_LOOKS)
        for server in self.servers:
            server.close()
        if not self.force_exit:
            await asyncio.gather(self._finish_requests(deadline), lines.close_all(finish))
            await self._end_streams(min(finish, CLOSE_SECONDS))
            await self._say_goodbye()
        await super().shutdown(sockets)

    async def _while(self, going_on: Callable[[], bool], deadline: float) -> None:
        # uvicorn says of no connection when it is done.
        while going_on() and time.monotonic() < deadline and not self.force_exit:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)

    async def _finish_requests(self, deadline: float) -> None:
        """Until no request is at work, and none has come that nobody has looked at yet."""
        self._quiet_looks = 0
        await self._while(self._is_finishing, deadline)
        for connection in self._http_connections():
            connection.shutdown()

    def _is_finishing(self) -> bool:
        asked = 0
        for connection in self._http_connections():
            cycle: RequestResponseCycle | None = connection.cycle  # none before the first request
            if cycle is not None and not cycle.response_complete:
                connection.shutdown()  # after its answer
                asked += 1
        self._quiet_looks = 0 if asked > len(self._state.lines.streams) else self._quiet_looks + 1
        return self._quiet_looks < QUIET_LOOKS

    async def _end_streams(self, within_seconds: float) -> None:
        """Cuts the event streams: an end by the protocol would tell their clients that nothing more will come."""
        streams = self._http_connections()
        for connection in streams:
            connection.transport.close()
            await asyncio.sleep(min(within_seconds / len(streams), LOOK_SECONDS))

    async def _say_goodbye(self) -> None:
        await self._while(lambda: bool(self.server_state.connections), time.monotonic() + END_SECONDS / 2)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def _http_connections(self) -> list[HttpToolsProtocol]:
        return [c for c in self.server_state.connections if isinstance(c, HttpToolsProtocol)]

    def follow_supervisor(self) -> None:
        """Ends the worker when the other end of its standard input is gone: with its supervisor."""
        threading.Thread(target=self._wait_for_end_of_input, name="supervisor", daemon=True).start()

    def _wait_for_end_of_input(self) -> None:
        while os.read(0, 1):
            pass
        self._is_orphan = self.should_exit = True
        time.sleep(ORPHAN_SECONDS)
        os._exit(1)


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """A worker's own sockets on an address that it shares with others: the kernel gives each its part."""
    sockets = bound_sockets(host, port, shared=True)
    for each in sockets:
        each.listen(BACKLOG)
        each.setblocking(False)
    return sockets


def bound_sockets(host: str, port: int, *, shared: bool) -> list[socket.socket]:
    """Sockets on every address of the host, at one port, any where it is 0. They listen to nobody yet."""
    made: list[socket.socket] = []
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    try:
        for family, kind, protocol, _, address in dict.fromkeys(infos):
            one = socket.socket(family, kind, protocol)
            made.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if shared:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind((address[0], port, *address[2:]))
            port = one.getsockname()[1]
    except OSError:
        for one in made:
            one.close()
        raise
    return made
