"""Errors."""

from __future__ import annotations

from typing import Any

PROBLEM_INVALID: dict[str, Any] = {
    "type": "urn:waybill:problem:invalid_request",
    "title": "The request is not valid",
    "status": 422,
    "detail": "/where/0/op: contains does not fit 'last_seen', a datetime column.",
    "instance": "/export-api/v1/exports",
    "code": "invalid_request",
    "retryable": False,
    "errors": [
        {"pointer": "/where/0/op", "detail": "contains does not fit 'last_seen', a datetime column."},
    ],
}
