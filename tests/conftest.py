"""What every test may ask for: each database, a graph to ask, rows to ask about, statements to count."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from db import engine as engines
from db.engine import Database
from schema.kit.execution.plans import plans
from services.limits import Limits
from services.secrets import Vault
from services.server import Server
from services.tokens import Tokens
from tests.ask import Ask
from tests.databases import Databases, OwnDatabase, hurry
from tests.held import looked_past
from tests.keeping import keep
from tests.make import Make
from tests.statements import StatementCounter

# A test may have a hundred calls at once on a machine that does other things as well.
engines.POOL_WAIT_SECONDS = 60.0
DIALECTS = ("sqlite", "postgresql")
SECRET = "a secret of the tests, which is long enough"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dialect", choices=DIALECTS, help="Only on this database.")
    parser.addoption("--no-plans", action="store_true", help="With the stock executor alone.")
    parser.addoption("--row-security", action="store_true", help="On PostgreSQL with row level security.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folders, whose files start programs and wait for them, come first: at the end all processes have work."""
    items.sort(key=lambda item: item.path.parent == Path(__file__).parent)


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
async def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Databases]:
    """Makes databases of both dialects."""
    held = request.config.getoption("--row-security")
    made = Databases(tmp_path_factory.mktemp("databases"), row_security=held)
    with looked_past() if held else nullcontext():
        yield made
    await made.close()


@pytest.fixture(scope="session")
def postgres_url(databases: Databases) -> str:
    """A PostgreSQL server to make databases on."""
    return databases.postgres_url


@pytest.fixture(scope="session")
def own_database(dialect: str, databases: Databases) -> OwnDatabase:
    """Makes databases of the dialect, migrated and otherwise empty: `async with own_database() as url`."""
    return partial(databases.own, dialect)


@pytest.fixture(scope="session")
async def database_urls(databases: Databases) -> AsyncIterator[Callable[[str], Awaitable[str]]]:
    """The database of each dialect that the tests of the whole session share."""
    async with keep(databases.own) as one:
        yield one


@pytest.fixture(scope="session")
async def database_url(dialect: str, database_urls: Callable[[str], Awaitable[str]]) -> str:
    """A database of the dialect, for the whole session: tests keep apart by workspaces."""
    return await database_urls(dialect)


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database, open."""
    database = Database(database_url)
    hurry(database)
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
