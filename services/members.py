"""What only a member does: a service client has no password and no session, is nowhere, and reads nothing."""

from db.base import Viewer
from services.errors import Forbidden


def check_member(viewer: Viewer) -> None:
    """Forbidden for a service client."""
    if viewer.is_service:
        raise Forbidden("Only a member does that, and no service client.")
