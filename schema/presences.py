"""Presence: who looks at a conversation or types in it, now."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any

import strawberry

from db import accounts
from db.base import Permission
from schema.chats import ChatId, ConversationPayload
from schema.kit import ids
from schema.kit.context import Info
from schema.kit.docs import publish_enum
from schema.kit.edges import to_row
from schema.kit.inputs import described_input, given
from schema.kit.node import described_type
from schema.kit.roots import mutation, subscription
from schema.refs import ConversationRef, UserRef
from services.members import check_member
from services.presences import PresenceState, follow_presence, set_presence

publish_enum(PresenceState)


@described_type
class Presence:
    """A member that is in a conversation right now. Not kept."""

    user: UserRef = to_row(accounts.User, "user_id")
    """Who."""
    state: PresenceState
    """What it does there."""
    since: datetime
    """Since when it does that."""


@described_input
class PresenceSetInput:
    """What the viewer does in a conversation."""

    conversation_id: ChatId
    """Which conversation."""
    state: PresenceState | None
    """Looking or typing; null or absent: gone."""


@strawberry.type
class PresenceMutation:
    @mutation(Permission.CHATS_READ)
    async def presence_set(self, info: Info, input: PresenceSetInput) -> ConversationPayload | None:
        """Says what the viewer does in a conversation. Lapses after 30 s and with the socket: say it again before."""
        context = info.context
        server, viewer = context.server, context.viewer
        check_member(viewer)
        source = context.line_id or viewer.id
        row: Any = await set_presence(server.database, server.presences, viewer, source, **given(input))
        return ConversationPayload(conversation=row)


@strawberry.type
class PresenceSubscription:
    @subscription(Permission.CHATS_READ)
    async def presence_changed(
        self,
        info: Info,
        conversation_id: Annotated[ChatId, strawberry.argument(description="Which conversation.")],
    ) -> AsyncGenerator[ConversationRef, None]:
        """The conversation with its whole `presence`, at once and at every change. Not kept."""
        context = info.context
        server, id = context.server, ids.decode("chat", conversation_id, "conversationId")
        told = follow_presence(server.database, server.presences, context.viewer_now, id)
        return context.afresh(await told)
