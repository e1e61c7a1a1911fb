"""The examples do what they say: lines that break again and again, and not one message missing."""

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from tests.node import Program, running_program
from tests.running import PROJECT

pytestmark = pytest.mark.usefixtures("calm")
CHANGES, BREAK_EVERY = 25, 4


@asynccontextmanager
async def python_example(*arguments):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.follow", *arguments),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    program = Program(process)
    try:
        yield program
    finally:
        if process.returncode is None:
            process.kill()
        await program.end()


def example(language, running, owner):
    if language == "python":
        options = ("--changes", str(CHANGES), "--break-every", str(BREAK_EVERY))
        return python_example("--url", running.graphql, "--token", owner.token, *options)
    arguments = (running.graphql, owner.token, str(CHANGES), str(BREAK_EVERY))
    return running_program("run_ts.mjs", str(PROJECT / "examples" / "follow.ts"), *arguments)


@pytest.mark.parametrize("language", ["python", "typescript"])
async def test_a_screen_loses_nothing_on_a_line_that_breaks(language, running, owner, chat):
    async with example(language, running, owner) as program:
        # It says nothing before it follows; whatever is written from now on is seen, once it has loaded.
        first = asyncio.ensure_future(program.read())
        sent = 0
        while not first.done():
            sent += 1
            await owner.send(chat, f"message {sent}")
        seen = [await first]
        for _ in range(CHANGES):
            sent += 1
            await owner.send(chat, f"message {sent}")
        *rest, result = await program.read_all()
    seen += rest
    assert (result["changes"], result["missing"]) == (CHANGES, 0)
    assert result["connections"] > CHANGES // (BREAK_EVERY + 3)
    numbers = [message["sequence"] for message in seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert [message["content"] for message in seen] == [f"message {n - 1}" for n in numbers]
    assert {message["chat"] for message in seen} == {chat}
