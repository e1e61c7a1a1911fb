"""A client has one bucket, whichever worker it asks: over PostgreSQL, and over Redis."""

import asyncio
import json
import time
from contextlib import AsyncExitStack

import httpx
import pytest

from db.base import new_id
from services.redis_store import RedisStore
from tests.databases import create_database, drop_database
from tests.faults.cluster import cluster
from tests.test_brokers import free_port, program
from tests.test_buckets import answering
from tests.wire.caller import Caller, register

BUCKET = 220
LEVELS = {"admin": {"cost": 60, "bucket": BUCKET, "restore": 1}, "anonymous": {"bucket": 10_000}}
NAME = "mutation($name: String!) { workspaceUpdate(input: {name: $name}) { workspace { name } userErrors { code } } }"
READ = "{ viewer { workspace { name } } }"
COST = 11
SLACK_SECONDS = 2
WAIT_SECONDS = 30


@pytest.fixture(params=["postgresql", "redis"])
async def workers(request, postgres_url, tmp_path):
    """Two servers on one database, each with a client."""
    url = await create_database(postgres_url, f"shared_limits_{new_id().hex[-12:]}")
    own = {"RATE_LIMITS": "on", "LIMITS": json.dumps(LEVELS)}
    async with AsyncExitStack() as stack:
        if request.param == "redis":
            port = str(free_port())
            own["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
            await stack.enter_async_context(
                program("redis-server", "--port", port, "--save", "", "--dir", str(tmp_path))
            )
            store = RedisStore(own["REDIS_URL"])
            await answering(store)
            await store.close()
        made = await stack.enter_async_context(cluster(tmp_path, url, own))
        yield [
            await stack.enter_async_context(httpx.AsyncClient(base_url=worker.url, timeout=WAIT_SECONDS))
            for worker in made.workers
        ]
        assert made.complaints() == []
        logs = "".join(worker.log.read_text() for worker in made.workers)
        assert "limits not shared" not in logs
    await drop_database(url)


async def test_a_client_of_two_workers_has_one_bucket(workers):
    owner = await register(workers[0])
    began = time.monotonic()
    done = refused = 0
    while refused < len(workers):
        web = workers[(done + refused) % len(workers)]
        answer = await Caller(web, owner.token).post(NAME, {"name": f"name {done + 1}"})
        if answer.status_code == 200:
            done, refused = done + 1, 0
        else:
            assert answer.status_code == 429
            refused += 1
    restored = time.monotonic() - began + SLACK_SECONDS
    assert BUCKET - COST <= done * COST <= BUCKET + restored
    async with asyncio.timeout(WAIT_SECONDS):
        while (answer := await owner.post(READ)).status_code != 200:
            pass
    assert answer.json()["data"]["viewer"]["workspace"] == {"name": f"name {done}"}, "refused is not done"
    for web in workers:
        other = await register(web)
        for again in workers:
            caller = Caller(again, other.token)
            assert (await caller.post(NAME, {"name": "free"})).status_code == 200
