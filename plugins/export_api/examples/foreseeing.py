"""What is told before an export."""

from __future__ import annotations

from typing import Any

FORECAST: dict[str, Any] = {
    "request": {
        "exporter": "machines",
        "params": {"platform": "MACOS"},
        "format": "xlsx",
        "limit": 5000,
        "filename": "macs-{date}",
    },
    "files": ["macs-2026-11-01.xlsx"],
    "rows_estimated": 5000,
    "bytes_estimated": 622592,
    "sources": [{"exporter": "machines", "sheet": None, "rows_estimated": 5000}],
    "warnings": ["Machines: the limit of 5,000 leaves rows out, for there are about 8,400."],
}

PREVIEW: dict[str, Any] = {
    "truncated": True,
    "warnings": ["The preview is not compressed."],
    "sources": [
        {
            "exporter": "orders",
            "sheet": None,
            "title": "Orders",
            "columns": [
                {"name": "code", "type": "string", "label": "Order code", "sensitive": False},
                {"name": "created_at", "type": "datetime", "label": "Ordered at", "sensitive": False},
                {"name": "total", "type": "decimal", "label": "Total", "sensitive": False},
            ],
            "rows": [{"code": "K3ZQ7", "created_at": "2026-10-01T08:00:00Z", "total": "119.00"}],
        }
    ],
}
