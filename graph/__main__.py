"""The command line: python -m graph serve | migrate | seed | print-schema | create-admin | check-migrations | …."""

import gc

# What is imported stays: looking for garbage meanwhile would be a sixth of the start.
gc.disable()

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import click
import structlog

from db import migrate as migrations
from db import row_security as policies
from db.engine import Database
from graph.app import create_app, make_server, open_whole_database
from graph.databases import prepare, prepare_to_serve, using
from graph.health import ServerState
from graph.logging import configure_logging
from graph.rotation import show_rotation
from graph.seed import command as seeding
from graph.serving import Worker, listening_sockets
from graph.settings import VERSION, Settings, SettingsError
from graph.supervisor import Supervisor
from graph.trust import write_manifest
from schema import schema
from services import accounts
from services.errors import Problem
from services.transactions import transact

gc.enable()
T = TypeVar("T")
logger = structlog.get_logger("switchboard")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="switchboard")
def main() -> None:
    """Switchboard: a GraphQL backend for a business's conversations and commerce.

    Configured by the environment alone; .env.example lists every variable.
    """


@main.command()
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes that serve together. SQLite takes one.",
)
def serve(workers: int) -> None:
    """Serve the graph on SERVICE_HOST:SERVICE_PORT.

    A SQLite database is made and migrated first; a PostgreSQL database has to be migrated already.
    """
    settings = _settings()
    if workers > 1 and settings.sqlite_path is not None:
        raise click.ClickException(
            "SQLite is served by one process: followers hear of new messages inside it. "
            "For several workers set DATABASE_URL to a PostgreSQL database."
        )
    asyncio.run(_with_database(settings, partial(prepare_to_serve, settings.database_row_security)))
    if workers > 1:
        asyncio.run(_supervise(settings, workers))
        return
    if settings.service_port:  # uvicorn says which port it was given where any would do
        logger.info("serving", url=_address(settings))
    state = ServerState()
    Worker(create_app(settings, state), settings, state).run()


@main.command(hidden=True)
@click.option("--port", type=int, required=True)
@click.option("--workers", type=int, required=True)
def worker(port: int, workers: int) -> None:
    """One of several workers; started by `serve --workers`, which keeps its standard input open."""
    settings, state = _settings(), ServerState()
    one = Worker(create_app(settings, state, workers=workers), settings, state)
    one.follow_supervisor()
    one.run(listening_sockets(settings.service_host, port))


@main.command()
def migrate() -> None:
    """Bring the database to the newest revision."""

    async def run(database: Database) -> None:
        before = await migrations.current(database)
        await migrations.migrate(database)
        after = await migrations.current(database)
        click.echo(f"{before or 'empty'} → {after}" if before != after else f"already at {after}")

    asyncio.run(_with_database(_settings(), run))


@main.command("row-security")
@click.argument("wanted", type=click.Choice(["on", "off"]))
def row_security(wanted: str) -> None:
    """Put row level security on every table of a PostgreSQL database, or take it away.

    As the owner of the tables, and again after an upgrade that added one. The server then needs
    DATABASE_ROW_SECURITY=on, and a user that is no superuser.
    """

    async def run(database: Database) -> None:
        if database.dialect != "postgresql":
            raise click.ClickException("Row level security is PostgreSQL's.")
        async with database.write() as connection:
            await (policies.enable if wanted == "on" else policies.disable)(connection)
        click.echo(f"row level security is {wanted}")

    asyncio.run(_with_database(_settings(), run))


@main.command()
@click.option("--seed", "number", default=1, show_default=True, help="The same number gives the same data.")
@click.option("--if-empty", is_flag=True, help="Only where the database is empty; never in production.")
@click.option("--messages", type=click.IntRange(2, 100_000_000), help="A large set to measure with instead.")
@click.option("--live", is_flag=True, help="Keep the demo's customers writing to the running server.")
@click.option(
    "--every",
    type=click.FloatRange(0.01, 86_400),
    default=5,
    show_default=True,
    help="Seconds between two live messages, more or less.",
)
@click.option("--url", help="Of the running server; from SERVICE_HOST and SERVICE_PORT, where absent.")
def seed(
    number: int, if_empty: bool, messages: int | None, live: bool, every: float, url: str | None
) -> None:
    """Fill a development database: with a demo business to look at, or with so many messages to measure with.

    The demo has the users `admin` and `demo`; their password is printed.
    """
    settings = _settings()
    if settings.is_production:
        if if_empty:
            return
        raise click.ClickException(
            "Demo data has passwords that everybody knows: it is for development, and ENVIRONMENT is production."
        )

    if live:
        seeding.seed_live(url or _address(settings), number, every)
        return

    async def run(database: Database) -> None:
        await prepare(database)
        server = make_server(settings, database)
        if messages is not None:
            await seeding.seed_messages(server, messages, number)
        else:
            await seeding.seed_demo(server, number, url=_address(settings), only_if_empty=if_empty)

    asyncio.run(_with_database(settings, run))


@main.command()
def print_schema() -> None:
    """Print the schema as text."""
    click.echo(schema.as_str())


@main.command()
@click.option("--username", prompt=True, help="3 to 100 letters a-z, digits, `.`, `_` or `-`.")
@click.option("--email", prompt=True, help="An e-mail address.")
@click.option(
    "--password", prompt=True, hide_input=True, confirmation_prompt=True, help="10 to 256 characters."
)
@click.option("--business-name", default=None, help="What its workspace is called.")
def create_admin(username: str, email: str, password: str, business_name: str | None) -> None:
    """Make a superuser, who may do everything on this server, in a workspace of its own."""
    settings = _settings()

    async def run(database: Database) -> None:
        await prepare(database)
        server = make_server(settings, database)
        hashed = await accounts.hash_new(server.passwords, password)
        assert hashed is not None
        user = await transact(
            database,
            server.hub,
            None,
            accounts.register,
            username,
            email,
            hashed,
            business_name=business_name,
            is_superuser=True,
        )
        click.echo(f"{user.username} may do everything on this server.")

    try:
        asyncio.run(_with_database(settings, run))
    except Problem as problem:
        raise click.ClickException(f"{'.'.join(map(str, problem.path))}: {problem.message}") from problem


@main.command()
def rotate_keys() -> None:
    """Encrypt anew, with the first key of DB_ENCRYPTION_KEY, what the others encrypted.

    Broken off, it goes on where it was when it is run again. The server may run meanwhile.
    """
    settings = _settings()

    async def run(database: Database) -> None:
        await prepare(database)
        await show_rotation(database, make_server(settings, database).vault)

    asyncio.run(_with_database(settings, run))


@main.command()
@click.argument("places", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--output", default="trusted.json", show_default=True, type=click.Path(path_type=Path))
def trust(places: tuple[Path, ...], output: Path) -> None:
    """Write the manifest for TRUSTED_DOCUMENTS_FILE from .graphql files, or folders of them."""
    write_manifest(places, output)


@main.command()
def check_migrations() -> None:
    """Check that the migrations make the tables of the code, on an empty SQLite database."""

    async def run(database: Database) -> None:
        await migrations.migrate(database)
        found = await migrations.drift(database)
        if found:
            raise click.ClickException(f"{database.dialect}: the tables differ from the migrations: {found}")
        click.echo(f"{database.dialect}: in step")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(using(Database(f"sqlite:///{folder}/empty.db"), run))


@main.command()
@click.argument("message")
def new_migration(message: str) -> None:
    """Write a migration from the difference between the tables of the code and the history."""

    async def run(database: Database) -> None:
        await migrations.migrate(database)
        async with database.writer.connect() as connection:
            await connection.run_sync(migrations.write_revision, message)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(using(Database(f"sqlite:///{folder}/empty.db"), run))


async def _with_database(settings: Settings, run: Callable[[Database], Awaitable[T]]) -> T:
    return await using(open_whole_database(settings), run)


async def _supervise(settings: Settings, workers: int) -> None:
    try:
        supervisor = Supervisor(settings.service_host, settings.service_port, workers)
    except OSError as error:
        where = f"{settings.service_host}:{settings.service_port}"
        raise click.ClickException(f"Nothing can listen on {where}: {error.strerror}.") from error
    url = _address(settings.model_copy(update={"service_port": supervisor.port}))
    logger.info("serving", url=url, workers=workers)
    await supervisor.run()


def _address(settings: Settings) -> str:
    return f"http://{settings.service_host}:{settings.service_port}/graphql"


def _settings() -> Settings:
    try:
        settings = Settings.load()
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    configure_logging(settings.environment, settings.log_level)
    return settings


if __name__ == "__main__":
    main(prog_name="python -m graph")
