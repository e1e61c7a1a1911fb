"""A pgbouncer in front of a PostgreSQL, as a process of its own."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import URL, make_url

from db.row_security import SETTING

NOBODY = 65534
START_SECONDS = 20
SINCE_NAMED = (1, 21)
"""From this version on it may know the names of prepared statements itself, which is turned off here."""
CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {connections}
ignore_startup_parameters = {ignored}
logfile = {folder}/log
"""
IGNORED = (
    *("extra_float_digits", "jit", "random_page_cost", "statement_timeout", "lock_timeout"),
    *("idle_in_transaction_session_timeout", SETTING),
)


def program() -> str:
    """Where it is installed; else the test is skipped."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip("pgbouncer is not installed")
    return found


@asynccontextmanager
async def pooled(url: str, mode: str, connections: int) -> AsyncIterator[str]:
    """The URL of the same database through a pooler with so many connections to the server."""
    found, server = program(), make_url(url)
    with _configured(found, server, mode, connections) as (settings, listen, user):
        process = await asyncio.create_subprocess_exec(found, "-q", settings, user=user)
        through = server.set(host="127.0.0.1", port=listen, query={}).render_as_string(hide_password=False)
        try:
            await _answers(through)
            yield through
        finally:
            process.kill()
            await process.wait()


@contextmanager
def _configured(
    found: str, server: URL, mode: str, connections: int
) -> Iterator[tuple[str, int, int | None]]:
    """Its configuration, the port it will listen on, and whom it runs as: it does not as root."""
    host = str(server.query.get("host") or server.host)
    # It has to be let into the folder of the server's socket.
    owner = Path(host).stat().st_uid if host.startswith("/") else NOBODY
    user = owner if os.geteuid() == 0 else None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen: int = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="pgbouncer-", dir="/tmp") as folder:
        text = CONFIGURATION.format(
            host=host,
            port=server.port or 5432,
            user=server.username,
            listen=listen,
            mode=mode,
            connections=connections,
            ignored=", ".join(IGNORED),
            folder=folder,
        )
        if _version(found) >= SINCE_NAMED:
            text += "max_prepared_statements = 0\n"
        settings = Path(folder, "pgbouncer.ini")
        settings.write_text(text)
        if user is not None:
            os.chown(folder, user, -1)
        yield str(settings), listen, user


def _version(found: str) -> tuple[int, ...]:
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    digits = re.search(r"(\d+)\.(\d+)", said)
    return tuple(map(int, digits.groups())) if digits else (0,)


async def _answers(url: str) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            with suppress(OSError, asyncpg.PostgresError):
                connection = await asyncpg.connect(url)
                await connection.close()
                return
            await asyncio.sleep(0.05)
