"""Values for arguments: of the right type, mostly about rows that are there, as literals or as variables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
)

DEPTH_MAX: Final = 2
"""How deep and, or, not are nested."""
LIST_MAX: Final = 3
ODD: Final = 0.025
"""How often a value is one that is refused, or finds nothing."""
KINDS: Final[Mapping[str, str]] = {
    "assignee": "user",
    "seller": "user",
    "owner": "user",
    "conversationId": "chat",
    "conversations": "chat",
    "channels": "channel",
    "channelId": "channel",
}
"""What an input that is not named like a type holds ids of."""


class Word(str):
    """A member of an enum: without quotes in a document."""

    __slots__ = ()


@dataclass
class Known:
    """What there is to ask about. Texts, instants and cursors are noted from earlier answers."""

    ids: dict[str, list[str]]
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, list[Any]] = field(default_factory=dict)
    cursors: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str, value: Any) -> None:
        """An earlier answer's value of a field of that name."""
        known = self.texts.setdefault(name, [])
        if len(known) < 60 and value not in known:
            known.append(value)

    def note_cursor(self, listing: str, cursor: str) -> None:
        """A cursor into a list that was asked for in that way."""
        known = self.cursors.setdefault(listing, [])
        if len(known) < 30:
            known.append(cursor)


class Inputs:
    """Makes values; the same random numbers give the same."""

    def __init__(self, random: Random, known: Known) -> None:
        self.random, self.known = random, known

    def value(self, kind: GraphQLInputType, name: str, about: str, depth: int = 0) -> Any:
        """A value of an input type. `name` is what holds it, `about` the field it is an argument of."""
        if isinstance(kind, GraphQLNonNull):
            return self.value(kind.of_type, name, about, depth)
        if isinstance(kind, GraphQLList):
            count = self.random.randint(1, LIST_MAX)
            return [self.value(kind.of_type, name, about, depth) for _ in range(count)]
        if isinstance(kind, GraphQLEnumType):
            return Word(self.random.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, name, about, depth)
        return self._scalar(get_named_type(kind).name, name, about)

    def _object(self, kind: GraphQLInputObjectType, name: str, about: str, depth: int) -> dict[str, Any]:
        fields = kind.fields
        required = [n for n, f in fields.items() if isinstance(f.type, GraphQLNonNull)]
        optional = [n for n in fields if n not in required]
        if depth >= DEPTH_MAX:
            optional = [n for n in optional if n not in ("and", "or", "not")] or optional
        if kind.is_one_of or "and" in fields or not required:
            chosen = required + self.random.sample(optional, 1 if kind.is_one_of else self._some(optional))
        else:
            chosen = required + [n for n in optional if self.random.random() < 0.5]
        inner = about if name in ("and", "or", "not", "where", "by", "sort", "platform") else name
        return {n: self.value(fields[n].type, n, inner, depth + 1) for n in chosen}

    def _some(self, optional: Sequence[str]) -> int:
        return min(len(optional), self.random.choice((1, 1, 1, 2)))

    def _scalar(self, kind: str, name: str, about: str) -> Any:
        random = self.random
        if kind == "ID":
            return self.id(name, about)
        if kind == "Int":
            return self._number(name)
        if kind == "Boolean":
            return random.random() < 0.5
        known = self.known.texts.get(about) or self.known.texts.get(name)
        if kind == "DateTime":
            return random.choice(known or self.known.texts.get("createdAt") or ["2026-01-01T00:00:00Z"])
        if kind == "Decimal":
            return random.choice(["0.00", "10.00", "20.00", "12.5"])
        if kind == "CurrencyCode":
            return random.choice(["USD", "EUR"])
        if kind == "String":
            text = str(random.choice(known)) if known and random.random() > ODD else "nothing"
            return text[: random.randint(1, 4)] if name == "startsWith" else text
        raise LookupError(f"There are no values for {kind}.")

    def _number(self, name: str) -> int:
        if self.random.random() < ODD:
            return self.random.choice((-1, 0, 50, 2_000))
        return self.random.randint(0 if name == "offset" else 1, 4 if name in ("first", "last") else 6)

    def id(self, name: str, about: str) -> str:
        """An id of the type that is meant, mostly."""
        if self.random.random() < ODD:
            return self.random.choice(("nothing", "chat_" + "0" * 32, "user_" + "f" * 32))
        wanted = KINDS.get(name) or KINDS.get(about) or about
        found = self.known.ids.get(wanted)
        if not found:
            found = self.known.ids[self.random.choice(sorted(self.known.ids))]
        return self.random.choice(found)


def literal(value: Any) -> str:
    """The value as a document has it."""
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(v)}" for name, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
