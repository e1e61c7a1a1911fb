"""What is left to make faster: which functions the server's processor time goes to, and how long each statement takes."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.databases import Pair
from bench.measuring import Plan, window
from bench.operations import Dialect, requests
from bench.servers import PEERS, Command, Launch, Server, started

SAMPLES_A_SECOND: Final = 500
SHOWN: Final = 20
ASKED: Final = 40
"""How often the statements of an operation are timed."""
WARM_SECONDS: Final = 1.0
OURS: Final = PEERS["switchboard"]
Stack = tuple[str, ...]
"""Frames, each `function (file:line)`, the one at work last."""
WAITING: Final = re.compile("epoll_")
LINE: Final = re.compile(r":\d+\)$")
NATIVE: Final = {
    "asyncpg": re.compile(r"asyncpg|pgproto|\(protocol\.c|recordobj"),
    "httptools": re.compile(r"httptools|llhttp|\(parser\.c"),
    "orjson": re.compile("orjson"),
    "uvloop": re.compile(r"uvloop|uv__|\(loop\.c"),
}
"""What is written in C or Rust, by the names of its functions and files."""
PACKAGE: Final = re.compile(r"\(((?:graph|schema/kit|schema|services|db)(?=/)|[a-z_]+(?=[/.]\S*py:))")


class NoProfiler(Exception):
    """py-spy is not there, or may not look into the server."""


def profile(pair: Pair, plan: Plan, operations: Sequence[str], logs: Path, label: str, folder: Path) -> Path:
    """Profiles Switchboard under the load of each operation; the path of a page with the tables."""
    lines = [f"# {label}: where the time goes", ""]
    lines.append(
        f"{plan.seconds:g} s of load for each operation, {SAMPLES_A_SECOND} samples a second by py-spy."
    )
    with started(OURS, pair, logs) as server:
        for operation in operations:
            window(replace(plan, seconds=WARM_SECONDS), server, operation)
            stacks = _sampled(plan, server, operation, logs / f"{operation}.samples")
            for kind, name in (("parts", part_of), ("functions", function_of)):
                lines += [
                    "",
                    f"## {operation}: {kind}",
                    "",
                    "| share of time | |",
                    "|---|---|",
                    *_shares(stacks, name),
                ]
    with started(replace(OURS, command=_telling), pair, logs) as server:
        for operation in (name for name in operations if name != "delivery"):
            lines += [
                "",
                f"## {operation}: statements",
                "",
                "| median ms | rows | statement |",
                "|---|---|---|",
            ]
            lines += _statements(server, operation)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{label}-profile.md"
    page.write_text("\n".join(lines) + "\n")
    return page


def _telling(launch: Launch) -> Command:
    command = OURS.command(launch)
    # Only in development an answer says how it was made.
    return replace(command, environment={**command.environment, "ENVIRONMENT": "development"})


def _sampled(plan: Plan, server: Server, operation: str, file: Path) -> "Counter[Stack]":
    """How often each stack of calls was at work."""
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    found = shutil.which("py-spy", path=paths)
    if found is None:
        raise NoProfiler("py-spy is not installed: make bench installs it.")
    look = ("--pid", server.process_id, "--duration", max(1, round(plan.seconds)), "--rate", SAMPLES_A_SECOND)
    command = map(str, (found, "record", *look, "--native", "--format", "raw", "--output", file))
    with subprocess.Popen([*command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as looking:
        window(replace(plan, seconds=plan.seconds + WARM_SECONDS), server, operation)
        _, said = looking.communicate()
    if looking.returncode:
        raise NoProfiler(said.decode()[-1_000:])
    parts = [line.rpartition(" ") for line in file.read_text().splitlines()]
    stacks = Counter({tuple(stack.split(";")): int(count) for stack, _, count in parts})
    return Counter({stack: count for stack, count in stacks.items() if not WAITING.match(stack[-1])})


def function_of(stack: Stack) -> str:
    """The function that was at work."""
    return LINE.sub(")", stack[-1])


def part_of(stack: Stack) -> str:
    """The library or package that was at work, or that called what was."""
    for frame in reversed(stack):
        if found := PACKAGE.search(frame):
            return found[1]
        if name := next((name for name, pattern in NATIVE.items() if pattern.search(frame)), None):
            return name
    return "Python"


def _shares(stacks: "Counter[Stack]", name: Callable[[Stack], str]) -> list[str]:
    own: Counter[str] = Counter()
    for stack, count in stacks.items():
        own[name(stack)] += count
    total = max(1, sum(own.values()))
    return [f"| {count / total:.1%} | {found} |" for found, count in own.most_common(SHOWN)]


def _statements(server: Server, operation: str) -> list[str]:
    asked = requests(operation, Dialect.SWITCHBOARD, server.launch.pair.sizes)
    told: dict[str, list[dict[str, Any]]] = {}
    for number in range(ASKED):
        answer = server.send(asked[number % len(asked)], **{"X-Plan": "1"}).json()
        for statement in answer["extensions"]["plan"]["statements"]:
            told.setdefault(" ".join(statement["sql"].split()), []).append(statement)
    return [
        f"| {median(s['milliseconds'] for s in found):.2f} | {median(s['rows'] for s in found):g} | `{sql}` |"
        for sql, found in told.items()
    ]
