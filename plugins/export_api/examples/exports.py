"""Requests for exports, and exports."""

from __future__ import annotations

from typing import Any

from export_api.examples.places import ID, RUN, SELF, SHA256

REQUESTS: dict[str, dict[str, Any]] = {
    "one_exporter": {
        "summary": "One exporter, some columns and rows",
        "value": {
            "exporter": "machines",
            "params": {"platform": "MACOS"},
            "format": "xlsx",
            "columns": ["serial_number", "os_version", "last_seen"],
            "where": [{"column": "last_seen", "op": ">=", "value": "2026-10-01T00:00:00Z"}],
            "order_by": ["-last_seen"],
            "name": "Macs of October",
        },
    },
    "several_exporters": {
        "summary": "Several exporters, a sheet each; with csv and others, a file each in one zip",
        "value": {
            "sources": [
                {"exporter": "machines", "params": {"platform": "MACOS"}, "name": "Macs"},
                {"exporter": "machines", "params": {"platform": "WINDOWS"}, "name": "PCs"},
                {"exporter": "macos_apps", "columns": ["serial_number", "name", "version"], "limit": 100_000},
            ],
            "format": "xlsx",
            "filename": "inventory-{date}",
        },
    },
    "sheets": {
        "summary": "Some tables of an exporter with several: sheets of one workbook",
        "value": {"exporter": "fleet", "sheets": ["platforms", "machines"], "format": "xlsx"},
    },
    "compressed": {
        "summary": "A compressed file",
        "value": {"exporter": "orders", "format": "csv", "compression": "gzip"},
    },
    "split": {
        "summary": "Several files of at most 100,000 rows",
        "value": {"exporter": "orders", "format": "jsonl", "split": {"rows": 100_000}, "compression": "zstd"},
    },
    "verified_in_full": {
        "summary": "A file that is read back from the store and compared row by row",
        "value": {"exporter": "orders", "format": "parquet", "verify": "full"},
    },
    "split_by": {
        "summary": "A file for each value of a column, in one zip",
        "value": {"exporter": "machines", "format": "csv", "split": {"by": "source"}, "compression": "zip"},
    },
    "notify": {
        "summary": "Somebody is told when it ends",
        "value": {
            "exporter": "orders",
            "format": "xlsx",
            "notify": [{"webhook": "5b0e1f52-6a0c-4e0f-9d53-3e1f0a0c7f11"}, {"email": "anna@example.com"}],
        },
    },
}
"""Bodies of `POST /exports`; a test checks each against the catalog."""

EXPORT_QUEUED: dict[str, Any] = {
    "id": ID,
    "status": "queued",
    "unready": True,
    "exporter": "machines",
    "params": {"platform": "MACOS"},
    "format": "xlsx",
    "name": "Macs of October",
    "created_at": "2026-11-01T08:00:00Z",
    "started_at": None,
    "finished_at": None,
    "expires_at": None,
    "expired": False,
    "attempt": 1,
    "progress": None,
    "sources": [{"exporter": "machines", "status": "queued", "rows": 0}],
    "result": None,
    "download_url": None,
    "error": None,
    "warnings": [],
    "deliveries": [],
    "requested_by": "reporting",
    "report": None,
    "trigger": "api",
    "links": {
        "self": SELF,
        "cancel": f"{SELF}/cancel",
        "download": None,
        "airflow_run": RUN,
        "log": f"{RUN}/tasks/export",
    },
}

FILE: dict[str, Any] = {
    "name": "machines-2026-11-01.xlsx",
    "format": "xlsx",
    "media_type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "bytes": 1048576,
    "rows": 8421,
    "sha256": SHA256,
    "crc32": "1c291ca3",
    "contents": None,
}

VERIFICATION: dict[str, Any] = {
    "verdict": "verified",
    "source_rows": 8421,
    "encoded_rows": 8421,
    "file_rows": 8421,
    "file_bytes": 1048576,
    "stored_bytes": 1048576,
    "checks": ["rows sent by each source equal rows that arrived"],
    "content_hash": None,
    "reader": None,
}

EXPORT_SUCCEEDED: dict[str, Any] = {
    **EXPORT_QUEUED,
    "status": "succeeded",
    "unready": False,
    "started_at": "2026-11-01T08:00:01Z",
    "finished_at": "2026-11-01T08:00:04Z",
    "expires_at": "2026-11-08T08:00:04Z",
    "progress": {
        "stage": "done",
        "rows": 8421,
        "rows_estimated": None,
        "bytes": 1048576,
        "percent": 100.0,
        "rows_verified": None,
    },
    "sources": [{"exporter": "machines", "status": "succeeded", "rows": 8421}],
    "result": {
        "rows": 8421,
        "empty": False,
        "truncated": False,
        "order": "key",
        "consistency": "snapshot",
        "snapshot": "1042:1042:",
        "verification": VERIFICATION,
        "notes": [],
        "files": [{**FILE, "download_url": f"{SELF}/download?file=machines-2026-11-01.xlsx"}],
    },
    "download_url": f"{SELF}/download",
    "links": {**EXPORT_QUEUED["links"], "cancel": None, "download": f"{SELF}/download"},
}

EXPORT_CANCELLING: dict[str, Any] = {
    **EXPORT_QUEUED,
    "status": "running",
    "started_at": "2026-11-01T08:00:01Z",
    "progress": {
        "stage": "extracting",
        "rows": 4000,
        "rows_estimated": 8421,
        "bytes": 0,
        "percent": 47.5,
        "rows_verified": None,
    },
    "sources": [{"exporter": "machines", "status": "running", "rows": 4000}],
    "warnings": ["The export is being cancelled: its query is being ended."],
}

EXPORT_PAGE: dict[str, Any] = {"items": [EXPORT_SUCCEEDED], "next_page_token": None}
