"""The catalog."""

from __future__ import annotations

from typing import Any

_SERIAL_NUMBER: dict[str, Any] = {
    "name": "serial_number",
    "type": "string",
    "label": "Serial number",
    "description": "",
    "sensitive": False,
    "on_request": False,
    "ops": ["!=", "=", "contains", "in", "is_null", "not_in", "not_null", "starts_with"],
}
_COUNTS: list[dict[str, Any]] = [
    {
        "name": name,
        "type": kind,
        "label": label,
        "description": "",
        "sensitive": False,
        "on_request": False,
        "ops": ["!=", "<", "<=", "=", ">", ">=", "in", "is_null", "not_in", "not_null"],
    }
    for name, kind, label in (
        ("value", "string", "Value"),
        ("count", "integer", "Count"),
        ("percent", "decimal", "%"),
    )
]

EXPORTER: dict[str, Any] = {
    "name": "machines",
    "title": "Machines",
    "description": "Every machine of the inventory.",
    "params": {
        "type": "object",
        "properties": {"platform": {"enum": ["LINUX", "MACOS", "WINDOWS"], "type": "string"}},
        "additionalProperties": False,
    },
    "columns": [_SERIAL_NUMBER],
    "key": ["serial_number"],
    "sheets": [],
    "compressions": [{"name": "gzip", "media_type": "application/gzip", "suffix": ".gz", "bundles": False}],
    "formats": [
        {
            "name": "jsonl",
            "media_type": "application/jsonl",
            "suffix": ".jsonl",
            "options": {"type": "object", "properties": {}, "additionalProperties": False},
        }
    ],
}

_BOOK: dict[str, Any] = {
    **EXPORTER,
    "name": "fleet",
    "title": "Fleet",
    "description": "Machines, and how many there are of each platform.",
    "columns": [],
    "key": [],
    "sheets": [
        {"name": "machines", "title": "Machines", "columns": [_SERIAL_NUMBER], "key": ["serial_number"]},
        {"name": "platforms", "title": "Platforms", "columns": _COUNTS, "key": ["value"]},
    ],
}

EXPORTER_LIST: dict[str, Any] = {"items": [EXPORTER, _BOOK]}
