"""People's webhooks: who may have which, and what was sent to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from export_api.caller import Right
from export_api.db import listing, outbox, records
from export_api.db.models import Webhook
from export_api.notifications import secrets
from export_api.notifications.targets import TargetRefused, Targets
from include.core.errors import Conflict, FieldError, NotFound, invalid
from include.core.notify import EventType
from include.core.request import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from export_api.caller import Caller
    from export_api.db.models import Event, Notification
    from export_api.gateway import Gateway

LIMIT = 20
"""How many webhooks one user may have."""

_SECRETS = 5
"""How many secrets one webhook may have at a time."""

_PORTS = {"http": 80, "https": 443}
_DISABLED = "It was disabled by {}."


class WebhookRequest(BaseModel):
    """A webhook to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Where to POST to: https, and a public address.", max_length=2000)
    types: list[EventType] = Field(
        default_factory=lambda: list(EventType),
        description="Which events of all exports it hears of; none for one that exports name in `notify`.",
    )
    description: str = Field("", max_length=200)
    scope: Literal["own", "all"] = Field("own", description="Whose exports: `all` for those who may see them all.")


class WebhookChange(BaseModel):
    """What is to be changed of a webhook; the rest stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field("", description="Where to POST to.", max_length=2000)
    types: list[EventType] = Field(default_factory=list, description="Which events it hears of.")
    description: str = Field("", max_length=200)
    enabled: bool = Field(default=True, description="False ends all sending, to what waits too.", strict=True)


class ReplayRequest(BaseModel):
    """Which failed deliveries are to be sent again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: AwareDatetime = Field(description="Events before this moment stay as they are.")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Every method checks the caller's rights itself; somebody else's webhook is as if it did not exist."""

    airflow: Gateway
    now: Callable[[], datetime] = utc_now

    def create(self, caller: Caller, wanted: WebhookRequest) -> tuple[Webhook, str]:
        """Add a webhook; return it with its secret, which is not shown again.

        :raises InvalidRequest: when its URL may not be sent to.
        :raises Conflict: when the caller has as many as one may have.
        """
        caller.need(Right.CREATE)
        caller.need(Right.READ_ALL if wanted.scope == "all" else Right.READ)
        url, secret = self._checked(wanted.url), secrets.new_secret()
        hook = Webhook(
            id=uuid4(),
            owner=caller.name,
            scope=wanted.scope,
            url=url,
            types=_unique(wanted.types),
            description=wanted.description,
            secrets=[{"sealed": self.airflow.seal(secret), "until": None}],
            created_at=self.now(),
        )
        with self.airflow.session() as session:
            if len(outbox.webhooks(session, caller.name)) >= LIMIT:
                raise Conflict(f"You have {LIMIT} webhooks, as many as one may have.", code="too_many_webhooks")
            session.add(hook)
            self._audit(session, caller, "create", hook, {"scope": hook.scope})
        return hook, secret

    def list(self, caller: Caller) -> list[Webhook]:
        """Return the caller's webhooks, or everybody's."""
        caller.need(Right.READ)
        with self.airflow.session() as session:
            return outbox.webhooks(session, None if caller.may(Right.READ_ALL) else caller.name)

    def get(self, caller: Caller, webhook_id: str) -> Webhook:
        """Return one webhook.

        :raises NotFound: when there is none, or it is somebody else's.
        """
        with self.airflow.session() as session:
            return self._find(session, caller, webhook_id)

    def change(self, caller: Caller, webhook_id: str, change: WebhookChange) -> Webhook:
        """Change what the change sets; enabled again, a webhook hears of what happens from then on.

        :raises InvalidRequest: when the new URL may not be sent to.
        """
        caller.need(Right.CREATE)
        asked = change.model_fields_set
        url = self._checked(change.url) if "url" in asked else None
        with self.airflow.session() as session:
            hook = self._find(session, caller, webhook_id)
            hook.url = url or hook.url
            hook.types = _unique(change.types) if "types" in asked else hook.types
            hook.description = change.description if "description" in asked else hook.description
            if "enabled" in asked and change.enabled:
                hook.disabled_at = hook.disabled_reason = None
            elif "enabled" in asked and hook.disabled_at is None:
                outbox.disable(session, hook, at=self.now(), reason=_DISABLED.format(caller.name))
            self._audit(session, caller, "change", hook, {"fields": sorted(asked)})
            return hook

    def rotate(self, caller: Caller, webhook_id: str) -> tuple[Webhook, str]:
        """Give a webhook a new secret; the old one signs beside it for a day.

        :raises Conflict: when too many secrets are in use already.
        """
        caller.need(Right.CREATE)
        secret = secrets.new_secret()
        with self.airflow.session() as session:
            hook = self._find(session, caller, webhook_id)
            found = secrets.rotated(hook.secrets, self.airflow.seal(secret), self.now())
            if len(found) > _SECRETS:
                raise Conflict("Its secrets were changed too often today: wait until old ones end.", code="too_many")
            hook.secrets = found
            self._audit(session, caller, "rotate", hook, {})
            return hook, secret

    def delete(self, caller: Caller, webhook_id: str) -> None:
        """Forget a webhook, and what waits for it."""
        with self.airflow.session() as session:
            hook = self._find(session, caller, webhook_id)
            self._audit(session, caller, "delete", hook, {})
            outbox.remove(session, hook.id)

    def deliveries(
        self,
        caller: Caller,
        webhook_id: str,
        *,
        state: outbox.State | None,
        after: listing.Cursor | None,
        limit: int,
    ) -> tuple[Sequence[tuple[Notification, Event]], listing.Cursor | None]:
        """Return a page of what was sent to a webhook or waits for it, the newest first, and where the next begins."""
        with self.airflow.session() as session:
            hook = self._find(session, caller, webhook_id)
            found = outbox.deliveries(session, hook.id, state=state, after=after, limit=limit + 1)
        page = found[:limit]
        last = page[-1][0] if len(found) > limit else None
        return page, None if last is None else listing.Cursor(last.created_at, last.id)

    def replay(self, caller: Caller, webhook_id: str, event_id: str) -> None:
        """Send an event again, whatever became of it; one that is being sent stays as it is.

        :raises NotFound: when the event was not meant for the webhook, or is no longer kept.
        :raises Conflict: when the webhook is disabled.
        """
        caller.need(Right.CREATE)
        with self.airflow.session() as session:
            hook = self._enabled(session, caller, webhook_id)
            event = _uuid(event_id)
            if event is None or not outbox.knows(session, hook.id, event):
                raise NotFound(f"No event {event_id!r} was meant for this webhook.")
            outbox.replay(session, hook.id, self.now(), event_id=event)
            self._audit(session, caller, "replay", hook, {"event": str(event)})

    def replay_failed(self, caller: Caller, webhook_id: str, since: datetime) -> int:
        """Send again all that has failed since a moment; return how many.

        :raises Conflict: when the webhook is disabled.
        """
        caller.need(Right.CREATE)
        with self.airflow.session() as session:
            hook = self._enabled(session, caller, webhook_id)
            count = outbox.replay(session, hook.id, self.now(), failed_since=since)
            self._audit(session, caller, "replay", hook, {"since": since.isoformat(), "events": count})
        return count

    def _find(self, session: Session, caller: Caller, webhook_id: str) -> Webhook:
        caller.need(Right.READ)
        key = _uuid(webhook_id)
        hook = None if key is None else outbox.webhook(session, key)
        if hook is None or not caller.sees(hook.owner):
            raise NotFound(f"There is no webhook {webhook_id!r}.")
        return hook

    def _enabled(self, session: Session, caller: Caller, webhook_id: str) -> Webhook:
        hook = self._find(session, caller, webhook_id)
        if hook.disabled_at is not None:
            raise Conflict("The webhook is disabled: enable it first.", code="webhook_disabled")
        return hook

    def _checked(self, url: str) -> str:
        """Return a URL that may be sent to now; it is checked again whenever something is sent."""
        targets = Targets.of_setting(self.airflow.settings.webhook_allowed_targets)
        try:
            found = targets.check_url(url)
            parts = urlsplit(found)
            targets.resolve(parts.hostname or "", parts.port or _PORTS[parts.scheme])
        except TargetRefused as error:
            raise invalid([FieldError("/url", str(error))]) from None
        return found

    def _audit(self, session: Session, caller: Caller, what: str, hook: Webhook, detail: dict[str, Any]) -> None:
        # The path of a URL may be a secret, its host is none.
        detail = {"webhook": str(hook.id), "host": urlsplit(hook.url).hostname, "owner": hook.owner, **detail}
        records.audit(session, at=self.now(), caller=caller.name, action=f"webhook_{what}", detail=detail)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _unique(types: list[EventType]) -> list[str]:
    return [str(kind) for kind in dict.fromkeys(types)]
