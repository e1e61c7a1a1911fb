"""What conversations are about: reads the texts, in which a line is a turn with the ways it may be said."""

from dataclasses import dataclass
from random import Random
from typing import Final

from graph.seed import english, other_languages

CUSTOMER, AGENT, ORDERED = "C", "A", "O"
"""Who speaks; ORDERED is the agent who has just placed the order."""
LATER = "+"
"""Before the speaker: a day or more has passed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that is said, in one of several ways."""

    speaker: str
    is_later: bool
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Theme:
    """A conversation to be, and the order that it needs.

    `begun` and `done` are the order's states while they talk and at the end; empty where there is no order, or where
    it is placed on the way. `days` is how old the order is when the customer writes. Where it is paired, the first way to
    ask goes with the first way to answer, the second with the second.
    """

    name: str
    language: str
    turns: tuple[Turn, ...]
    kind: str
    begun: str
    done: str
    days: tuple[int, int]
    is_paired: bool

    @property
    def places_order(self) -> bool:
        """Whether an order comes out of it."""
        return any(turn.speaker == ORDERED for turn in self.turns)

    @property
    def opening(self) -> tuple[Turn, ...]:
        """What the customer says before anybody answers."""
        said = [turn.speaker for turn in self.turns]
        return self.turns[: next(i for i, speaker in enumerate(said) if speaker != CUSTOMER)]


def choose_ways(random: Random, theme: Theme) -> list[str]:
    """One of the ways to say each of its turns, with gaps for what belongs to this customer, product and order."""
    same = random.randrange(12)
    return [
        turn.ways[same % len(turn.ways)] if theme.is_paired else random.choice(turn.ways)
        for turn in theme.turns
    ]


def _read(text: str, language: str) -> list[Theme]:
    themes = []
    for block in text.strip().split("\n\n"):
        heading, *lines = block.strip().splitlines()
        name, *given = heading.removeprefix("#").split()
        marks = dict(mark.split("=") for mark in given)
        first, last = marks.get("days", "0-0").split("-")
        turns = tuple(_turn(line) for line in lines)
        states = marks.get("begun", ""), marks.get("done", marks.get("begun", ""))
        kind = marks.get("kind", "any")
        days = (int(first), int(last))
        themes.append(Theme(name, language, turns, kind, *states, days, "paired" in marks))
    return themes


def _turn(line: str) -> Turn:
    speaker, said = line.split(" ", 1)
    ways = tuple(way.strip() for way in said.split("||"))
    return Turn(speaker.removeprefix(LATER), speaker.startswith(LATER), ways)


THEMES: Final[dict[str, list[Theme]]] = {
    language: _read(text, language)
    for language, text in {"en": english.TEXT, **other_languages.TEXTS}.items()
}
