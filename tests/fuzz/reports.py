"""Whether enough was tried: how many cases a plan answered, and how often each construct was among them."""

from typing import Final

from tests.fuzz.cases import Tally

CONSTRUCTS: Final = (
    *("alias", "argument", "backwards", "condition", "cursor", "fault in a field", "fault in rows", "filter"),
    *("forwards", "inline fragment", "interface", "joined row", "list", "list of rows", "mutation"),
    *("named fragment", "nodes", "page", "row by key", "row of one of several types", "sort", "subscription"),
    "variable",
)
PLANNED_MIN: Final = 0.80
CONSTRUCT_MIN: Final = 0.05
REFUSED_MAX: Final = 0.10
"""Of what is made, how much may not even be valid."""


def lacks(tally: Tally) -> list[str]:
    """What the cases do not show, however well they went."""
    found = []
    if tally.share(tally.planned) < PLANNED_MIN:
        found.append(f"only {tally.share(tally.planned):.0%} ran on a plan")
    if tally.refused > REFUSED_MAX * (tally.cases + tally.refused):
        found.append(f"{tally.refused} documents were not valid")
    for name in CONSTRUCTS:
        share = tally.share(tally.constructs[name])
        if share < CONSTRUCT_MIN:
            found.append(f"{name} is in {share:.1%} of the cases")
    return found


def summary(tally: Tally) -> str:
    """The figures on a few lines."""
    shares = ", ".join(f"{n} {tally.share(c):.0%}" for n, c in sorted(tally.constructs.items()))
    ran = (
        f"{tally.cases} cases, {tally.planned} on a plan ({tally.share(tally.planned):.0%}), "
        f"{tally.surprised} surprised, {tally.fallback} without a plan, {tally.with_errors} with errors, "
        f"{tally.refused} invalid, {len(tally.differences)} differences"
    )
    return f"{ran}\n{shares}"
