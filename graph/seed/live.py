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
TALKING_MAX: Final = 6
"""Customers who are in the middle of saying something."""
LOGIN: Final = """mutation($input: LoginInput!) {
  login(input: $input) { accessToken expiresIn userErrors { message } } }"""
CUSTOMERS: Final = """{ customers(first: 100) { nodes {
  displayName platformCustomerId channel { id } orders(first: 10) { nodes { number status createdAt items { name } } } } } }"""
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
    silent: list[Any] = []
    talking: list[tuple[Any, Iterator[str]]] = []
    while True:
        if not silent:  # everybody has written: nobody writes about something else a minute later
            silent = random.sample(customers, len(customers))
        if len(talking) < TALKING_MAX:
            customer = silent.pop()
            talking.append((customer, _opening(random, customer)))
        customer, said = random.choice(talking)
        content = next(said, None)
        if content is None:
            talking.remove((customer, said))
            continue
        message = api.ask(RECEIVE, input=_inbound(customer, content))["messageReceive"]
        if message["userErrors"]:
            raise Unreachable(f"{url} refused a message: {message['userErrors'][0]['message']}")
        tell(f"chat {message['message']['chat']['number']}, {customer['displayName']}: {content}")
        pause(every_seconds * random.uniform(*EVERY_SHARES))


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
