"""Reads csv back by pyarrow, which tells NULL from a text by its quotes; polars or PostgreSQL wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from include.core.reader import Reader, StoredSheet
from include.core.schema import ColumnType
from include.formats._read_text import checked_headings, headings, typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedIOBase

    import pyarrow as pa

    from include.core.schema import Schema
    from include.formats.csv import CsvOptions

_MARK = b"\xef\xbb\xbf"
_BLOCK_BYTES = 1024 * 1024
_FORMULA_STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_NEGATIVE = r"^-[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"


class CsvReader(Reader):
    """Reads whole rows at a time, with the options that they were written with."""

    name: ClassVar[str] = "pyarrow"

    def __init__(self, chosen: CsvOptions) -> None:
        self._chosen = chosen

    def read(self, file: BufferedIOBase, sheets: Sequence[StoredSheet]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield a batch for each stretch of whole rows."""
        import pyarrow as pa

        (sheet,) = sheets
        schema = sheet.schema
        wanted = self._headings(schema)
        if self._chosen.bom and file.read(len(_MARK)) != _MARK:
            raise ValueError("The byte order mark is missing.")
        names = [str(index) for index in range(len(schema))]
        for block in _whole_rows(file):
            fields = self._fields(block, names)
            if wanted is not None:
                checked_headings((column[0].as_py() for column in fields), wanted)
                fields, wanted = [column.slice(1) for column in fields], None
            arrays = [self._typed(column.type, field) for column, field in zip(schema, fields, strict=True)]
            yield 0, pa.RecordBatch.from_arrays(arrays, names=names)
        if wanted is not None:
            raise ValueError("The header is missing.")

    def promised(self, batch: pa.RecordBatch, schema: Schema) -> pa.RecordBatch:
        """Return the rows with an apostrophe before formulas, or an empty text for NULL, where that was asked for."""
        for index, column in enumerate(schema):
            if column.type.textual and (self._chosen.formulas == "escape" or self._chosen.quotes_null):
                texts = self._promised(batch.column(index), column.type)
                batch = batch.set_column(index, batch.schema.names[index], texts)
        return batch

    def _promised(self, texts: pa.Array, kind: ColumnType) -> pa.Array:
        if self._chosen.formulas == "escape":
            texts = _escaped(texts, kind)
        return texts.fill_null("") if self._chosen.quotes_null else texts

    def _headings(self, schema: Schema) -> list[str] | None:
        if self._chosen.header == "none":
            return None
        names = headings(schema, self._chosen.header)
        if self._chosen.formulas == "keep":
            return names
        return ["'" + name if name[:1] and name[0] in _FORMULA_STARTS else name for name in names]

    def _fields(self, block: bytes, names: list[str]) -> list[pa.Array]:
        """Return the fields of whole rows as texts; NULL is the null text without quotes."""
        import pyarrow as pa
        from pyarrow import csv

        table = csv.read_csv(
            pa.BufferReader(_MARK + block if block.startswith(_MARK) else block),  # it takes one mark for its own
            read_options=csv.ReadOptions(use_threads=False, block_size=len(block) + len(_MARK) + 1, column_names=names),
            parse_options=csv.ParseOptions(
                delimiter=self._chosen.delimiter, newlines_in_values=True, ignore_empty_lines=False
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[self._chosen.null],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        return [column.combine_chunks() for column in table.columns]

    def _typed(self, kind: ColumnType, texts: pa.Array) -> pa.Array:
        import pyarrow as pa
        from pyarrow import compute as pc

        if self._chosen.quotes_null and not kind.textual:
            texts = pc.replace_with_mask(texts, pc.equal(texts, ""), pa.scalar(None, texts.type))
        if self._chosen.decimal_comma and kind in {ColumnType.DECIMAL, ColumnType.FLOAT}:
            texts = pc.replace_substring(texts, ",", ".")
        return typed(kind, texts)


def _whole_rows(file: BufferedIOBase) -> Iterator[bytes]:
    """Cut a file behind line ends that are not inside of quotes, however long a row is."""
    waiting: list[bytes] = []
    inside = False
    while block := file.read(_BLOCK_BYTES):
        end = _last_end(block, inside=inside)
        inside ^= bool(block.count(b'"') % 2)
        if end:
            yield b"".join([*waiting, block[:end]])
            waiting = []
        waiting.append(block[end:])
    if rest := b"".join(waiting):
        yield rest


def _last_end(block: bytes, *, inside: bool) -> int:
    """Return where the last line end outside of quotes ends, 0 where there is none.

    :param inside: whether the block begins inside of quotes
    """
    end = len(block)
    quoted = inside ^ bool(block.count(b'"') % 2)
    while True:
        quote = block.rfind(b'"', 0, end)
        if not quoted and (found := block.rfind(b"\n", quote + 1, end)) >= 0:
            return found + 1
        if quote < 0:
            return 0
        end, quoted = quote, not quoted


def _escaped(texts: pa.Array, kind: ColumnType) -> pa.Array:
    """Return texts as the documentation says that formulas are escaped; a negative number in JSON is none."""
    import pyarrow as pa
    from pyarrow import compute as pc

    first = pc.utf8_slice_codeunits(texts, 0, 1)
    formula = pc.is_in(first, pa.array(list(_FORMULA_STARTS), texts.type))
    if kind is ColumnType.JSON:
        formula = pc.and_not(formula, pc.match_substring_regex(texts, _NEGATIVE))
    return pc.if_else(formula, pc.binary_join_element_wise("'", texts, ""), texts)
