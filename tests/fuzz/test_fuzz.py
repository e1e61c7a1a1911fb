"""Random documents are answered alike by plans and by the stock executor, whatever goes wrong meanwhile."""

from pathlib import Path

import pytest

from schema.kit.execution.plans import plans
from tests.fuzz import faults, reports
from tests.fuzz.cases import Runner
from tests.fuzz.worlds import standing_still, worlds

CASES, CASES_LONG = 250, 10_000
SHOWN = 3
LONG_SECONDS = 3_600
# graphql-core leaves the siblings of a failed field unstarted, and says so when they are collected.
pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine '.*' was never awaited:RuntimeWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


async def test_plans_answer_like_the_stock_executor(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await _compare(dialect, tmp_path, request, seed=0, cases=CASES)


@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
async def test_plans_answer_like_the_stock_executor_ten_thousand_times(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await _compare(dialect, tmp_path, request, seed=1_000_000, cases=CASES_LONG)


async def _compare(
    dialect: str, folder: Path, request: pytest.FixtureRequest, *, seed: int, cases: int
) -> None:
    if not plans.enabled:
        pytest.skip("compares plans with what there is without them")
    url = request.getfixturevalue("postgres_url") if dialect == "postgresql" else None
    async with standing_still() as clock, worlds(dialect, folder, url, f"fuzz_{seed}") as pair:
        runner = Runner(pair, clock)
        with faults.possible(pair.stock.database, pair.planned.database):
            for number in range(seed, seed + cases):
                await runner.run(number)
    shown = "\n".join(str(difference)[:5_000] for difference in runner.tally.differences[:SHOWN])
    assert not runner.tally.differences, f"{len(runner.tally.differences)} differences\n{shown}"
    assert reports.lacks(runner.tally) == [], reports.summary(runner.tally)
