"""What is exported while faults strike: exporters over one table, slow enough to be struck in the middle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

_COLUMNS = """
  id: {type: integer}
  code: {type: string}
  amount: {type: decimal}
  paid: {type: boolean}
  booked_on: {type: date}
  booked_at: {type: datetime}
  note: {type: string}
"""
_PACED = """
title: %(title)s
source: faults
params:
  rows: {type: integer}
  pause_ms: {type: integer, description: after each thousand rows}
columns:%(columns)s
key: [id]
sql: |
  select %(names)s
  from ledger as l left join lateral (select pg_sleep(:pause_ms / 1000.0) where l.id %% 1000 = 0) as pause on true
  where l.id <= :rows
"""
_NAMES = "l.id, l.code, l.amount, l.paid, l.booked_on, l.booked_at, l.note"

EXPORTERS = {
    "ledger": _PACED % {"title": "Ledger", "columns": _COLUMNS, "names": _NAMES},
    "weights": _PACED
    % {"title": "Weights", "columns": f"{_COLUMNS}  weight: {{type: float}}\n", "names": f"{_NAMES}, l.weight"},
    "spoilt": """
title: Spoilt
source: faults
params:
  rows: {type: integer}
  bad: {type: integer, description: the row that no file can hold}
columns: {id: {type: integer}, day: {type: date}, note: {type: string}}
sql: |
  select g as id, case g when :bad then date 'infinity' else date '2026-01-01' end as day,
         case g when :bad then repeat('x', 40000) else md5(g::text) end as note
  from generate_series(1, :rows) as g
""",
}
"""``spoilt`` has one row that neither xlsx (a text too long) nor parquet (an infinite date) can hold."""

COLUMNS = {
    "ledger": ("id", "code", "amount", "paid", "booked_on", "booked_at", "note"),
    "weights": ("id", "code", "amount", "paid", "booked_on", "booked_at", "note", "weight"),
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is exported, and how slowly."""

    rows: int
    pause_ms: int
    sheet_rows: int
    """In a workbook, which takes longer to read back."""
    sheet_pause_ms: int
    spoilt_rows: int

    def ledger(self, exporter: str, *, sheet: bool, share: int = 1) -> dict[str, Any]:
        """Return one source of a request: a part of all rows, so that several take as long as one."""
        rows, pause = (self.sheet_rows, self.sheet_pause_ms) if sheet else (self.rows, self.pause_ms)
        return {"exporter": exporter, "params": {"rows": rows // share, "pause_ms": pause}}


LONG = Size(rows=100_000, pause_ms=80, sheet_rows=20_000, sheet_pause_ms=400, spoilt_rows=2_000_000)
SHORT = Size(rows=60_000, pause_ms=45, sheet_rows=12_000, sheet_pause_ms=225, spoilt_rows=1_000_000)

LARGE = ("csv", "csv of floats", "json", "jsonl")
"""Shapes whose files are sent in several parts."""
SHAPES = (
    *LARGE,
    "csv.gz",
    "jsonl.zst",
    "csv in a zip",
    "two csv in a zip",
    "split csv",
    "parquet",
    "xlsx",
    "two sheets",
)
SPOILT = ("spoilt xlsx", "spoilt parquet")


def request_of(shape: str, size: Size, chance: random.Random) -> dict[str, Any]:
    """Return the body of a request."""
    exporter = chance.choice(("ledger", "weights"))
    plain, sheet = size.ledger(exporter, sheet=False), size.ledger(exporter, sheet=True)
    two = [size.ledger(each, sheet=shape == "two sheets", share=2) | {"name": each} for each in COLUMNS]
    bad = {"rows": size.spoilt_rows, "bad": size.spoilt_rows * 19 // 20}
    requests: dict[str, dict[str, Any]] = {
        "csv": {**size.ledger("ledger", sheet=False), "format": "csv"},
        "csv of floats": {**size.ledger("weights", sheet=False), "format": "csv"},
        "json": {**plain, "format": "json"},
        "jsonl": {**plain, "format": "jsonl"},
        "csv.gz": {**plain, "format": "csv", "compression": "gzip"},
        "jsonl.zst": {**plain, "format": "jsonl", "compression": "zstd"},
        "csv in a zip": {**plain, "format": "csv", "compression": "zip"},
        "two csv in a zip": {"sources": two, "format": "csv"},
        "split csv": {**plain, "format": "csv", "split": {"rows": size.rows // 3}},
        "parquet": {**plain, "format": "parquet"},
        "xlsx": {**sheet, "format": "xlsx"},
        "two sheets": {"sources": two, "format": "xlsx"},
        "spoilt xlsx": {"exporter": "spoilt", "params": bad, "format": "xlsx"},
        "spoilt parquet": {"exporter": "spoilt", "params": bad, "format": "parquet"},
    }
    return requests[shape]


def sources_of(request: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return the exporters of a request, each with its number of rows."""
    sources = request.get("sources") or [request]
    return [(each["exporter"], each["params"]["rows"]) for each in sources]
