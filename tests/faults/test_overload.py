"""Five times as much is asked as can be answered: what is answered stays near the peak, the rest hears it at once."""

import asyncio
import json
import sys
import time
from typing import Any

import httpx
import pytest

from db.engine import Database
from db.migrate import migrate
from tests.running import PROJECT, serve
from tests.wire.caller import RECEIVE, Caller, register

TIMES = 5
LINES = 400
AT_ONCE = "50"
"""What it is where nothing is said."""
CHATS, MESSAGES = 20, 10
GOODPUT_MIN = 0.7
REFUSED_SECONDS_MAX = 0.1
LIVE_SECONDS_MAX = 0.2
RECOVERED_SECONDS_MAX = 5.0


async def flood(port: int, token: str, lines: int, seconds: float, rate: float) -> dict[str, Any]:
    """What became of a flood, which is a process of its own."""
    asked = (str(each) for each in (port, token, lines, seconds, rate))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.flood", *asked), cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(said)
    return found


def good_each_second(found: dict[str, Any]) -> float:
    """Answers with data."""
    count: float = found["answers"].get("200", {"count": 0})["count"]
    return count / found["seconds"]


async def liveness(url: str, over: asyncio.Event) -> list[float]:
    """How long /livez took, again and again until it is over."""
    taken = []
    async with httpx.AsyncClient(timeout=10) as web:
        while not over.is_set():
            began = time.perf_counter()
            assert (await web.get(f"{url}/livez")).status_code == 200
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)  # between two probes
    return taken


async def fill(owner: Caller) -> None:
    """Chats enough that answering costs something."""
    channel = (await owner.ask("{ channels(first: 1) { nodes { id } } }"))["nodes"][0]["id"]
    for chat in range(CHATS):
        for number in range(MESSAGES):
            told = {"channelId": channel, "platformCustomerId": f"c{chat}", "content": "Is it in stock?"}
            await owner.ask(RECEIVE, input={**told, "platformMessageId": f"m{chat}-{number}"})


@pytest.mark.long
async def test_what_is_answered_stays_near_the_peak(fault_url: str) -> None:
    database = Database(fault_url)
    await migrate(database)
    await database.close()
    async with serve(fault_url, REQUESTS_AT_ONCE_MAX=AT_ONCE) as server:
        owner = await register(server.web)
        await fill(owner)
        url = str(server.web.base_url)
        port, token = server.web.base_url.port, owner.token
        assert port is not None
        peak = good_each_second(await flood(port, token, 16, 8, 0))
        over = asyncio.Event()
        probing = asyncio.create_task(liveness(url, over))
        found = await flood(port, token, LINES, 60, TIMES * peak)
        began = time.monotonic()
        over.set()
        live = sorted(await probing)
        answers = found["answers"]
        after = good_each_second(await flood(port, token, 16, 4, 0))
        recovered = time.monotonic() - began - 4
        figures = {"peak": peak, **found, "livez": live[len(live) * 99 // 100], "after": after}
        sys.stdout.write(json.dumps(figures) + "\n")
        # Counts that they were really refused, and by nothing else than being too many.
        assert set(answers) == {"200", "429"}
        asked = sum(each["count"] for each in answers.values()) + found["unsent"]
        assert asked >= 0.9 * TIMES * peak * found["seconds"]
        assert answers["429"]["count"] > answers["200"]["count"]
        assert good_each_second(found) >= GOODPUT_MIN * peak
        assert answers["429"]["p99"] <= REFUSED_SECONDS_MAX
        assert live[len(live) * 99 // 100] <= LIVE_SECONDS_MAX
        assert after >= 0.9 * peak
        assert recovered <= RECOVERED_SECONDS_MAX
    assert server.failures() == []
