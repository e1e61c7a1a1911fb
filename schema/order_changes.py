"""What can be done to orders: placed, changed, moved on, deleted; what each takes and answers."""

from dataclasses import field
from datetime import datetime

import strawberry

from db.base import Permission
from db.orders import OrderStatus
from schema.accounts import UserId
from schema.addresses import AddressInput
from schema.channels import ChannelId
from schema.chats import ChatId
from schema.customers import CustomerId
from schema.kit import ids
from schema.kit.context import Info
from schema.kit.errors import USER_CODES, Payload, payload, user_error
from schema.kit.inputs import described_input, given
from schema.kit.roots import mutation
from schema.money import MoneyInput
from schema.orders import OrderId
from schema.payloads import DeleteInput, DeletePayload, deleted
from schema.products import ProductId
from schema.refs import OrderRef
from services import orders as services
from services.errors import Invalid, Problem

ORDERS_AT_ONCE_MAX = 100


@described_input
class OrderItemInput:
    """One line of an order."""

    product_id: ProductId
    """What is bought."""
    quantity: int
    """How many: 1 to 1,000,000."""
    price_at_purchase: MoneyInput | None
    """What one of it costs; the product's price now, where absent."""


@described_input
class OrderCreateInput:
    """1 to 100 items of one currency. The total is computed; a given `total` has to agree. Default: the customer's channel, the viewer as seller."""

    customer_id: CustomerId
    """Who buys."""
    channel_id: ChannelId | None
    """Where it is ordered."""
    seller_id: UserId | None
    """Who fulfils it."""
    chat_id: ChatId | None
    """The chat it came from."""
    platform_order_id: str | None
    """Its id on the platform; CONFLICT where the channel has it already."""
    items: list[OrderItemInput]
    """Its lines."""
    total: MoneyInput | None
    """What the caller makes it; refused where the sum of the lines differs."""
    shipping_address: AddressInput | None
    """Where it is sent."""
    billing_address: AddressInput | None
    """Who pays."""
    created_at: datetime | None
    """When it was placed; now, where absent."""


@described_input
class OrderUpdateInput:
    """What to change of an order: an absent field is kept, null clears it, an address is replaced whole."""

    id: OrderId
    """Which order."""
    seller_id: UserId | None
    """Who fulfils it."""
    platform_order_id: str | None
    """Its id on the platform."""
    shipping_address: AddressInput | None
    """Where it is sent."""
    billing_address: AddressInput | None
    """Who pays."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the order is no longer at this version."""


@described_input
class OrderTransitionInput:
    """A step of one order."""

    id: OrderId
    """Which order."""
    to: OrderStatus
    """What it becomes."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the order is no longer at this version."""


@described_input
class OrdersTransitionInput:
    """The same step for several orders."""

    ids: list[strawberry.ID]
    """Which orders, at most 100."""
    to: OrderStatus
    """What they become."""


@payload
class OrderPayload(Payload):
    """An order, or why not."""

    order: OrderRef | None = None
    """The order as it is now."""


@payload
class OrdersPayload(Payload):
    """The orders that took the step, and why the others could not."""

    orders: list[OrderRef] = field(default_factory=list)
    """The orders that took the step, in the order they were given."""


@strawberry.type
class OrderMutation:
    @mutation(Permission.ORDERS_WRITE)
    async def order_create(self, info: Info, input: OrderCreateInput) -> OrderPayload | None:
        """Places an order with its items, all or nothing."""
        return OrderPayload(order=await info.context.transact(services.create_order, **given(input)))

    @mutation(Permission.ORDERS_WRITE)
    async def order_update(self, info: Info, input: OrderUpdateInput) -> OrderPayload | None:
        """Changes an order; its items and its status have ways of their own."""
        return OrderPayload(order=await info.context.transact(services.update_order, **given(input)))

    @mutation(Permission.ORDERS_WRITE)
    async def order_transition(self, info: Info, input: OrderTransitionInput) -> OrderPayload | None:
        """Moves an order a step on; INVALID_TRANSITION answers with the order as it is."""
        return OrderPayload(order=await info.context.transact(services.transition_order, **given(input)))

    @mutation(Permission.ORDERS_WRITE)
    async def orders_transition(self, info: Info, input: OrdersTransitionInput) -> OrdersPayload | None:
        """At most 100, each on its own: `userErrors` names by place those that could not."""
        if len(input.ids) > ORDERS_AT_ONCE_MAX:
            raise Invalid(f"At most {ORDERS_AT_ONCE_MAX}.", "ids")
        answer = OrdersPayload()
        for place, text in enumerate(input.ids):
            try:
                id = ids.decode("order", text)
                answer.orders.append(await info.context.transact(services.transition_order, id, input.to))
            except Problem as problem:
                if problem.code not in USER_CODES:
                    raise
                # The place alone: what the step of one order calls `id` or `to` is an element here.
                problem.path = ()
                answer.user_errors.append(user_error(problem, "input", "ids", str(place)))
        return answer

    @mutation(Permission.ORDERS_WRITE)
    async def order_delete(self, info: Info, input: DeleteInput) -> DeletePayload | None:
        """Only while PENDING or CANCELLED: INVALID_TRANSITION."""
        return await deleted(info, services.delete_order, "order", input)
