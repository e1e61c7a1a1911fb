"""Runs the JavaScript programs of tests/clients and reads what they print, one JSON value a line."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.running import Log

CLIENTS = Path(__file__).resolve().parent / "clients"
LINE_SECONDS = 20
LINE_BYTES_MAX = 2**22


class Program:
    """A program at work."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process, self._stdout = process, process.stdout
        self.complaints = Log(process.stderr)

    async def read(self) -> Any:
        """The next value that it prints."""
        async with asyncio.timeout(LINE_SECONDS):
            line = await self._stdout.readline()
        assert line, f"The program ended early: {await self.end()}"
        return json.loads(line)

    async def read_all(self) -> list[Any]:
        """Every value that it still prints; it has to end by itself, and well."""
        async with asyncio.timeout(LINE_SECONDS):
            values = [json.loads(line) async for line in self._stdout]
        complaints = await self.end()
        assert self._process.returncode == 0, complaints
        return values

    async def end(self) -> str:
        """Until it has ended; what it complained of."""
        async with asyncio.timeout(LINE_SECONDS):
            await self._process.wait()
        await self.complaints.closed()
        return self.complaints.text


@asynccontextmanager
async def running_program(name: str, *arguments: str) -> AsyncIterator[Program]:
    """A program of tests/clients, while the block runs."""
    node = shutil.which("node")
    assert node is not None, "node is missing: make test brings it"
    assert (CLIENTS / "node_modules").is_dir(), "run make test, or npm ci in tests/clients"
    process = await asyncio.create_subprocess_exec(
        *(node, str(CLIENTS / name), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX,
    )
    program = Program(process)
    try:
        yield program
    finally:
        if process.returncode is None:
            process.kill()
        await program.end()


async def run_program(name: str, *arguments: str) -> list[Any]:
    """All that a program prints."""
    async with running_program(name, *arguments) as program:
        return await program.read_all()
