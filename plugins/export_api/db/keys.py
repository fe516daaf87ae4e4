"""Idempotency keys in our tables; each function works in the session that it is given and commits nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from export_api.db.models import IdempotencyKey
from export_api.idempotency import KEPT, Kept, KeyInFlight

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from export_api.idempotency import Key

_PATIENCE = "2s"
"""How long a request waits for the commit of an equal one, in PostgreSQL's words; starting a run takes 40 ms."""

_LOCK_NOT_AVAILABLE = "55P03"


def find(session: Session, caller: str, key: Key, now: datetime) -> Kept | None:
    """Return what a key was used for."""
    row = session.get(IdempotencyKey, (caller, key.route, key.text))
    return Kept(row.fingerprint, row.export_id) if row is not None and row.created_at > now - KEPT else None


def take(session: Session, caller: str, key: Key, *, kept: Kept, now: datetime) -> Kept | None:
    """Use a key, unless it is in use: then return what for.

    While another transaction uses it, this waits for its end.

    :raises KeyInFlight: when that takes too long.
    """
    values = {"fingerprint": kept.fingerprint, "export_id": kept.export_id, "created_at": now}
    statement = insert(IdempotencyKey).values(caller=caller, route=key.route, key=key.text, **values)
    taken = statement.on_conflict_do_update(
        index_elements=["caller", "route", "key"],
        set_=values,
        where=IdempotencyKey.created_at <= now - KEPT,
    ).returning(IdempotencyKey.export_id)
    before = session.scalar(select(func.current_setting("lock_timeout")))
    session.execute(select(func.set_config("lock_timeout", _PATIENCE, True)))  # noqa: FBT003 - for this transaction
    try:
        ours = session.execute(taken).scalar() is not None
    except DBAPIError as error:
        if _state_of(error) != _LOCK_NOT_AVAILABLE:
            raise
        raise KeyInFlight("The first request with this Idempotency-Key is still being answered.") from None
    session.execute(select(func.set_config("lock_timeout", before, True)))  # noqa: FBT003 - as above
    if ours:
        return None
    earlier = find(session, caller, key, now)
    if earlier is None:  # forgotten in this very moment
        raise KeyInFlight("The Idempotency-Key was just forgotten.")
    return earlier


def forget(session: Session, now: datetime) -> None:
    """Remove keys that are no longer kept."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEPT))


def _state_of(error: DBAPIError) -> str | None:
    """Return PostgreSQL's code; psycopg and psycopg2 name it differently."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
