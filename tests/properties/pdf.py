"""The table in a PDF, by pypdf: what is drawn inside the marked content of each cell, or its replacement text."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pypdf import PdfReader
from pypdf.generic import ContentStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from pypdf import PageObject

Cells = list[str | None]


def read_cells(data: bytes) -> tuple[Cells, list[Cells]]:
    """The header's cells and each row's; None is a cell in which nothing is drawn and no text is named."""
    reader = PdfReader(io.BytesIO(data), strict=True)
    headers: list[Cells] = []
    rows: list[Cells] = []
    for page in reader.pages:
        found = _Page(page)
        content = page.get_contents()
        assert content is not None
        for operands, operator in ContentStream(content, reader).operations:
            found.take(operands, operator)
        assert not found.tags
        headers += found.headers
        rows += found.rows
    assert all(header == headers[0] for header in headers)
    return headers[0] if headers else [], rows


@dataclass
class _Page:
    page: PageObject
    tags: list[str] = field(default_factory=list)
    headers: list[Cells] = field(default_factory=list)
    rows: list[Cells] = field(default_factory=list)
    characters: dict[int, str] = field(default_factory=dict)
    actual: str | None = None
    drawn: list[str] = field(default_factory=list)

    def take(self, operands: Any, operator: bytes) -> None:
        steps: dict[bytes, Callable[..., None]] = {
            b"BMC": self._begin,
            b"BDC": self._begin,
            b"EMC": self._end,
            b"Tf": self._font,
            b"Tj": self._draw,
        }
        assert operator not in {b"TJ", b"'", b'"'}, "text is drawn by Tj only"
        if operator in steps:
            steps[operator](*operands)

    def _begin(self, tag: str, properties: Any = None) -> None:
        self.tags.append(tag)
        match tag:
            case "/TR":
                self.rows.append([])
            case "/THead":
                self.headers.append([])
            case "/TD":
                self.actual = str(properties["/ActualText"]) if properties else None
                self.drawn = []

    def _end(self) -> None:
        if self.tags.pop() == "/TD":
            table = self.rows if self.tags[-1] == "/TR" else self.headers
            assert len(self.drawn) <= 1 or self.actual is not None, "broken lines have a replacement text"
            table[-1].append(self.actual if self.actual is not None else "".join(self.drawn) or None)

    def _font(self, name: str, _: Any) -> None:
        fonts: Any = self.page["/Resources"]
        unicode = fonts["/Font"][name]["/ToUnicode"].get_data().decode()
        self.characters = {int(code, 16): chr(int(to, 16)) for code, to in re.findall(r"<(\w\w)> <(\w+)>", unicode)}

    def _draw(self, text: Any) -> None:
        codes = text if isinstance(text, bytes) else text.original_bytes
        self.drawn.append("".join(self.characters[code] for code in codes))
