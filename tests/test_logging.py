"""Log lines: their form in both environments, and that no secret is ever in one."""

import io
import json
import logging
import warnings
from dataclasses import dataclass

import pytest
import structlog

from graph.logging import ITEMS_MAX, TEXT_LENGTH_MAX, configure_logging
from graph.settings import Environment, LogLevel

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.fixture
def stream():
    """What is logged in production form; the loggers are put back as they were."""
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level, access = root.level, logging.getLogger("uvicorn.access").level
    written = io.StringIO()
    configure_logging(Environment.PRODUCTION, LogLevel.INFO, written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    logging.getLogger("uvicorn.access").setLevel(access)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_production_writes_one_json_object_a_line(stream):
    structlog.get_logger("switchboard.test").info("chat closed", chat="c1", count=3)
    (line,) = lines(stream)
    moment = line.pop("timestamp")
    assert line == {
        "event": "chat closed",
        "chat": "c1",
        "count": 3,
        "level": "info",
        "logger": "switchboard.test",
    }
    assert moment.endswith("Z")


def test_development_writes_readable_lines(stream):
    written = io.StringIO()
    configure_logging(Environment.DEVELOPMENT, LogLevel.INFO, written)
    structlog.get_logger("switchboard.test").info("chat closed", password="hunter2")
    assert "chat closed" in written.getvalue()
    assert "password=***" in written.getvalue()
    assert stream.getvalue() == ""


def test_other_libraries_write_the_same_form(stream):
    logging.getLogger("uvicorn.error").warning("port %d in use", 8000, extra={"color_message": "\x1b[1m"})
    logging.getLogger("sqlalchemy.pool").error("lost", extra={"pool": "main"})
    first, second = lines(stream)
    assert (first["event"], first["level"], first["logger"]) == (
        "port 8000 in use",
        "warning",
        "uvicorn.error",
    )
    assert "color_message" not in first
    assert (second["event"], second["pool"]) == ("lost", "main")


def test_warnings_of_python_are_log_lines(stream):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", UserWarning, stacklevel=1)
    (line,) = lines(stream)
    assert "old ways" in line["event"]


def test_uvicorn_writes_no_access_line_of_its_own(stream):
    logging.getLogger("uvicorn.access").info("GET /graphql?query=…")
    assert lines(stream) == []


def test_the_level_holds_for_both_kinds_of_logger(stream):
    configure_logging(Environment.PRODUCTION, LogLevel.ERROR, stream)
    structlog.get_logger("ours").warning("quiet")
    logging.getLogger("theirs").warning("quiet")
    structlog.get_logger("ours").error("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_what_is_bound_to_the_context_is_in_every_line(stream):
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("ours").info("one")
        logging.getLogger("theirs").warning("two")
    structlog.get_logger("ours").info("three")
    assert [line.get("request_id") for line in lines(stream)] == ["r1", "r1", None]


SECRET_NAMES = [
    "password",
    "newPassword",
    "password_hash",
    "token",
    "accessToken",
    "refresh_token",
    "jwt_secret",
]
SECRET_NAMES += ["clientSecret", "Authorization", "Cookie", "Set-Cookie", "X-API-Key", "X-API-Signature"]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_values_under_the_name_of_a_secret_are_masked(stream, name):
    structlog.get_logger().info("sign in", **{name: "hunter2"})
    structlog.get_logger().info("sign in", variables={"input": [{name: {"any": "hunter2"}}]})
    first, second = lines(stream)
    assert first[name] == "***"
    assert second["variables"] == {"input": [{name: "***"}]}


@pytest.mark.parametrize("name", ["tokens", "key", "client_key", "signed", "monkey"])
def test_harmless_names_are_not_masked(stream, name):
    structlog.get_logger().info("measured", **{name: 7})
    assert lines(stream)[0][name] == 7


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("authorization: Bearer abc.def-ghi", "authorization: Bearer ***"),
        (f"bad token {TOKEN}!", "bad token ***!"),
        ("postgresql://app:hunter2@db:5432/x failed", "postgresql://app:***@db:5432/x failed"),
        ("redis://:hun@ter2@cache/0", "redis://:***@cache/0"),
        ("/graphql?token=hunter2&x=1", "/graphql?token=***&x=1"),
        ('{"password": "hunter2", "name": "Ada"}', '{"password": "***", "name": "Ada"}'),
        ("{'refreshToken': 'hunter2'}", "{'refreshToken': '***'}"),
        ("http://localhost:8000/graphql", "http://localhost:8000/graphql"),
        ("12 tokens: allowed", "12 tokens: allowed"),
    ],
)
def test_secrets_inside_texts_are_masked(stream, text, shown):
    structlog.get_logger().info(text, detail=[text])
    logging.getLogger("theirs").warning("%s", text)
    first, second = lines(stream)
    assert (first["event"], first["detail"], second["event"]) == (shown, [shown], shown)


def test_a_traceback_is_text_without_secrets(stream):
    try:
        raise ConnectionError("postgresql://app:hunter2@db/x")
    except ConnectionError:
        structlog.get_logger().exception("failed")
    (line,) = lines(stream)
    assert "Traceback" in line["exception"]
    assert "postgresql://app:***@db/x" in line["exception"]
    assert "hunter2" not in stream.getvalue()


def test_what_json_does_not_know_is_masked_as_text(stream):
    @dataclass
    class Login:
        name: str
        password: str

    structlog.get_logger().info("sign in", login=Login("ada", "hunter2"), error=ValueError("token=hunter2"))
    (line,) = lines(stream)
    assert "name='ada', password='***'" in line["login"]
    assert line["error"] == "token=***"


def test_a_line_has_a_bounded_size(stream):
    nested: dict[str, object] = {}
    for _ in range(50):
        nested = {"deeper": nested}
    structlog.get_logger().info("x" * 100_000, many=list(range(100_000)), nested=nested)
    (line,) = lines(stream)
    assert len(line["event"]) == TEXT_LENGTH_MAX + 1
    assert len(line["many"]) == ITEMS_MAX
    assert json.dumps(line["nested"]).count("deeper") < 10


def test_uvicorns_handshake_lines_are_left_to_our_own(stream):
    logging.getLogger("uvicorn.error").info(
        '%s - "WebSocket %s" [accepted]', "1.2.3.4", "/graphql?auth=hunter2"
    )
    logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "http://127.0.0.1:8000")
    assert [line["event"] for line in lines(stream)] == ["Uvicorn running on http://127.0.0.1:8000"]


def test_a_client_cannot_fill_the_log_with_tracebacks(stream):
    try:
        b"\xff".decode()
    except UnicodeDecodeError:
        logging.getLogger("uvicorn.error").exception("Invalid UTF-8 sequence received from client.")
    (line,) = lines(stream)
    assert line["level"] == "warning"
    assert "exception" not in line


def test_statements_with_their_values_are_never_logged(stream):
    configure_logging(Environment.PRODUCTION, LogLevel.DEBUG, stream)
    logging.getLogger("aiosqlite").debug("executing INSERT INTO users VALUES ('hunter2')")
    assert lines(stream) == []
