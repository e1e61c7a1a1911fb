"""Documents that are made to be expensive: each is refused before it has cost anything."""

import time
from dataclasses import replace

import pytest

from db.base import Viewer
from schema import schema
from schema.kit.admission import Asked, admit
from schema.kit.documents import OCCURRENCES_MAX
from schema.kit.ids import encode
from schema.kit.lengths import LENGTH_MAX, TEXT_LENGTH, is_long
from services.limits import Limits
from services.server import Server
from tests.ask import Answer, Ask
from tests.make import Make

BOMB_CPU_SECONDS = 0.02
WIDE_CPU_SECONDS = 0.05
KNOWN_CPU_SECONDS = 0.000_05
TRIES_KNOWN, TIMES_KNOWN = 20, 100
TRIES = 5
"""The quickest of them counts: a busy machine makes a processor slower, and never quicker."""


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


async def cheapest(ask: Ask, viewer: Viewer, document: str) -> tuple[float, Answer]:
    """The processor time that a document takes which nobody has sent before, and its answer."""
    seconds = []
    for n in range(TRIES):
        began = time.thread_time()
        answer = await ask(viewer, f"{document}#{n}")
        seconds.append(time.thread_time() - began)
    return min(seconds), answer


def bomb(n: int, kind: str) -> str:
    """Fragments of which each is as large as two of the next."""
    if kind == "inline":
        inner = "permissions"
        for _ in range(n):
            inner = f"... {{ {inner} }}"
        return f"{{ viewer {{ {inner} {inner} }} }}"
    last = "user { id }" if kind == "named" else "...F0"
    spreads = " ".join(
        f"fragment F{i} on User {{ a: chats {{ nodes {{ assignee {{ ...F{i + 1} }} }} }} b: chats {{ nodes {{ assignee {{ ...F{i + 1} }} }} }} }}"
        for i in range(n)
    )
    return f"{{ viewer {{ user {{ ...F0 }} }} }} {spreads} fragment F{n} on User {{ id {last if kind == 'cyclic' else ''} }}"


@pytest.mark.parametrize("kind", ["named", "inline", "cyclic"])
@pytest.mark.parametrize("n", [10, 30, 100, 500])
async def test_a_fragment_bomb_is_refused_at_once(ask: Ask, owner: Viewer, n: int, kind: str) -> None:
    agent = replace(owner, is_administrator=False)
    seconds, answer = await cheapest(ask, agent, bomb(n, kind))
    assert seconds < BOMB_CPU_SECONDS
    if kind == "inline":
        # Spread in line, nothing is multiplied: what is merged is there once. So deep that nobody reads it is another matter.
        assert answer.codes == ([] if n <= 100 else ["VALIDATION_ERROR"])
    elif n == 500:
        assert answer.codes == ["PAYLOAD_TOO_LARGE"]
    else:
        assert answer.codes == ["VALIDATION_ERROR" if kind == "cyclic" and n < 100 else "QUERY_TOO_EXPENSIVE"]


@pytest.mark.parametrize(
    "document",
    [
        "{ " + " ".join(f"a{n}: viewer {{ permissions }}" for n in range(4_000)) + " }",
        "{ chats(first: " + "[" * 3_000 + "]" * 3_000 + ") { nodes { id } } }",
        "{ viewer { " + "user { id } " * 400 + "} }",
        "{" * 2_000 + "}" * 2_000,
    ],
    ids=["aliases", "lists", "overlapping", "braces"],
)
async def test_what_is_made_to_be_expensive_is_refused_at_once(
    ask: Ask, owner: Viewer, document: str
) -> None:
    seconds, refused = await cheapest(ask, replace(owner, is_administrator=False), document)
    assert seconds < WIDE_CPU_SECONDS
    assert (refused.data, len(refused.codes)) == (None, 1)
    assert refused.codes[0] in ("QUERY_TOO_EXPENSIVE", "VALIDATION_ERROR", "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(("n", "code"), [(300, "QUERY_TOO_EXPENSIVE"), (10_000, "PAYLOAD_TOO_LARGE")])
async def test_fragments_that_nobody_spreads_are_refused_at_once(
    ask: Ask, owner: Viewer, n: int, code: str
) -> None:
    unused = " ".join(f"fragment F{i} on User {{ id }}" for i in range(n))
    document = f"{{ viewer {{ permissions }} }} {unused}"
    seconds, refused = await cheapest(ask, replace(owner, is_administrator=False), document)
    assert seconds < BOMB_CPU_SECONDS
    assert (refused.data, refused.codes) == (None, [code])


WIDE = {
    "in a fragment that none spreads": "{{ viewer {{ permissions }} }} fragment F on Query {{ {fields} }}",
    "in a fragment of another type": "{{ viewer {{ permissions ...F }} }} fragment F on Query {{ {fields} }}",
    "under another type": "{{ viewer {{ permissions ... on Query {{ {fields} }} }} }}",
    "below an unknown field": "{{ viewer {{ permissions }} unknown {{ {fields} }} }}",
}


@pytest.mark.parametrize("place", WIDE)
async def test_what_validation_would_compare_is_counted_wherever_it_stands(
    ask: Ask, owner: Viewer, place: str
) -> None:
    agent = replace(owner, is_administrator=False)
    most, more = (WIDE[place].format(fields="roles { id } " * n) for n in (OCCURRENCES_MAX, 350))
    seconds, refused = await cheapest(ask, agent, more)
    assert (refused.data, refused.codes) == (None, ["QUERY_TOO_EXPENSIVE"])
    assert seconds < WIDE_CPU_SECONDS
    assert "QUERY_TOO_EXPENSIVE" not in (await ask(agent, most)).codes


async def test_so_many_fragments_are_spread_in_one_place_and_no_more(ask: Ask, owner: Viewer) -> None:
    def spread(n: int) -> str:
        fragments = " ".join(f"fragment F{i} on Viewer {{ f{i // 99}: permissions }}" for i in range(n))
        return f"{{ viewer {{ {' '.join(f'...F{i}' for i in range(n))} }} }} {fragments}"

    assert (await ask(owner, spread(OCCURRENCES_MAX - 1))).ok()
    assert (await ask(owner, spread(OCCURRENCES_MAX + 1))).codes == ["QUERY_TOO_EXPENSIVE"]


async def test_a_known_document_is_let_in_at_once(server: Server, owner: Viewer) -> None:
    ask = Ask(replace(server, limits=Limits()))
    text = "query($n: Int!) { chats(first: $n) { nodes { id customer { fullName } messages(last: 5) { totalCount } } } }"
    asked = Asked(text, {"n": 5})
    seconds = []
    for _ in range(TRIES_KNOWN):
        began = time.thread_time()
        for _ in range(TIMES_KNOWN):
            context = ask.context(owner)
            (await admit(schema.documents, context, asked)).settle(context)
        seconds.append((time.thread_time() - began) / TIMES_KNOWN)
    assert min(seconds) < KNOWN_CPU_SECONDS


async def test_a_long_text_is_not_told_under_a_hundred_names(ask: Ask, make: Make, owner: Viewer) -> None:
    """One text of 32,768 characters: 512 of them are an answer, and no more."""
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    for _ in range(7):
        await make.inbound(owner, customer, "x" * TEXT_LENGTH)

    async def told(names: int) -> Answer:
        contents = " ".join(f"a{n}: content" for n in range(names))
        asked = f"query($id: ID!) {{ chat(by: {{id: $id}}) {{ messages(last: 7) {{ nodes {{ {contents} }} }} }} }}"
        return await ask(owner, asked, id=encode("chat", chat.id))

    fits = LENGTH_MAX // TEXT_LENGTH // 7
    assert len((await told(fits)).ok()["messages"]["nodes"]) == 7
    refused = await told(fits + 1)
    assert (refused.data, refused.codes) == (None, ["PAYLOAD_TOO_LARGE"])
    assert not is_long(None)
    assert is_long({"a": [{"b": "x" * LENGTH_MAX}, "x"]})
    assert not is_long({"a": [{"b": "x" * LENGTH_MAX}, 1, None]})
