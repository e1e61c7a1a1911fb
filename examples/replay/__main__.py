"""Replays conversations and a shop through a running server, follows them live, and checks every figure.

    python -m examples.replay --data FOLDER --username replay

A client of the public API alone: it needs gql with httpx and websockets, rich and click. FOLDER holds
conversations.jsonl.gz (one {"id": …, "turns": [["USER" or "SYSTEM", text], …]} a line) and northwind/*.csv.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from examples.replay.api import AT_ONCE_MAX, Account, Api, Refused, Unreachable, leaves
from examples.replay.checking import Line
from examples.replay.data import Data, read_data
from examples.replay.running import Run, replay

FAULTS_SHOWN_MAX: Final = 20
WIDTH_PIPED: Final = 100


@click.command()
@click.option("--url", default="http://127.0.0.1:8000/graphql", show_default=True, help="Of the API.")
@click.option(
    "--data",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder with the data.",
)
@click.option("--username", default="replay", show_default=True, help="Who signs in.")
@click.option(
    "--password", prompt=True, hide_input=True, envvar="REPLAY_PASSWORD", help="10 characters or more."
)
@click.option("--register", is_flag=True, help="Register first; a name that is taken logs in.")
@click.option("--conversations", type=click.IntRange(0), default=None, help="Only the first so many.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, AT_ONCE_MAX),
    default=16,
    show_default=True,
    help="How many requests at once.",
)
def main(
    url: str,
    folder: Path,
    username: str,
    password: str,
    register: bool,
    conversations: int | None,
    concurrency: int,
) -> None:
    """Replay conversations and a shop through a running server.

    Logs in, and registers where the server does not know the name. What is there already is found again:
    a second run adds nothing. The exit code is 1 when anything on the server differs from the data.
    """
    try:
        data = read_data(folder, conversations)
    except (OSError, KeyError, ValueError) as error:
        raise click.ClickException(f"The data cannot be read: {error!r}") from error
    api = Api(url, Account(username, password, is_new=register), at_once=concurrency)
    try:
        run = asyncio.run(_run(api, data))
    except* (Refused, Unreachable) as group:
        raise click.ClickException(str(leaves(group)[0])) from group
    show(run)
    sys.exit(0 if run.report.is_right else 1)


async def _run(api: Api, data: Data) -> Run:
    with Progress(
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        totals = {
            "customers": len(data.shop.customers),
            "products": len(data.shop.products),
            "orders": len(data.shop.orders),
            "messages": data.message_count,
        }
        tasks = {name: progress.add_task(name, total=total, start=False) for name, total in totals.items()}

        def advance(name: str) -> None:
            progress.start_task(tasks[name])
            progress.advance(tasks[name])

        async with api:
            return await replay(api, data, advance)


class RateColumn(ProgressColumn):
    """So many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="cyan")


def show(run: Run) -> None:
    """Prints what was found, and what differs."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_PIPED
    table = Table(title="Read back through the API", title_justify="left")
    table.add_column("")
    for heading in ("in the data", "read back", "equal", "before", "added"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for line in run.report.lines:
        table.add_row(*_cells(line, run))
    console.print(table)
    for what, seconds in run.seconds.items():
        console.print(f"{what}: {seconds:,.1f} s", highlight=False)
    console.print(f"sockets: {run.socket_count}, connected again: {run.reconnection_count}", highlight=False)
    console.print(f"told to wait: {run.wait_count:,} times, {run.wait_seconds:,.0f} s", highlight=False)
    for fault in run.report.faults[:FAULTS_SHOWN_MAX]:
        console.print(f"[red]{escape(fault)}[/red]", highlight=False)
    if len(run.report.faults) > FAULTS_SHOWN_MAX:
        console.print(f"[red]… and {len(run.report.faults) - FAULTS_SHOWN_MAX:,} more[/red]")


def _cells(line: Line, run: Run) -> list[str]:
    before = added = ""
    if line.counted is not None:
        before = f"{run.before[line.counted]:,}"
        added = f"{run.after[line.counted] - run.before[line.counted]:,}"
    equal = "" if line.equal is None else f"{line.equal:,}"
    mark = "[green]✓[/green]" if line.is_right else "[red]✗[/red]"
    return [line.what, f"{line.expected:,}", f"{line.found:,}", equal, before, added, mark]


if __name__ == "__main__":
    main(prog_name="python -m examples.replay")
