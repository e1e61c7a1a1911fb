"""What is kept of query texts: as much as there is room for, and of each no more than is needed again."""

import gc

import pytest
from graphql import DocumentNode
from graphql.language import Token

from schema import schema
from schema.kit import documents as module
from schema.kit.documents import Document, Documents
from schema.kit.parsing import DOCUMENT_LENGTH_MAX
from services.limits import LEVELS, LevelName

LEVEL = LEVELS[LevelName.ADMIN]


def text(number: int, fields: int = 50) -> str:
    """A query of so many fields, like no other number's."""
    return f"query Q{number} {{ viewer {{ user {{ {' '.join(f'f{i}: id' for i in range(fields))} }} }} }}"


@pytest.fixture
def documents() -> Documents:
    return Documents(schema._schema)


def kept(documents: Documents, texts: list[str]) -> list[Document]:
    """Those of the texts that are known without being read again, asked the oldest first."""
    before = {id(document): document for document in documents._known.values()}
    return [document for text in texts if id(document := documents.of(text, LEVEL)) in before]


def test_the_texts_seen_last_are_kept(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DOCUMENTS_MAX", 3)
    texts = [text(number) for number in range(5)]
    for each in texts:
        documents.of(each, LEVEL)
    assert len(kept(documents, texts[2:])) == 3
    assert kept(documents, texts[:2]) == []


def test_texts_are_kept_as_far_as_there_is_room_for_them(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = [text(n, 10) for n in range(6)], [text(n, 40) for n in range(6)]
    documents.of(large[0], LEVEL)
    monkeypatch.setattr(module, "BYTES_MAX", 3 * documents._bytes)
    for each in large:
        documents.of(each, LEVEL)
    assert len(documents._known) == 3
    for each in small:
        documents.of(each, LEVEL)
    assert len(documents._known) == 7  # all of the small ones, and the last of the large
    assert len(kept(documents, small)) == 6
    assert documents._bytes <= module.BYTES_MAX


def test_nothing_is_kept_of_what_cannot_be_read(documents: Documents) -> None:
    long = "{ viewer { permissions } } #" + "x" * DOCUMENT_LENGTH_MAX
    for unread in ("{ viewer {", long, "{ a " * 3_000):
        assert documents.of(unread, LEVEL).node is None
    assert not documents._known
    assert documents._bytes == 0


def test_tokens_are_forgotten_and_places_are_not(documents: Documents) -> None:
    known = documents.of("query {\n  viewer { permissions nothing }\n}", LEVEL)
    assert known.shape.tokens == 8
    assert [[(place.line, place.column) for place in e.locations or ()] for e in known.errors] == [[(2, 24)]]
    assert isinstance(known.node, DocumentNode)
    assert [held for held in _reached(known.node) if isinstance(held, Token)] == []


def _reached(root: object) -> list[object]:
    """What an object holds, however far below; classes are everybody's."""
    found: dict[int, object] = {}
    todo = [root]
    while todo:
        held = todo.pop()
        if id(held) not in found and not isinstance(held, type):
            found[id(held)] = held
            todo += gc.get_referents(held)
    return list(found.values())
