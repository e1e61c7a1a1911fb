"""Thinks up the demo business: who wrote when and about which order. Nothing is written down here."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from db.conversations import ChatStatus
from db.orders import OrderStatus
from graph.seed.goods import GOODS, Good
from graph.seed.people import ALSO, PEOPLE
from graph.seed.themes import AGENT, CUSTOMER, ORDERED, THEMES, Theme, Turn, choose_ways

CHAT_COUNT: Final = 120
ORDER_COUNT: Final = 150
AGENTS: Final = (
    ("marta", "Marta Queirós"),
    ("rui", "Rui Tavares"),
    ("joana", "Joana Faria"),
)
ADMIN, MEMBER = "admin", "demo"
"""Whom the demo is shown to: they sign in, so that something must be theirs."""
MINE: Final = {MEMBER: 10, ADMIN: 3}
"""Open chats that are assigned to them."""
SYSTEM: Final = "S"
WEBCHAT: Final = 5
CHANNEL_COUNT: Final = 7
GREEN_TEAS: Final = frozenset({"TEA-AZO-100", "TEA-JAS-080"})
OPENS, CLOSES = time(9), time(18)
CLOSED_DAYS: Final = frozenset({0, 6})
"""Monday and Sunday."""
PORTO: Final = ZoneInfo("Europe/Lisbon")
AUTOMATIC: Final = "Thanks for writing! We answer from Tuesday to Saturday, 9 to 18 o'clock in Porto."
WEEKS: Final = timedelta(days=42)
FRESH, STALE = 34, 56
"""The newest so many chats mostly wait for the business; up to so many may wait for the customer."""
DONE_AFTER: Final = timedelta(days=12)
USUALLY: Final = {
    OrderStatus.PENDING: timedelta(days=2),
    OrderStatus.PROCESSING: timedelta(days=5),
    OrderStatus.SHIPPED: DONE_AFTER,
}
"""How long ago an order was placed that is still so far."""
COMMA: Final = frozenset({"pt", "es", "fr", "de", "ru", "uk", "el"})


@dataclass(slots=True)
class PlannedOrder:
    """An order: its first item is what is talked about."""

    customer: int
    at: datetime
    status: OrderStatus
    items: list[tuple[Good, int]]
    seller: int
    is_from_chat: bool = False
    number: int = 0

    @property
    def total(self) -> Decimal:
        """The sum of its items."""
        return sum((good.price * quantity for good, quantity in self.items), Decimal(0))


@dataclass(slots=True)
class PlannedMessage:
    """Something said: by the customer, the agent, or the automatic answer."""

    speaker: str
    said: str
    at: datetime


@dataclass(slots=True)
class PlannedChat:
    """A conversation of one customer with one agent."""

    customer: int
    agent: int
    theme: Theme
    status: ChatStatus
    messages: list[PlannedMessage]
    product: Good
    other: Good
    quantity: int
    order: PlannedOrder | None = None
    assignee: str | None = None
    number: int = 0

    @property
    def started_at(self) -> datetime:
        """When the customer first wrote."""
        return self.messages[0].at


@dataclass(slots=True)
class Plan:
    """All that is to be written; `channels` is on which one each customer is."""

    now: datetime
    channels: list[int]
    chats: list[PlannedChat] = field(default_factory=list)
    orders: list[PlannedOrder] = field(default_factory=list)


def make_plan(seed: int, now: datetime) -> Plan:
    """The same for the same seed, but for the dates, which are reckoned back from now, and clock changes on the way."""
    random = Random(seed)
    plan = Plan(now, [random.randrange(CHANNEL_COUNT) for _ in PEOPLE])
    for place, person in enumerate(PEOPLE):
        first = next((i for i, other in enumerate(PEOPLE) if other.handle == ALSO.get(person.handle)), place)
        if first != place and plan.channels[first] == plan.channels[place]:
            plan.channels[place] = (plan.channels[first] + 1) % CHANNEL_COUNT
    _plan_chats(random, plan)
    while len(plan.orders) < ORDER_COUNT:
        plan.orders.append(_order_in_shop(random, now))
    _assign_to_viewers(plan)
    plan.chats.sort(key=lambda chat: chat.started_at)
    plan.orders.sort(key=lambda order: order.at)
    for number, chat in enumerate(plan.chats, 1):
        chat.number = number
    for number, order in enumerate(plan.orders, 1):
        order.number = number
    for chat in plan.chats:
        words = words_of(chat)
        for message in chat.messages:
            message.said = message.said.format_map(words)
    return plan


def _plan_chats(random: Random, plan: Plan) -> None:
    everybody = list(range(len(PEOPLE)))
    customers = everybody + random.choices(everybody, k=CHAT_COUNT - len(everybody))
    random.shuffle(customers)
    decks: dict[str, list[Theme]] = {}
    later: dict[int, datetime] = {}
    for place, customer in enumerate(customers):
        # Close together at first, then thinning out towards the past.
        age = timedelta(minutes=2) + WEEKS * (place / CHAT_COUNT) ** 3 * random.uniform(0.9, 1.1)
        ended_at = plan.now - age
        if customer in later:  # an earlier chat, which has come to its end
            place = CHAT_COUNT
            ended_at = min(ended_at, later[customer] - timedelta(hours=random.uniform(30, 90)))
        theme = _next_theme(random, decks, PEOPLE[customer].language)
        chat = _plan_chat(random, customer, theme, ended_at, place, plan.now)
        if customer in later:
            chat.status = ChatStatus.CLOSED
        if plan.channels[customer] == WEBCHAT and not is_open(chat.started_at):
            answered = chat.started_at + timedelta(seconds=2)
            chat.messages.insert(1, PlannedMessage(SYSTEM, AUTOMATIC, answered))
        later[customer] = chat.started_at
        plan.chats.append(chat)
        if chat.order is not None:
            is_over = chat.status in (ChatStatus.RESOLVED, ChatStatus.CLOSED)
            age = plan.now - chat.order.at
            if is_over and age > USUALLY.get(chat.order.status, age):
                chat.order.status = OrderStatus.DELIVERED  # the chat ended on the way; that is long ago
            plan.orders.append(chat.order)


def _assign_to_viewers(plan: Plan) -> None:
    newest = sorted(plan.chats, key=lambda chat: chat.messages[-1].at, reverse=True)
    waiting = [chat for chat in newest if chat.status is ChatStatus.OPEN]
    theirs = [chat for place, chat in enumerate(waiting) if place % 5 in (0, 2, 3)]
    for chat in theirs[: MINE[MEMBER]]:
        chat.assignee = MEMBER
    for chat in waiting[1::5][: MINE[ADMIN]]:  # the agents keep the rest
        chat.assignee = ADMIN


def _next_theme(random: Random, decks: dict[str, list[Theme]], language: str) -> Theme:
    spoken = language if random.random() < 0.85 else "en"
    deck = decks.setdefault(spoken, [])
    if not deck:  # all were used: shuffle them again, so that none is heard far more often than the others
        deck.extend(random.sample(THEMES[spoken], len(THEMES[spoken])))
    return deck.pop()


def _plan_chat(
    random: Random, customer: int, theme: Theme, ended_at: datetime, place: int, now: datetime
) -> PlannedChat:
    ways = choose_ways(random, theme)
    status, said = _how_far(random, theme, ways, place)
    agent = random.randrange(len(AGENTS))
    times = _times(random, theme, said, ended_at, now)
    messages = [
        PlannedMessage(turn.speaker, way, at)
        for turn, way, at in zip(theme.turns[:said], ways[:said], times, strict=True)
    ]
    product = random.choice(goods_of(theme.kind))
    other = another(random, product)
    quantity = {"wholesale": random.randint(12, 24), "gift": 1}.get(theme.name, random.randint(2, 4))
    chat = PlannedChat(customer, agent, theme, status, messages, product, other, quantity)
    chat.order = _order_of(random, chat, now)
    is_answered = any(message.speaker != CUSTOMER for message in messages)
    chat.assignee = AGENTS[agent][0] if random.random() < (0.9 if is_answered else 0.3) else None
    return chat


def _how_far(random: Random, theme: Theme, ways: list[str], place: int) -> tuple[ChatStatus, int]:
    """How the chat stands, and how many of its turns have been said."""
    said = [turn.speaker for turn in theme.turns]
    ends = range(1, len(said))
    if place < FRESH and random.random() < 0.85:
        waiting = [i for i in ends if said[i - 1] == CUSTOMER and said[i] != CUSTOMER]
        return ChatStatus.OPEN, waiting[0] if random.random() < 0.5 else random.choice(waiting)
    asked = [i for i in ends if said[i - 1] == AGENT and said[i] == CUSTOMER and "?" in ways[i - 1]]
    if place < STALE and asked and random.random() < 0.6:
        return ChatStatus.PENDING, random.choice(asked)
    is_over = place > STALE and random.random() < 0.45
    return (ChatStatus.CLOSED if is_over else ChatStatus.RESOLVED), len(said)


def _times(random: Random, theme: Theme, said: int, ended_at: datetime, now: datetime) -> list[datetime]:
    """When each turn was said, the last at `ended_at` or, where an agent says it, when the shop was open before."""
    waited, at = _answered(random, theme.turns[said - 1], ended_at, now)
    times = [at]
    for turn, before in zip(theme.turns[said - 1 : 0 : -1], theme.turns[said - 2 :: -1], strict=False):
        if turn.is_later:
            gap = timedelta(hours=random.uniform(20, 50))
        elif turn.speaker == before.speaker:
            gap = timedelta(seconds=random.uniform(15, 70))
        elif turn.speaker == CUSTOMER:
            gap = timedelta(minutes=random.uniform(1, 18))
        else:
            gap = timedelta(minutes=random.uniform(2, 30))
        waited, at = _answered(random, before, times[-1] - gap - waited, now)
        times.append(at)
    return times[::-1]


def is_open(at: datetime) -> bool:
    """Whether somebody is there to answer."""
    local = at.astimezone(PORTO)
    return local.weekday() not in CLOSED_DAYS and OPENS <= local.time() < CLOSES


def _answered(random: Random, turn: Turn, at: datetime, now: datetime) -> tuple[timedelta, datetime]:
    """When the turn was said, and how long it had been waited for since the shop closed.

    Agents answer while it is open, except today; what they would have said outside, they said before.
    """
    is_first, early, late = random.random() < 0.5, random.uniform(3, 40), random.uniform(5, 150)
    is_kept = random.random() < 0.15  # for the morning: some people write at night
    night = timedelta(hours=random.uniform(10, 14))
    if turn.speaker == CUSTOMER or now - at < timedelta(days=1) or (is_open(at) and not is_kept):
        return timedelta(0), at
    local = at.astimezone(PORTO)
    day = local.date() - timedelta(days=local.time() < CLOSES and not is_open(at))
    while day.weekday() in CLOSED_DAYS:
        day -= timedelta(days=1)
    if is_first or is_open(at):  # it answers what was written in the evening before
        opened = min(at, (datetime.combine(day, OPENS, PORTO) + timedelta(minutes=early)))
        return night, opened.astimezone(UTC)
    closed = datetime.combine(day, CLOSES, PORTO) - timedelta(minutes=late)
    return timedelta(0), closed.astimezone(UTC)


def goods_of(kind: str) -> list[Good]:
    """What a theme may be about."""
    if kind == "green":  # what is brewed with water that does not boil
        return [good for good in GOODS if good.sku in GREEN_TEAS]
    kinds = ("coffee", "tea") if kind == "any" else (kind,)
    return [good for good in GOODS if good.kind in kinds and good.is_available]


def another(random: Random, product: Good) -> Good:
    """Something of the same kind that goes by another name."""
    return random.choice([good for good in goods_of(product.kind) if _spoken(good) != _spoken(product)])


def _order_of(random: Random, chat: PlannedChat, now: datetime) -> PlannedOrder | None:
    """The order that the chat is about, or that came out of it; none where it has not come so far."""
    theme = chat.theme
    if theme.places_order:
        placed = next((m.at for m in chat.messages if m.speaker == ORDERED), None)
        if placed is None:
            return None
        status = _status_after(random, now - placed)
        items = [(chat.product, chat.quantity)]
        return PlannedOrder(chat.customer, placed, status, items, chat.agent, is_from_chat=True)
    if not theme.begun:
        return None
    at = chat.started_at - timedelta(days=random.randint(*theme.days), hours=random.uniform(2, 20))
    items = [(chat.product, 1)]
    if theme.kind != "equipment":
        items = [(chat.product, random.randint(1, 3)), *_more_items(random, chat.product)]
    status = OrderStatus(theme.done if _is_done(chat) else theme.begun)
    return PlannedOrder(chat.customer, at, status, items, chat.agent)


def _is_done(chat: PlannedChat) -> bool:
    """Whether what changes the order has been said: the last thing that took days, else the agent's last word."""
    turns = chat.theme.turns
    lasting = [i for i, turn in enumerate(turns) if turn.is_later]
    answers = [i for i, turn in enumerate(turns) if turn.speaker != CUSTOMER]
    return len(chat.messages) > (lasting or answers)[-1]


def _more_items(random: Random, first: Good) -> list[tuple[Good, int]]:
    others = [good for good in GOODS if good.is_available and good is not first]
    chosen = random.sample(others, random.choice((0, 0, 1, 1, 2)))
    return [(good, random.choice((1, 1, 2))) for good in chosen]


def _order_in_shop(random: Random, now: datetime) -> PlannedOrder:
    age = WEEKS * random.random() ** 1.6
    first = random.choice([good for good in GOODS if good.is_available])
    items = [(first, random.choice((1, 1, 1, 2, 3))), *_more_items(random, first)]
    customer, seller = random.randrange(len(PEOPLE)), random.randrange(len(AGENTS))
    return PlannedOrder(customer, now - age, _status_after(random, age), items, seller)


def _status_after(random: Random, age: timedelta) -> OrderStatus:
    if age < timedelta(days=2):
        choices = (OrderStatus.PENDING, OrderStatus.PENDING, OrderStatus.PROCESSING)
    elif age < timedelta(days=4):
        choices = (OrderStatus.PROCESSING, OrderStatus.PROCESSING, OrderStatus.SHIPPED)
    elif age < DONE_AFTER:
        choices = (OrderStatus.SHIPPED, OrderStatus.SHIPPED, OrderStatus.DELIVERED)
    else:
        ended = random.choices(
            (OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.REFUNDED), (88, 7, 5)
        )
        return ended[0]
    return random.choice(choices)


def words_of(chat: PlannedChat) -> dict[str, str]:
    """What fills the gaps in the texts: of this customer, product and order."""
    person, order, language = PEOPLE[chat.customer], chat.order, chat.theme.language
    total = order.total if order else chat.product.price * chat.quantity
    return {
        "name": person.name,
        "first": person.called,
        "street": person.street,
        "city": person.city,
        "email": person.email,
        "agent": AGENTS[chat.agent][1].split()[0],
        "product": _spoken(chat.product),
        "other": _spoken(chat.other),
        "quantity": str(chat.quantity),
        "price": _money(chat.product.price, language),
        "total": _money(total, language),
        "order": str(order.number) if order else "",
        "day": f"{order.at:%A}" if order else "",
    }


def _spoken(good: Good) -> str:
    """The name as one says it: without the comma's addition and the weight."""
    name = good.name.split(",")[0]
    words = name.split(" ")
    return " ".join(words[:-2]) if len(words) > 2 and words[-1] in ("g", "kg", "l", "ml") else name


def _money(amount: Decimal, language: str) -> str:
    return f"{amount:.2f} €".replace(".", ",") if language in COMMA else f"€{amount:.2f}"
