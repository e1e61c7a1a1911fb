"""Every environment variable of the server: default, unit and reason, checked once before anything starts."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from graph.explaining import explain
from graph.keys import KeyRing, KeysError, is_placeholder, keep_rings, parse_ring
from graph.trusted import Trust, read_manifest
from services.brokers.urls import SCHEMES
from services.limits import LEVELS, Level, LevelName, read_levels

PROJECT_FOLDER: Final = Path(__file__).resolve().parent.parent
VERSION: Final[str] = tomllib.loads((PROJECT_FOLDER / "pyproject.toml").read_text())["project"]["version"]
"""The version of the product, as pyproject.toml has it."""

LIST_ITEMS_MAX: Final = 100
KEY_RINGS: Final = ("jwt_secret", "db_encryption_key")
UNSHOWN: Final = (*KEY_RINGS, "database_url", "broker_url", "redis_url")  # values that may hold a secret

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """The environment does not let the server start; the text says why, one line for each variable."""


class Environment(StrEnum):
    """Where the server runs: development is forgiving, production refuses what is unsafe."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """The least important kind of log line that is written."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


def default_hosts(known: dict[str, Any]) -> tuple[str, ...]:
    """In production only the address served and loopback: a forged Host header is how links get poisoned."""
    if known.get("environment") is not Environment.PRODUCTION:
        return ("*",)
    host = known.get("service_host", "127.0.0.1")
    served = f"[{host}]" if ":" in host else host
    return tuple(dict.fromkeys((served, "127.0.0.1", "localhost", "[::1]")))


def default_graphiql(known: dict[str, Any]) -> bool:
    """In development only: in production the graph alone is served, unless the page is asked for."""
    return known.get("environment") is not Environment.PRODUCTION


class Settings(BaseSettings):
    """What the environment says. Field names are the names of the variables, in lower case."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    environment: Environment = Environment.DEVELOPMENT
    # The plain form, with no driver in it: db.engine chooses the driver.
    database_url: str = Field(default="sqlite:///./switchboard.db", repr=False)
    # A second floor under the rules of who sees a row, once the tables have their policies.
    database_row_security: bool = False
    service_host: str = "127.0.0.1"
    service_port: int = Field(default=8000, ge=0, le=65_535)  # 0 takes any free port
    log_level: LogLevel = LogLevel.INFO

    # Required in production; in development a missing ring is made and kept in keys_path.
    jwt_secret: Annotated[KeyRing, NoDecode] = Field(default=(), validate_default=True)
    db_encryption_key: Annotated[KeyRing, NoDecode] = Field(default=(), validate_default=True)
    allow_registration: bool = True
    # Whether browsers get a page at /graphql.
    graphiql: bool = Field(default_factory=default_graphiql)

    # What a Host header may say. An IPv6 address is in brackets.
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(default_factory=default_hosts)
    # Pages of other origins that may call. In development any localhost may, whatever is said here.
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    # Whose X-Forwarded-* headers are believed.
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()

    # Whether service clients may sign plain GETs without a nonce.
    older_signatures: bool = False

    # What becomes of a document that the file does not list: off, log or enforce.
    trusted_documents: Trust = Trust.OFF
    trusted_documents_file: Path | None = Field(default=None, validate_default=True)

    # Absent, workers tell each other through PostgreSQL.
    broker_url: str | None = Field(default=None, repr=False)
    # Absent, workers share what clients have left in PostgreSQL.
    redis_url: str | None = Field(default=None, repr=False)

    # Whether a pooler in transaction mode stands in front of PostgreSQL.
    database_pooler: bool = False

    # Connections of one process: opened at the start, at most; an older one is renewed when it is next used.
    db_pool_min: int = Field(default=1, ge=0, le=1_000)
    db_pool_max: int = Field(default=10, ge=1, le=1_000, validate_default=True)
    db_pool_idle_timeout: float = Field(default=300, gt=0, le=86_400)

    # Seconds after which a socket is closed that takes nothing, or answers no ping; between two pings of it.
    socket_send_timeout: float = Field(default=30, gt=0, le=3_600)
    socket_ping_interval: float = Field(default=20, gt=0, le=3_600)

    # Long enough for a client that was away over a holiday to resume instead of loading everything again.
    event_retention_days: float = Field(default=14, gt=0, le=3_650)
    page_size_max: int = Field(default=100, ge=1, le=1_000)
    rate_limits: bool = True
    # What differs from LEVELS, as JSON: {"user": {"cost": 5000, "sockets": 20}}.
    limits: Annotated[Mapping[LevelName, Level], NoDecode] = Field(default_factory=lambda: LEVELS)
    # How many requests one worker works at; one more is told to come back.
    requests_at_once_max: int = Field(default=50, ge=1, le=100_000)
    plans: bool = True
    # Absent, /metrics is served on service_port.
    prometheus_port: int | None = Field(default=None, ge=1, le=65_535)

    @classmethod
    def load(cls) -> Self:
        """The settings of this process with its keys; SettingsError lists all that is wrong at once."""
        try:
            settings = cls()
            missing = [name for name in KEY_RINGS if not getattr(settings, name)]
            kept = keep_rings(settings.keys_path, KEY_RINGS) if missing else {}
        except ValidationError as error:
            raise SettingsError(explain(error, os.environ, UNSHOWN)) from None
        except KeysError as error:
            raise SettingsError(f"Switchboard cannot start: {error}") from None
        return settings.model_copy(update={name: kept[name] for name in missing})

    @property
    def is_production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    @property
    def sqlite_path(self) -> Path | None:
        """The database file, or nothing where the database is PostgreSQL."""
        url = make_url(self.database_url)
        return Path(url.database) if url.drivername == "sqlite" and url.database else None

    @property
    def keys_path(self) -> Path:
        """Where a development server keeps the secrets that it made for itself."""
        database = self.sqlite_path
        return database.with_name(f"{database.name}.keys") if database else Path("switchboard.keys")

    @field_validator("environment", "trusted_documents", mode="before")
    @classmethod
    def fold_environment(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def fold_level(cls, value: object) -> object:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def check_database(cls, value: str) -> str:
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            url = None
        if url is None or url.drivername not in ("sqlite", "postgresql"):
            raise ValueError("should start with sqlite:///path or postgresql://, with no driver named")
        if url.drivername == "sqlite" and (not url.database or url.database == ":memory:"):
            raise ValueError("should name a file: a database in memory is lost between two connections")
        return value

    @field_validator("database_row_security")
    @classmethod
    def check_row_security(cls, value: bool, info: ValidationInfo) -> bool:
        if value and str(info.data.get("database_url", "")).startswith("sqlite"):
            raise ValueError("needs PostgreSQL")
        return value

    @field_validator("broker_url", "redis_url")
    @classmethod
    def check_url(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"[a-z][a-z0-9+]*://[^\s/]", value):
            raise ValueError("should be a URL such as redis://host:6379/0")
        return value

    @field_validator("broker_url")
    @classmethod
    def check_broker(cls, value: str | None) -> str | None:
        if value is not None and value.partition(":")[0] not in SCHEMES:
            raise ValueError(f"should begin with {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
        return value

    @field_validator("database_pooler")
    @classmethod
    def check_pooler(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("broker_url") is None:
            raise ValueError("needs a BROKER_URL: nobody can listen through a pooler")
        if value and info.data.get("database_row_security"):
            raise ValueError("goes with no DATABASE_ROW_SECURITY: a session is not one member's")
        return value

    @field_validator("redis_url")
    @classmethod
    def check_redis(cls, value: str | None) -> str | None:
        if value is not None and value.partition(":")[0] not in ("redis", "rediss"):
            raise ValueError("should begin with redis:// or rediss://")
        return value

    @field_validator(*KEY_RINGS, mode="before")
    @classmethod
    def read_ring(cls, value: object) -> object:
        return parse_ring(value) if isinstance(value, str) else value

    @field_validator(*KEY_RINGS)
    @classmethod
    def check_ring(cls, value: KeyRing, info: ValidationInfo) -> KeyRing:
        if info.data.get("environment") is Environment.PRODUCTION:
            if not value:
                raise ValueError("is required in production (make one: openssl rand -hex 32)")
            if any(is_placeholder(key.secret) for key in value):
                raise ValueError(
                    "is a placeholder, which anyone could guess (make one: openssl rand -hex 32)"
                )
        return value

    @field_validator("trusted_documents_file")
    @classmethod
    def check_documents(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None:
            read_manifest(value)
        elif info.data.get("trusted_documents", Trust.OFF) is not Trust.OFF:
            raise ValueError("is required where TRUSTED_DOCUMENTS is not off")
        return value

    @field_validator("db_pool_max")
    @classmethod
    def check_pool(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("db_pool_min", 0):
            raise ValueError(f"should not be less than DB_POOL_MIN, {info.data['db_pool_min']}")
        return value

    @field_validator("limits", mode="before")
    @classmethod
    def read_limits(cls, value: object) -> object:
        return read_levels(value) if isinstance(value, str) else value

    @field_validator("allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def read_list(cls, value: object) -> object:
        return split_list(value) if isinstance(value, str) else value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def read_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ipaddress.ip_network(item, strict=False) for item in split_list(value))
        except ValueError as error:
            raise ValueError(f"should be addresses or networks such as 10.0.0.0/8: {error}") from None

    @field_validator("allowed_hosts")
    @classmethod
    def check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not re.fullmatch(r"\*|(\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host):
                raise ValueError("should be host names without scheme or port, or *.example.org")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not re.fullmatch(r"\*|https?://[^/\s,*]+", origin):
                raise ValueError("should be origins such as https://app.example.org, without a path")
        return value


def split_list(text: str) -> tuple[str, ...]:
    """The items of a comma-separated list; ValueError where there are more than anyone means."""
    items = tuple(item.strip() for item in text.split(",") if item.strip())
    if len(items) > LIST_ITEMS_MAX:
        raise ValueError(f"should name at most {LIST_ITEMS_MAX}")
    return items
