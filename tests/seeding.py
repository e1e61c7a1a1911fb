"""What the command line says about demo data."""

import asyncio
import sys

from tests.running import PROJECT, environment_of_server


async def command(*words: str, **environment: str) -> tuple[int, str]:
    """The exit status of `python -m graph …`, and all that it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "graph", *words),
        cwd=PROJECT,
        env=environment_of_server(**environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    written, _ = await process.communicate()
    return process.returncode or 0, written.decode()
