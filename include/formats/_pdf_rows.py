"""Counts rows in the bytes of a PDF, by reading its pages: each row is marked content of the tag ``/TR``."""

from __future__ import annotations

import base64
import re
import zlib

from include.core.errors import VerificationFailed
from include.core.format import RowCounter

_ENTRY_BYTES = 20  # of a cross-reference table (ISO 32000-1, section 7.5.4)
_REFERENCE = rb"(\d+)\s+0\s+R"
_STRINGS = re.compile(rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f]*>", re.DOTALL)
_ROW = re.compile(rb"/TR\s+BMC\b")
_BEGIN = re.compile(rb"\bB[MD]C\b")
_FINISH = re.compile(rb"\bEMC\b")


class PdfRowCounter(RowCounter):
    """Keeps the file, which is small, and walks from its end: cross-references, catalogue, pages, their contents."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Keep the file's next bytes."""
        self._chunks.append(chunk)

    def rows(self) -> int:
        """Return the rows of all pages.

        :raises VerificationFailed: when the bytes are not one whole PDF file with readable pages.
        """
        try:
            return sum(map(_rows_of, _contents(b"".join(self._chunks))))
        except (ValueError, IndexError, zlib.error) as error:
            raise VerificationFailed("The PDF that was written cannot be read. Nothing was published.") from error


def _contents(data: bytes) -> list[bytes]:
    """Return the content of each page that the catalogue leads to."""
    if not data.startswith(b"%PDF-"):
        raise ValueError("This is no PDF.")
    start = int(_found(rb"startxref\s+(\d+)\s+%%EOF\s*\Z", data, len(data) - 64))
    offsets = _offsets(data, start)
    catalogue = _dictionary(data, offsets[int(_found(rb"/Root\s+" + _REFERENCE, data, start))])
    pages = _dictionary(data, offsets[int(_found(rb"/Pages\s+" + _REFERENCE, catalogue))])
    kids = [int(kid) for kid in re.findall(_REFERENCE, _found(rb"/Kids\s*\[([^\]]*)\]", pages))]
    if len(kids) != int(_found(rb"/Count\s+(\d+)", pages)):
        raise ValueError("There are more or fewer pages than the document says.")
    page_contents = [_found(rb"/Contents\s+" + _REFERENCE, _dictionary(data, offsets[kid])) for kid in kids]
    return [_stream(data, offsets[int(number)]) for number in page_contents]


def _rows_of(content: bytes) -> int:
    operators = _STRINGS.sub(b"()", content)
    if len(_BEGIN.findall(operators)) != len(_FINISH.findall(operators)):
        raise ValueError("Marked content does not end.")
    return len(_ROW.findall(operators))


def _offsets(data: bytes, start: int) -> list[int]:
    """Return where each object lies, by its number."""
    heading = re.compile(rb"xref\s+0 (\d+)\s*?\r?\n").match(data, start)
    if heading is None:
        raise ValueError("There is no table of objects.")
    entries = range(heading.end(), heading.end() + int(heading[1]) * _ENTRY_BYTES, _ENTRY_BYTES)
    return [int(data[entry : entry + 10]) for entry in entries]


def _dictionary(data: bytes, offset: int) -> bytes:
    return _found(rb"\A\d+ 0 obj\s+(<<.*?)(?:stream\r?\n|endobj)", data[offset : data.index(b"endobj", offset) + 6])


def _stream(data: bytes, offset: int) -> bytes:
    dictionary = _dictionary(data, offset)
    start = re.compile(rb"stream\r?\n").search(data, offset)
    if start is None:
        raise ValueError("A page has no content.")
    content = data[start.end() : start.end() + int(_found(rb"/Length\s+(\d+)", dictionary))]
    for name in re.findall(rb"/(\w+Decode)\b", dictionary):
        content = _DECODE[name](content) if name in _DECODE else content
    return content


def _found(pattern: bytes, data: bytes, start: int = 0) -> bytes:
    found = re.compile(pattern, re.DOTALL).search(data, max(start, 0))
    if found is None:
        raise ValueError("A part of the PDF is missing.")
    return found[1]


_DECODE = {
    b"ASCII85Decode": lambda content: base64.a85decode(content.strip(), adobe=True),
    b"FlateDecode": zlib.decompress,
}
