"""The audit log: who changed what, and by which request."""

from datetime import datetime
from typing import Any

import strawberry

from db import audit as tables
from db.base import Permission
from schema.changes import field_names
from schema.kit import ids
from schema.kit.connection import Connection
from schema.kit.edges import computed, root_page, to_node
from schema.kit.filters import ANY_TYPE, filter_input, on
from schema.kit.node import Node, node, node_of_table, root
from schema.kit.operators import DateTimeFilter, IdFilter
from schema.refs import AUDIT_LOG, ActorRef, AuditEntryRef


def subject_id(row: Any) -> str:
    """The id of what was changed."""
    kind = node_of_table(row.subject_table)
    assert kind is not None, row.subject_table
    return ids.encode(kind.prefix, row.subject_id)


def changed_fields(row: Any) -> list[str]:
    """What clients call the columns."""
    return field_names(row.changed_fields)


@node(tables.AuditEntry, "audit", Permission.AUDIT_READ)
class AuditEntry(Node):
    """That somebody changed something. Never changed itself, and kept as long as its workspace."""

    at: datetime
    """When it was changed."""
    actor: ActorRef | None = to_node(tables.AuditEntry.actor_table, tables.AuditEntry.actor_id)
    """Who changed it."""
    request_id: str
    """The request that it was changed by: the id in its answer, in its headers and in the server's log."""
    action: str
    """The field of the mutation, such as `orderCreate`."""
    subject_id: strawberry.ID = computed(subject_id, "subject_table", "subject_id")
    """The id of what was changed, also where it is gone."""
    subject: Node | None = to_node(tables.AuditEntry.subject_table, tables.AuditEntry.subject_id)
    """What was changed, as it is now; null where it is gone or out of sight."""
    changed_fields: list[str] = computed(changed_fields, "changed_fields")
    """The fields that were written, never what they held; none where all of it came or went."""


@filter_input
class AuditFilter:
    """Which entries."""

    actor: IdFilter | None = on("actor_id", of=ANY_TYPE)
    """By who changed something."""
    subject: IdFilter | None = on("subject_id", of=ANY_TYPE)
    """By what was changed."""
    at: DateTimeFilter | None
    """By when it was changed."""


@root
class AuditQuery:
    audit_log: Connection[AuditEntryRef] = root_page(AUDIT_LOG)
    """Who changed what, newest first. Messages read, presence and renewed tokens are not told."""
