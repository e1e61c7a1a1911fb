"""Whether servers answer alike: their answers in one form, whatever each calls and wraps things."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from bench.operations import READS, Dialect, Request, requests
from bench.servers import Server

NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT")
ID: Final = re.compile(r"(?:[a-z_]+_)?([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})")
SHOWN: Final = 600
"""Characters of an answer that are shown where two differ."""
CHECKED: Final = 3
"""Requests of each operation that are compared: the first, the middle, the last."""


class Different(Exception):
    """Two servers answered differently; the text shows where."""


def plain(value: Any, dialect: Dialect) -> Any:
    """An answer in the form of the common dialect, with numbers, instants and ids as they mean."""
    if isinstance(value, dict):
        return _object(value, dialect)
    if isinstance(value, list):
        return [plain(item, dialect) for item in value]
    return _scalar(value) if isinstance(value, str) else value


def _object(value: dict[str, Any], dialect: Dialect) -> Any:
    if len(value) == 1:
        # A connection is its rows, money its amount, a chat of which only the id is asked its id.
        ((name, only),) = value.items()
        if name in ("nodes", "amount") or (name == "id" and dialect is Dialect.SWITCHBOARD):
            return plain(only, dialect)
    made = {}
    for name, found in value.items():
        if name == "total":
            made["totalAmount"] = plain(found["amount"], dialect)
            made |= {"currency": found["currency"]} if "currency" in found else {}
            continue
        made[name] = plain(found, dialect)
        if name == "messages" and dialect is Dialect.SWITCHBOARD:
            made[name].reverse()  # its pages read from the oldest to the newest
        if name == "items":
            made[name].sort(key=lambda item: item["id"])
    return made


def _scalar(value: str) -> Any:
    if NUMBER.fullmatch(value):
        return float(value)
    if INSTANT.match(value):
        return datetime.fromisoformat(value).replace(tzinfo=None).isoformat()
    found = ID.fullmatch(value)
    return found[1].replace("-", "") if found else value


def compare(servers: Sequence[Server], operations: Sequence[str]) -> None:
    """Asks all of them for the same; Different where one answers otherwise than the first, or writes otherwise than told."""
    for operation in (operation for operation in READS if operation in operations):
        first: tuple[str, list[Any]] | None = None
        for server in servers:
            asked = _some(requests(operation, server.peer.dialect, server.launch.pair.sizes))
            found = [plain(server.ask(request), server.peer.dialect) for request in asked]
            first = first or (server.name, found)
            if found != first[1]:
                raise Different(_difference(operation, (server.name, found), first))
    if "send" in operations:
        for server in servers:
            _compare_sent(server)


def _some(all_of_them: list[Request]) -> list[Request]:
    step = max(1, (len(all_of_them) - 1) // (CHECKED - 1))
    return [*all_of_them[::step][: CHECKED - 1], all_of_them[-1]]


def _compare_sent(server: Server) -> None:
    request = requests("send", server.peer.dialect, server.launch.pair.sizes)[0]
    told = plain(json.loads(request.body)["variables"], server.peer.dialect)
    payload = plain(server.ask(request), server.peer.dialect)["sendMessage"]
    message = payload["message"]
    chat = payload.get("chat") or message["chat"]
    said = (message["content"], chat["id"], message["senderType"], chat["lastMessageAt"][:22])
    if said != (told["content"], told["chatId"], "AGENT", message["timestamp"][:22]):
        raise Different(f"send: {server.name} answered {payload} to {told}")


def _difference(operation: str, one: tuple[str, list[Any]], other: tuple[str, list[Any]]) -> str:
    texts = [json.dumps(found, sort_keys=True) for _, found in (one, other)]
    pairs = zip(*texts, strict=False)
    at = next((place for place, (a, b) in enumerate(pairs) if a != b), min(map(len, texts)))
    begin = max(0, at - SHOWN // 2)
    shown = [text[begin : begin + SHOWN] for text in texts]
    return f"{operation}: {one[0]} and {other[0]} differ:\n{shown[0]}\n{shown[1]}"
