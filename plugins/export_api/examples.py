"""Examples of the API's requests and answers; a test checks each against its schema."""

from __future__ import annotations

from typing import Any

_ID = "0d4f7f0e-5b1c-4a39-9d0e-6c1f3f0c2b7a"
_BASE = "https://airflow.example.com"
_SELF = f"{_BASE}/export-api/v1/exports/{_ID}"
_RUN = f"{_BASE}/dags/export/runs/export__{_ID}"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_KEY_ID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

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
    "compressed": {
        "summary": "A compressed file",
        "value": {"exporter": "orders", "format": "csv", "compression": "gzip"},
    },
    "split": {
        "summary": "Several files of at most 100,000 rows",
        "value": {"exporter": "orders", "format": "jsonl", "split": {"rows": 100_000}, "compression": "zstd"},
    },
}
"""Bodies of `POST /exports`; a test checks each against the catalog."""

EXPORT_QUEUED: dict[str, Any] = {
    "id": _ID,
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
        "self": _SELF,
        "cancel": f"{_SELF}/cancel",
        "download": None,
        "airflow_run": _RUN,
        "log": f"{_RUN}/tasks/export",
    },
}

_FILE: dict[str, Any] = {
    "name": "machines-2026-11-01.xlsx",
    "format": "xlsx",
    "media_type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "bytes": 1048576,
    "rows": 8421,
    "sha256": _SHA256,
    "crc32": "1c291ca3",
    "contents": None,
}

_VERIFICATION: dict[str, Any] = {
    "verdict": "verified",
    "source_rows": 8421,
    "encoded_rows": 8421,
    "file_rows": 8421,
    "file_bytes": 1048576,
    "stored_bytes": 1048576,
    "checks": ["rows sent by each source equal rows that arrived"],
}

EXPORT_SUCCEEDED: dict[str, Any] = {
    **EXPORT_QUEUED,
    "status": "succeeded",
    "unready": False,
    "started_at": "2026-11-01T08:00:01Z",
    "finished_at": "2026-11-01T08:00:04Z",
    "expires_at": "2026-11-08T08:00:04Z",
    "progress": {"stage": "done", "rows": 8421, "rows_estimated": None, "bytes": 1048576, "percent": 100.0},
    "sources": [{"exporter": "machines", "status": "succeeded", "rows": 8421}],
    "result": {
        "rows": 8421,
        "empty": False,
        "truncated": False,
        "order": "key",
        "consistency": "snapshot",
        "snapshot": "1042:1042:",
        "verification": _VERIFICATION,
        "notes": [],
        "files": [{**_FILE, "download_url": f"{_SELF}/download?file=machines-2026-11-01.xlsx"}],
    },
    "download_url": f"{_SELF}/download",
    "links": {**EXPORT_QUEUED["links"], "cancel": None, "download": f"{_SELF}/download"},
}

EXPORT_CANCELLING: dict[str, Any] = {
    **EXPORT_QUEUED,
    "status": "running",
    "started_at": "2026-11-01T08:00:01Z",
    "progress": {"stage": "extracting", "rows": 4000, "rows_estimated": 8421, "bytes": 0, "percent": 47.5},
    "sources": [{"exporter": "machines", "status": "running", "rows": 4000}],
    "warnings": ["The export is being cancelled: its query is being ended."],
}

EXPORT_PAGE: dict[str, Any] = {"items": [EXPORT_SUCCEEDED], "next_page_token": None}

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
    "sources": [{"exporter": "machines", "rows_estimated": 5000}],
    "warnings": ["Machines: the limit of 5,000 leaves rows out, for there are about 8,400."],
}

PREVIEW: dict[str, Any] = {
    "truncated": True,
    "warnings": ["The preview is not compressed."],
    "sources": [
        {
            "exporter": "orders",
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

DOWNLOAD_LINK: dict[str, Any] = {
    "url": "https://s3.example.com/exports/0d4f7f0e/machines-2026-11-01.xlsx?X-Amz-Signature=3c1d",
    "expires_at": "2026-11-01T08:10:00Z",
}

MANIFEST: dict[str, Any] = {
    "version": 1,
    "id": _ID,
    "name": "Macs of October",
    "exporter": "machines",
    "request": {"exporter": "machines", "params": {"platform": "MACOS"}, "format": "xlsx", "name": "Macs of October"},
    "requested_by": "reporting",
    "trigger": "api",
    "dag_id": "export",
    "run_id": f"export__{_ID}",
    "attempt": 1,
    "attempt_id": "019a3e0c-7d5e-7c1a-8a51-0d0f4a6c2e11",
    "started_at": "2026-11-01T08:00:01Z",
    "finished_at": "2026-11-01T08:00:04Z",
    "rows": 8421,
    "empty": False,
    "truncated": False,
    "order": "key",
    "consistency": "snapshot",
    "snapshot": "1042:1042:",
    "sources": [
        {
            "connection": "inventory",
            "kind": "postgres",
            "rows": 8421,
            "consistency": "snapshot",
            "snapshot": "1042:1042:",
            "query_sha256": _SHA256,
            "exporter": "machines",
        }
    ],
    "files": [{**_FILE, "key": f"{_ID}/019a3e0c-7d5e-7c1a-8a51-0d0f4a6c2e11/machines-2026-11-01.xlsx"}],
    "verification": _VERIFICATION,
    "notes": [],
    "versions": {"python": "3.13.5", "pyarrow": "21.0.0"},
    "signature": {"algorithm": "Ed25519", "key_id": _KEY_ID, "value": f"{'A' * 86}=="},
}

KEY_SET: dict[str, Any] = {
    "keys": [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": _KEY_ID,
            "use": "sig",
        }
    ]
}
"""The key of RFC 8037, appendix A."""

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
            "ops": ["!=", "=", "contains", "in", "is_null", "not_in", "not_null", "starts_with"],
        }
    ],
    "key": ["serial_number"],
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

HEALTH: dict[str, Any] = {
    "status": "ok",
    "checks": {
        "database": {"status": "ok", "message": None},
        "scheduler": {"status": "ok", "message": None},
        "dag": {"status": "ok", "message": None},
        "store": {"status": "ok", "message": None},
        "lifecycle": {"status": "ok", "message": None},
        "signing": {"status": "ok", "message": None},
        "exporters": {"status": "ok", "message": None},
    },
}

HEALTH_UNAVAILABLE: dict[str, Any] = {
    "status": "unavailable",
    "checks": {
        **HEALTH["checks"],
        "dag": {"status": "failed", "message": "The DAG 'export' is paused: unpause it in Airflow."},
    },
}

NAMED: dict[str, dict[str, Any]] = {
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
}
"""By the names that the routes give them."""

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
