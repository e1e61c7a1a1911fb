"""Keeps the demo's customers writing, as a client of the running server: only it can tell who follows a chat."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from db.conversations import ChatStatus
from db.orders import OrderStatus
from graph.seed.demo import PASSWORD
from graph.seed.goods import GOODS
from graph.seed.people import PEOPLE
from graph.seed.plan import ADMIN, PlannedChat, PlannedOrder, another, goods_of, words_of
from graph.seed.themes import THEMES, Theme

ANSWER_SECONDS_MAX: Final = 30
TOKEN_SHARE_USED: Final = 0.8
"""Of an access token's life; then it is renewed by logging in again."""
PLACES: Final = {person.handle: place for place, person in enumerate(PEOPLE)}
BUSY_MAX: Final = 8
"""Customers of the newest chats, who write most of what is written."""
BUSY_SHARE, RESOLVED_SHARE = 0.85, 0.1
"""How much of it; and how often one comes back whose chat is resolved."""
TURNS_MAX: Final = 50
"""How often somebody is asked for something new before one says something again."""
TRIES_MAX: Final = 20
LOGIN: Final = """mutation($input: LoginInput!) {
  login(input: $input) { accessToken expiresIn userErrors { message } } }"""
CUSTOMERS: Final = """{ customers(first: 100) { nodes {
  displayName platformCustomerId channel { id } orders(first: 5) { nodes { number status createdAt items { name } } } } } }"""
CHATS: Final = """{ chats(first: 100, sort: [{field: LAST_MESSAGE_AT, direction: DESC}]) { nodes {
  status customer { platformCustomerId } messages(first: 20) { nodes { content } } } } }"""
EVERY_SHARES: Final = (0.4, 1.6)
"""Of the asked-for pause: people do not write by the clock."""
RECEIVE: Final = """mutation($input: MessageReceiveInput!) {
  messageReceive(input: $input) { message { sequence chat { number } } userErrors { code message path } } }"""


class Unreachable(Exception):
    """There is no server at the address, or it does not know the demo."""


class Api:
    """One kept connection to the server, signed in as the demo's administrator, who may bring messages in."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._url, self._path = url, parts.path or "/"
        self._connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS_MAX)
        self._token, self._renew_at = "", 0.0

    def ask(self, document: str, **variables: Any) -> Any:
        """The data of an answer."""
        if time.monotonic() >= self._renew_at:
            self._log_in()
        return self._post(document, variables)

    def _log_in(self) -> None:
        self._token = ""
        account = {"username": ADMIN, "password": PASSWORD}
        session = self._post(LOGIN, {"input": account})["login"]
        if session["userErrors"]:
            raise Unreachable(
                f"{self._url} does not know the demo: run python -m graph seed on its database."
            )
        self._token = session["accessToken"]
        self._renew_at = time.monotonic() + session["expiresIn"] * TOKEN_SHARE_USED

    def _post(self, document: str, variables: dict[str, Any]) -> Any:
        body = json.dumps({"query": document, "variables": variables})
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            answer = self._exchange(body, headers)
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(
                f"No answer from {self._url}: start it with make run first, or name it with --url."
            ) from error
        if answer.get("errors"):
            raise Unreachable(f"{self._url} refused: {answer['errors'][0]['message']}")
        return answer["data"]

    def _exchange(self, body: str, headers: dict[str, str]) -> Any:
        try:
            self._connection.request("POST", self._path, body, headers)
            return json.load(self._connection.getresponse())
        except (ConnectionError, HTTPException):
            # An idle connection is closed by the server after a while. A message is taken once for its id.
            self._connection.close()
            self._connection.request("POST", self._path, body, headers)
            return json.load(self._connection.getresponse())


def keep_writing(
    url: str, seed: int, every_seconds: float, tell: Callable[[str], None], pause: Callable[[float], None]
) -> None:
    """Customers write in turns until it is interrupted; `tell` hears of each message."""
    random, api = Random(seed), Api(url)
    found = api.ask(CUSTOMERS)["customers"]["nodes"]
    customers = [customer for customer in found if customer["platformCustomerId"] in PLACES]
    if not customers:
        raise Unreachable(
            f"{url} does not know the demo's customers: run python -m graph seed on its database."
        )
    writers = Writers(random, customers, api.ask(CHATS)["chats"]["nodes"])
    while True:
        customer, content = writers.write()
        message = api.ask(RECEIVE, input=_inbound(customer, content))["messageReceive"]
        if message["userErrors"]:
            raise Unreachable(f"{url} refused a message: {message['userErrors'][0]['message']}")
        tell(f"chat {message['message']['chat']['number']}, {customer['displayName']}: {content}")
        pause(every_seconds * random.uniform(*EVERY_SHARES))


class Writers:
    """Who writes next, and what: mostly those of the newest chats, and nobody the same thing twice."""

    def __init__(self, random: Random, customers: list[Any], chats: list[Any]) -> None:
        self._random = random
        self._said: dict[str, set[str]] = {customer["platformCustomerId"]: set() for customer in customers}
        self._left: dict[str, list[str]] = {handle: [] for handle in self._said}
        by_handle = {customer["platformCustomerId"]: customer for customer in customers}
        known = [chat for chat in chats if chat["customer"]["platformCustomerId"] in by_handle]
        for chat in known:
            said = self._said[chat["customer"]["platformCustomerId"]]
            said.update(message["content"] for message in chat["messages"]["nodes"])
        waiting = [chat for chat in known if chat["status"] in (ChatStatus.OPEN, ChatStatus.PENDING)]
        newest = dict.fromkeys(chat["customer"]["platformCustomerId"] for chat in waiting)
        self._busy = [by_handle[handle] for handle in newest][:BUSY_MAX] or customers
        busy = {customer["platformCustomerId"] for customer in self._busy}
        done = {chat["customer"]["platformCustomerId"] for chat in known if chat["status"] == "RESOLVED"}
        others = [customer for customer in customers if customer["platformCustomerId"] not in busy]
        self._resolved = [customer for customer in others if customer["platformCustomerId"] in done]
        self._others = [customer for customer in others if customer["platformCustomerId"] not in done]

    def write(self) -> tuple[Any, str]:
        """A customer and its next line; somebody else's turn it is where one has said all it knows."""
        for _ in range(TURNS_MAX):
            customer = self._next()
            handle = customer["platformCustomerId"]
            if not self._left[handle]:
                self._left[handle] = self._news(customer)
            content = self._left[handle].pop(0)
            if content not in self._said[handle]:
                break
        else:
            # Nobody has anything new: what this one said before may be said again.
            self._said[handle].clear()
        self._said[handle].add(content)
        return customer, content

    def _next(self) -> Any:
        if self._random.random() < BUSY_SHARE:
            newest_first = [1 / place for place in range(1, len(self._busy) + 1)]
            return self._random.choices(self._busy, newest_first)[0]
        some = self._resolved if self._random.random() < RESOLVED_SHARE else self._others
        return self._random.choice(some or self._busy)

    def _news(self, customer: Any) -> list[str]:
        """Something that it has not said yet, unless it has said all it knows."""
        said = self._said[customer["platformCustomerId"]]
        for _ in range(TRIES_MAX):
            lines = list(_opening(self._random, customer))
            if said.isdisjoint(lines):
                return lines
        return [line for line in lines if line not in said] or lines


def _inbound(customer: Any, content: str) -> dict[str, Any]:
    return {
        "channelId": customer["channel"]["id"],
        "platformCustomerId": customer["platformCustomerId"],
        "platformMessageId": f"live-{uuid4()}",
        "content": content,
    }


def _opening(random: Random, customer: Any) -> Iterator[str]:
    """What the customer begins with: about an order of its own that is so far, or about something else."""
    place = PLACES[customer["platformCustomerId"]]
    orders = [_order(place, order) for order in customer["orders"]["nodes"]]
    themes = THEMES[PEOPLE[place].language]
    fitting: list[tuple[Theme, PlannedOrder | None]] = [
        (theme, order) for theme in themes for order in orders if _fits(theme, order)
    ]
    fitting += [(theme, None) for theme in themes if not theme.begun]
    theme, about = random.choice(fitting)
    product = about.items[0][0] if about else random.choice(goods_of(theme.kind))
    other, quantity = another(random, product), random.randint(2, 4)
    chat = PlannedChat(place, 0, theme, ChatStatus.OPEN, [], product, other, quantity, about)
    for turn in theme.opening:
        yield random.choice(turn.ways).format_map(words_of(chat))


def _order(place: int, found: Any) -> PlannedOrder:
    items = [(good, 1) for item in found["items"] for good in GOODS if good.name == item["name"]]
    at, status = datetime.fromisoformat(found["createdAt"]), OrderStatus(found["status"])
    return PlannedOrder(place, at, status, items, 0, number=found["number"])


def _fits(theme: Theme, order: PlannedOrder) -> bool:
    """Whether one would write that about the order as it is."""
    if not order.items or order.status != theme.begun:
        return False
    return order.items[0][0] in goods_of(theme.kind)
