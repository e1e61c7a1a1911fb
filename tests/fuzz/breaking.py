"""Breaks an operation as a faulty or hostile client would: its text letter by letter, or what its variables hold."""

from random import Random
from typing import Any, Final

from tests.fuzz.documents import Case

LETTERS: Final = '{}()[]:$@!"\\#.,|&= \n0aé🙂\u0000\u2028'
FLIPS_MAX: Final = 3
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**63), 1e308, -0.0),
    *("", "\u0000", "a\u0000b", "é" * 2_000, "1e400", "9" * 5_000, "-", "2026-13-45T99:99:99Z", "{}"),
    *([], {}, [None], [[[]]], {"": None}, {"id": {"id": {}}}, ["x"] * 200),
)
"""What no client means; all of it can be sent as JSON."""


def break_case(case: Case, random: Random) -> None:
    """Changes a case in place; mostly it is not valid afterwards."""
    if case.variables and random.random() < 0.5:
        case.variables = _broken(case.variables, random)
        return
    for _ in range(random.randint(1, FLIPS_MAX)):
        place = random.randrange(len(case.text))
        end = place + random.choice((0, 1, 1, 5))
        put = random.choice(("", random.choice(LETTERS), case.text[place : place + 20]))
        case.text = case.text[:place] + put + case.text[end:]


def _broken(value: Any, random: Random) -> Any:
    """The value with one part of it replaced; the whole of variables stays an object."""
    if isinstance(value, dict) and value:
        name = random.choice(sorted(value))
        if random.random() < 0.15:
            return {n: v for n, v in value.items() if n != name}
        return {**value, name: _broken_part(value[name], random)}
    if isinstance(value, list) and value:
        place = random.randrange(len(value))
        return [*value[:place], _broken_part(value[place], random), *value[place + 1 :]]
    return random.choice(VALUES)


def _broken_part(value: Any, random: Random) -> Any:
    is_deeper = isinstance(value, dict | list) and random.random() < 0.75
    return _broken(value, random) if is_deeper else random.choice(VALUES)
