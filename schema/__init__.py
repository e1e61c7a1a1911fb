"""The graph, assembled: what can be asked, changed and followed."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.account_changes import AccountMutation
from schema.accounts import AccountQuery
from schema.audit import AuditQuery
from schema.channels import ChannelMutation, ChannelQuery
from schema.chats import ChatMutation, ChatQuery
from schema.clients import ClientMutation, ClientQuery
from schema.customers import CustomerMutation, CustomerQuery
from schema.events import KINDS_OF_EVENT, EventQuery, EventSubscription
from schema.kit.nodes import NodeQuery
from schema.kit.scalars import SCALARS
from schema.kit.schema import Schema
from schema.limits import LimitQuery
from schema.messages import MessageMutation, MessageQuery, MessageSubscription
from schema.order_changes import OrderMutation
from schema.orders import OrderQuery
from schema.presences import PresenceMutation, PresenceSubscription
from schema.products import ProductMutation, ProductQuery
from schema.roles import RoleMutation, RoleQuery
from schema.sessions import SessionMutation


@strawberry.type(
    description="What can be asked. Everything takes a signed-in caller unless it says otherwise."
)
class Query(
    NodeQuery,
    AccountQuery,
    RoleQuery,
    ClientQuery,
    ChannelQuery,
    CustomerQuery,
    ProductQuery,
    OrderQuery,
    ChatQuery,
    MessageQuery,
    EventQuery,
    LimitQuery,
    AuditQuery,
):
    pass


@strawberry.type(
    description="What can be changed. Each field is one transaction: all of it is done, or nothing."
)
class Mutation(
    SessionMutation,
    AccountMutation,
    RoleMutation,
    ClientMutation,
    ChannelMutation,
    CustomerMutation,
    ProductMutation,
    OrderMutation,
    ChatMutation,
    MessageMutation,
    PresenceMutation,
):
    pass


@strawberry.type(description="What can be followed live.")
class Subscription(MessageSubscription, EventSubscription, PresenceSubscription):
    pass


schema = Schema(
    Query, Mutation, Subscription, types=KINDS_OF_EVENT, config=StrawberryConfig(scalar_map=SCALARS)
)
