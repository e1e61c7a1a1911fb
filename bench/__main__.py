"""The command line of the bench: python -m bench, with what to measure and for how long."""

import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from bench import answers, clusters, databases, growth, measuring, plots, profiling, reports
from bench.databases import Pair
from bench.operations import BESIDE, COMPARED, READS
from bench.servers import ALWAYS, JOINING, PEERS, Peer, started

RESULTS: Final = Path(__file__).parent / "results"
MESSAGES: Final = 1_000_000
SQLITE_MESSAGES_MAX: Final = 100_000
"""SQLite is for small businesses, and its set is written without COPY."""
SQLITE_OPERATIONS: Final = tuple(operation for operation in READS if operation != "inbox")
SECONDS_MIN: Final = 0.2
console = Console(width=170)


def names(allowed: Sequence[str]) -> "NameList":
    """A comma-separated list of these."""
    return NameList(allowed)


class NameList(click.ParamType[tuple[str, ...]]):
    """Some of several names, with commas between."""

    name = "names"

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = allowed

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        found = tuple(part.strip() for part in str(value).split(",") if part.strip())
        unknown = [part for part in found if part not in self.allowed]
        if unknown:
            self.fail(f"{', '.join(unknown)}: there are {', '.join(self.allowed)}", param, ctx)
        return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", type=names(tuple(PEERS)), help="These servers.")
@click.option("--ops", type=names((*COMPARED, *BESIDE)), help="These operations.")
@click.option("--messages", type=click.IntRange(1_000, 10_000_000), default=MESSAGES, show_default=True)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--seconds", type=click.FloatRange(SECONDS_MIN, 600), default=2.0, show_default=True)
@click.option("--growth/--no-growth", "with_growth", default=True, show_default=True)
@click.option("--sqlite/--no-sqlite", "with_sqlite", default=True, show_default=True)
@click.option("--peers", "with_peers", is_flag=True, help="The other peers too: they need Node.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Keeps the sets of data; else they are made anew."
)
@click.option(
    "--profile", type=names((*COMPARED, *BESIDE)), help="Only where the time of these operations goes."
)
@click.option("--label", default="latest", show_default=True, help="Name of the files in bench/results.")
def main(
    only: tuple[str, ...] | None,
    ops: tuple[str, ...] | None,
    messages: int,
    rounds: int,
    seconds: float,
    with_growth: bool,
    with_sqlite: bool,
    with_peers: bool,
    folder: Path | None,
    profile: tuple[str, ...] | None,
    label: str,
) -> None:
    """Measure Switchboard beside what one would otherwise take, on the same rows and operations."""
    chosen = only or (*ALWAYS, *(JOINING if with_peers else ()))
    peers = [PEERS[name] for name in PEERS if name in chosen]
    operations = [name for name in (*COMPARED, *BESIDE) if name in (ops or (*COMPARED, *BESIDE))]
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="switchboard-bench-")))
        run = Run(place.resolve(), peers, operations, messages)
        if profile:
            console.print(f"wrote {run.profiled(label, seconds, profile)}")
            return
        report = run.on_postgres(label, rounds, seconds, with_growth=with_growth)
        if with_sqlite and any(operation in SQLITE_OPERATIONS for operation in operations):
            report.sections.append(run.on_sqlite(rounds, seconds))
    reports.show(report, console)
    page = reports.save(report, RESULTS)
    for path in (page, *plots.draw(report, RESULTS)):
        console.print(f"wrote {path}")


class Run:
    """What is measured, and where."""

    def __init__(self, folder: Path, peers: list[Peer], operations: list[str], messages: int) -> None:
        self.folder, self.peers, self.operations, self.messages = folder, peers, operations, messages
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)

    def on_postgres(self, label: str, rounds: int, seconds: float, *, with_growth: bool) -> reports.Report:
        """The main section, and how cost grows."""
        with clusters.running(self.folder / "postgres") as cluster:
            tell(f"PostgreSQL {cluster.version}; the set of {self.messages:,} messages")
            databases.make_on_postgres(cluster, self.messages)
            plan = measuring.Plan(seconds, rounds, cluster.process_id)
            report = reports.Report(label, self.messages, plan, cluster.version)
            with databases.copied_on_postgres(cluster, self.messages) as pair:
                results = self._compare(pair, plan, self.peers, self.operations)
            report.sections.append(reports.Section(f"PostgreSQL, {self.messages:,} messages", results))
            if with_growth:
                two = [peer for peer in self.peers if peer.name in ALWAYS]
                field = growth.Field(cluster, two, self.messages, plan, self.logs, tell)
                report.growth = growth.measure_growth(field)
        return report

    def profiled(self, label: str, seconds: float, operations: Sequence[str]) -> Path:
        """Where Switchboard's time goes; the page that says it."""
        with clusters.running(self.folder / "postgres") as cluster:
            tell(f"PostgreSQL {cluster.version}; the set of {self.messages:,} messages")
            databases.make_on_postgres(cluster, self.messages)
            plan = measuring.Plan(seconds, 1, cluster.process_id)
            with databases.copied_on_postgres(cluster, self.messages) as pair:
                return profiling.profile(pair, plan, operations, self.logs, label, RESULTS)

    def on_sqlite(self, rounds: int, seconds: float) -> reports.Section:
        """The two servers that run on SQLite as well."""
        messages, files = min(self.messages, SQLITE_MESSAGES_MAX), self.folder / "sqlite"
        tell(f"SQLite; the set of {messages:,} messages")
        databases.make_on_sqlite(files, messages)
        peers = [peer for peer in self.peers if peer.name in ALWAYS]
        operations = [operation for operation in self.operations if operation in SQLITE_OPERATIONS]
        with databases.copied_on_sqlite(files, messages) as pair:
            results = self._compare(pair, measuring.Plan(seconds, rounds, None), peers, operations)
        return reports.Section(f"SQLite, {messages:,} messages", results)

    def _compare(
        self, pair: Pair, plan: measuring.Plan, peers: Sequence[Peer], operations: Sequence[str]
    ) -> list[measuring.Result]:
        with ExitStack() as stack:
            servers = [stack.enter_context(started(peer, pair, self.logs)) for peer in peers]
            answers.compare(servers, operations)
            tell(f"answers agree: {', '.join(server.name for server in servers)}")
            return measuring.measure(plan, servers, operations, tell)


def tell(line: str) -> None:
    """Says how far it has come."""
    console.print(line, style="dim")


if __name__ == "__main__":
    # Asked to end, it ends what it has started: a PostgreSQL that is left would keep its folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    main(prog_name="python -m bench")
