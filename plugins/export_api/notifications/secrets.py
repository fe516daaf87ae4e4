"""Secrets of webhooks and what is signed with them (Standard Webhooks 1.0.0)."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from standardwebhooks import Webhook as Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from export_api.db.models import Event

BESIDE = timedelta(hours=24)
"""How long the old secret signs beside the new one."""

_BYTES = 32


def new_secret() -> str:
    """Make a secret."""
    return f"whsec_{base64.b64encode(os.urandom(_BYTES)).decode()}"


def live(secrets: Sequence[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Return the secrets that sign at a moment, the newest first."""
    return [secret for secret in secrets if secret["until"] is None or datetime.fromisoformat(secret["until"]) > now]


def rotated(secrets: Sequence[dict[str, Any]], sealed: str, now: datetime) -> list[dict[str, Any]]:
    """Return a new secret, and the live ones before it, which end."""
    end = (now + BESIDE).isoformat()
    ending = [{**secret, "until": secret["until"] or end} for secret in live(secrets, now)]
    return [{"sealed": sealed, "until": None}, *ending]


def body_of(event: Event) -> str:
    """Return what is sent: the same bytes with each attempt."""
    at = event.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    content = {"type": event.type, "timestamp": at, "data": {"id": str(event.export_id), "status": event.status}}
    return json.dumps(content, separators=(",", ":"))


def headers_of(
    event: Event, body: str, *, secrets: Sequence[dict[str, Any]], now: datetime, unseal: Callable[[str], str]
) -> dict[str, str]:
    """Return the headers of one attempt; the id stays, time and signatures are the attempt's own."""
    signed_at = now.astimezone(UTC)
    signatures = [
        Signer(unseal(secret["sealed"])).sign(str(event.id), signed_at, body) for secret in live(secrets, now)
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Waybill",
        "webhook-id": str(event.id),
        "webhook-timestamp": str(int(signed_at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
