"""What `python -m graph seed` does and says."""

import time

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from graph.seed import bulk, demo, live
from graph.seed.goods import GOODS
from graph.seed.plan import ADMIN, MEMBER
from services.errors import Conflict
from services.server import Server


async def seed_demo(server: Server, number: int, *, url: str, only_if_empty: bool) -> None:
    """Writes the demo business where it is not there yet, and says how to sign in."""
    if await demo.is_seeded(server.database):
        click.echo("The demo business is there already: nothing was changed.")
        _say_who(url)
        return
    if only_if_empty and not await demo.is_empty(server.database):
        return
    columns = (TextColumn("{task.description:>10}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("demo", total=len(demo.STEPS))
        try:
            plan = await demo.seed_demo(
                server, number, lambda step: progress.update(task, advance=1, description=step)
            )
        except Conflict as conflict:
            raise click.ClickException(
                "One of the demo's usernames or addresses is taken: seed another database. Nothing was changed."
            ) from conflict
    click.echo(
        f"{demo.BUSINESS}: {len(demo.CHANNELS)} channels, {len(plan.channels)} customers, "
        f"{len(GOODS)} products, {len(plan.orders)} orders, {len(plan.chats)} chats."
    )
    _say_who(url)


async def seed_messages(server: Server, messages: int, number: int) -> None:
    """Writes a large set for measurements, and says how long it took."""
    if await bulk.is_seeded(server):
        raise click.ClickException(
            "There is such a set already: seed an empty database. Nothing was changed."
        )
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    begun, worked = time.perf_counter(), time.process_time()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("messages", total=messages)
        await bulk.seed_messages(server, messages, number, lambda count: progress.advance(task, count))
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    click.echo(f"{messages:,} messages in {seconds:.1f} s ({cpu:.1f} s of them work of this process).")
    click.echo(f"Sign in as {bulk.username(1)}, {bulk.username(2)} …, password {bulk.PASSWORD}.")


def seed_live(url: str, number: int, every_seconds: float) -> None:
    """Lets customers write to the running server until it is interrupted."""
    console = Console()

    def tell(written: str) -> None:
        console.print(escape(written), highlight=False, soft_wrap=True)

    console.print(f"Customers write to {url} until you press Ctrl-C.", highlight=False)
    try:
        live.keep_writing(url, number, every_seconds, tell, time.sleep)
    except live.Unreachable as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        console.print("Everybody is quiet again.")


def _say_who(url: str) -> None:
    click.echo(f"Sign in at {url} as {ADMIN} (Administrator) or {MEMBER} (Agent), password {demo.PASSWORD}.")
