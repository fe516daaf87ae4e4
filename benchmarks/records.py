"""What a measurement found, and the file that keeps it."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path


def machine() -> str:
    """Return what figures depend on, in a few words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, Python {platform.python_version()}"


@dataclass(frozen=True, slots=True)
class Record:
    """Our figure and the peer's, of the same thing in the same run."""

    name: str
    ours: float
    peer: float
    unit: str
    rows: int
    """Rows of one measurement; runs or reads where it has no rows."""
    machine: str

    @property
    def ratio(self) -> float:
        """Ours divided by the peer's."""
        return self.ours / self.peer


def write(path: Path, records: Iterable[Record]) -> None:
    """Write records to a file, beside those with other names that it holds."""
    found = {record.name: record for record in (*read(path), *records)}
    rows = [
        {
            "name": record.name,
            "ours": round(record.ours, 3),
            "peer": round(record.peer, 3),
            "ratio": round(record.ratio, 3),
            "unit": record.unit,
            "rows": record.rows,
            "machine": record.machine,
        }
        for record in found.values()
    ]
    text = ",\n".join("  " + json.dumps(row) for row in rows)
    path.write_text(f"[\n{text}\n]\n", encoding="utf-8")


def read(path: Path) -> list[Record]:
    """Return the records of a file; none where there is no file."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Record(**{name: value for name, value in row.items() if name != "ratio"}) for row in rows]


def alternate(contenders: Mapping[str, tuple[int, Callable[[], float]]]) -> dict[str, float]:
    """Measure in turn, A B C A B C, each in as many rounds as it says; return the medians."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for done in range(max(rounds for rounds, _ in contenders.values())):
        for name, (rounds, measure) in contenders.items():
            if done < rounds:
                found[name].append(measure())
    for name, figures in found.items():
        print(f"  {name}: {', '.join(f'{figure:,.4g}' for figure in figures)}", flush=True)
    return {name: statistics.median(figures) for name, figures in found.items()}
