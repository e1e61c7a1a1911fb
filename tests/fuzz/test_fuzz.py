"""Random documents are answered alike by plans and by the stock executor, whatever goes wrong meanwhile."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from schema.kit.context import Context
from schema.kit.execution.links import FewLink
from schema.kit.execution.plans import plans
from tests.databases import Databases
from tests.fuzz import faults, reports
from tests.fuzz.cases import Runner, Tally
from tests.fuzz.worlds import standing_still, worlds

CASES, CASES_PLANTED, CASES_LONG = 250, 150, 10_000
"""On each of the two databases: 500 and 20,000 in all."""
PLANTED = 2
"""Kinds of differences: in what is answered, and in what is done."""
SHOWN = 3
LONG_SECONDS = 3_600
# graphql-core leaves the siblings of a failed field unstarted, and says so when they are collected.
pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine '.*' was never awaited:RuntimeWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


async def test_plans_answer_like_the_stock_executor(
    dialect: str, tmp_path: Path, databases: Databases
) -> None:
    await _compare(dialect, tmp_path, databases, seed=0, cases=CASES)


async def test_a_plan_that_loses_a_row_or_repeats_a_mutation_is_noticed(
    tmp_path: Path, databases: Databases
) -> None:
    follow, once = FewLink.follow, Context.once

    async def lose(self: FewLink, run: Any, held: Any) -> None:
        await follow(self, run, held)
        for _, waiting in held:
            waiting[self._name] = (waiting[self._name] or [])[1:]

    async def repeat(self: Context, key: Any, do: Any, action: str, kept: Any) -> Any:
        if plans.enabled:
            await once(self, f"{key} again", do, action, kept)
        return await once(self, key, do, action, kept)

    with patch.object(FewLink, "follow", lose), patch.object(Context, "once", repeat):
        tally = await _run("sqlite", tmp_path, databases, seed=0, cases=CASES_PLANTED, until=PLANTED)
    assert len(_kinds(tally)) == PLANTED


@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
async def test_plans_answer_like_the_stock_executor_ten_thousand_times(
    dialect: str, tmp_path: Path, databases: Databases
) -> None:
    await _compare(dialect, tmp_path, databases, seed=1_000_000, cases=CASES_LONG)


async def _compare(dialect: str, folder: Path, databases: Databases, *, seed: int, cases: int) -> None:
    tally = await _run(dialect, folder, databases, seed=seed, cases=cases)
    shown = "\n".join(str(difference)[:5_000] for difference in tally.differences[:SHOWN])
    if tally.differences:
        pytest.fail(f"{len(tally.differences)} differences\n{shown}", pytrace=False)
    assert reports.lacks(tally) == [], reports.summary(tally)


async def _run(
    dialect: str,
    folder: Path,
    databases: Databases,
    *,
    seed: int,
    cases: int,
    until: int = PLANTED + 1,
) -> Tally:
    if not plans.enabled:
        pytest.skip("compares plans with what there is without them")
    url = databases.postgres_url if dialect == "postgresql" else None
    async with standing_still() as clock, worlds(dialect, folder, url, f"fuzz_{seed}") as pair:
        runner = Runner(pair, clock)
        with faults.possible(pair.stock.database, pair.planned.database):
            for number in range(seed, seed + cases):
                await runner.run(number)
                if len(_kinds(runner.tally)) >= until:
                    break
    return runner.tally


def _kinds(tally: Tally) -> set[str]:
    kinds = ("the answers differ", "what was done differs")
    return {kind for kind in kinds for found in tally.differences if found.what.startswith(kind)}
