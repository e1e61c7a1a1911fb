"""The examples do what they say: lines that break again and again, and not one message missing."""

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from tests.node import Program, running_program
from tests.running import PROJECT, serve
from tests.wire.caller import register

pytestmark = pytest.mark.usefixtures("calm")
CHANGES, BREAK_EVERY = 25, 4
TIGHT = '{"user": {"cost": 100, "bucket": 100, "restore": 20}}'
REFUSED_SECONDS_MAX = 60


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


def example(language, running, caller, changes=CHANGES, break_every=BREAK_EVERY):
    if language == "python":
        options = ("--changes", str(changes), "--break-every", str(break_every))
        return python_example("--url", running.graphql, "--token", caller.token, *options)
    arguments = (running.graphql, caller.token, str(changes), str(break_every))
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


def spending(times):
    """A document that costs 5 so many times, whatever is there."""
    fields = " ".join(f'a{n}: explain(document: "{{ __typename }}") {{ cost }}' for n in range(times))
    return f"{{ {fields} }}"


@pytest.mark.parametrize("language", ["python", "typescript"])
async def test_a_screen_that_is_told_to_wait_comes_back(language, own_database):
    async with own_database() as url, serve(url, RATE_LIMITS="on", LIMITS=TIGHT) as running:
        owner = await register(running.web)
        chat = await owner.chat()
        member = await owner.member("CHATS_READ", "CUSTOMERS_READ", "CHANNELS_READ")
        for times in (8, 8, 1):
            await member.post(spending(times))
        async with example(language, running, member, changes=1, break_every=0) as program:
            refused = 0
            async with asyncio.timeout(REFUSED_SECONDS_MAX):
                while len([line for line in running.log.lines if "status=429" in line]) <= refused:
                    # Takes whatever there is again, until the program was refused as well.
                    for times in (8, 2, 1):
                        refused += (await member.post(spending(times))).status_code == 429
            first, sent = asyncio.ensure_future(program.read()), 0
            while not first.done():
                sent += 1
                await owner.send(chat, f"message {sent}")
            result = [await first, *(await program.read_all())][-1]
        assert (result["changes"], result["missing"]) == (1, 0)
        assert running.failures() == []
