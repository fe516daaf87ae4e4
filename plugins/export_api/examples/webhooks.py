"""Webhooks, and what was sent to them."""

from __future__ import annotations

from typing import Any

from export_api.examples.places import ID

_HOOK = "5b0e1f52-6a0c-4e0f-9d53-3e1f0a0c7f11"

WEBHOOK: dict[str, Any] = {
    "id": _HOOK,
    "url": "https://example.com/hooks/waybill",
    "types": ["export.succeeded", "export.failed", "export.cancelled", "export.expired"],
    "description": "The warehouse's loader",
    "scope": "own",
    "owner": "reporting",
    "enabled": True,
    "disabled_at": None,
    "disabled_reason": None,
    "created_at": "2026-11-01T07:00:00Z",
}

WEBHOOK_SECRET: dict[str, Any] = {**WEBHOOK, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}

WEBHOOK_LIST: dict[str, Any] = {"items": [WEBHOOK]}

DELIVERY_PAGE: dict[str, Any] = {
    "items": [
        {
            "event": "2f1c7c1e-0f4b-4f9e-8a55-0d8a0c3a9b21",
            "type": "export.succeeded",
            "export": ID,
            "created_at": "2026-11-01T08:00:05Z",
            "state": "pending",
            "next_attempt_at": "2026-11-01T08:00:11Z",
            "attempts": [
                {
                    "at": "2026-11-01T08:00:06Z",
                    "code": 500,
                    "error": "The receiver answered 500; only 2xx is success, and redirects are not followed.",
                    "seconds": 0.021,
                }
            ],
        }
    ],
    "next_page_token": None,
}

REPLAYED: dict[str, Any] = {"events": 1}
