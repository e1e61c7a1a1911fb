"""What was measured, as text: tables for the terminal, a page of Markdown, and JSON with everything."""

import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from bench.growth import Point
from bench.measuring import CONNECTIONS, DELIVERY, SUBSCRIBERS, Plan, Result
from bench.operations import BESIDE
from bench.servers import ALWAYS, PROJECT

OURS, STOCK = ALWAYS
PACKAGES: Final = (
    *("strawberry-graphql", "graphql-core", "sqlalchemy", "asyncpg", "aiosqlite", "starlette", "uvicorn"),
    *("uvloop", "aiodataloader", "orjson"),
)
COLUMNS: Final = (
    *("operation", "server", "per second", "spread", "p50 ms", "p99 ms", "server CPU ms", "database CPU ms"),
    *("CPU ms", "× stock", "memory MB", "answer kB", "errors"),
)
GROWTH_COLUMNS: Final = (
    *("series", "at", "operation", "server", "per second", "p50 ms", "p99 ms", "CPU ms", "× stock"),
    *("memory MB", "errors"),
)


@dataclass
class Section:
    """The results of one database."""

    title: str
    results: list[Result] = field(default_factory=list)


@dataclass
class Report:
    """One run of the bench."""

    label: str
    messages: int
    plan: Plan
    database: str
    sections: list[Section] = field(default_factory=list)
    growth: list[Point] = field(default_factory=list)

    @property
    def conditions(self) -> list[str]:
        """What somebody has to know to compare these figures with others."""
        loader = "bench/load.py (asyncio, uvloop)"
        return [
            f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, {self.messages:,} messages",
            f"{psutil.cpu_count()} processors, {_processor()}, {platform.system()} {platform.release()}",
            f"Python {platform.python_version()}, PostgreSQL {self.database}",
            ", ".join(f"{name} {version(name)}" for name in PACKAGES),
            f"one worker, {CONNECTIONS} connections from {loader}; {DELIVERY}: {SUBSCRIBERS} subscribers of one chat",
            f"medians of {self.plan.rounds} interleaved rounds of {self.plan.seconds:g} s; CPU is processor time for one operation",
        ]


def _commit() -> str:
    command = ("git", "rev-parse", "--short", "HEAD")
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def ordered(results: Sequence[Result]) -> list[Result]:
    """Operation by operation, each with the servers as they were asked."""
    operations = list(dict.fromkeys(result.operation for result in results))
    return sorted(results, key=lambda result: operations.index(result.operation))


def cells(result: Result, results: Sequence[Result]) -> list[str]:
    """The line of a result in a table."""
    stock = next((r for r in results if (r.server, r.operation) == (STOCK, result.operation)), None)
    spread = (result.rate_high - result.rate_low) / result.rate if result.rate else 0
    return [
        result.operation,
        result.server,
        f"{result.rate:,.0f}",
        f"{spread:.0%}",
        f"{result.p50:.2f}",
        f"{result.p99:.2f}",
        f"{result.server_ms:.3f}",
        f"{result.database_ms:.3f}",
        f"{result.cpu_ms:.3f}",
        f"{stock.cpu_ms / result.cpu_ms:.1f}" if stock and result.cpu_ms else "",
        f"{result.memory_megabytes:.0f}",
        f"{result.answer_kilobytes:.1f}",
        str(result.errors),
    ]


def show(report: Report, console: Console) -> None:
    """Prints everything."""
    for line in report.conditions:
        console.print(line, style="dim")
    for section in report.sections:
        table = Table(*COLUMNS, title=section.title)
        last = None
        for result in ordered(section.results):
            if last not in (None, result.operation):
                table.add_section()
            last = result.operation
            style = "bold" if result.server == OURS and result.operation not in BESIDE else None
            table.add_row(*cells(result, section.results), style=style)
        console.print(table)
    if report.growth:
        table = Table(*GROWTH_COLUMNS, title="Growth")
        for point in report.growth:
            table.add_row(*growth_cells(point, report.growth))
        console.print(table)


def growth_cells(point: Point, points: Sequence[Point]) -> list[str]:
    """The line of a point in a table."""
    beside = [other.result for other in points if (other.series, other.at) == (point.series, point.at)]
    shown = dict(zip(COLUMNS, cells(point.result, beside), strict=True))
    return [point.series, f"{point.at:,}", *(shown[name] for name in GROWTH_COLUMNS[2:])]


def markdown(report: Report) -> str:
    """The run as a page."""
    lines = [f"# {report.label}", "", *(f"- {line}" for line in report.conditions)]
    for section in report.sections:
        lines += ["", f"## {section.title}", "", *_lines(COLUMNS)]
        lines += [_line(cells(result, section.results)) for result in ordered(section.results)]
    if report.growth:
        rows = [_line(growth_cells(point, report.growth)) for point in report.growth]
        lines += ["", "## Growth", "", *_lines(GROWTH_COLUMNS), *rows]
    return "\n".join(lines) + "\n"


def _lines(head: Sequence[str]) -> list[str]:
    return [_line(head), "|" + "---|" * len(head)]


def _line(found: Sequence[str]) -> str:
    return "| " + " | ".join(found) + " |"


def save(report: Report, folder: Path) -> Path:
    """Writes the page and the JSON; the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    data: dict[str, Any] = {
        "label": report.label,
        "conditions": report.conditions,
        "sections": [asdict(section) for section in report.sections],
        "growth": [asdict(point) for point in report.growth],
    }
    (folder / f"{report.label}.json").write_text(json.dumps(data, indent=1) + "\n")
    page = folder / f"{report.label}.md"
    page.write_text(markdown(report))
    return page
