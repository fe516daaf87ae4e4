"""Links and manifests."""

from __future__ import annotations

from typing import Any

from export_api.examples.exports import FILE, VERIFICATION
from export_api.examples.places import ID, KEY_ID, SHA256

DOWNLOAD_LINK: dict[str, Any] = {
    "url": "https://s3.example.com/exports/0d4f7f0e/machines-2026-11-01.xlsx?X-Amz-Signature=3c1d",
    "expires_at": "2026-11-01T08:10:00Z",
}

MANIFEST: dict[str, Any] = {
    "version": 1,
    "id": ID,
    "name": "Macs of October",
    "exporter": "machines",
    "request": {"exporter": "machines", "params": {"platform": "MACOS"}, "format": "xlsx", "name": "Macs of October"},
    "requested_by": "reporting",
    "trigger": "api",
    "dag_id": "export",
    "run_id": f"export__{ID}",
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
            "query_sha256": SHA256,
            "exporter": "machines",
        }
    ],
    "files": [{**FILE, "key": f"{ID}/019a3e0c-7d5e-7c1a-8a51-0d0f4a6c2e11/machines-2026-11-01.xlsx"}],
    "verification": VERIFICATION,
    "notes": [],
    "versions": {"python": "3.13.5", "pyarrow": "21.0.0"},
    "signature": {"algorithm": "Ed25519", "key_id": KEY_ID, "value": f"{'A' * 86}=="},
}
