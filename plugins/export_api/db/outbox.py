"""What is asked of webhooks and of the outbox. Each function works in the session that it is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import and_, delete, func, or_, select, tuple_, update

from export_api.db.models import Event, Notification, Webhook

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from export_api.db.listing import Cursor

LEASE = timedelta(minutes=5)
"""How long a notification is its sender's; one whose sender has died by then is sent again."""

KEPT = timedelta(days=30)
"""How long events are kept, and can be replayed."""

_LOOKED_AT = 100
_LOG = 30
"""How many attempts are remembered of one notification."""

MAIL_LANE = "mail"


class State(StrEnum):
    """How far a notification is."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


# Webhooks


def webhook(session: Session, webhook_id: UUID) -> Webhook | None:
    """Return one webhook."""
    return session.get(Webhook, webhook_id)


def webhooks(session: Session, owner: str | None = None) -> list[Webhook]:
    """Return the webhooks of an owner, or all."""
    theirs = select(Webhook) if owner is None else select(Webhook).where(Webhook.owner == owner)
    return list(session.scalars(theirs.order_by(Webhook.created_at, Webhook.id)))


def listening(session: Session, owner: str) -> list[Webhook]:
    """Return the webhooks that may hear of an owner's exports."""
    hears = or_(Webhook.owner == owner, Webhook.scope == "all")
    return list(session.scalars(select(Webhook).where(hears, Webhook.disabled_at.is_(None))))


def disable(session: Session, found: Webhook, *, at: datetime, reason: str) -> None:
    """Let a webhook hear of nothing more; what waits for it has failed and can be replayed."""
    found.disabled_at, found.disabled_reason = at, reason
    waiting = and_(Notification.webhook_id == found.id, Notification.state == State.PENDING)
    session.execute(update(Notification).where(waiting).values(state=State.FAILED, next_attempt_at=None))


def remove(session: Session, webhook_id: UUID) -> None:
    """Forget a webhook and what was sent to it."""
    session.execute(delete(Notification).where(Notification.webhook_id == webhook_id))
    session.execute(delete(Webhook).where(Webhook.id == webhook_id))


# The outbox


def post(session: Session, event: Event, *, hooks: Collection[Webhook], mails: Mapping[str, str]) -> None:
    """Add an event, and a notification for each target; ``mails`` is from an address to the owner."""
    session.add(event)
    for hook in hooks:
        target = f"webhook:{hook.id}"
        session.add(_notification(event, target, lane=target, webhook_id=hook.id, owner=hook.owner))
    for address, owner in mails.items():
        session.add(_notification(event, f"mail:{address}", lane=MAIL_LANE, email=address, owner=owner))


def _notification(event: Event, target: str, **more: Any) -> Notification:
    fresh = {"state": State.PENDING, "attempts": 0, "log": [], "next_attempt_at": event.at}
    return Notification(id=uuid4(), event_id=event.id, target=target, created_at=event.at, **fresh, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A notification that is this process's to send; ``attempt`` counts from one."""

    id: UUID
    attempt: int
    lane: str
    owner: str
    webhook_id: UUID | None
    email: str | None
    event: Event


def claim(
    session: Session, now: datetime, *, free: int, lanes: Collection[str], owners: Mapping[str, int], per_owner: int
) -> list[Claimed]:
    """Claim what is due: the oldest of each lane that nobody is sending to, at most ``free``.

    :param lanes: those that this process is sending to
    :param owners: how many notifications of each owner this process is sending, ``per_owner`` at most
    """
    other = select(Notification.lane).where(Notification.state == State.PENDING, Notification.claimed_until > now)
    due = and_(
        Notification.state == State.PENDING,
        Notification.next_attempt_at <= now,
        or_(Notification.claimed_until.is_(None), Notification.claimed_until <= now),
        Notification.lane.not_in(other),
        Notification.lane.not_in(list(lanes)),
    )
    place = func.row_number().over(
        partition_by=Notification.lane, order_by=(Notification.next_attempt_at, Notification.id)
    )
    ranked = select(Notification.id, place.label("place")).where(due).subquery()
    first = select(ranked.c.id).where(ranked.c.place == 1)
    locked = select(Notification).where(Notification.id.in_(first), due).order_by(Notification.next_attempt_at)
    counts = dict(owners)
    claimed: list[Claimed] = []
    for row in session.scalars(locked.limit(_LOOKED_AT).with_for_update(skip_locked=True)).all():
        if len(claimed) == free or counts.get(row.owner, 0) >= per_owner:
            continue
        counts[row.owner] = counts.get(row.owner, 0) + 1
        row.attempts += 1
        row.claimed_until = now + LEASE
        claimed.append(
            Claimed(
                id=row.id,
                attempt=row.attempts,
                lane=row.lane,
                owner=row.owner,
                webhook_id=row.webhook_id,
                email=row.email,
                event=session.get_one(Event, row.event_id),
            )
        )
    return claimed


def finish(
    session: Session, claimed: Claimed, entry: dict[str, Any], *, state: State, again_at: datetime | None = None
) -> bool:
    """Write down how an attempt went; return whether the notification was still this attempt's."""
    ours = and_(Notification.id == claimed.id, Notification.attempts == claimed.attempt)
    found = session.scalar(select(Notification).where(ours).with_for_update())
    if found is None:
        return False
    found.claimed_until = None
    found.log = [*found.log, entry][-_LOG:]
    if found.state == State.PENDING or state is State.SENT:  # it may have been given up meanwhile
        found.state, found.next_attempt_at = state, again_at
    return True


def deliveries(
    session: Session, webhook_id: UUID, *, state: State | None, after: Cursor | None, limit: int
) -> list[tuple[Notification, Event]]:
    """Return what was sent to a webhook or waits for it, the newest first."""
    wanted: list[ColumnElement[bool]] = [Notification.webhook_id == webhook_id]
    if state is not None:
        wanted.append(Notification.state == state)
    if after is not None:
        wanted.append(tuple_(Notification.created_at, Notification.id) < (after.created_at, after.id))
    found = select(Notification, Event).join(Event, Event.id == Notification.event_id).where(*wanted)
    order = (Notification.created_at.desc(), Notification.id.desc())
    return [(row[0], row[1]) for row in session.execute(found.order_by(*order).limit(limit))]


def replay(
    session: Session,
    webhook_id: UUID,
    now: datetime,
    *,
    event_id: UUID | None = None,
    failed_since: datetime | None = None,
) -> int:
    """Send again what was sent or has failed: one event, or all that failed since; return how many.

    What is being sent at the moment stays as it is.
    """
    idle = or_(Notification.claimed_until.is_(None), Notification.claimed_until <= now)
    wanted: list[ColumnElement[bool]] = [Notification.webhook_id == webhook_id, idle]
    if event_id is not None:
        wanted.append(Notification.event_id == event_id)
    if failed_since is not None:
        wanted += [Notification.state == State.FAILED, Notification.created_at >= failed_since]
    fresh = {"state": State.PENDING, "attempts": 0, "next_attempt_at": now, "claimed_until": None}
    return int(session.execute(update(Notification).where(*wanted).values(**fresh)).rowcount)  # type: ignore[attr-defined]


def knows(session: Session, webhook_id: UUID, event_id: UUID) -> bool:
    """Whether an event was meant for a webhook."""
    there = select(func.count()).where(Notification.webhook_id == webhook_id, Notification.event_id == event_id)
    return bool(session.scalar(there))


def forget(session: Session, now: datetime) -> None:
    """Remove events that are no longer kept."""
    old = select(Event.id).where(Event.at < now - KEPT)
    session.execute(delete(Notification).where(Notification.event_id.in_(old)))
    session.execute(delete(Event).where(Event.at < now - KEPT))
