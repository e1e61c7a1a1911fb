"""No operation makes the server fail, whoever asks and however broken it is, and none leaves memory behind."""

import gc
from unittest.mock import patch

import psutil
import pytest
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schema.kit.load import Load
from services.server import Server
from tests.fuzz.hammer import Hammer, Tally

OPERATIONS, OPERATIONS_PLANTED, OPERATIONS_LONG = 300, 10, 20_000
WARM = 5_000
"""After so many operations every cache is full."""
GROWTH_MAX = 0.05
LONG_SECONDS = 7_200
SHOWN = 5
SEED, SEED_LONG = 2_000_000, 3_000_000
# graphql-core leaves the siblings of a failed field unstarted, and says so when they are collected.
pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine '.*' was never awaited:RuntimeWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


async def test_no_operation_makes_the_server_fail(server: Server) -> None:
    _check(await Hammer(server).run(SEED, OPERATIONS))


async def test_a_server_that_fails_is_noticed(server: Server) -> None:
    with patch.object(Load, "__init__", side_effect=ZeroDivisionError):
        tally = await Hammer(server).run(SEED, OPERATIONS_PLANTED)
    assert tally.codes["INTERNAL"] > 0
    assert tally.faults


@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
async def test_twenty_thousand_operations_fail_nowhere_and_leave_no_memory_behind(server: Server) -> None:
    sizes: dict[int, int] = {}
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        task = progress.add_task("operations", total=OPERATIONS_LONG)

        def told(count: int) -> None:
            if count % 100 == 0:
                progress.update(task, completed=count, refresh=True)
            if count % WARM == 0:
                gc.collect()
                sizes[count] = psutil.Process().memory_info().rss

        tally = await Hammer(server).run(SEED_LONG, OPERATIONS_LONG, told)
    console.print(str(tally), {count: f"{size / 2**20:.1f} MiB" for count, size in sizes.items()})
    _check(tally)
    assert sizes[OPERATIONS_LONG] < sizes[WARM] * (1 + GROWTH_MAX), sizes


def _check(tally: Tally) -> None:
    if tally.faults:
        shown = "\n\n".join(fault[:3_000] for fault in tally.faults[:SHOWN])
        pytest.fail(f"{len(tally.faults)} faults\n{shown}", pytrace=False)
    assert tally.share_with_data >= 0.5, str(tally)
    assert tally.broken["refused"] > 0, str(tally)
    assert all(tally.valid[who] > 0 for who in tally.asked), str(tally)
