"""The pictures of a run: what each operation costs each server, and how it grows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import pyplot as plt

from bench.growth import Point
from bench.measuring import Result
from bench.operations import COMPARED
from bench.reports import OURS, Report

COLORS: Final = ("#0f766e", "#b45309", "#64748b", "#7c3aed", "#be123c", "#1d4ed8", "#a1a1aa", "#d4d4d8")
WIDTH, HEIGHT = 11.0, 3.5
PANELS: Final[tuple[tuple[str, Callable[[Result], float]], ...]] = (
    ("CPU ms for one operation, server + database", lambda result: result.cpu_ms),
    ("CPU ms for one operation, database", lambda result: result.database_ms),
    ("operations per second", lambda result: result.rate),
    ("p50 ms", lambda result: result.p50),
    ("p99 ms", lambda result: result.p99),
    ("memory of the server, MB", lambda result: result.memory_megabytes),
)
"""What is drawn of the results, one below the other."""
FAR_APART: Final = 5
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
    figure, panels = plt.subplots(len(PANELS), 1, figsize=(WIDTH, HEIGHT * len(PANELS)))
    for axes, (label, value) in zip(panels, PANELS, strict=True):
        _draw_panel(axes, results, value)
        axes.set_ylabel(label, fontsize=8)
    panels[0].set_title(title)
    panels[0].legend(fontsize=7, ncols=4)
    return _save(figure, path)


def _draw_panel(axes: Any, results: Sequence[Result], value: Callable[[Result], float]) -> None:
    operations = list(dict.fromkeys(result.operation for result in results))
    servers = list(dict.fromkeys(result.server for result in results))
    width = BAR_GROUP / len(servers)
    for number, server in enumerate(servers):
        own = {result.operation: value(result) for result in results if result.server == server}
        heights = [own.get(operation, 0.0) for operation in operations]
        places = [place - BAR_GROUP / 2 + (number + 0.5) * width for place in range(len(operations))]
        bars = axes.bar(places, heights, width, label=server, color=COLORS[number % len(COLORS)])
        axes.bar_label(bars, fmt=_short, fontsize=6)
    _scale(axes, [value(result) for result in results])
    axes.set_xticks(range(len(operations)), operations)


def _draw_growth(points: Sequence[Point], path: Path) -> Path:
    series = list(dict.fromkeys(point.series for point in points))
    figure, rows = plt.subplots(2, len(series), figsize=(4.0 * len(series), 2 * HEIGHT), squeeze=False)
    for number, name in enumerate(series):
        own = [point for point in points if point.series == name]
        # Of workers the rate counts: each costs what it costs.
        cost = PANELS[2] if name == "workers" else PANELS[0]
        for axes, (label, value) in zip(rows[:, number], (cost, PANELS[-1]), strict=True):
            _draw_series(axes, own, value)
            axes.set_ylabel(label, fontsize=8)
        rows[0][number].set_title(name, fontsize=9)
        rows[0][number].legend(fontsize=6)
    return _save(figure, path)


def _draw_series(axes: Any, points: Sequence[Point], value: Callable[[Result], float]) -> None:
    lines = dict.fromkeys((point.result.server, point.result.operation) for point in points)
    servers = list(dict.fromkeys(server for server, _ in lines))
    operations = list(dict.fromkeys(operation for _, operation in lines))
    for server, operation in lines:
        own = [p for p in points if (p.result.server, p.result.operation) == (server, operation)]
        style = ("-", "--", ":")[operations.index(operation) % 3]
        color = COLORS[0] if server == OURS else COLORS[1 + servers.index(server)]
        label, values = f"{server} {operation}", [value(p.result) for p in own]
        axes.plot([p.at for p in own], values, style, marker="o", markersize=3, color=color, label=label)
    if max(point.at for point in points) > max(10, 10 * min(point.at for point in points)):
        axes.set_xscale("log")
    _scale(axes, [value(point.result) for point in points])


def _scale(axes: Any, values: Sequence[float]) -> None:
    """Logarithmic where values are apart by much; else from nothing, as for a database in the server's own process."""
    if min(values) > 0 and max(values) > FAR_APART * min(values):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _save(figure: Any, path: Path) -> Path:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
