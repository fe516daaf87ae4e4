"""What the tests of notifications share: a bench that may send to this machine, exports that end, and a sender."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from export_api.db.models import Event, Notification
from export_api.notifications.endpoints import Endpoints, WebhookRequest
from export_api.notifications.sending import Sender
from include.core.request import parse_request, utc_now
from include.core.settings import Settings
from tests.api.stand_in import ADMIN, ANNA, BERT, FAILED, SUCCEEDED, Bench

if TYPE_CHECKING:
    from uuid import UUID

    from export_api.caller import Caller
    from export_api.db.models import Webhook
    from export_api.status import Observation

REQUEST = {"exporter": "machines", "format": "csv"}
SETTINGS = Settings(
    link_seconds=60, webhook_allowed_targets="127.0.0.1", smtp_connection="mail", email_domains="example.com"
)


@dataclass
class Post:
    """A bench with webhooks; users are what ``people`` says, nobody else is any more."""

    bench: Bench
    people: dict[str, Caller] = field(default_factory=lambda: {who.name: who for who in (ANNA, BERT, ADMIN)})

    def __post_init__(self) -> None:
        self.bench.airflow.settings = SETTINGS
        self.bench.time = utc_now()  # receivers compare with their own clock
        self.endpoints = Endpoints(self.bench.airflow, lambda: self.bench.time)
        self.sender = self.new_sender()

    def new_sender(self, seconds: float = 15) -> Sender:
        from export_api.caller import Caller

        return Sender(
            self.bench.airflow,
            lambda name: self.people.get(name, Caller(name, name, frozenset())),
            now=lambda: self.bench.time,
            seconds=seconds,
        )

    def hook(self, url: str, caller: Caller = ANNA, **more: Any) -> tuple[Webhook, str]:
        return self.endpoints.create(caller, WebhookRequest(url=url, **more))

    def ended(self, caller: Caller = ANNA, seen: Observation = SUCCEEDED, **request: Any) -> UUID:
        """Return an export that has ended and was settled."""
        export_id = self.bench.service.submit(caller, parse_request({**REQUEST, **request})).export.id
        self.bench.airflow.seen[export_id] = seen
        if seen is not FAILED:
            self.bench.publish(export_id)
        self.bench.service.get(caller, str(export_id))
        return export_id

    def send(self, sender: Sender | None = None) -> int:
        """Send what is due until nothing is; return how many attempts that took."""
        sender = sender or self.sender
        count = 0
        while begun := sender.round():
            count += begun
            assert sender.wait_idle(30)
        return count

    def events(self) -> list[tuple[str, UUID]]:
        with self.bench.airflow.session() as session:
            return [(event.type, event.export_id) for event in session.scalars(sa.select(Event).order_by(Event.at))]

    def waiting(self) -> list[Notification]:
        with self.bench.airflow.session() as session:
            return list(session.scalars(sa.select(Notification).order_by(Notification.created_at)))
