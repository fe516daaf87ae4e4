"""Examples of the API's requests and answers, by resource; a test checks each against its schema."""

from __future__ import annotations

from typing import Any

from export_api.examples.exporters import EXPORTER, EXPORTER_LIST
from export_api.examples.exports import (
    EXPORT_CANCELLING,
    EXPORT_PAGE,
    EXPORT_QUEUED,
    EXPORT_SUCCEEDED,
    REQUESTS,
)
from export_api.examples.files import DOWNLOAD_LINK, MANIFEST
from export_api.examples.foreseeing import FORECAST, PREVIEW
from export_api.examples.health import HEALTH, HEALTH_UNAVAILABLE
from export_api.examples.keys import KEY_SET
from export_api.examples.problems import PROBLEM_INVALID
from export_api.examples.webhooks import DELIVERY_PAGE, REPLAYED, WEBHOOK, WEBHOOK_LIST, WEBHOOK_SECRET

__all__ = ["EXPORT_SUCCEEDED", "NAMED", "PROBLEM_INVALID", "REQUESTS"]

NAMED: dict[str, dict[str, Any]] = {
    "delivery_page": DELIVERY_PAGE,
    "download_link": DOWNLOAD_LINK,
    "export_cancelling": EXPORT_CANCELLING,
    "export_page": EXPORT_PAGE,
    "export_queued": EXPORT_QUEUED,
    "export_succeeded": EXPORT_SUCCEEDED,
    "exporter": EXPORTER,
    "exporter_list": EXPORTER_LIST,
    "forecast": FORECAST,
    "health": HEALTH,
    "health_unavailable": HEALTH_UNAVAILABLE,
    "key_set": KEY_SET,
    "manifest": MANIFEST,
    "preview": PREVIEW,
    "replayed": REPLAYED,
    "webhook": WEBHOOK,
    "webhook_list": WEBHOOK_LIST,
    "webhook_secret": WEBHOOK_SECRET,
}
"""By the names that the routes give them."""
