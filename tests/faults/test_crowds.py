"""Many who follow one chat cost one read each time, and many who follow in silence cost little."""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import ClientConnection, connect

from tests.faults.cluster import Cluster, Worker, cluster
from tests.faults.crowd import FOLLOW, account, caught_up, following, stage
from tests.faults.test_delivery import kept
from tests.wire.line import PROTOCOL

AT_ONCE = 20


async def figures(worker: Worker) -> dict[str, float]:
    """What a worker counts, by name and labels."""
    async with httpx.AsyncClient(timeout=60) as web:
        text = (await web.get(f"{worker.url}/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {s.name + "".join(f" {value}" for value in s.labels.values()): s.value for s in samples}


def cpu_seconds(cluster: Cluster) -> float:
    """What all workers have used so far."""
    used = [psutil.Process(w.process.pid).cpu_times() for w in cluster.workers if w.process is not None]
    return sum(times.user + times.system for times in used)


async def crowd_in_one_chat(
    folder: Path, url: str, followers: int, messages: int, per_second: float, slack: float = 1.0
) -> None:
    """Asserts that nothing is lost, and that no worker reads the chat more than twice for a message."""
    async with cluster(folder, url) as workers, stage(workers, 1) as here:
        crowd, (writer,) = here.followers(followers), here.writers(1)
        async with following(crowd):
            # The first message goes to followers that have all come to the same place.
            await writer.send(1, 1)
            await caught_up(crowd, await kept(here))
            before = [await figures(worker) for worker in workers.workers]
            cpu = cpu_seconds(workers)
            await writer.send(messages, 1, 1 / per_second)
            last = await kept(here)
            await caught_up(crowd, last)
            after = [await figures(worker) for worker in workers.workers]
            cpu = cpu_seconds(workers) - cpu
        found = account(crowd, last)
        assert found.pop("expected") == followers * (messages + 1)
        assert set(found.values()) == {0}, found
        reads, looks, executions = (
            [new[name] - old[name] for new, old in zip(after, before, strict=True)]
            for name in (
                "switchboard_follow_reads_total",
                "switchboard_follow_looks_total",
                "switchboard_events_executed_total",
            )
        )
        late = max(follower.late_seconds for follower in crowd)
        sys.stdout.write(
            f"{followers} × {messages}: reads {reads}, looks {looks}, executions {executions},"
            f" at most {late:.2f} s late, {cpu / messages / followers * 1e6:.0f} µs of CPU a delivery\n"
        )
        # One read of the rows and one look whether the chat is still in sight, each for all; a busy machine's
        # stragglers may look again.
        for read, looked, executed in zip(reads, looks, executions, strict=True):
            assert read + looked <= 2 * messages * slack
            assert executed <= 2 * messages * slack
        assert workers.complaints() == []


async def test_a_crowd_in_one_chat(tmp_path: Path, fault_url: str) -> None:
    await crowd_in_one_chat(tmp_path, fault_url, followers=60, messages=15, per_second=20, slack=3)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_thousand_in_one_chat(tmp_path: Path, fault_url: str) -> None:
    await crowd_in_one_chat(tmp_path, fault_url, followers=1_000, messages=1_200, per_second=20)


async def sit(worker: Worker, token: str, chat: str) -> ClientConnection:
    """Follows a chat in which nothing happens."""
    line = await connect(
        worker.socket, subprotocols=[PROTOCOL], open_timeout=120, compression=None, ping_interval=None
    )
    payload = {"authorization": f"Bearer {token}"}
    await line.send(json.dumps({"type": "connection_init", "payload": payload}))
    assert json.loads(await asyncio.wait_for(line.recv(), 120))["type"] == "connection_ack"
    subscribe = {"query": FOLLOW, "variables": {"chat": chat, "after": 1}}
    await line.send(json.dumps({"id": "1", "type": "subscribe", "payload": subscribe}))
    # Answered in between, so that no more come at once than the server lets in.
    await line.send(json.dumps({"type": "ping"}))
    assert json.loads(await asyncio.wait_for(line.recv(), 120))["type"] == "pong"
    return line


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("count", [5_000, 10_000])
async def test_many_who_follow_in_silence(tmp_path: Path, fault_url: str, count: int) -> None:
    """Reports what an idle subscription holds and what looking after all of them costs, each in a chat of its own."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < count + 1_000:
        pytest.skip("needs more open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    chats = 500
    async with cluster(tmp_path, fault_url) as workers, stage(workers, chats) as here:
        memory = [psutil.Process(w.process.pid).memory_info().rss for w in workers.workers if w.process]
        lines: list[ClientConnection] = []
        for start in range(0, count, AT_ONCE):
            some = range(start, start + AT_ONCE)
            lines += await asyncio.gather(
                *[sit(workers.workers[n % 2], here.owner.token, here.chats[n % chats]) for n in some]
            )
        async with asyncio.timeout(300):
            while sum([(await figures(w))["switchboard_subscriptions"] for w in workers.workers]) < count:
                await asyncio.sleep(0.5)
        grown = [psutil.Process(w.process.pid).memory_info().rss for w in workers.workers if w.process]
        cpu, begun = cpu_seconds(workers), time.monotonic()
        await asyncio.sleep(20)
        idle = (cpu_seconds(workers) - cpu) / (time.monotonic() - begun)
        each = (sum(grown) - sum(memory)) / count / 1024
        sweeps = [round((await figures(w))["switchboard_sweep_seconds"] * 1_000, 1) for w in workers.workers]
        sys.stdout.write(
            f"{count}: {each:.1f} KB each, a sweep takes {sweeps} ms, {idle:.3f} of a CPU in silence\n"
        )
        assert each < 200
        assert workers.complaints() == []
        await asyncio.gather(*[line.close() for line in lines])
