"""One form for all log lines: JSON in production, readable text in development, and never a secret."""

import logging
import re
import sys
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final, TextIO
from uuid import UUID

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from graph.settings import Environment, LogLevel

MASK: Final = "***"
TEXT_LENGTH_MAX: Final = 16_384  # characters of one value
DEPTH_MAX: Final = 6
ITEMS_MAX: Final = 100

SECRET_NAMES: Final = frozenset(
    {
        "authorization",
        "cookie",
        "setcookie",
        "apikey",
        "signature",
        "apisignature",
        "privatekey",
        "dbencryptionkey",
    }
)
SECRETS_IN_TEXT: Final = re.compile(
    r"(bearer\s+)[\w.~+/=-]+"
    r"|(://[^\s:/@]*:)[^\s/]+(?=@)"
    r"|((?:password|secret|token|api_?key)[\"']?\s*[=:]\s*[\"']?)[^\s&\"',;)}\]]+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*",
    re.IGNORECASE,
)


def configure_logging(environment: Environment, level: LogLevel, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's loggers through one formatter to the stream (standard error).

    uvicorn has to be started with log_config=None, else it puts its own handlers back.
    """
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_secrets,
                renderer(environment, stream),
            ],
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # loggers made at import time follow this configuration too
    )
    logging.basicConfig(handlers=[handler], level=level.value, force=True)
    logging.captureWarnings(capture=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # graph.requests writes the line of a request: without the query string, with the request id.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(is_worth_a_line)
    # It tells the origin of a page that may not open a socket, however long that is: graph.endpoint notes it.
    logging.getLogger("strawberry.ws").setLevel(logging.ERROR)
    # It tells every statement with its values: password hashes, and what customers wrote.
    logging.getLogger("aiosqlite").setLevel(logging.INFO)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """A filter for uvicorn's own lines: none with a query string, no traceback that a client can cause at will."""
    if "UTF-8 sequence received from client" in str(record.msg):
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    # The line of the request says that it was a socket, and when it is over.
    return '"WebSocket %s"' not in str(record.msg) and not str(record.msg).startswith(
        ("connection open", "connection closed", "connection rejected")
    )


def renderer(environment: Environment, stream: TextIO) -> Processor:
    """The last step, which makes the text of a line."""
    if environment is Environment.PRODUCTION:
        return structlog.processors.JSONRenderer(serializer=to_json)
    # The traceback is text already. Rich ones would show local variables, and with them passwords.
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def to_json(value: Any, **_: Any) -> str:
    """One line of JSON; what JSON does not know is written as text."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the same line with secrets replaced, wherever in it they are."""
    event.pop("color_message", None)  # uvicorn's second copy of the message
    return {name: MASK if is_secret_name(name) else masked(value, DEPTH_MAX) for name, value in event.items()}


def masked(value: object, depth: int) -> object:
    """The value as it may be logged: secrets replaced, size bounded."""
    if value is None or isinstance(value, bool | int | float | date | UUID):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset) and depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(name): MASK if is_secret_name(str(name)) else masked(item, depth - 1)
            for name, item in list(value.items())[:ITEMS_MAX]
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(item, depth - 1) for item in list(value)[:ITEMS_MAX]]
    text = value if isinstance(value, str) else str(value)
    if len(text) > TEXT_LENGTH_MAX:
        text = text[:TEXT_LENGTH_MAX] + "…"
    return SECRETS_IN_TEXT.sub(mask_match, text)


def mask_match(match: re.Match[str]) -> str:
    """What introduces a secret stays, so that a reader knows what was there."""
    return (match[1] or match[2] or match[3] or "") + MASK


@lru_cache(maxsize=1_024)
def is_secret_name(name: str) -> bool:
    """Whether a value under this name is never to be logged: refreshToken, X-API-Key, new_password …"""
    plain = re.sub(r"[^a-z]", "", name.lower()).removeprefix("x")
    return plain in SECRET_NAMES or plain.endswith("token") or "password" in plain or "secret" in plain
