"""A server killed at full speed, again and again: what was acknowledged is there, once, and a repeat under a key is safe."""

import asyncio
import secrets
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import httpx
import pytest

from tests.running import serve
from tests.wire.caller import Owner, register

SEND = """mutation ($id: ID!, $content: String!, $key: String!) {
  messageSend(input: {conversationId: $id, content: $content}) @idempotent(key: $key) {
    message { sequence content } userErrors { code } } }"""
PAGE = """query ($id: ID!, $after: String) { chat(by: {id: $id}) {
  messages(first: 100, after: $after) { nodes { sequence content } pageInfo { hasNextPage endCursor } } } }"""
KEYS = {"JWT_SECRET": secrets.token_hex(32), "DB_ENCRYPTION_KEY": secrets.token_hex(32)}
WRITERS = 20
ACKNOWLEDGED = 60
"""What a server has acknowledged before it is killed."""
LARGE = 30_000


async def everything(owner, chat):
    """All messages of a chat, in order."""
    found, after = [], None
    while True:
        page = (await owner.ask(PAGE, id=chat, after=after))["messages"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def write(owner, chat, kept, unsure):
    """Sends until the server is gone, one message after the other."""
    while True:
        content = secrets.token_hex(8)
        unsure.add(content)
        try:
            answer = (await owner.post(SEND, {"id": chat, "content": content, "key": content})).json()
        except (httpx.HTTPError, ValueError):
            return
        if "errors" in answer:
            # Too busy to take it now, which says that nothing was done: under its key it may be sent again.
            assert [e["extensions"]["code"] for e in answer["errors"]] == ["DATABASE_UNAVAILABLE"], answer
            continue
        sent = answer["data"]["messageSend"]
        unsure.discard(content)
        kept[content] = sent["message"]["sequence"]


def assert_whole(url):
    """No page of the file is damaged, and no row points nowhere."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
            assert database.execute("pragma foreign_key_check").fetchall() == []


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.long)])
@pytest.mark.timeout(3_600)
async def test_no_acknowledged_message_is_lost_or_doubled(own_database, kills):
    kept: dict[str, int] = {}
    unsure: set[str] = set()
    async with own_database() as url:
        for turn in range(kills):
            async with serve(url, **KEYS) as running:
                if turn == 0:
                    owner = await register(running.web)
                    chat = await owner.chat()
                writing = again(owner, running)
                before = len(kept)
                writers = [asyncio.create_task(write(writing, chat, kept, unsure)) for _ in range(WRITERS)]
                while len(kept) < before + ACKNOWLEDGED:
                    assert not any(writer.done() for writer in writers)
                    await asyncio.sleep(0.01)
                running.kill()
                await asyncio.gather(*writers)
                await running.process.wait()
            assert_whole(url)
        async with serve(url, **KEYS) as running:
            reading = again(owner, running)
            found = {m["content"]: m["sequence"] for m in await everything(reading, chat)}
            assert {content: found.get(content) for content in kept} == kept
            # Whatever became of those without an answer: under its key each is there once, in the end.
            for content in sorted(unsure):
                sent = await reading.ask(SEND, id=chat, content=content, key=content)
                assert sent["message"]["sequence"] == found.get(content, sent["message"]["sequence"])
            messages = await everything(reading, chat)
        contents = [message["content"] for message in messages[1:]]
        assert sorted(contents) == sorted([*kept, *unsure])
        assert [message["sequence"] for message in messages] == list(range(1, len(messages) + 1))
        assert_whole(url)


def again(owner, running):
    """The same person, at the server that runs now."""
    person = Owner(running.web, owner.token)
    person.user_id, person.channel_id = owner.user_id, owner.channel_id
    return person


@contextmanager
def small_disk(folder, megabytes):
    """A disk with so much room."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_disk_takes_no_more_and_damages_nothing(tmp_path):
    ballast = tmp_path / "disk" / "ballast"
    with small_disk(tmp_path / "disk", 12):
        ballast.write_bytes(b"\0" * 4 * 2**20)
        url = f"sqlite:///{tmp_path / 'disk' / 'small.db'}"
        async with serve(url, **KEYS) as running:
            owner = await register(running.web)
            chat = await owner.chat()
            sent = 0
            codes: set[str] = set()
            while not codes and sent < 1_000:
                content = secrets.token_hex(LARGE // 2)
                answer = (
                    await owner.post(SEND, {"id": chat, "content": content, "key": content[:32]})
                ).json()
                codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
                sent += not codes
            assert codes == {"DATABASE_UNAVAILABLE"}
            assert answer["errors"][0]["extensions"]["retryAfter"] >= 1
            assert len(await everything(owner, chat)) == sent + 1
            # As soon as there is room again, it goes on by itself.
            ballast.unlink()
            after = await owner.ask(SEND, id=chat, content="room", key="room")
            assert after["message"]["sequence"] == sent + 2
        assert_whole(url)
