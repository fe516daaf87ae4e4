"""The results as a table, in the terminal and in docs/performance.md: `python -m benchmarks.table` writes it there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import records
from benchmarks.targets import target_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.records import Record

RESULTS = Path(__file__).with_name("results.json")
DOCUMENT = Path(__file__).parents[1] / "docs/performance.md"
START, END = "<!-- results: written by python -m benchmarks.table -->", "<!-- end of results -->"


def met(record: Record, *, slack: float = 0) -> bool:
    """Tell whether a record meets its target; one without a target does."""
    target = target_of(record.name)
    return target is None or target.met(record, slack)


def verdict(record: Record, *, slack: float) -> str:
    """Return a word: nothing where there is no target, ``near`` where it is met thanks to the slack alone."""
    if target_of(record.name) is None:
        return ""
    if met(record):
        return "ok"
    return "near" if met(record, slack=slack) else "FAILED"


def lines(found: Iterable[Record], *, slack: float = 0) -> list[str]:
    """Return a Markdown table."""
    rows = [("ours", "peer", "unit", "rows", "ours", "peer", "ratio", "target", "")]
    for record in found:
        target = target_of(record.name)
        mine, _, peer = record.name.partition(": ")
        rows.append(
            (
                mine,
                peer,
                record.unit,
                f"{record.rows:,}",
                figure(record.ours),
                figure(record.peer),
                f"{record.ratio:.2f}",
                target.text if target else "",
                verdict(record, slack=slack),
            )
        )
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    made = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return [made[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *made[1:]]


def figure(value: float) -> str:
    """Return a figure with three digits that count, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - the third digit


def section(found: list[Record]) -> str:
    """Return what stands between the markers."""
    machines = " and ".join(dict.fromkeys(record.machine for record in found))
    return "\n".join([START, "", f"Measured on: {machines}.", "", *lines(found), "", END])


def update(results: Path = RESULTS, document: Path = DOCUMENT) -> None:
    """Write the results into the document."""
    text = document.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    document.write_text(before + section(records.read(results)) + after, encoding="utf-8")


if __name__ == "__main__":
    update()
