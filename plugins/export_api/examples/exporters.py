"""The catalog."""

from __future__ import annotations

from typing import Any

EXPORTER: dict[str, Any] = {
    "name": "machines",
    "title": "Machines",
    "description": "Every machine of the inventory.",
    "params": {
        "type": "object",
        "properties": {"platform": {"enum": ["LINUX", "MACOS", "WINDOWS"], "type": "string"}},
        "additionalProperties": False,
    },
    "columns": [
        {
            "name": "serial_number",
            "type": "string",
            "label": "Serial number",
            "description": "",
            "sensitive": False,
            "on_request": False,
            "ops": ["!=", "=", "contains", "in", "is_null", "not_in", "not_null", "starts_with"],
        }
    ],
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

EXPORTER_LIST: dict[str, Any] = {"items": [EXPORTER]}
