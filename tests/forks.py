"""`python -m graph …` as a process of its own, forked from one that has imported the program already."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["graph.__main__", "tests.forks"])


class Fork:
    """What was started, with the names that asyncio has for a subprocess; `written` is all that it writes."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self._reading, writing = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_run, args=(tuple(words), dict(environment), writing))
        self._process.start()
        writing.close()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    async def written(self, limit: int = 2**20) -> asyncio.StreamReader:
        """Its standard output and its standard error; to be asked for once."""
        loop, stream = asyncio.get_running_loop(), asyncio.StreamReader(limit)
        pipe = os.fdopen(os.dup(self._reading.fileno()), "rb")
        self._reading.close()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
        return stream

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        await asyncio.to_thread(self._process.join)
        assert self.returncode is not None
        return self.returncode


def _run(words: tuple[str, ...], environment: dict[str, str], writing: Connection) -> None:
    from graph.__main__ import main

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT)
    for stream in (1, 2):
        os.dup2(writing.fileno(), stream)
    writing.close()
    main(words, prog_name="python -m graph")
