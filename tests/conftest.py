"""What every test may ask for: each database, a graph to ask, rows to ask about, statements to count."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from db import engine as engines
from db.engine import Database
from db.migrate import migrate
from schema.kit.execution.plans import plans
from services.limits import Limits
from services.secrets import Vault
from services.server import Server
from services.tokens import Tokens
from tests import postgres
from tests.ask import Ask
from tests.databases import create_database, drop_database
from tests.make import Make
from tests.statements import StatementCounter

# A test may have a hundred calls at once on a machine that does other things as well.
engines.POOL_WAIT_SECONDS = 60.0
DIALECTS = ("sqlite", "postgresql")
SECRET = "a secret of the tests, which is long enough"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dialect", choices=DIALECTS, help="Only on this database.")
    parser.addoption("--no-plans", action="store_true", help="With the stock executor alone.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dialect" in metafunc.fixturenames:
        only = metafunc.config.getoption("dialect")
        metafunc.parametrize("dialect", [only] if only else DIALECTS, scope="session")


@pytest.fixture(scope="session", autouse=True)
def executor(request: pytest.FixtureRequest) -> Iterator[None]:
    """Plans, unless `--no-plans`; a server that runs as a process of its own has them always."""
    with plans.off() if request.config.getoption("--no-plans") else nullcontext():
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server to make databases on: TEST_POSTGRES_URL, or one of the tests' own."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
async def database_url(
    dialect: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """An empty, migrated database of the dialect, for the whole session: tests keep apart by workspaces."""
    if dialect == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'test.db'}"
    else:
        url = await create_database(request.getfixturevalue("postgres_url"), f"switchboard_{os.getpid()}")
    database = Database(url)
    await migrate(database)
    await database.close()
    yield url
    if dialect == "postgresql":
        await drop_database(url)


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database, open."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def server(database: Database) -> Server:
    """What a running server shares between requests, without HTTP."""
    return Server(database, Tokens({"test": SECRET}), Vault({"test": SECRET}), limits=Limits(enabled=False))


@pytest.fixture
def ask(server: Server) -> Ask:
    """Executes documents as a viewer: `await ask(viewer, QUERY, id=…)`."""
    return Ask(server)


@pytest.fixture
def make(server: Server, ask: Ask) -> Make:
    """Makes workspaces, members and rows."""
    return Make(server)


@pytest.fixture
def statements(database: Database) -> Iterator[StatementCounter]:
    """Counts the SQL statements that run meanwhile."""
    with StatementCounter(database) as counter:
        yield counter


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Material beside the project that not every machine has."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the data folder beside the project")
    return folder
