"""Which media type an answer is sent as."""

import re
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
EVENTS: Final = "text/event-stream"
QUALITY: Final = re.compile(r";\s*q=([01](?:\.\d{0,3})?)")
ACCEPTS_MAX: Final = 500
"""How many Accept headers are remembered: a client sends the same one all day."""


@lru_cache(maxsize=ACCEPTS_MAX)
def answer_type(accept: str) -> str:
    """What a single answer is sent as: plain JSON unless the client likes the newer media type better."""
    return next((kind for kind in liked_types(accept) if kind != EVENTS), JSON)


@lru_cache(maxsize=ACCEPTS_MAX)
def liked_types(accept: str) -> tuple[str, ...]:
    """Of the media types that we can answer with, those that the client names, the best liked first."""
    qualities: dict[str, float] = {}
    for part in accept.lower().split(","):
        quality = QUALITY.search(part)
        qualities[part.partition(";")[0].strip()] = float(quality[1]) if quality else 1.0
    named = [kind for kind, quality in qualities.items() if kind in (JSON, GRAPHQL_JSON, EVENTS) and quality]
    return tuple(sorted(named, key=lambda kind: -qualities[kind]))
