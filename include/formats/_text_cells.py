"""Texts as cells of a worksheet: typed as such, so that none is ever a formula, and escaped only where they must be.

A text is a value of type ``str``, the shortest that there is. One that is empty, or has white space at an end, is an
inline string, for only these can say so to every reader (XML 1.0, section 2.10).

Most batches have nothing to escape. That is seen by their bytes as a whole, which spares a look at every text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

VALUE_END = "</v></c>"
TEXT = '<c t="str"><v>'
_INLINE, _INLINE_END = '<c t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"

_LOOKS_ESCAPED = "_x[0-9A-Fa-f]{4}_"

ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    **{chr(code): f"_x{code:04X}_" for code in (*range(9), 0x0B, 0x0C, 0x0D, *range(0x0E, 0x20), 0xFFFE, 0xFFFF)},
}
"""What XML must have escaped, cannot hold at all, or would change, such as a carriage return (ECMA-376, 22.9.2.19)."""

_SUSPECT = [*ESCAPES, "_x"]
_SUSPECT_BYTES = sorted({text.encode()[0] for text in _SUSPECT if text.encode()[0] >= ord(" ")})


@dataclass(frozen=True, slots=True)
class Markup:
    """XML with a pair of braces for each value, so that a row is put together at once and not cell by cell."""

    pattern: str
    values: tuple[pl.Expr, ...]

    def text(self) -> pl.Expr:
        """Return an expression of the XML, null where a value is."""
        import polars as pl

        return pl.format(self.pattern, *self.values)


def cell(start: str, value: pl.Expr) -> Markup:
    """Return cells that begin alike, each with a value."""
    return Markup(f"{start}{{}}{VALUE_END}", (value,))


def text_cells(values: pl.Series, column: pl.Expr) -> Markup:
    """Return the cells of a column's texts.

    :param values: the texts
    :param column: an expression that gives them
    """
    import polars as pl

    suspect, inline = _look(values)
    text = escaped(column) if suspect and values.str.contains_any(_SUSPECT).any() else column
    if not inline.any():
        return cell(TEXT, text)
    chosen = pl.lit(pl.Series(inline))
    start = pl.when(chosen).then(pl.lit(_INLINE)).otherwise(pl.lit(TEXT))
    end = pl.when(chosen).then(pl.lit(_INLINE_END)).otherwise(pl.lit(VALUE_END))
    return Markup("{}{}{}", (start, text, end))


def text_cell(text: str) -> str:
    """Return one cell of one text, as a header row needs it."""
    import polars as pl

    values = pl.Series("text", [text], pl.String)
    return str(values.to_frame().select(text_cells(values, pl.col("text")).text()).item())


def escaped(values: pl.Expr) -> pl.Expr:
    """Escape texts for XML, and what would look like such an escape."""
    import polars as pl

    plain = (
        pl.when(values.str.contains(_LOOKS_ESCAPED))
        .then(values.str.replace_all("_x", "_x005F_x", literal=True))
        .otherwise(values)
    )
    return plain.str.replace_many(list(ESCAPES), list(ESCAPES.values()))


def _look(values: pl.Series) -> tuple[bool, np.ndarray]:
    """Return whether any byte begins something to escape, and which texts begin or end with white space, or are empty.

    A control character counts as either.
    """
    import numpy as np
    import polars as pl

    texts: Any = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, content = texts.buffers()
    ends = np.frombuffer(offsets, np.int64, len(texts) + 1, 8 * texts.offset)
    found = np.frombuffer(content or b"", np.uint8)
    there = values.is_not_null().to_numpy()
    if not len(found):
        return False, there
    suspect = (found < ord(" ")).any() or any((found == byte).any() for byte in _SUSPECT_BYTES)
    firsts, lasts = found[np.minimum(ends[:-1], len(found) - 1)], found[ends[1:] - 1]
    inline = (ends[1:] == ends[:-1]) | (firsts <= ord(" ")) | (lasts <= ord(" "))
    return bool(suspect), inline & there
