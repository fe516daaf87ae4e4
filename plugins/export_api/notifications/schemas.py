"""What the API says of webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from export_api.db.outbox import State
from export_api.schemas.parts import Answer, Moment
from include.core.notify import EventType

if TYPE_CHECKING:
    from export_api.db.models import Event, Notification, Webhook


class WebhookBody(Answer):
    """A webhook."""

    id: str
    url: str
    types: list[EventType] = Field(description="Of all exports; those that name it in `notify` it hears of anyway.")
    description: str
    scope: Literal["own", "all"]
    owner: str
    enabled: bool
    disabled_at: Moment | None
    disabled_reason: str | None
    created_at: Moment

    @classmethod
    def facts(cls, hook: Webhook) -> dict[str, Any]:
        """Return the fields of a webhook."""
        same = ("url", "types", "description", "scope", "owner", "disabled_at", "disabled_reason", "created_at")
        facts = {name: getattr(hook, name) for name in same}
        return {"id": str(hook.id), "enabled": hook.disabled_at is None, **facts}


class WebhookSecret(WebhookBody):
    """A webhook with its new secret."""

    secret: str = Field(description="For checking signatures. It is shown this once.")


class WebhookList(Answer):
    """Webhooks."""

    items: list[WebhookBody]


class Attempt(Answer):
    """One attempt to send an event."""

    at: Moment
    code: int | None = Field(description="The answer's status code; null without an answer.")
    error: str | None = Field(description="Why it did not work; null when it did.")
    seconds: float


class DeliveryBody(Answer):
    """An event on its way to a webhook."""

    event: str = Field(description="The event's id: `webhook-id` of every attempt.")
    type: EventType
    export: str = Field(description="Id of the export.")
    created_at: Moment
    state: State = Field(description="`failed` is not tried again by itself.")
    next_attempt_at: Moment | None
    attempts: list[Attempt] = Field(description="The last 30.")

    @classmethod
    def of(cls, sent: Notification, event: Event) -> DeliveryBody:
        """Show a notification."""
        return cls(
            event=str(event.id),
            type=EventType(event.type),
            export=str(event.export_id),
            created_at=sent.created_at,
            state=State(sent.state),
            next_attempt_at=sent.next_attempt_at,
            attempts=[Attempt.model_validate(entry) for entry in sent.log],
        )


class DeliveryPage(Answer):
    """Some deliveries, the newest first."""

    items: list[DeliveryBody]
    next_page_token: str | None


class Replayed(Answer):
    """How much is sent again."""

    events: int
