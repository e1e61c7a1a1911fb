"""What is counted of operations: bounded whatever their names are, and cheap."""

import time

import pytest
from graphql import GraphQLError
from strawberry.types import ExecutionResult

from graph.tally import (
    COSTS,
    DONE,
    NAME_LENGTH_MAX,
    NAMES_MAX,
    OTHER,
    SECONDS,
    UNNAMED,
    Histogram,
    Tally,
    code_of,
    cost_of,
    first_name,
)

NOTES = 20_000
NOTE_SECONDS_MAX = 50e-6
"""Five times what one may cost, of the processor's time: other things run as well."""


def test_an_operation_is_counted_by_its_name_and_what_came_of_it() -> None:
    tally = Tally()
    tally.note("Inbox", DONE, 0.02, 202)
    tally.note("Inbox", "NOT_FOUND", 0.3, None)
    tally.note(None, DONE, None, 1)
    assert tally.outcomes == {("Inbox", DONE): 1, ("Inbox", "NOT_FOUND"): 1, (UNNAMED, DONE): 1}
    assert tally.seconds["Inbox"].total == pytest.approx(0.32)
    assert dict(tally.seconds["Inbox"].buckets())["0.025"] == 1
    assert dict(tally.costs["Inbox"].buckets())["250.0"] == 1
    assert UNNAMED not in tally.seconds


def test_the_names_are_bounded() -> None:
    tally = Tally()
    for number in range(NAMES_MAX * 3):
        tally.note(f"Op{number}", DONE, 0.001, 1)
    named = {name for name, _ in tally.outcomes}
    assert len(named - {OTHER}) == NAMES_MAX
    assert tally.outcomes[OTHER, DONE] == NAMES_MAX * 2
    assert set(tally.seconds) == named
    tally.note("Op1", DONE, 0.001, 1)
    assert tally.outcomes["Op1", DONE] == 2


def test_strangers_and_refusals_use_up_no_name() -> None:
    tally = Tally()
    tally.note("Stranger", DONE, 0.001, 1, known=False)
    tally.note("Refused", "ACCESS_DENIED", 0.001, None)
    tally.note("x" * (NAME_LENGTH_MAX + 1), DONE, 0.001, None)
    assert {name for name, _ in tally.outcomes} == {OTHER}
    tally.note("Refused", DONE, 0.001, 1)
    tally.note("Refused", DONE, 0.001, 1, known=False)
    assert tally.outcomes["Refused", DONE] == 2


@pytest.mark.parametrize("bounds", [SECONDS, COSTS])
def test_a_histogram_counts_each_value_once(bounds: tuple[float, ...]) -> None:
    histogram = Histogram(bounds)
    for value in (0.0, bounds[0], bounds[0] * 1.01, bounds[-1], bounds[-1] * 2):
        histogram.add(value)
    counts = [count for _, count in histogram.buckets()]
    assert counts == sorted(counts)
    assert (counts[0], counts[-2], counts[-1]) == (2, 4, 5)
    assert histogram.buckets()[-1][0] == "+Inf"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("query Inbox { a }", "Inbox"),
        ("  # first\n#second\r\n mutation Send($a: Int) { a }", "Send"),
        ("subscription\nFollow{a}", "Follow"),
        ("\ufeffquery Marked { a }", "Marked"),
        ("{ a }", None),
        ("query { a }", None),
        ("query ($a: Int) { a }", None),
        ("fragment F on Query { a } query Late { a }", None),
        ("", None),
        ("#" * 30_000, None),
        (" " * 30_000, None),
    ],
)
def test_a_name_is_the_one_that_the_document_begins_with(text: str, name: str | None) -> None:
    assert first_name(text) == name


def test_the_code_is_that_of_the_first_error_and_the_cost_what_was_told() -> None:
    fine = ExecutionResult({"a": 1}, None, {"cost": {"requested": 12, "actual": 7}})
    assert (code_of(fine), cost_of(fine)) == (DONE, 7.0)
    failed = ExecutionResult(None, [GraphQLError("no", extensions={"code": "NOT_FOUND"})])
    assert (code_of(failed), cost_of(failed)) == ("NOT_FOUND", None)


def test_counting_costs_next_to_nothing() -> None:
    tally, began = Tally(), time.thread_time()
    for number in range(NOTES):
        first_name("query Inbox($first: Int) { chats(first: $first) { nodes { id } } }")
        tally.note(f"Op{number % 200}", DONE, 0.003, 202)
    assert (time.thread_time() - began) / NOTES < NOTE_SECONDS_MAX
