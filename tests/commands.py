"""What `python -m graph …` does and says, in a process that is forked from one that has imported it already."""

import asyncio
import os
from multiprocessing import get_context
from multiprocessing.connection import Connection

from tests.running import PROJECT, environment_of_server

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["graph.__main__", "tests.commands"])


async def command(*words: str, **environment: str) -> tuple[int, str]:
    """The exit status of `python -m graph …`, and all that it wrote."""
    reading, writing = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_run, args=(words, environment_of_server(**environment), writing))
    process.start()
    writing.close()
    written = await asyncio.to_thread(_read, reading)
    await asyncio.to_thread(process.join)
    return process.exitcode or 0, written.decode()


def _run(words: tuple[str, ...], environment: dict[str, str], writing: Connection) -> None:
    from graph.__main__ import main

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT)
    for stream in (1, 2):
        os.dup2(writing.fileno(), stream)
    writing.close()
    main(words, prog_name="python -m graph")


def _read(reading: Connection) -> bytes:
    with open(reading.fileno(), "rb", closefd=False) as stream, reading:
        return stream.read()
