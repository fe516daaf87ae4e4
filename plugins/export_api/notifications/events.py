"""Events: written into the outbox in the very transaction in which an export ends or expires."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from export_api.db import outbox
from export_api.db.models import Event
from export_api.status import Status
from include.core.notify import EventType, Notify

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

    from export_api.db.models import Export

_NOTIFY = TypeAdapter(list[Notify])

_ENDS = {
    Status.SUCCEEDED: EventType.SUCCEEDED,
    Status.FAILED: EventType.FAILED,
    Status.CANCELLED: EventType.CANCELLED,
}


def notify_of(request: dict[str, Any]) -> list[Notify]:
    """Return whom a request names; nobody where Airflow's run had a request that was never checked and is wrong."""
    try:
        return _NOTIFY.validate_python(request.get("notify") or [])
    except ValidationError:
        return []


def announce_end(session: Session, export: Export, at: datetime) -> None:
    """Tell everybody who wants to know that an export was settled."""
    _announce(session, export, _ENDS[Status(str(export.status))], at)


def announce_expiry(session: Session, export: Export, at: datetime) -> None:
    """Tell webhooks that an export's files are gone; people were told when that would be."""
    _announce(session, export, EventType.EXPIRED, at)


def _announce(session: Session, export: Export, kind: EventType, at: datetime) -> None:
    named = notify_of(export.request)
    chosen = {item.webhook for item in named if item.webhook is not None}
    hooks = [
        hook
        for hook in outbox.listening(session, export.requested_by)
        if kind in hook.types or (hook.id in chosen and hook.owner == export.requested_by)
    ]
    addresses = [item.email for item in named if item.email is not None and kind is not EventType.EXPIRED]
    if hooks or addresses:
        event = Event(id=uuid4(), export_id=export.id, type=kind, status=str(export.status), at=at)
        outbox.post(session, event, hooks=hooks, mails=dict.fromkeys(addresses, export.requested_by))
