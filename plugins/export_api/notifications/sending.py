"""Sending from the outbox: a thread of its own beside the clock, and a short-lived one for each attempt.

One attempt at a time goes to one target, and a few to the targets of one owner, so that a receiver that is slow or dead
holds up neither the settling of exports nor what is meant for others.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from export_api.caller import Right
from export_api.db import outbox, records
from export_api.db.outbox import State
from export_api.notifications.letters import letter
from export_api.notifications.posting import DEADLINE_SECONDS, NoAnswer, post
from export_api.notifications.rules import may_mail
from export_api.notifications.secrets import body_of, headers_of
from export_api.notifications.targets import Targets
from include.core.errors import Fatal, WaybillError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from export_api.caller import Caller
    from export_api.db.outbox import Claimed
    from export_api.gateway import Gateway

log = logging.getLogger(__name__)

SLOTS, PER_OWNER = 16, 4
"""How many attempts one process makes at a time, and how many of them for the targets of one owner."""

_HOURS = 3600
DELAYS = (5, 300, 1800, 2 * _HOURS, 5 * _HOURS, 10 * _HOURS, 14 * _HOURS, 16 * _HOURS, 24 * _HOURS)
"""Seconds before each further attempt, three days in all, as Standard Webhooks recommends."""

_JITTER = 0.1
_LOST = "The owner of the webhook may not see this export any more."
_STOP_SECONDS = 5.0
_FALLBACK_SECONDS = 5.0


class Standing(Protocol):
    """Says what a user may do now; None where the auth manager cannot tell."""

    def __call__(self, name: str) -> Caller | None:
        """Return the user as a caller; without any right when there is no such user any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went: sent, to be tried again, or (``final``) never to be."""

    error: str | None = None
    code: int | None = None
    final: bool = False


class Sender:
    """Sends what is due, as long as the api-server runs."""

    def __init__(
        self,
        airflow: Gateway,
        standing: Standing,
        *,
        now: Callable[[], datetime],
        seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._airflow = airflow
        self._standing = standing
        self._now = now
        self._deadline = seconds
        self._busy: dict[Any, Claimed] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._wanted = False
        self._complaint = ""
        self._thread = threading.Thread(target=self._run, name="waybill-sender", daemon=True)

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def stop(self) -> None:
        """Stop soon; an attempt that is cut off is made again, under the same id."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping:
            self.round()
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._wanted, self._seconds())
                self._wanted = False

    def _seconds(self) -> float:
        try:
            return self._airflow.settings.clock_seconds
        except WaybillError:
            return _FALLBACK_SECONDS

    def round(self) -> int:
        """Claim what is due and begin to send it; return how many. An error is told in the log when it changes."""
        try:
            claimed = self._claim()
        except Exception as error:
            complaint = type(error).__name__
            if complaint != self._complaint:
                log.warning("Notifications cannot be sent at the moment: %s", complaint, exc_info=error)
            self._complaint = complaint
            return 0
        self._complaint = ""
        for item in claimed:
            threading.Thread(target=self._send, args=(item,), name="waybill-sending", daemon=True).start()
        return len(claimed)

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing is being sent; return whether that came true."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, seconds)

    def _claim(self) -> list[Claimed]:
        with self._changed:
            busy = list(self._busy.values())
        owners: dict[str, int] = {}
        for item in busy:
            owners[item.owner] = owners.get(item.owner, 0) + 1
        free, lanes = SLOTS - len(busy), [item.lane for item in busy]
        if not free:
            return []
        with self._airflow.session() as session:
            claimed = outbox.claim(session, self._now(), free=free, lanes=lanes, owners=owners, per_owner=PER_OWNER)
            session.flush()
            session.expunge_all()
        with self._changed:
            self._busy |= {item.id: item for item in claimed}
        return claimed

    def _send(self, item: Claimed) -> None:
        try:
            began = time.monotonic()
            try:
                outcome = self._attempt(item)
            except Exception as error:
                log.exception("The notification %s could not be sent", item.id)
                outcome = Outcome(f"Something went wrong on our side: {type(error).__name__}.")
            self._write_down(item, outcome, time.monotonic() - began)
        except Exception:  # the database is away: the lease ends, and it is sent again
            log.exception("The outcome of the notification %s could not be written down", item.id)
        finally:
            with self._changed:
                self._busy.pop(item.id, None)
                self._wanted = True
                self._changed.notify_all()

    def _attempt(self, item: Claimed) -> Outcome:
        return self._mail(item) if item.webhook_id is None else self._post(item)

    def _post(self, item: Claimed) -> Outcome:
        with self._airflow.session() as session:
            hook = outbox.webhook(session, item.webhook_id) if item.webhook_id else None
            if hook is None or hook.disabled_at is not None:
                return Outcome("The webhook is disabled.", final=True)
            url, scope, secrets = hook.url, hook.scope, hook.secrets
        if not self._may(item.owner, Right.READ_ALL if scope == "all" else Right.READ):
            return Outcome(_LOST, final=True)
        body = body_of(item.event)
        headers = headers_of(item.event, body, secrets=secrets, now=self._now(), unseal=self._airflow.unseal)
        targets = Targets.of_setting(self._airflow.settings.webhook_allowed_targets)
        try:
            code = post(url, body.encode(), headers, targets, seconds=self._deadline)
        except NoAnswer as error:
            return Outcome(str(error))
        if HTTPStatus(200) <= code < HTTPStatus(300):
            return Outcome(code=code)
        if code == HTTPStatus.GONE:
            return Outcome("The receiver answered 410: the webhook was disabled.", code, final=True)
        return Outcome(f"The receiver answered {code}; only 2xx is success, and redirects are not followed.", code)

    def _may(self, owner: str, right: Right) -> bool:
        standing = self._standing(owner)
        return standing is None or standing.may(right)

    def _mail(self, item: Claimed) -> Outcome:
        settings, to = self._airflow.settings, item.email or ""
        standing = self._standing(item.owner)
        if standing is not None and not standing.may(Right.READ):
            return Outcome("The export's owner may not see exports any more.", final=True)
        if not may_mail(to, standing.email if standing else None, settings):
            return Outcome("E-mail may not go to this address.", final=True)
        with self._airflow.session() as session:
            export = records.find(session, item.event.export_id)
        if export is None or export.deleted_at is not None:
            return Outcome("The export was deleted.", final=True)
        try:
            self._airflow.send_mail(letter(export, item, to=to, base_url=self._airflow.base_url))
        except WaybillError as error:
            return Outcome(error.message, final=isinstance(error, Fatal))
        return Outcome()

    def _write_down(self, item: Claimed, outcome: Outcome, seconds: float) -> None:
        now = self._now()
        entry = {"at": now.isoformat(), "code": outcome.code, "error": outcome.error, "seconds": round(seconds, 3)}
        over = outcome.final or item.attempt > len(DELAYS)
        state = State.SENT if outcome.error is None else State.FAILED if over else State.PENDING
        again_at = None
        if state is State.PENDING:
            again_at = now + timedelta(seconds=DELAYS[item.attempt - 1] * random.uniform(1, 1 + _JITTER))  # noqa: S311 - no secret
        with self._airflow.session() as session:
            ours = outbox.finish(session, item, entry, state=state, again_at=again_at)
            if ours and outcome.code == HTTPStatus.GONE and item.webhook_id is not None:
                hook = outbox.webhook(session, item.webhook_id)
                if hook is not None and hook.disabled_at is None:
                    outbox.disable(session, hook, at=now, reason="Its receiver answered 410 Gone.")
                    detail = {"webhook": str(hook.id), "reason": "410"}
                    records.audit(session, at=now, caller="waybill", action="webhook_disable", detail=detail)
