"""Clickable texts of a worksheet, as relations to their addresses: never as formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from include.core.errors import Fatal
from include.formats._text import position

if TYPE_CHECKING:
    import polars as pl

    from include.core.schema import Schema

MAX_LINKS = 65_530
"""Links that Excel opens in one worksheet (Excel specifications and limits)."""

MAX_ADDRESS = 2_079
"""Characters of a link's address that Excel takes."""

_ALLOWED = r"""(?:[^\s<>"{}|\\^`\[\]%\x00-\x1f\x7f]|%[0-9A-Fa-f]{2})"""
_MAIL_BOX = r"""[^\s<>"{}|\\^`\[\]%@\x00-\x1f\x7f]"""
_ADDRESS = rf"^(?i:https?)://[\pL\pN]{_ALLOWED}*$|^(?i:mailto):{_MAIL_BOX}+@[\pL\pN](?:{_MAIL_BOX}|%[0-9A-Fa-f]{{2}})*$"
"""What Excel takes as an address; a file with any other would be "repaired" by it."""

_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
)
_LINK_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"


def is_link(values: pl.Expr) -> pl.Expr:
    """Return whether texts are web or mail addresses that a cell can link to."""
    return values.str.contains(_ADDRESS) & (values.str.len_chars() <= MAX_ADDRESS)


class Links:
    """The links of one worksheet, collected as its rows are written.

    :param indexes: places of the columns whose texts become links.
    """

    def __init__(self, schema: Schema, indexes: tuple[int, ...]) -> None:
        self._schema = schema
        self._indexes = indexes
        self._found: list[tuple[str, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def collect(self, frame: pl.DataFrame, row: int) -> None:
        """Note the links of a frame whose first row stands in this row of the worksheet, counted from 1.

        :raises Fatal: when they are more than a worksheet holds.
        """
        import polars as pl
        from openpyxl.utils import get_column_letter

        for index in self._indexes:
            name = position(index)
            found = frame.lazy().select(pl.col(name)).with_row_index("row", row).filter(is_link(pl.col(name))).collect()
            if len(self._found) + found.height > MAX_LINKS:
                raise Fatal(
                    f"Column {self._schema.columns[index].name!r}: the worksheet gets more than {MAX_LINKS:,} links; "
                    "Excel opens no more. Name fewer columns in hyperlinks, set a limit, or leave hyperlinks out.",
                    code="xlsx_too_many_links",
                )
            letter = get_column_letter(index + 1)
            self._found += [(f"{letter}{number}", address) for number, address in found.iter_rows()]

    def elements(self) -> str:
        """Return the sheet's ``hyperlinks`` element, nothing where there are none."""
        links = "".join(f'<hyperlink ref="{cell}" r:id="rId{number}"/>' for number, (cell, _) in self._numbered())
        return f"<hyperlinks>{links}</hyperlinks>" if links else ""

    def relations(self) -> bytes:
        """Return the part that says where they lead."""
        links = "".join(
            f'<Relationship Id="rId{number}" Type="{_LINK_TYPE}" Target={quoteattr(address)} TargetMode="External"/>'
            for number, (_, address) in self._numbered()
        )
        return f"{_RELATIONS}{links}</Relationships>".encode()

    def _numbered(self) -> enumerate[tuple[str, str]]:
        return enumerate(self._found, start=1)
