"""What is asked: the operations, their variables, and how each dialect of the graph says them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Final

from bench.rows import ORDER_STATES, Sizes, id_of, status_of_chat

FOLDER: Final = Path(__file__).parent / "ops"
READ_CHATS_MAX, WRITE_CHATS_MAX = 128, 500
"""How many chats the operations rotate through."""


class Dialect(StrEnum):
    """How a server's graph is spelled; the name of a folder of operations."""

    COMMON = "common"
    POSTGRAPHILE = "postgraphile"
    SWITCHBOARD = "switchboard"


COMPARED: Final = ("chat", "inbox", "inbox_deep", "orders", "transcript", "send", "delivery")
"""Asked of every server for the same fields and rows."""
READS: Final = COMPARED[:5]
BESIDE: Final = tuple(sorted(path.stem for path in (FOLDER / "beside").glob("*.graphql")))
"""Asked of Switchboard alone, to see what its screens cost: no bar stands on them."""
TYPENAME: Final = "typename"


@dataclass(frozen=True, slots=True)
class Ask:
    """Variables of one request, as the common dialect names them, and the user who asks."""

    user: int
    variables: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """The body of one request, and the user who sends it."""

    user: int
    body: str


def read_chats(sizes: Sizes) -> list[int]:
    """Chats of users that are only read, spread over all of them; not the long ones."""
    found = [n for n in range(sizes.long_chats + 1, sizes.chats + 1) if sizes.user_of(n) in sizes.readers]
    return found[:: max(1, len(found) // READ_CHATS_MAX)][:READ_CHATS_MAX]


def write_chats(sizes: Sizes) -> list[int]:
    """Chats of users that are only written to; a closed one would take no message."""
    numbers = range(sizes.long_chats + 1, sizes.chats + 1)
    found = [n for n in numbers if sizes.user_of(n) not in sizes.readers and status_of_chat(n) != "CLOSED"]
    return found[:: max(1, len(found) // WRITE_CHATS_MAX)][:WRITE_CHATS_MAX]


def _by_user(sizes: Sizes) -> list[Ask]:
    return [Ask(user, {"userId": str(id_of("user", user))}) for user in sizes.readers]


def _by_chat(sizes: Sizes) -> list[Ask]:
    return [Ask(sizes.user_of(n), {"id": str(id_of("chat", n))}) for n in read_chats(sizes)]


def _by_long_chat(sizes: Sizes) -> list[Ask]:
    longs = range(1, sizes.long_chats + 1)
    return [Ask(sizes.user_of(n), {"id": str(id_of("chat", n))}) for n in longs]


def _by_status(sizes: Sizes) -> list[Ask]:
    pairs = product(sizes.readers[::3], ORDER_STATES)
    return [Ask(user, {"userId": str(id_of("user", user)), "status": status}) for user, status in pairs]


def _by_written_chat(sizes: Sizes) -> list[Ask]:
    return [
        Ask(sizes.user_of(n), {"chatId": str(id_of("chat", n)), "content": f"bench message to {n}"})
        for n in write_chats(sizes)
    ]


def _followed_chat(sizes: Sizes) -> list[Ask]:
    n = write_chats(sizes)[-1]
    return [Ask(sizes.user_of(n), {"chatId": str(id_of("chat", n))})]


def _by_customer(sizes: Sizes) -> list[Ask]:
    found = [n for n in range(1, sizes.customers + 1) if sizes.user_of(n) in sizes.readers]
    return [
        Ask(sizes.user_of(n), {"id": f"customer_{id_of('customer', n).hex}"}) for n in found[:READ_CHATS_MAX]
    ]


def _by_product(sizes: Sizes) -> list[Ask]:
    found = [n for n in range(1, sizes.products + 1) if sizes.user_of(n) in sizes.readers]
    return [Ask(sizes.user_of(n), {"sku": f"SKU-{n}"}) for n in found[:READ_CHATS_MAX]]


def _as_member(sizes: Sizes) -> list[Ask]:
    return [Ask(user, {"me": f"user_{id_of('user', user).hex}"}) for user in sizes.readers]


def _plain(sizes: Sizes) -> list[Ask]:
    return [Ask(user, {}) for user in sizes.readers]


ASKS: Final[dict[str, Callable[[Sizes], list[Ask]]]] = {
    "chat": _by_chat,
    "inbox": _by_user,
    "inbox_deep": _by_user,
    "orders": _by_status,
    "transcript": _by_long_chat,
    "send": _by_written_chat,
    "delivery": _followed_chat,
    "page": _by_long_chat,
    "agent_inbox": _as_member,
    "chat_window": _by_chat,
    "contract_transcript": _by_long_chat,
    "customer_360": _by_customer,
    "product_sales": _by_product,
}
"""Which rows each operation asks for; what is not here asks for nothing in particular."""


@cache
def document(operation: str, dialect: Dialect) -> str:
    """The text of an operation, on one line."""
    folder = "beside" if operation in BESIDE else dialect
    return " ".join((FOLDER / folder / f"{operation}.graphql").read_text().split())


def operation_name(operation: str) -> str:
    """`inbox_deep` is sent as InboxDeep."""
    return "".join(part.capitalize() for part in operation.split("_"))


def variables(ask: Ask, dialect: Dialect) -> dict[str, Any]:
    """Switchboard's ids have their type in front, and it knows the user by the token."""
    if dialect is not Dialect.SWITCHBOARD:
        return ask.variables
    plain = {name: value for name, value in ask.variables.items() if name != "userId"}
    return {n: f"chat_{v.replace('-', '')}" if _is_chat(n, v) else v for n, v in plain.items()}


def _is_chat(name: str, value: Any) -> bool:
    return name in ("id", "chatId") and "_" not in value


def requests(operation: str, dialect: Dialect, sizes: Sizes, **more: Any) -> list[Request]:
    """The requests that a measurement of the operation goes round in; `more` are variables of all of them."""
    asks = ASKS.get(operation, _plain)(sizes)
    return [
        Request(
            ask.user,
            json.dumps(
                {
                    "query": document(operation, dialect),
                    "operationName": operation_name(operation),
                    "variables": {**variables(ask, dialect), **more},
                },
                separators=(",", ":"),
            ),
        )
        for ask in asks
    ]


def unseen_requests(operation: str, dialect: Dialect, sizes: Sizes, count: int) -> list[Request]:
    """Requests whose documents all differ, in an alias: no cache of documents knows them."""
    known = requests(operation, dialect, sizes)
    made = []
    for n in range(count):
        request = known[n % len(known)]
        body = json.loads(request.body)
        head, brace, rest = body["query"].partition("{")
        body["query"] = f"{head}{brace} seen{n}: __typename {rest}"
        made.append(Request(request.user, json.dumps(body, separators=(",", ":"))))
    return made
