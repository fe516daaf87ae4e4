"""What is asked of our tables. Each function works in the session that it is given and commits nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from export_api.db.models import Audit, Export, Token
from export_api.sources import SEPARATOR
from export_api.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

STRAGGLING = timedelta(minutes=2)
"""How long after a failure a lost worker may still be writing: what it leaves is swept a second time after that."""

_SWEPT_AGAIN = timedelta(days=1)
_TOUCH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which exports are wanted, in which order, from where on; ``status`` is a final one."""

    status: Status | None = None
    unsettled: bool = False
    exporter: str | None = None
    name: str | None = None
    requested_by: str | None = None
    created_after: datetime | None = None
    descending: bool = True
    after: Cursor | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter in SQL."""
        found: list[ColumnElement[bool]] = []
        for column, value in (
            (Export.name, self.name),
            (Export.requested_by, self.requested_by),
            (Export.status, self.status),
        ):
            if value is not None:
                found.append(column == value)
        if self.exporter is not None:
            found.append(_names(self.exporter))
        if self.unsettled:
            found.append(Export.settled_at.is_(None))
        if self.created_after is not None:
            found.append(Export.created_at > self.created_after)
        if self.after is not None:
            place, row = (self.after.created_at, self.after.id), tuple_(Export.created_at, Export.id)
            found.append(row < place if self.descending else row > place)
        return found


def _names(exporter: str) -> ColumnElement[bool]:
    """Whether an export reads an exporter, alone or among others."""
    among = literal(SEPARATOR) + Export.exporter + SEPARATOR
    return among.contains(SEPARATOR + exporter + SEPARATOR, autoescape=True)


# Exports


def find(session: Session, export_id: UUID) -> Export | None:
    """Return one export."""
    return session.get(Export, export_id)


def page(session: Session, wanted: Filter, limit: int) -> list[Export]:
    """Return the next exports that a filter names."""
    keys = (Export.created_at, Export.id)
    order = [key.desc() for key in keys] if wanted.descending else list(keys)
    return list(session.scalars(select(Export).where(*wanted.conditions()).order_by(*order).limit(limit)))


def count(session: Session, wanted: Filter) -> int:
    """Return how many exports a filter names, wherever it stands."""
    everywhere = replace(wanted, after=None)
    return session.scalar(select(func.count()).select_from(Export).where(*everywhere.conditions())) or 0


def adopt(session: Session, rows: Sequence[dict[str, Any]]) -> list[UUID]:
    """Add exports that are not there yet; return the ids of those that were added."""
    if not rows:
        return []
    return list(session.scalars(insert(Export).on_conflict_do_nothing().returning(Export.id), rows))


def settle(session: Session, export_id: UUID, outcome: dict[str, Any]) -> bool:
    """Write an outcome unless there is one; return whether this call wrote it."""
    statement = update(Export).where(Export.id == export_id, Export.settled_at.is_(None)).values(**outcome)
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def unswept(session: Session, now: datetime, limit: int) -> list[Export]:
    """Return failed exports whose leftovers are to be removed: at once, and again when no straggler can write."""
    again = and_(
        Export.swept_at < Export.settled_at + STRAGGLING,
        Export.settled_at.between(now - _SWEPT_AGAIN, now - STRAGGLING),
    )
    failed = Export.status.in_([Status.FAILED, Status.CANCELLED])
    wanted = select(Export).where(failed, or_(Export.swept_at.is_(None), again))
    return list(session.scalars(wanted.order_by(Export.settled_at).limit(limit)))


def mark_swept(session: Session, export_id: UUID, now: datetime) -> None:
    """Note that nothing of a failed export is left in the store."""
    session.execute(update(Export).where(Export.id == export_id).values(swept_at=now))


# The audit trail


def audit(
    session: Session,
    *,
    at: datetime,
    caller: str,
    action: str,
    export_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add to the audit trail."""
    session.add(Audit(at=at, caller=caller, action=action, export_id=export_id, detail=detail))


# Tokens


def use_token(session: Session, sha256: str, now: datetime) -> Token | None:
    """Return the token of that hash if it is good, noting about once a minute that it was used."""
    good = and_(Token.revoked_at.is_(None), or_(Token.expires_at.is_(None), Token.expires_at > now))
    token = session.scalar(select(Token).where(Token.sha256 == sha256, good))
    if token is not None and (token.last_used_at is None or token.last_used_at < now - _TOUCH):
        session.execute(update(Token).where(Token.id == token.id).values(last_used_at=now))
    return token


def tokens(session: Session) -> list[Token]:
    """Return all tokens, the newest first."""
    return list(session.scalars(select(Token).order_by(Token.created_at.desc())))


def live_token_of(session: Session, account: str, now: datetime) -> Token | None:
    """Return some good token of an account."""
    good = and_(Token.revoked_at.is_(None), or_(Token.expires_at.is_(None), Token.expires_at > now))
    return session.scalar(select(Token).where(Token.account == account, good).limit(1))


def revoke_token(session: Session, prefix: str, now: datetime) -> Token | None:
    """End a token's life; return it, or None when there is none of that prefix."""
    token = session.scalar(select(Token).where(Token.prefix == prefix))
    if token is not None and token.revoked_at is None:
        token.revoked_at = now
    return token
