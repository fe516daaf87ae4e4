"""Reads workbooks back: zip and XML by the standard library and libxml2, numbers as a double, as Excel has them."""

from __future__ import annotations

import posixpath
from itertools import islice
from typing import TYPE_CHECKING, ClassVar
from zipfile import ZipFile

from include.core.reader import Reader, StoredSheet
from include.formats._read_cells import as_excel_holds, cell_of, typed_cells
from include.formats._read_text import BATCH_ROWS, checked_headings, headings
from include.formats._read_xml import elements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedIOBase

    import pyarrow as pa

    from include.core.format import Header
    from include.core.schema import Schema

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_WORKBOOK = "xl/workbook.xml"
_WORKBOOK_RELATIONS = "xl/_rels/workbook.xml.rels"


class WorkbookReader(Reader):
    """Reads the data sheets in the workbook's order; a table's rows go on until all of them are there.

    :param prefix: how the names of the data sheets' parts start
    """

    name: ClassVar[str] = "lxml"
    seeks: ClassVar[bool] = True

    def __init__(self, *, header: Header, prefix: str) -> None:
        self._header = header
        self._prefix = prefix

    def read(self, file: BufferedIOBase, sheets: Sequence[StoredSheet]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield batches of so many rows as are read together."""
        with ZipFile(file) as archive:
            parts = iter([part for part in _sheets(archive) if part.startswith(self._prefix)])
            for number, sheet in enumerate(sheets):
                found, begun = 0, False
                while not begun or found < sheet.rows:
                    begun = True
                    part = next(parts, None)
                    if part is None:
                        raise ValueError("The workbook has fewer sheets or rows.")
                    for batch in self._rows(archive, part, sheet.schema):
                        found += batch.num_rows
                        yield number, batch
            if next(parts, None) is not None:
                raise ValueError("The workbook has more sheets.")

    def promised(self, batch: pa.RecordBatch, schema: Schema) -> pa.RecordBatch:
        """Return the rows as Excel holds them."""
        return as_excel_holds(batch, schema)

    def _rows(self, archive: ZipFile, part: str, schema: Schema) -> Iterator[pa.RecordBatch]:
        with archive.open(part) as opened:
            rows = elements(opened, f"{_MAIN}row", depth=2)
            if self._header != "none":
                first = next(rows, ())
                checked_headings((text for _, text in map(cell_of, first)), headings(schema, self._header))
            while some := [[cell_of(cell) for cell in row] for row in islice(rows, BATCH_ROWS)]:
                yield typed_cells(schema, some)


def _sheets(archive: ZipFile) -> Iterator[str]:
    """Yield the names of the sheets' parts, as the workbook names them one after the other."""
    from lxml import etree  # type: ignore[import-untyped]

    named, related = (etree.fromstring(archive.read(part)) for part in (_WORKBOOK, _WORKBOOK_RELATIONS))
    targets = {each.get("Id"): each.get("Target") for each in related.iter(f"{_PACKAGE}Relationship")}
    for sheet in named.iter(f"{_MAIN}sheet"):
        target = targets[sheet.get(f"{_RELATION}id")]
        yield posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
