"""Databases made and dropped on a PostgreSQL server of the tests."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from db.engine import driver_url
from tests.postgres import CREATE_DATABASE


async def create_database(server_url: str, name: str) -> str:
    """A new database on the server; its URL, with the server's host and account."""
    await _run(server_url, f"DROP DATABASE IF EXISTS {name}", CREATE_DATABASE.format(name=name))
    url = driver_url(server_url).set(drivername="postgresql", database=name)
    return url.render_as_string(hide_password=False)


async def drop_database(url: str) -> None:
    """Drops a database that `create_database` made."""
    name = driver_url(url).database
    server = driver_url(url).set(drivername="postgresql", database="postgres")
    await _run(server.render_as_string(hide_password=False), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _run(url: str, *statements: str) -> None:
    engine = create_async_engine(driver_url(url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()
