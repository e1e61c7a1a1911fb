"""New tokens for a refresh token: good once, but for an answer that was lost."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update

from db.base import now
from db.sessions import RefreshToken, Session
from services import security
from services.errors import InvalidCredentials
from services.sessions import SignedIn, hand_out, viewer_within, with_access
from services.tokens import Tokens, hash_refresh_token
from services.work import Work

GRACE: Final = timedelta(seconds=10)
"""How long a refresh token may come again whose successor nobody has used."""


async def refresh_session(work: Work, tokens: Tokens, refresh_token: str) -> SignedIn | None:
    """New tokens for a refresh token, which is good once.

    During GRACE it may come again, while its successor is unused: an answer was lost, or several asked at once. Each
    is given the same successor, so that one refresh token is good at any time. None where it came later: the session
    is ended then, since somebody else may hold its tokens. InvalidCredentials for a token that nobody knows, or of a
    session that is over.
    """
    await work.see_everywhere()
    moment, hashed = now(), hash_refresh_token(refresh_token)
    holder = select(RefreshToken.session_id).where(RefreshToken.token_hash == hashed).scalar_subquery()
    going_on = (Session.id == holder, Session.is_active, Session.expires_at > moment)
    # The session's row first: whatever else touches its tokens (the same refresh, a new password) waits here.
    seen = update(Session).where(*going_on).values(last_seen_at=moment, updated_at=moment)
    session = await work.one(seen.returning(Session.id, Session.user_id))
    viewer = await viewer_within(work, session.user_id, session.id) if session is not None else None
    if viewer is None:
        raise InvalidCredentials("The refresh token is not valid.", "refresh_token")
    work.asking = viewer
    successor = tokens.refresh_token_after(refresh_token)
    fresh = (RefreshToken.token_hash == hashed, RefreshToken.used_at.is_(None))
    used = update(RefreshToken).where(*fresh).values(used_at=moment, updated_at=moment)
    if await work.one(used.returning(RefreshToken.id)) is not None:
        return await hand_out(work, tokens, viewer, successor)
    if await _may_come_again(work, hashed, hash_refresh_token(successor), moment):
        return await with_access(work, tokens, viewer, successor)
    stolen = update(Session).where(Session.id == viewer.session_id)
    await work.execute(stolen.values(is_active=False, updated_at=moment))
    security.note(security.REFRESH_REUSED, user_id=viewer.id, session_id=viewer.session_id)
    work.trail.add(Session, viewer.session_id, ["is_active"])
    return None


async def _may_come_again(work: Work, hashed: str, successor_hashed: str, moment: datetime) -> bool:
    lately = select(RefreshToken.id).where(
        RefreshToken.token_hash == hashed, RefreshToken.used_at > moment - GRACE
    )
    unused = select(RefreshToken.id).where(
        RefreshToken.token_hash == successor_hashed, RefreshToken.used_at.is_(None)
    )
    return await work.one(lately) is not None and await work.one(unused) is not None
