"""The command line: python -m tests.fuzz --dialect sqlite --seed N --cases N."""

import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click

from tests import postgres
from tests.conftest import DIALECTS
from tests.fuzz import faults, reports
from tests.fuzz.cases import Runner
from tests.fuzz.worlds import standing_still, worlds

SHOWN = 5
"""How many differences are shown."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--dialect", type=click.Choice(DIALECTS), default="sqlite", show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the first case.")
@click.option("--cases", type=click.IntRange(1), default=250, show_default=True)
@click.option("--findings", type=click.Path(path_type=Path), help="A file that differences are added to.")
def main(dialect: str, seed: int, cases: int, findings: Path | None) -> None:
    """Ask random documents with plans and without, and compare."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-")))
        url = stack.enter_context(postgres.server()) if dialect == "postgresql" else None
        different = asyncio.run(_run(dialect, folder, url, seed, cases, findings))
    sys.exit(different)


async def _run(
    dialect: str, folder: Path, url: str | None, seed: int, cases: int, findings: Path | None
) -> bool:
    begun = time.monotonic()
    async with standing_still() as clock, worlds(dialect, folder, url, f"fuzz_{seed}") as pair:
        runner = Runner(pair, clock)
        click.echo(f"made the worlds in {time.monotonic() - begun:.1f} s")
        begun = time.monotonic()
        with faults.possible(pair.stock.database, pair.planned.database):
            for number in range(seed, seed + cases):
                told = len(runner.tally.differences)
                await runner.run(number)
                for difference in runner.tally.differences[told:]:
                    if told < SHOWN:
                        click.echo(str(difference))
                    if findings is not None:
                        with findings.open("a") as file:
                            file.write(f"[{dialect}] {difference}\n\n")
    click.echo(reports.summary(runner.tally))
    click.echo(f"{time.monotonic() - begun:.1f} s")
    for lack in reports.lacks(runner.tally):
        click.echo(f"not enough: {lack}")
    return bool(runner.tally.differences)


if __name__ == "__main__":
    main(prog_name="python -m tests.fuzz")
