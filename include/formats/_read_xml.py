"""Reads XML back by libxml2, element by element; its text was put together without a library."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from include.core.reader import Reader, StoredSheet
from include.formats._read_text import BATCH_ROWS, batch_of_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedIOBase

    import pyarrow as pa

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class XmlReader(Reader):
    """Reads the rows of a table as SQL/XML has them."""

    name: ClassVar[str] = "lxml"

    def read(self, file: BufferedIOBase, sheets: Sequence[StoredSheet]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield batches of so many rows as are read together."""
        (sheet,) = sheets
        rows = _rows(file, list(sheet.schema.names))
        while some := list(islice(rows, BATCH_ROWS)):
            yield 0, batch_of_texts(sheet.schema, some)


def elements(file: Any, tag: str, *, depth: int) -> Iterator[Any]:
    """Yield the elements of a name that have so many around them, each forgotten when the next one is asked for."""
    from lxml import etree  # type: ignore[import-untyped]

    for _, element in etree.iterparse(file, tag=tag, huge_tree=True, resolve_entities=False):
        if sum(1 for _ in element.iterancestors()) != depth:
            continue
        yield element
        element.clear(keep_tail=True)
        while element.getprevious() is not None:  # this one itself the parser still needs
            del element.getparent()[0]


def _rows(file: BufferedIOBase, names: list[str]) -> Iterator[list[str | None]]:
    """Yield each row's texts.

    :raises ValueError: when a row has other elements than the columns.
    """
    tags: list[str] | None = None
    for row in elements(file, "row", depth=1):
        found = [element.tag for element in row]
        if found != tags:
            if [_sql_name(tag) for tag in found] != names:
                raise ValueError("A row has other elements than the columns.")
            tags = found
        yield [None if element.get(_NIL) == "true" else element.text or "" for element in row]


def _sql_name(tag: str) -> str:
    """Return the column's name that an element's name stands for (ISO 9075-14, section 9.3)."""
    return "" if tag == "_x_" else re.sub(r"_x([0-9A-F]{6}|[0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), tag)
