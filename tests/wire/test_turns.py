"""A worker takes so many requests at once: one more is told to come back, and nothing of what is on its way is lost."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from tests.running import serve
from tests.wire.caller import register

CHANNEL = "mutation ($name: String!) { channelConnect(input: {platformType: WHATSAPP, name: $name}) { channel { id } } }"
CHANNELS = "{ channels { totalCount } }"
PLAIN = {"query": "{ __typename }"}
AT_ONCE = 3
WAIT_SECONDS = 20


async def test_one_more_than_it_works_at_is_told_to_come_back(tmp_path):
    file = tmp_path / "turns.db"
    async with serve(f"sqlite:///{file}", REQUESTS_AT_ONCE_MAX=str(AT_ONCE)) as server:
        owner = await register(server.web)
        before = (await owner.ask(CHANNELS))["totalCount"]
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # whoever writes has to wait
            writes = [asyncio.create_task(owner.ask(CHANNEL, name=f"Shop {n}")) for n in range(AT_ONCE)]
            async with asyncio.timeout(WAIT_SECONDS):
                while (answer := await server.web.post("/graphql", json=PLAIN)).status_code == 200:
                    pass
            assert answer.status_code == 429
            (error,) = answer.json()["errors"]
            assert (error["extensions"]["code"], answer.headers["Retry-After"]) == ("RATE_LIMITED", "1")
            # One that only sends slowly, and probes, are not among them.
            assert (await server.web.get("/livez")).status_code == 200
            other.execute("COMMIT")
        assert all([(await write)["channel"]["id"] for write in writes])
        assert (await server.web.post("/graphql", json=PLAIN)).status_code == 200
        assert (await owner.ask(CHANNELS))["totalCount"] == before + AT_ONCE
    assert server.failures() == []


@pytest.mark.parametrize("sent", [b"", b'{"query":'])
async def test_who_sends_slowly_takes_no_turn(tmp_path, sent):
    async with serve(f"sqlite:///{tmp_path / 'slow.db'}", REQUESTS_AT_ONCE_MAX="1") as server:
        url = server.web.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        head = b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n"
        writer.write(head + sent)
        await writer.drain()
        for _ in range(5):
            assert (await server.web.post("/graphql", json=PLAIN)).json()["data"] == {"__typename": "Query"}
        writer.write(b'{"query":"{ __typename }"}'[len(sent) :])
        await writer.drain()
        async with asyncio.timeout(WAIT_SECONDS):
            assert b" 200 OK" in await reader.readline()
        writer.close()
