"""What a format says it cannot hold: the same tables without it, and why it is refused."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import include.formats
from include.core.schema import ColumnType, Schema
from tests.properties.tables import Table


@dataclass(frozen=True)
class Limits:
    """The characters that a format refuses, in values and, where ``names``, in columns' names; and lengths."""

    refused: re.Pattern[str]
    names: bool = False
    columns: int = 10_000
    text: int = 10_000
    name: int = 10_000


def _not_in_the_font() -> re.Pattern[str]:
    """Everything but the characters of the font's table that are drawn from left to right, and white space."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    font = Path(include.formats.__file__).with_name("fonts") / "DejaVuSansCondensed.ttf"
    drawn = [
        chr(code)
        for code in TTFont(font).getBestCmap()
        if unicodedata.bidirectional(chr(code)) not in {"R", "AL", "AN", "RLE", "RLO"}
        and unicodedata.category(chr(code)) != "Co"
    ]
    return re.compile(f"[^\t\n\r{re.escape(''.join(drawn))}]")


LIMITS = {
    "xml": Limits(re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")),
    # Texts that surely fit a page in the narrowest column.
    "pdf": Limits(_not_in_the_font(), names=True, columns=24, text=150, name=100),
}


def holdable(format_name: str, table: Table) -> Table:
    """A table as near to this one as the format holds."""
    limits = LIMITS.get(format_name)
    if limits is None:
        return table
    schema = Schema(
        tuple(
            replace(
                column, name=holdable_name(format_name, column.name), label=holdable_name(format_name, column.label)
            )
            for column in table.schema.columns[: limits.columns]
        )
    )
    kinds = [column.type for column in schema]
    rows = [tuple(_value(limits, *pair) for pair in zip(kinds, row, strict=False)) for row in table.rows]
    return Table(schema, rows, table.batch_rows)


def holdable_name(format_name: str, name: str) -> str:
    """A column's name as near to this one as the format holds."""
    limits = LIMITS.get(format_name)
    return name if limits is None or not limits.names else limits.refused.sub("?", name)[: limits.name]


def _value(limits: Limits, kind: ColumnType, value: Any) -> Any:
    if not isinstance(value, str) or not kind.textual:
        return value
    text = limits.refused.sub("?", value)
    if len(text) <= limits.text:
        return text
    return '"long"' if kind is ColumnType.JSON else text[: limits.text]


def first_refusal(format_name: str, table: Table) -> tuple[str, int] | None:
    """The name of the column and the number of the row with a value that the format refuses."""
    limits = LIMITS[format_name]
    return next(
        (
            (column.name, number)
            for number, row in enumerate(table.rows, start=1)
            for column, value in zip(table.schema, row, strict=True)
            if column.type.textual and value is not None and limits.refused.search(value)
        ),
        None,
    )
