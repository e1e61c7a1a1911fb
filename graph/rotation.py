"""What `python -m graph rotate-keys` does and says."""

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from db.engine import Database
from services.rotation import count_outdated, rotate
from services.secrets import Vault


async def show_rotation(database: Database, vault: Vault) -> None:
    """Seals anew what the first key did not seal, and says whether the others may be taken away."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("secrets", total=await count_outdated(database, vault))
        done = await rotate(database, vault, lambda count: progress.advance(task, count))
    click.echo(f"{done.sealed:,} secrets were encrypted anew.")
    if done.unopened:
        raise click.ClickException(
            f"{done.unopened:,} secrets cannot be read with any key of DB_ENCRYPTION_KEY: "
            "put back the key that is missing, and run this again."
        )
    left = await count_outdated(database, vault)
    if left:
        raise click.ClickException(
            f"{left:,} secrets were written with another key meanwhile: restart every server with "
            "the new key in front, and run this again."
        )
    click.echo("Everything is encrypted with the first key: the others may be taken away.")
