"""Trusted documents: which query texts run, and the hashes that stand for them."""

import hashlib
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import structlog

from db.base import Viewer
from services.errors import Forbidden, Invalid, NotFound

HASH: Final = re.compile(r"[0-9a-f]{64}")
PREFIX: Final = "sha256:"
APOLLO: Final = "apollo-persisted-query-manifest"
NOTED_MAX: Final = 10_000
"""Unlisted documents that are told apart in the log; after these no more are written."""

logger = structlog.get_logger("switchboard.documents")


class Trust(StrEnum):
    """What becomes of a document that the manifest does not list."""

    OFF = "off"
    """It runs."""
    LOG = "log"
    """It runs, and is written to the log once."""
    ENFORCE = "enforce"
    """It is refused to everybody below an administrator."""


class TrustedDocuments:
    """The documents of a manifest, by the SHA-256 of their text."""

    def __init__(self, trust: Trust = Trust.OFF, documents: Mapping[str, str] | None = None) -> None:
        self._trust, self._documents = trust, documents or {}
        self._texts = frozenset(self._documents.values())
        self._noted: set[str] = set()

    @property
    def is_on(self) -> bool:
        """Whether it matters which document it is."""
        return self._trust is not Trust.OFF

    def resolved(self, members: dict[str, Any]) -> dict[str, Any]:
        """The request with the text that its hash stands for. NotFound for a hash that is not listed."""
        given = hash_of_request(members)
        if given is None:
            return members
        query = members.get("query")
        if query is None:
            query = self._documents.get(given)
            if query is None:
                raise NotFound("There is no trusted document with this hash.")
        elif isinstance(query, str) and sha256(query) != given:
            raise Invalid("The hash is not that of `query`.")
        return {**members, "query": query}

    def check(self, query: str, name: str | None, viewer: Viewer | None) -> None:
        """Forbidden where the document is not listed, and only listed ones run for who asks."""
        if not self.is_on or query in self._texts:
            return
        if self._trust is Trust.LOG:
            self._note(query, name)
        elif viewer is None or not (viewer.is_administrator or viewer.is_superuser):
            raise Forbidden("This server runs trusted documents alone, and this is none of them.")

    def _note(self, query: str, name: str | None) -> None:
        hashed = sha256(query)
        if hashed not in self._noted and len(self._noted) < NOTED_MAX:
            self._noted.add(hashed)
            logger.warning("a document is not trusted", sha256=hashed, operation=name)


def hash_of_request(members: Mapping[str, Any]) -> str | None:
    """The hash that a request names, as `documentId` or as Apollo's persisted query; Invalid for what is none."""
    given: Any
    document_id, extensions = members.get("documentId"), members.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if document_id is not None:
        given = document_id.removeprefix(PREFIX) if isinstance(document_id, str) else ""
    elif persisted is not None:
        known = isinstance(persisted, dict) and persisted.get("version") == 1
        given = persisted.get("sha256Hash") if known else ""
    else:
        return None
    if not isinstance(given, str) or not HASH.fullmatch(given):
        raise Invalid("A document is named by `sha256:` and 64 hexadecimal digits in lower case.")
    return given


def sha256(text: str) -> str:
    """The hash of a document, in hexadecimal digits."""
    # Half of a surrogate pair is in no listed document, and in no reason to fail.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def read_manifest(path: Path) -> dict[str, str]:
    """Hash → text: a plain object, as Relay writes it too, or Apollo's manifest. ValueError says what is wrong."""
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise ValueError("should be a JSON file") from None
    if isinstance(found, dict) and found.get("format") == APOLLO:
        listed = found.get("operations")
        operations = [o for o in listed if isinstance(o, dict)] if isinstance(listed, list) else []
        found = {operation.get("id"): operation.get("body") for operation in operations}
    if not isinstance(found, dict) or not found:
        raise ValueError("should list documents by their SHA-256")
    documents: dict[str, str] = {}
    for key, text in found.items():
        given = str(key).removeprefix(PREFIX)
        if not isinstance(text, str) or sha256(text) != given:
            raise ValueError(f"has a document under {given[:80]!r} that is not its SHA-256")
        documents[given] = text
    return documents
