"""The cell styles that sheets need, added behind those that a workbook has (ECMA-376 part 1, section 18.8)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.core.schema import ColumnType
from include.formats._package import MAIN, UnfitWorkbook, etree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.core.schema import Column

NUMBER_FORMATS = {
    ColumnType.DATE: "yyyy-mm-dd",
    ColumnType.DATETIME: "yyyy-mm-dd hh:mm:ss",
    ColumnType.LOCAL_DATETIME: "yyyy-mm-dd hh:mm:ss",
    ColumnType.TIME: "hh:mm:ss",
}

_FIRST_FREE = 164
"""Numbers below are Excel's own number formats."""

_LINK_COLOR = "FF0563C1"


@dataclass(frozen=True, slots=True)
class Styles:
    """Indices among a workbook's cell styles; 0 is its general one."""

    number_formats: Mapping[str, int]
    link: int

    def of(self, column: Column) -> int:
        """Return the index of a column's number format."""
        wanted = NUMBER_FORMATS.get(column.type)
        return self.number_formats[wanted] if wanted else 0


def add_styles(root: Any) -> Styles:
    """Add what sheets need to a workbook's ``styleSheet``; every index in use stays what it is.

    :raises UnfitWorkbook: when it lacks what every workbook has.
    """
    fonts, formats = root.find(_main("fonts")), root.find(_main("cellXfs"))
    if fonts is None or formats is None or not len(fonts) or not len(formats):
        raise UnfitWorkbook("it has no cell styles")
    codes = dict.fromkeys(NUMBER_FORMATS.values())
    number_formats = {code: _add_format(formats, numFmtId=_number_format(root, code)) for code in codes}
    return Styles(number_formats, _add_format(formats, fontId=_add_link_font(fonts)))


def _number_format(root: Any, code: str) -> int:
    known = root.find(_main("numFmts"))
    if known is None:
        known = etree().Element(_main("numFmts"))
        root.insert(0, known)
    for number_format in known:
        if number_format.get("formatCode") == code:
            return int(number_format.get("numFmtId"))
    number = max([_FIRST_FREE - 1, *(int(number_format.get("numFmtId")) for number_format in known)]) + 1
    etree().SubElement(known, _main("numFmt"), numFmtId=str(number), formatCode=code)
    known.set("count", str(len(known)))
    return number


def _add_link_font(fonts: Any) -> int:
    """Add the general font in blue and underlined, as people know links."""
    font = deepcopy(fonts[0])
    for name in ("u", "color"):
        for earlier in font.findall(_main(name)):
            font.remove(earlier)
    font.insert(0, etree().Element(_main("u")))
    size = font.find(_main("sz"))
    font.insert(list(font).index(size) + 1 if size is not None else 1, etree().Element(_main("color"), rgb=_LINK_COLOR))
    return _append(fonts, font)


def _add_format(formats: Any, **attributes: int) -> int:
    names = {"numFmtId": 0, "fontId": 0, "fillId": 0, "borderId": 0, "xfId": 0, **attributes}
    applied = {"numFmtId": "applyNumberFormat", "fontId": "applyFont"}
    flags = {applied[name]: "1" for name in attributes}
    return _append(formats, etree().Element(_main("xf"), {name: str(value) for name, value in names.items()} | flags))


def _append(collection: Any, element: Any) -> int:
    collection.append(element)
    collection.set("count", str(len(collection)))
    return len(collection) - 1


def _main(name: str) -> str:
    return f"{{{MAIN}}}{name}"
