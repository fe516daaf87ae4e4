"""The table of faults, and the sums of what must not be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.faults.judge import Judgement
    from tests.faults.moments import Struck
    from tests.faults.plan import Fault

HEADINGS = ("no.", "kind", "export", "stage", "rows", "bytes", "point", "outcome", "attempts", "seconds", "found")
_WIDTHS = (4, 24, 16, 11, 8, 11, 19, 28, 8, 7, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One fault and what became of the export that it struck."""

    fault: Fault
    struck: Struck | None
    judgement: Judgement | None
    seconds: float
    missed: int = 0
    """How often it struck nothing before."""
    skipped: str = ""
    """Why it could not be made here, or never struck."""
    failed: str = ""
    """What went wrong with the fault itself, or with healing the stack after it."""
    surprising: bool = False
    """The promise was kept, but the export ended otherwise than this kind of fault should make it."""


def _sums(results: Iterable[Result]) -> dict[str, int]:
    judged = [each.judgement for each in results if each.judgement is not None]
    return {
        "wrong files": sum(bool(each.wrong) for each in judged),
        "doubles": sum(bool(each.doubles) for each in judged),
        "orphans": sum(len(each.orphans) for each in judged),
        "stuck": sum(bool(each.stuck) for each in judged),
    }


def broken(results: Sequence[Result], orphans: Sequence[str]) -> bool:
    """Tell whether the promise was broken, or could not be judged."""
    return bool(orphans) or any(_sums(results).values()) or any(each.failed for each in results)


def sums(results: Sequence[Result], orphans: Sequence[str]) -> str:
    """Return the last line.

    :param orphans: what was left in the bucket at the very end
    """
    found = _sums(results)
    found["orphans"] = max(found["orphans"], len(orphans))
    kinds = {each.fault.kind for each in results if each.judgement is not None}
    struck = sum(each.judgement is not None for each in results)
    aside = {
        "missed and repeated": sum(each.missed for each in results),
        "not made": sum(bool(each.skipped) for each in results),
        "errors": sum(bool(each.failed) for each in results),
        "surprising": sum(each.surprising for each in results),
    }
    said = ", ".join(f"{name} {number}" for name, number in found.items())
    return f"{struck} faults of {len(kinds)} kinds struck: {said} ({_some(aside)})"


def _some(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def cells(result: Result) -> tuple[str, ...]:
    """Return one row."""
    fault, struck, judged = result.fault, result.struck, result.judgement
    head = (str(fault.number), fault.kind, fault.shape)
    if struck is None or judged is None:
        said = f"error: {result.failed}" if result.failed else f"not made: {result.skipped}"
        return (*head, "", "", "", "", said, "", f"{result.seconds:.0f}", "")
    outcome = f"{judged.status}{f' ({judged.code})' if judged.code else ''}{' !' if result.surprising else ''}"
    found = [*judged.stuck, *judged.wrong, *judged.doubles, *(f"orphan {key}" for key in judged.orphans)]
    place = (struck.stage, f"{struck.rows:,}", f"{struck.bytes:,}", struck.point)
    return (*head, *place, outcome, str(judged.attempts), f"{result.seconds:.0f}", "; ".join(found))


def line(row: Sequence[str]) -> str:
    """Return a row of the Markdown table, in columns that are wide enough for most."""
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, _WIDTHS, strict=True)) + " |"


def heading() -> list[str]:
    """Return the table's first two lines."""
    rule = "|" + "|".join("-" * (width + 2) for width in _WIDTHS) + "|"
    return [line(HEADINGS), rule]
