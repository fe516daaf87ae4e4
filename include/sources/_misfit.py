"""Values that their column's type cannot hold: what is said of them, whichever way they were read."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from include.core.errors import Fatal

if TYPE_CHECKING:
    import pyarrow as pa


class Misfit(StrEnum):
    """What kind of value it is; a name is also how the server tells it (see _render)."""

    INFINITE_DATE = "infinite_date"
    INFINITE_TIME = "infinite_time"
    INFINITE_NUMBER = "infinite_number"
    NAN = "nan"
    YEAR_TOO_LATE = "year_too_late"
    YEAR_TOO_EARLY = "year_too_early"
    END_OF_DAY = "end_of_day"
    DIGITS = "digits"
    OTHER = "other"


_SAID = {
    Misfit.INFINITE_DATE: "an infinite date",
    Misfit.INFINITE_TIME: "an infinite time",
    Misfit.INFINITE_NUMBER: "an infinite number",
    Misfit.NAN: "a NaN",
    Misfit.YEAR_TOO_LATE: "a year beyond 9999",
    Misfit.YEAR_TOO_EARLY: "a year before 1",
    Misfit.END_OF_DAY: "24:00, the end of a day",
    Misfit.DIGITS: "a number with too many digits",
    Misfit.OTHER: "a text of another kind",
}

_LOOKS = (
    (re.compile(r"-?infinity"), Misfit.INFINITE_TIME),
    (re.compile(r"-?Infinity"), Misfit.INFINITE_NUMBER),
    (re.compile(r"NaN"), Misfit.NAN),
    (re.compile(r"\d+-\d\d-\d\d.* BC"), Misfit.YEAR_TOO_EARLY),
    (re.compile(r"\d{5,}-\d\d-\d\d.*"), Misfit.YEAR_TOO_LATE),
    (re.compile(r"24:00:00"), Misfit.END_OF_DAY),
    (re.compile(r"-?\d+(\.\d+)?"), Misfit.DIGITS),
)
"""How PostgreSQL writes them."""


def classify(text: str, arrow: pa.DataType) -> Misfit:
    """Return the kind of a value from its text and the type that cannot hold it."""
    import pyarrow as pa

    found = next((kind for looks, kind in _LOOKS if looks.fullmatch(text)), Misfit.OTHER)
    return Misfit.INFINITE_DATE if found is Misfit.INFINITE_TIME and pa.types.is_date(arrow) else found


def unreadable(field: pa.Field, row: int, kind: Misfit) -> Fatal:
    """Return the error: ``row`` counts from 1 in the export, and the value itself is not told."""
    return Fatal(
        f"Column {field.name!r}, row {row}: {_SAID[kind]} cannot be held by its type ({field.type}). Cast the column "
        "to text in the exporter, or leave it out.",
        code="value_unreadable",
    )
