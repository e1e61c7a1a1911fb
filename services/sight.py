"""What a follower could see when it began and no longer can: each row that it will miss is told of once."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from db.base import Viewer
from db.events import NEEDED, Change, EventKind

LEFT_MAX: Final = 10_000
"""Rows of which a follower is told that they left its sight; of the others it hears nothing more."""


@dataclass
class Sight:
    """The kinds that a follower sees, and those that were taken from it together with a permission."""

    seen: frozenset[EventKind] = frozenset()
    lost: frozenset[EventKind] = frozenset()
    left: set[UUID] = field(default_factory=set)

    def look(self, viewer: Viewer) -> None:
        """What the viewer may see by now."""
        seen = frozenset(kind for kind, needed in NEEDED.items() if viewer.can(needed))
        self.lost = (self.lost | (self.seen - seen)) - seen
        self.seen = seen
        if not self.lost:
            self.left.clear()

    def has(self, kind: EventKind) -> bool:
        """Whether rows of a kind are in sight."""
        return kind in self.seen

    def leaves(self, event: Row[Any]) -> bool:
        """Whether this is the first that is heard of a row since its kind went out of sight."""
        if event.kind not in self.lost or event.node_id in self.left or len(self.left) >= LEFT_MAX:
            return False
        self.left.add(event.node_id)
        return event.change is not Change.CREATED
