"""The code in the pages of docs/: found, and each kind of it run.

| fence | how it is run |
|---|---|
| sh | by bash in a folder of the page's own, with the host, the database and `make` (a dry run) replaced; `curl -N` until what is shown has arrived |
| graphql | checked against the schema, then sent to the server; a subscription until its first event |
| js | by node, beside the packages of tests/clients |
| python | by Python |
| env | loaded as settings |
| ini | read; the commands have to exist |
| nginx | read; it has to lead to the server |
| mermaid | compared with what is generated, in test_docs.py |
| json, text | what the snippet above takes or answers; `…` stands for anything, `$NAME` for a variable of the page |
"""

import asyncio
import configparser
import json
import re
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from graphql import OperationDefinitionNode, build_schema, parse, validate
from graphql.execution.values import get_variable_values

from graph.__main__ import main
from graph.settings import Settings
from tests.node import CLIENTS
from tests.running import PROJECT, Running
from tests.wire.caller import Caller
from tests.wire.line import line_to

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RUN_SECONDS = 30
POSTGRES = "postgresql://switchboard:secret@db.example.org/switchboard"
SCHEMA = build_schema((PROJECT / "schema.graphql").read_text())


@dataclass
class Snippet:
    """A piece of code with what it is given and what it answers, where the page says."""

    language: str
    text: str
    variables: Any = None
    answer: Any = None
    said: str | None = None


@dataclass
class Page:
    """A page at work: what its snippets may use, and what they leave for the later ones."""

    running: Running
    folder: Path
    environment: dict[str, str]
    postgres: str
    ran: list[str] = field(default_factory=list)

    async def run(self, snippet: Snippet) -> None:
        """Runs it; an AssertionError where it does not do what the page says."""
        await getattr(self, f"_run_{snippet.language}")(snippet)
        self.ran.append(snippet.language)

    async def _run_sh(self, snippet: Snippet) -> None:
        text = re.sub(r"^make (?=\w)", f"make --dry-run --directory={PROJECT} ", snippet.text, flags=re.M)
        if "curl -sN" in text:
            await self._stream(text, snippet.said or "")
            return
        out = await self._bash(f"set -euo pipefail; set -a\n{text}\nenv -0 > .left")
        left = (self.folder / ".left").read_text().rstrip("\0").split("\0")
        self.environment = dict(line.split("=", 1) for line in left)
        if snippet.said is not None:
            assert matches(snippet.said.strip(), out.strip()), out
        if snippet.answer is not None:
            assert same(snippet.answer, shown(json.loads(out))), out

    async def _run_js(self, snippet: Snippet) -> None:
        (self.folder / "snippet.mjs").write_text(self._here(snippet.text))
        assert await self._bash("node snippet.mjs")

    async def _run_python(self, snippet: Snippet) -> None:
        (self.folder / "snippet.py").write_text(self._here(snippet.text))
        await self._bash(".venv/bin/python -W error snippet.py")

    async def _run_graphql(self, snippet: Snippet) -> None:
        document = parse(snippet.text)
        faults = validate(SCHEMA, document)
        operation = document.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        variables = self._filled(snippet.variables)
        if not faults:
            coerced = get_variable_values(SCHEMA, operation.variable_definitions or (), variables)
            assert not isinstance(coerced, list), coerced
        caller = Caller(self.running.web, self.environment["TOKEN"])
        if operation.operation.value == "subscription":
            async with line_to(self.running, caller) as line:
                await line.subscribe("1", snippet.text, **variables)
                event = await line.read()
            assert (event["type"], set(event["payload"])) == ("next", {"data"}), event
            return
        answer = (await caller.post(snippet.text, variables)).json()
        if snippet.answer is None:
            assert "errors" not in answer, answer
            assert not any(isinstance(f, dict) and f.get("userErrors") for f in answer["data"].values()), (
                answer
            )
        else:
            assert same(snippet.answer, shown(answer)), json.dumps(answer)

    async def _run_sql(self, snippet: Snippet) -> None:
        """Tried and taken back: a role would outlive the page's database."""
        connection = await asyncpg.connect(self.postgres)
        try:
            attempt = connection.transaction()
            await attempt.start()
            await connection.execute(snippet.text)
            await attempt.rollback()
        finally:
            await connection.close()

    async def _run_env(self, snippet: Snippet) -> None:
        values = dict(line.split("=", 1) for line in snippet.text.splitlines() if "=" in line)
        assert {name.lower() for name in values} <= set(Settings.model_fields)
        given = {name: re.sub("…", lambda _: secrets.token_hex(32), value) for name, value in values.items()}
        load = "from graph.settings import Settings; Settings.load()"
        await self._bash(f".venv/bin/python -c '{load}'", **given)

    async def _run_ini(self, snippet: Snippet) -> None:
        unit = configparser.ConfigParser(interpolation=None)
        unit.read_string(snippet.text)
        commands = [value for name, value in unit["Service"].items() if name.startswith("execstart")]
        assert commands
        assert {command.rpartition(" -m graph ")[2] for command in commands} <= set(main.commands)

    async def _run_nginx(self, snippet: Snippet) -> None:
        assert snippet.text.count("{") == snippet.text.count("}")
        assert all(line.strip()[-1:] in ("", ";", "{", "}") for line in snippet.text.splitlines())
        fields = Settings.model_fields
        address = f"http://{fields['service_host'].default}:{fields['service_port'].default}"
        assert re.findall(r"proxy_pass (\S+);", snippet.text) == [address]

    async def _run_mermaid(self, snippet: Snippet) -> None:
        assert snippet.text.startswith("classDiagram\n")

    def _here(self, text: str) -> str:
        url = self.running.url
        there = {"http://127.0.0.1:8000": url, "ws://127.0.0.1:8000": url.replace("http", "ws", 1)}
        for shown, real in {**there, POSTGRES: self.postgres}.items():
            text = text.replace(shown, real)
        return text

    def _filled(self, value: Any) -> Any:
        text = re.sub(r"\$([A-Z_]+)", lambda name: self.environment[name[1]], json.dumps(value or {}))
        return json.loads(text)

    async def _bash(self, script: str, **more: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", self._here(script)),
            cwd=self.folder,
            env={**self.environment, **more},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(RUN_SECONDS):
                out, complaints = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, f"{script}\n{complaints.decode()}"
        return out.decode()

    async def _stream(self, text: str, said: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", f"exec {self._here(text)}"),
            cwd=self.folder,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(RUN_SECONDS):
                lines = [
                    (await process.stdout.readline()).decode().strip() for _ in said.strip().splitlines()
                ]
        finally:
            process.kill()
            await process.wait()
        assert lines, "it says nothing of what it shows"
        assert matches(said.strip(), "\n".join(lines)), lines


def snippets_of(page: str) -> list[Snippet]:
    """The snippets of a page in their order, with what belongs to each; AssertionError for what cannot be run."""
    found: list[Snippet] = []
    for language, text in FENCE.findall(page):
        if hasattr(Page, f"_run_{language}"):
            found.append(Snippet(language, text))
            continue
        assert language in ("json", "text"), f"Nobody knows how to run {language!r}: {text}"
        assert found, f"It belongs to nothing: {text}"
        if language == "text":
            found[-1].said = text
            continue
        value = json.loads(text)
        if found[-1].language == "graphql" and not {"data", "errors"} & set(value):
            found[-1].variables = value
        else:
            found[-1].answer = value
    return found


def links(folder: Path) -> None:
    """Puts into a folder what the snippets expect beside them."""
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".env.example").symlink_to(PROJECT / ".env.example")
    (folder / "node_modules").symlink_to(CLIENTS / "node_modules")


def shown(answer: Any) -> Any:
    """An answer as the pages show it: without the request id and the time that each of them has."""
    return {name: value for name, value in answer.items() if name != "extensions"}


def matches(expected: str, got: str) -> bool:
    """Whether a text is the expected one, in which `…` stands for anything."""
    return re.fullmatch(re.escape(expected).replace("…", ".*"), got, re.DOTALL) is not None


def same(expected: Any, got: Any) -> bool:
    """Whether a JSON value is the expected one, in whose texts `…` stands for anything."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(same(v, got[k]) for k, v in expected.items())
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, str) and isinstance(got, str):
        return matches(expected, got)
    return bool(expected == got)
