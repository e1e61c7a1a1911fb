"""Names by which areas refer to each other's types before they are defined, and how each type is listed."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from db import accounts, audit, channels, conversations, customers, orders, products
from schema.kit.edges import Listing

if TYPE_CHECKING:
    from schema.accounts import User, UserFilter, UserSort, Workspace
    from schema.actors import Actor
    from schema.audit import AuditEntry, AuditFilter
    from schema.channels import Channel, ChannelFilter, ChannelSort
    from schema.chats import Chat, ChatFilter, ChatSort, Conversation
    from schema.clients import ServiceClient
    from schema.customers import Customer, CustomerFilter, CustomerSort
    from schema.messages import Message, MessageFilter
    from schema.orders import Order, OrderFilter, OrderItem, OrderSort
    from schema.presences import Presence
    from schema.products import Product, ProductFilter, ProductSort
    from schema.roles import Role
    from schema.sessions import Session

ActorRef = Annotated["Actor", strawberry.lazy("schema.actors")]
AuditEntryRef = Annotated["AuditEntry", strawberry.lazy("schema.audit")]
WorkspaceRef = Annotated["Workspace", strawberry.lazy("schema.accounts")]
UserRef = Annotated["User", strawberry.lazy("schema.accounts")]
RoleRef = Annotated["Role", strawberry.lazy("schema.roles")]
SessionRef = Annotated["Session", strawberry.lazy("schema.sessions")]
ChannelRef = Annotated["Channel", strawberry.lazy("schema.channels")]
ServiceClientRef = Annotated["ServiceClient", strawberry.lazy("schema.clients")]
CustomerRef = Annotated["Customer", strawberry.lazy("schema.customers")]
ProductRef = Annotated["Product", strawberry.lazy("schema.products")]
OrderRef = Annotated["Order", strawberry.lazy("schema.orders")]
OrderItemRef = Annotated["OrderItem", strawberry.lazy("schema.orders")]
ConversationRef = Annotated["Conversation", strawberry.lazy("schema.chats")]
ChatRef = Annotated["Chat", strawberry.lazy("schema.chats")]
MessageRef = Annotated["Message", strawberry.lazy("schema.messages")]
PresenceRef = Annotated["Presence", strawberry.lazy("schema.presences")]

AuditFilterRef = Annotated["AuditFilter", strawberry.lazy("schema.audit")]
UserFilterRef = Annotated["UserFilter", strawberry.lazy("schema.accounts")]
UserSortRef = Annotated["UserSort", strawberry.lazy("schema.accounts")]
ChannelFilterRef = Annotated["ChannelFilter", strawberry.lazy("schema.channels")]
ChannelSortRef = Annotated["ChannelSort", strawberry.lazy("schema.channels")]
CustomerFilterRef = Annotated["CustomerFilter", strawberry.lazy("schema.customers")]
CustomerSortRef = Annotated["CustomerSort", strawberry.lazy("schema.customers")]
ProductFilterRef = Annotated["ProductFilter", strawberry.lazy("schema.products")]
ProductSortRef = Annotated["ProductSort", strawberry.lazy("schema.products")]
OrderFilterRef = Annotated["OrderFilter", strawberry.lazy("schema.orders")]
OrderSortRef = Annotated["OrderSort", strawberry.lazy("schema.orders")]
ChatFilterRef = Annotated["ChatFilter", strawberry.lazy("schema.chats")]
ChatSortRef = Annotated["ChatSort", strawberry.lazy("schema.chats")]
MessageFilterRef = Annotated["MessageFilter", strawberry.lazy("schema.messages")]

NEWEST_FIRST = (("created_at", True),)

USERS = Listing(accounts.User, NEWEST_FIRST, UserFilterRef, UserSortRef)
CHANNELS = Listing(channels.Channel, NEWEST_FIRST, ChannelFilterRef, ChannelSortRef)
CUSTOMERS = Listing(customers.Customer, (("first_seen_at", True),), CustomerFilterRef, CustomerSortRef)
PRODUCTS = Listing(products.Product, NEWEST_FIRST, ProductFilterRef, ProductSortRef)
ORDERS = Listing(orders.Order, NEWEST_FIRST, OrderFilterRef, OrderSortRef)
ORDER_ITEMS = Listing(orders.OrderItem, NEWEST_FIRST, conditions=orders.of_kept_order)
CHATS = Listing(
    conversations.Conversation, (("last_message_at", True),), ChatFilterRef, ChatSortRef, kind="CHAT"
)
MESSAGES = Listing(conversations.Message, (("sequence", False),), MessageFilterRef, is_total=True)
AUDIT_LOG = Listing(audit.AuditEntry, (("at", True),), AuditFilterRef)
ALL_MESSAGES = Listing(conversations.Message, (("id", False),), MessageFilterRef)
