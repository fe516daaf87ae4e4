"""What the fields of a csv file say beyond the plain rendering: decimal commas, escaped formulas, chosen quotes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from include.core.schema import Column, ColumnType

if TYPE_CHECKING:
    import polars as pl

_FORMULA = "^[=+\\-@\t\r\n＝＋－＠]"  # noqa: RUF001 - the full-width forms are meant
"""What a spreadsheet program takes a formula by: its first character (OWASP, "CSV Injection")."""

_JSON_NUMBER = r"^-[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"

FRACTIONAL = frozenset({ColumnType.DECIMAL, ColumnType.FLOAT})
"""Types whose text has a decimal point."""

NUMERIC = FRACTIONAL | {ColumnType.INTEGER}
"""Types whose text is a number."""


def with_comma(text: pl.Expr) -> pl.Expr:
    """Return numbers with a comma for the decimal point."""
    return text.str.replace(".", ",", literal=True)


def is_formula(column: Column, text: pl.Expr) -> pl.Expr:
    """Return whether a spreadsheet program would take a text for a formula; a negative number in JSON is none."""
    starts = text.str.contains(_FORMULA)
    return starts & ~text.str.contains(_JSON_NUMBER) if column.type is ColumnType.JSON else starts


def escaped(column: Column, text: pl.Expr) -> pl.Expr:
    """Return texts with an apostrophe in front of those that are formulas."""
    import polars as pl

    return pl.when(is_formula(column, text)).then(pl.concat_str([pl.lit("'"), text])).otherwise(text)


def escaped_heading(name: str) -> str:
    """Return a heading with an apostrophe in front when it is a formula."""
    return "'" + name if re.match(_FORMULA, name) else name


def quoted_heading(name: str, delimiter: str, null: str, *, always: bool) -> str:
    """Return a heading as :func:`quoted` does a field."""
    needed = always or name in {"", null} or set(name) & {*'"\r\n', delimiter}
    return '"' + name.replace('"', '""') + '"' if needed else name


def quoted(text: pl.Expr, delimiter: str, null: str, *, always: bool) -> pl.Expr:
    """Return fields with their quotes: always, or where they are needed to be told from the syntax and from NULL."""
    import polars as pl

    whole = pl.concat_str([pl.lit('"'), text.str.replace_all('"', '""', literal=True), pl.lit('"')])
    if always:
        return whole
    needed = text.str.contains(f'["\r\n{delimiter}]') | text.is_in(["", null])
    return pl.when(needed).then(whole).otherwise(text)
