"""What the examples share: an export's id, its addresses, a checksum and a key's name."""

from __future__ import annotations

ID = "0d4f7f0e-5b1c-4a39-9d0e-6c1f3f0c2b7a"
BASE = "https://airflow.example.com"
SELF = f"{BASE}/export-api/v1/exports/{ID}"
RUN = f"{BASE}/dags/export/runs/export__{ID}"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
KEY_ID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
