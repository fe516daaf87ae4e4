"""What is asked of our tables. Each function works in the session that it is given and commits nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, and_, cast, func, literal_column, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from export_api.db.listing import Cursor
from export_api.db.models import Audit, Export, Token
from export_api.status import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

STRAGGLING = timedelta(minutes=2)
"""How long after a failure a lost worker may still be writing: what it leaves is swept a second time after that."""

_SWEPT_AGAIN = timedelta(days=1)
_TOUCH = timedelta(minutes=1)

_PAST, _FAR_BACK = 20, 10_000
"""How many earlier exports tell what a row weighs, and among how many they are looked for."""


_HAS_FAILED = Export.status.in_([literal_column(f"'{status}'") for status in (Status.FAILED, Status.CANCELLED)])
"""Whether an export has ended without a file; with the very words, so that indexes of such exports are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InStore:
    """What decides whether something in the store belongs to an export; ``keys`` are those of its manifest's files."""

    id: UUID
    status: str | None
    settled_at: datetime | None
    deleted_at: datetime | None
    expired_at: datetime | None
    keys: frozenset[str]


# Exports


def find(session: Session, export_id: UUID) -> Export | None:
    """Return one export."""
    return session.get(Export, export_id)


def unfinished(session: Session, caller: str, at_most: int) -> int:
    """Return how many exports of a caller have not ended, counting no further than asked."""
    theirs = select(Export.id).where(Export.settled_at.is_(None), Export.requested_by == caller).limit(at_most)
    return session.scalar(select(func.count()).select_from(theirs.subquery())) or 0


def past_sizes(
    session: Session, *, exporter: str | None, file_format: str, compression: str | None
) -> list[tuple[int, int]]:
    """Return rows and bytes of the last finished exports of the same kind, none of them empty."""
    # Only so far back: a kind that is rare, or was never there, must not cost a look at everything.
    newest = select(Export).order_by(Export.created_at.desc(), Export.id.desc()).limit(_FAR_BACK).subquery()
    rows, stored = newest.c.manifest["rows"], newest.c.manifest[("verification", "stored_bytes")]
    same = (
        newest.c.status == Status.SUCCEEDED,
        newest.c.exporter == exporter,
        newest.c.format == file_format,
        func.coalesce(newest.c.request["compression"].as_string(), "") == (compression or ""),
        cast(rows.as_string(), BigInteger) > 0,
    )
    sizes = select(cast(rows.as_string(), BigInteger), cast(stored.as_string(), BigInteger)).where(*same)
    order = (newest.c.created_at.desc(), newest.c.id.desc())
    return [(row[0], row[1]) for row in session.execute(sizes.order_by(*order).limit(_PAST))]


def adopt(session: Session, rows: Sequence[dict[str, Any]]) -> list[UUID]:
    """Add exports that are not there yet; return the ids of those that were added."""
    if not rows:
        return []
    return list(session.scalars(insert(Export).on_conflict_do_nothing().returning(Export.id), rows))


def settle(session: Session, export_id: UUID, outcome: dict[str, Any]) -> bool:
    """Write an outcome unless there is one; return whether this call wrote it."""
    statement = update(Export).where(Export.id == export_id, Export.settled_at.is_(None)).values(**outcome)
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def cancel(session: Session, export_id: UUID, *, at: datetime, by: str) -> bool:
    """Note who cancels an export that has not ended; return whether this call noted it."""
    open_ = and_(Export.id == export_id, Export.settled_at.is_(None), Export.cancelled_at.is_(None))
    statement = update(Export).where(open_).values(cancelled_at=at, cancelled_by=by)
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def reopen(session: Session, export_id: UUID) -> bool:
    """Forget that an export has failed or was cancelled, for it runs again; return whether this call did."""
    over = and_(Export.id == export_id, Export.status.in_([Status.FAILED, Status.CANCELLED]))
    open_ = ("settled_at", "status", "finished_at", "error", "progress", "cancelled_at", "cancelled_by", "swept_at")
    reopened = update(Export).where(over).values(dict.fromkeys(open_))
    return bool(session.execute(reopened).rowcount)  # type: ignore[attr-defined]


def unswept(session: Session, now: datetime, limit: int) -> list[Export]:
    """Return failed and deleted exports whose files are to go: at once, and again when no straggler can write."""
    again = and_(
        Export.swept_at < Export.settled_at + STRAGGLING,
        Export.settled_at.between(now - _SWEPT_AGAIN, now - STRAGGLING),
    )
    deleted = and_(Export.deleted_at.is_not(None), Export.settled_at.is_not(None))
    never = and_(Export.swept_at.is_(None), or_(_HAS_FAILED, Export.deleted_at.is_not(None)))
    found: dict[UUID, Export] = {}
    # One after the other, for each has an index.
    for which in (and_(never, Export.settled_at.is_not(None)), and_(again, _HAS_FAILED), and_(again, deleted)):
        wanted = select(Export).where(which).order_by(Export.settled_at).limit(limit)
        found |= {export.id: export for export in session.scalars(wanted)}
    return list(found.values())


def failed(session: Session, after: Cursor | None, limit: int) -> list[Cursor]:
    """Return the places of the next exports without a file, the last settled first; a place's moment is that."""
    place = tuple_(Export.settled_at, Export.id)
    wanted = select(Export.settled_at, Export.id).where(_HAS_FAILED, Export.deleted_at.is_(None))
    if after is not None:
        wanted = wanted.where(place < (after.created_at, after.id))
    rows = session.execute(wanted.order_by(Export.settled_at.desc(), Export.id.desc()).limit(limit))
    return [Cursor(row.settled_at, row.id) for row in rows]


def expired(session: Session, now: datetime, limit: int) -> list[Export]:
    """Return exports whose files have been kept long enough and are still there."""
    over = and_(Export.expires_at <= now, Export.expired_at.is_(None), Export.deleted_at.is_(None))
    return list(session.scalars(select(Export).where(over).order_by(Export.expires_at).limit(limit)))


def in_store(session: Session, ids: Sequence[UUID]) -> list[InStore]:
    """Return those exports of which there is a row."""
    export, files = Export, Export.manifest["files"].label("files")
    wanted = select(export.id, export.status, export.settled_at, export.deleted_at, export.expired_at, files)
    return [
        InStore(
            id=row.id,
            status=row.status,
            settled_at=row.settled_at,
            deleted_at=row.deleted_at,
            expired_at=row.expired_at,
            keys=frozenset(file["key"] for file in row.files or []),
        )
        for row in session.execute(wanted.where(export.id.in_(ids)))
    ]


def mark_expired(session: Session, export_id: UUID, now: datetime) -> bool:
    """Note that an export's files were removed; return whether this call noted it."""
    kept = and_(Export.id == export_id, Export.expired_at.is_(None))
    expired = update(Export).where(kept).values(expired_at=now)
    return bool(session.execute(expired).rowcount)  # type: ignore[attr-defined]


def delete(session: Session, export_id: UUID, at: datetime) -> bool:
    """Hide an export from everybody; return whether this call did.

    Its place stays taken, or the run in Airflow would be adopted as a new export.
    """
    there = and_(Export.id == export_id, Export.deleted_at.is_(None))
    hidden = update(Export).where(there).values(deleted_at=at, swept_at=None)
    return bool(session.execute(hidden).rowcount)  # type: ignore[attr-defined]


def forget(session: Session, export_id: UUID) -> None:
    """Empty the row of a deleted export: what is left says only that there was one."""
    nothing: dict[str, Any] = {"request": {}, "name": None, "progress": None, "error": None, "manifest": None}
    session.execute(update(Export).where(Export.id == export_id).values(**nothing))


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


def use_tokens(session: Session, hashes: Collection[str], now: datetime) -> Sequence[Row[Any]]:
    """Return hash, account and claims of the good ones among some tokens, noting once a minute that they were used."""
    good = and_(Token.revoked_at.is_(None), or_(Token.expires_at.is_(None), Token.expires_at > now))
    columns = (Token.id, Token.sha256, Token.account, Token.claims, Token.last_used_at)
    found = session.execute(select(*columns).where(Token.sha256.in_(hashes), good)).all()
    unnoted = [token.id for token in found if token.last_used_at is None or token.last_used_at < now - _TOUCH]
    if unnoted:
        session.execute(update(Token).where(Token.id.in_(unnoted)).values(last_used_at=now))
    return found


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
