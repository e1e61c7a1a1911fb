"""The pictures of a run: processor time for each operation and server, and how it grows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import pyplot as plt

from bench.growth import Point
from bench.measuring import Result
from bench.operations import COMPARED
from bench.reports import OURS, Report

COLORS: Final = ("#0f766e", "#b45309", "#64748b", "#7c3aed", "#be123c", "#1d4ed8", "#a1a1aa", "#d4d4d8")
WIDTH, HEIGHT = 11.0, 4.5
BAR_GROUP: Final = 0.85
"""How much of its place a group of bars takes."""


def draw(report: Report, folder: Path) -> list[Path]:
    """Draws a picture for each section, and one of growth; where they are."""
    mpl.use("svg")
    # The same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "bench"
    mpl.rcParams["svg.fonttype"] = "none"
    made = []
    for number, section in enumerate(report.sections):
        compared = [result for result in section.results if result.operation in COMPARED]
        if compared:
            path = folder / (f"{report.label}.svg" if number == 0 else f"{report.label}-{number + 1}.svg")
            made.append(_draw_bars(section.title, compared, path))
    if report.growth:
        made.append(_draw_growth(report.growth, folder / f"{report.label}-growth.svg"))
    return made


def _draw_bars(title: str, results: Sequence[Result], path: Path) -> Path:
    operations = list(dict.fromkeys(result.operation for result in results))
    servers = list(dict.fromkeys(result.server for result in results))
    figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
    width = BAR_GROUP / len(servers)
    for number, server in enumerate(servers):
        own = {result.operation: result.cpu_ms for result in results if result.server == server}
        heights = [own.get(operation, 0.0) for operation in operations]
        places = [place - BAR_GROUP / 2 + (number + 0.5) * width for place in range(len(operations))]
        bars = axes.bar(places, heights, width, label=server, color=COLORS[number % len(COLORS)])
        axes.bar_label(bars, fmt="%.2g", fontsize=6)
    axes.set_yscale("log")
    axes.set_xticks(range(len(operations)), operations)
    axes.set_ylabel("CPU ms for one operation, server + database")
    axes.set_title(title)
    axes.legend(fontsize=7, ncols=4)
    return _save(figure, path)


def _draw_growth(points: Sequence[Point], path: Path) -> Path:
    series = list(dict.fromkeys(point.series for point in points))
    figure, rows = plt.subplots(1, len(series), figsize=(4.0 * len(series), HEIGHT), squeeze=False)
    for axes, name in zip(rows[0], series, strict=True):
        _draw_series(axes, name, [point for point in points if point.series == name])
    return _save(figure, path)


def _draw_series(axes: Any, name: str, points: Sequence[Point]) -> None:
    lines = dict.fromkeys((point.result.server, point.result.operation) for point in points)
    servers = list(dict.fromkeys(server for server, _ in lines))
    operations = list(dict.fromkeys(operation for _, operation in lines))
    # Of workers the rate counts: each costs what it costs.
    by_rate = name == "workers"
    for server, operation in lines:
        own = [p for p in points if (p.result.server, p.result.operation) == (server, operation)]
        values = [p.result.rate if by_rate else p.result.cpu_ms for p in own]
        style = ("-", "--", ":")[operations.index(operation) % 3]
        color = COLORS[0] if server == OURS else COLORS[1 + servers.index(server)]
        label = f"{server} {operation}"
        axes.plot([p.at for p in own], values, style, marker="o", markersize=3, color=color, label=label)
    if max(point.at for point in points) > max(10, 10 * min(point.at for point in points)):
        axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(name, fontsize=9)
    axes.set_ylabel("per second" if by_rate else "CPU ms", fontsize=8)
    axes.legend(fontsize=6)


def _save(figure: Any, path: Path) -> Path:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
