"""Nothing is lost, repeated or mixed up while workers are killed, the database falls over and hints go astray."""

import asyncio
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster, cluster
from tests.faults.crowd import Stage, account, caught_up, following, stage
from tests.postgres import Own

SECONDS_BETWEEN = (0.5, 1.0)
BAD_HINTS = {"FAULTS_DROPPED": "0.3", "FAULTS_REPEATED": "0.3"}


@dataclass(frozen=True)
class Ordeal:
    """How many do what, and how much goes wrong meanwhile."""

    chats: int
    followers: int
    writers: int
    at_once: int
    messages: int
    kills: int
    restarts: int
    is_long: bool = False
    """Goes on with the kills for as long as there is writing."""


SHORT = Ordeal(chats=3, followers=9, writers=2, at_once=3, messages=150, kills=1, restarts=1)
LONG = Ordeal(
    chats=20, followers=100, writers=4, at_once=4, messages=100_000, kills=20, restarts=5, is_long=True
)


async def go_wrong(
    cluster: Cluster, postgres: Own, ordeal: Ordeal, until: "asyncio.Future[list[None]]"
) -> float:
    """Kills, restarts and cuts connections while there is writing; when the last fault was."""
    kills = restarts = 0
    last = time.monotonic()
    while kills < ordeal.kills or (ordeal.is_long and not until.done()):
        await asyncio.sleep(random.uniform(*SECONDS_BETWEEN))
        worker = cluster.any()
        await worker.kill()
        kills += 1
        if kills % 3 == 1:
            await postgres.terminate("switchboard", 0.5)
        if restarts < ordeal.restarts and kills * ordeal.restarts > restarts * ordeal.kills:
            await postgres.restart()
            restarts += 1
        last = time.monotonic()
        if ordeal.is_long:
            # Where every worker is being started nobody can write, and nothing is proved.
            await worker.ready()
    return last


async def endure(
    stage: Stage, postgres: Own, ordeal: Ordeal, quiet_seconds: float = 90.0
) -> tuple[dict[str, int], float]:
    """Writes and follows through the ordeal; what was lost or wrong, and how long after it all had caught up."""
    followers, writers = stage.followers(ordeal.followers), stage.writers(ordeal.writers)
    each = ordeal.messages // ordeal.writers
    async with following(followers):
        writing = asyncio.gather(*[writer.send(each, ordeal.at_once) for writer in writers])
        last_fault = await go_wrong(stage.cluster, postgres, ordeal, writing)
        await writing
        done = time.monotonic()
        for worker in stage.cluster.workers:
            await worker.ready()
        last = await kept(stage)
        await caught_up(followers, last, quiet_seconds)
        found = account(followers, last)
    acknowledged = [ack for writer in writers for ack in writer.acknowledged.values()]
    assert len(acknowledged) == each * ordeal.writers
    assert len(set(acknowledged)) == len(acknowledged), "no two messages have one number"
    found["acknowledged and missing"] = sum(sequence > last[chat] for chat, sequence in acknowledged)
    found["stored twice"] = sum(last.values()) - len(last) - len(acknowledged)
    late = max(follower.told_at for follower in followers) - max(last_fault, done)
    kills = sum(worker.kills for worker in stage.cluster.workers)
    connections, again = sum(f.connections for f in followers), sum(w.retries for w in writers)
    reasons = [reason for follower in followers for reason in follower.wrong]
    sys.stdout.write(
        f"{reasons[:5]}\n{found}; {kills} kills, {connections} connections, {again} sent again; {late:.2f} s\n"
    )
    return found, late


async def kept(stage: Stage) -> dict[str, int]:
    """The last sequence of each chat as it is stored, which has no holes."""
    last = {}
    for chat in stage.chats:
        found = await stage.owner.ask("query ($id: ID!) { chat(by: {id: $id}) { lastSequence } }", id=chat)
        last[chat] = int(found["lastSequence"])
    return last


NOTHING_WRONG = {
    "lost": 0,
    "repeated": 0,
    "out of order": 0,
    "wrong": 0,
    "acknowledged and missing": 0,
    "stored twice": 0,
}


async def test_nothing_is_lost(tmp_path: Path, postgres: Own, fault_url: str) -> None:
    async with cluster(tmp_path, fault_url, BAD_HINTS) as workers, stage(workers, SHORT.chats) as here:
        found, _ = await endure(here, postgres, SHORT)
        expected = found.pop("expected")
        assert found == NOTHING_WRONG
        assert expected >= SHORT.messages * SHORT.followers // SHORT.chats
        assert workers.complaints() == []


async def test_plain_publish_and_subscribe_loses_messages(
    tmp_path: Path, postgres: Own, fault_url: str
) -> None:
    """The control: the same ordeal, and what is lost is what was announced while nobody listened, or not at all."""
    control = {**BAD_HINTS, "FAULTS_CONTROL": "1"}
    # Enough that there is still writing when the last of them has come to listen.
    ordeal = Ordeal(chats=3, followers=9, writers=2, at_once=1, messages=200, kills=1, restarts=0)
    async with cluster(tmp_path, fault_url, control) as workers, stage(workers, ordeal.chats) as here:
        found, _ = await endure(here, postgres, ordeal, quiet_seconds=1.0)
        assert found["lost"] > 0
        assert found["lost"] < found["expected"], "it does deliver, as long as nothing happens"
        assert (found["acknowledged and missing"], found["stored twice"]) == (0, 0)


@pytest.mark.long
@pytest.mark.timeout(3_600)
async def test_nothing_is_lost_in_a_long_ordeal(tmp_path: Path, postgres: Own, fault_url: str) -> None:
    async with cluster(tmp_path, fault_url, BAD_HINTS) as workers, stage(workers, LONG.chats) as here:
        found, late = await endure(here, postgres, LONG)
        assert found.pop("expected") >= LONG.messages * LONG.followers // LONG.chats
        assert found == NOTHING_WRONG
        assert workers.complaints() == []
        assert late <= 3.0
