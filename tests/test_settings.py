"""The environment: what is understood, what stops the start, and which secrets a server makes for itself."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path

import pytest

from graph.keys import Key, create_file, keep_rings
from graph.settings import VERSION, Environment, LogLevel, Settings, SettingsError

GOOD = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


@pytest.fixture
def environ(monkeypatch, tmp_path):
    """Set variables in an environment that holds none of ours, in a folder of its own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)

    def set_variables(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_variables


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    return str(caught.value)


def test_an_empty_environment_is_a_development_server_on_sqlite(environ):
    settings = Settings.load()
    assert settings.environment is Environment.DEVELOPMENT
    assert settings.database_url == "sqlite:///./switchboard.db"
    assert (settings.service_host, settings.service_port) == ("127.0.0.1", 8000)
    assert settings.allow_registration is True
    assert settings.graphiql is True
    assert settings.rate_limits is True
    assert settings.page_size_max == 100
    assert settings.log_level is LogLevel.INFO
    assert settings.allowed_hosts == ("*",)
    assert settings.prometheus_port is None


def test_every_variable_is_read(environ):
    environ(
        ENVIRONMENT="production",
        DATABASE_URL="postgresql://app:pw@/switchboard?host=/run/postgresql",
        SERVICE_HOST="0.0.0.0",
        SERVICE_PORT="9000",
        LOG_LEVEL="debug",
        JWT_SECRET=GOOD,
        DB_ENCRYPTION_KEY=f"b:{OTHER}, a:{GOOD}",
        ALLOW_REGISTRATION="false",
        GRAPHIQL="on",
        ALLOWED_HOSTS="chat.example.org, *.example.net",
        ALLOWED_ORIGINS="https://app.example.org,http://localhost:3000",
        TRUSTED_PROXIES="10.0.0.0/8, 192.168.1.1, ::1",
        BROKER_URL="nats://localhost:4222",
        REDIS_URL="redis://localhost:6379/0",
        DB_POOL_MIN="2",
        DB_POOL_MAX="20",
        DB_POOL_IDLE_TIMEOUT="60",
        PAGE_SIZE_MAX="50",
        RATE_LIMITS="off",
        PROMETHEUS_PORT="9100",
    )
    settings = Settings.load()
    assert settings.is_production
    assert settings.sqlite_path is None
    assert (settings.service_host, settings.service_port) == ("0.0.0.0", 9000)
    assert settings.log_level is LogLevel.DEBUG
    assert settings.jwt_secret == (Key("default", GOOD),)
    assert settings.db_encryption_key == (Key("b", OTHER), Key("a", GOOD))
    assert settings.allow_registration is False
    assert settings.graphiql is True
    assert settings.allowed_hosts == ("chat.example.org", "*.example.net")
    assert settings.allowed_origins == ("https://app.example.org", "http://localhost:3000")
    assert settings.trusted_proxies == tuple(map(ip_network, ("10.0.0.0/8", "192.168.1.1/32", "::1/128")))
    assert (settings.broker_url, settings.redis_url) == ("nats://localhost:4222", "redis://localhost:6379/0")
    assert (settings.db_pool_min, settings.db_pool_max, settings.db_pool_idle_timeout) == (2, 20, 60)
    assert (settings.page_size_max, settings.rate_limits, settings.prometheus_port) == (50, False, 9100)


def test_an_empty_variable_is_an_absent_one(environ):
    environ(SERVICE_PORT="", ALLOWED_ORIGINS="", JWT_SECRET="", ENVIRONMENT="")
    settings = Settings.load()
    assert settings.service_port == 8000
    assert settings.jwt_secret[0].id == "default"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("DATABASE_URL", "mysql://root@localhost/test"),
        ("DATABASE_URL", "postgresql+asyncpg://localhost/test"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "not a url"),
        ("SERVICE_PORT", "http"),
        ("SERVICE_PORT", "65536"),
        ("LOG_LEVEL", "loud"),
        ("JWT_SECRET", "too short"),
        ("JWT_SECRET", f"a:{GOOD},{OTHER}"),
        ("JWT_SECRET", f"a:{GOOD},a:{OTHER}"),
        ("JWT_SECRET", f"a:{GOOD},b:short"),
        ("DB_ENCRYPTION_KEY", ",".join(f"k{number}:{GOOD}" for number in range(17))),
        ("ALLOW_REGISTRATION", "perhaps"),
        ("GRAPHIQL", "sometimes"),
        ("ALLOWED_HOSTS", "https://chat.example.org"),
        ("ALLOWED_ORIGINS", "https://app.example.org/path"),
        ("ALLOWED_ORIGINS", "app.example.org"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy"),
        ("TRUSTED_PROXIES", ",".join(["10.0.0.1"] * 101)),
        ("BROKER_URL", "localhost:6379"),
        ("REDIS_URL", "localhost"),
        ("REDIS_URL", "nats://localhost:4222"),
        ("DB_POOL_MIN", "-1"),
        ("DB_POOL_MAX", "0"),
        ("DB_POOL_IDLE_TIMEOUT", "soon"),
        ("PAGE_SIZE_MAX", "0"),
        ("RATE_LIMITS", "sometimes"),
        ("PROMETHEUS_PORT", "x"),
        ("DATABASE_POOLER", "on"),  # where nothing else tells workers of each other's news
    ],
)
def test_a_bad_value_stops_the_start_and_is_named(environ, name, value):
    environ(**{name: value})
    assert f"\n  {name}: " in refusal()


def test_all_that_is_wrong_is_said_at_once(environ):
    environ(ENVIRONMENT="staging", SERVICE_PORT="http", JWT_SECRET="short")
    named = [line.split(":")[0].strip() for line in refusal().splitlines()[1:]]
    assert named == ["ENVIRONMENT", "SERVICE_PORT", "JWT_SECRET"]


def test_a_pool_is_not_smaller_than_its_minimum(environ):
    environ(DB_POOL_MIN="20")
    assert "DB_POOL_MAX: should not be less than DB_POOL_MIN, 20" in refusal()


def test_no_secret_is_shown_in_a_refusal_nor_in_the_settings(environ):
    environ(JWT_SECRET="hunter2", DATABASE_URL="mysql://root:hunter2@localhost/x", REDIS_URL="hunter2")
    assert "hunter2" not in refusal()
    environ(
        JWT_SECRET=GOOD, DATABASE_URL="postgresql://root:hunter2@localhost/x", REDIS_URL="redis://:hunter2@x"
    )
    shown = repr(Settings.load())
    assert GOOD not in shown
    assert "hunter2" not in shown


def test_settings_do_not_change(environ):
    settings = Settings.load()
    with pytest.raises(ValueError, match="frozen"):
        settings.service_port = 1


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", ("127.0.0.1", "localhost", "[::1]")),
        ("chat.example.org", ("chat.example.org", "127.0.0.1", "localhost", "[::1]")),
        ("fe80::1", ("[fe80::1]", "127.0.0.1", "localhost", "[::1]")),
    ],
)
def test_production_answers_to_its_own_address_and_loopback(environ, host, allowed):
    environ(ENVIRONMENT="production", SERVICE_HOST=host, JWT_SECRET=GOOD, DB_ENCRYPTION_KEY=OTHER)
    assert Settings.load().allowed_hosts == allowed


def test_production_makes_no_secrets(environ, tmp_path):
    environ(ENVIRONMENT="production")
    text = refusal()
    assert "JWT_SECRET: is required in production" in text
    assert "DB_ENCRYPTION_KEY: is required in production" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("secret", ["x" * 64, f"change-me-{GOOD}", f"a:{GOOD},b:Example-{OTHER}"])
def test_production_refuses_secrets_that_anyone_can_guess(environ, secret):
    environ(ENVIRONMENT="production", JWT_SECRET=secret, DB_ENCRYPTION_KEY=GOOD)
    assert "JWT_SECRET: is a placeholder" in refusal()


def test_the_example_environment_is_understood_but_not_in_production(environ):
    example = Path(__file__).parent.parent.joinpath(".env.example").read_text()
    lines = [
        line.removeprefix("#") for line in example.splitlines() if not line.startswith("# ") and "=" in line
    ]
    values = dict(line.split("=", 1) for line in lines)
    assert set(values) - {"TEST_POSTGRES_URL"} == {name.upper() for name in Settings.model_fields}
    environ(**values)
    assert Settings.load().environment is Environment.DEVELOPMENT
    environ(ENVIRONMENT="production")
    assert "JWT_SECRET: is a placeholder" in refusal()


def test_development_keeps_its_secrets_beside_the_database(environ, tmp_path):
    environ(DATABASE_URL=f"sqlite:///{tmp_path}/data.db")
    first = Settings.load()
    file = tmp_path / "data.db.keys"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first.jwt_secret[0].secret) >= 32
    assert first.jwt_secret != first.db_encryption_key
    assert Settings.load() == first
    assert list(tmp_path.iterdir()) == [file]


def test_a_postgres_server_in_development_keeps_its_secrets_in_the_folder(environ, tmp_path):
    environ(DATABASE_URL="postgresql://localhost/test")
    Settings.load()
    assert [file.name for file in tmp_path.iterdir()] == ["switchboard.keys"]


def test_a_given_secret_goes_before_a_kept_one(environ):
    kept = Settings.load()
    environ(JWT_SECRET=GOOD)
    settings = Settings.load()
    assert settings.jwt_secret == (Key("default", GOOD),)
    assert settings.db_encryption_key == kept.db_encryption_key


def test_servers_that_start_at_once_agree(tmp_path):
    file = tmp_path / "keys"
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: keep_rings(file, ["a", "b"])["a"], range(32)))
    assert len(set(rings)) == 1


def test_a_kept_file_is_never_replaced(tmp_path):
    file = tmp_path / "keys"
    create_file(file, "first")
    create_file(file, "second")
    assert file.read_text() == "first"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", json.dumps({"jwt_secret": "short"})])
def test_a_damaged_file_of_secrets_stops_the_start(environ, tmp_path, content):
    file = tmp_path / "switchboard.db.keys"
    file.write_text(content)
    assert "switchboard.db.keys does not hold the secrets" in refusal()
    assert file.read_text() == content


def test_a_folder_that_is_not_there_stops_the_start(environ, tmp_path):
    environ(DATABASE_URL=f"sqlite:///{tmp_path}/absent/data.db")
    assert "absent/data.db.keys" in refusal()


def test_the_version_is_that_of_the_project():
    project = Path(__file__).parent.parent.joinpath("pyproject.toml").read_text()
    assert f'\nversion = "{VERSION}"\n' in project


def test_nobody_else_reads_the_environment():
    folder = Path(__file__).parent.parent
    readers = {
        file.relative_to(folder).as_posix()
        for room in ("graph", "schema", "services", "db", "migrations")
        for file in folder.joinpath(room).rglob("*.py")
        if "os.environ" in (text := file.read_text()) or "os.getenv" in text
    }
    assert readers <= {"graph/settings.py"}
