"""The image and the compose file keep their promises. They are read here; nothing is built."""

import fnmatch
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n\s*", " ", DOCKERFILE).splitlines()
    if line and not line.startswith("#")
]
yaml: Any = importlib.import_module("yaml")


def given(word: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == word]


@pytest.fixture
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_every_stage_stands_on_the_same_small_python() -> None:
    stages = [rest.split()[0] for rest in given("FROM")]
    assert len(stages) >= 2
    assert {s for s in stages if s.startswith("python:")} == {"python:3.11-slim"}


def test_requirements_are_installed_from_the_lock_with_hashes() -> None:
    installs = [rest for rest in given("RUN") if "pip install" in rest]
    assert installs
    assert all("--require-hashes" in rest and "serve.lock" in rest for rest in installs)


def test_the_server_has_no_rights_and_starts_as_itself() -> None:
    users = given("USER")
    assert users
    assert users[-1] not in ("root", "0")
    after = [name for name, _ in INSTRUCTIONS][[name for name, _ in INSTRUCTIONS].index("USER") :]
    assert "COPY" not in after
    assert given("ENTRYPOINT") == ['["python", "-m", "graph"]']
    assert given("CMD") == ['["serve"]']


def test_it_listens_outside_and_writes_its_log_at_once() -> None:
    environment = " ".join(given("ENV"))
    for wanted in ("PYTHONUNBUFFERED=1", "SERVICE_HOST=0.0.0.0", "DATABASE_URL=sqlite:////data/"):
        assert wanted in environment
    assert given("VOLUME") == ["/data"]


def test_its_health_is_asked_without_any_program_but_python() -> None:
    (check,) = given("HEALTHCHECK")
    assert '"python"' in check
    assert "/livez" in check
    source = re.search(r'"-c", "(.*)"\]$', check)
    assert source
    compile(source[1].replace('\\"', '"'), "HEALTHCHECK", "exec")


def is_within(path: str, pattern: str) -> bool:
    return fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(path, f"{pattern}/*")


def test_what_it_copies_is_there_and_let_through() -> None:
    ignored = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    let_through = [line[1:] for line in ignored if line.startswith("!")]
    assert ignored[0] == "*"
    for rest in given("COPY"):
        *sources, _target = [word for word in rest.split() if not word.startswith("--")]
        if "--from=" in rest:
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(is_within(source.rstrip("/"), pattern) for pattern in let_through), source


def test_every_package_of_the_server_is_in_the_image() -> None:
    copied = {word.rstrip("/") for rest in given("COPY") for word in rest.split()}
    assert {"graph", "schema", "services", "db", "migrations", "pyproject.toml", "schema.graphql"} <= copied


def test_compose_migrates_a_healthy_database_before_it_serves(compose) -> None:
    services = compose["services"]
    assert services["server"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["migrate"]["command"] == ["migrate"]
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert services["postgres"]["image"] == "postgres:17"
    assert "pg_isready" in str(services["postgres"]["healthcheck"])
    assert "ping" in services["redis"]["healthcheck"]["test"]
    assert set(compose["volumes"]) == {"postgres"}


def test_compose_has_no_secret_of_its_own(compose) -> None:
    environment = compose["services"]["server"]["environment"]
    assert environment["JWT_SECRET"].startswith("${JWT_SECRET:?")
    assert environment["DB_ENCRYPTION_KEY"].startswith("${DB_ENCRYPTION_KEY:?")
    assert environment["DATABASE_URL"].startswith("postgresql://")
