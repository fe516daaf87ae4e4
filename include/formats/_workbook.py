"""A workbook around its data sheets: an empty one by openpyxl, or a template, with our sheets behind its own."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from include.formats._package import (
    MAIN,
    PROPERTIES,
    RELATION,
    SHEETS_FOLDER,
    TYPES_PART,
    Package,
    UnfitWorkbook,
    etree,
    parts_of,
    relations_of,
)
from include.formats._styles import add_styles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLACE = "data"
"""A template's sheet of this name, whatever its case, is replaced by the first data sheet."""

MAX_TITLE = 31
"""Characters of a sheet's name, as UTF-16 counts them (Excel specifications and limits)."""

_CREATOR = "Waybill"
_MADE = "2000-01-01T00:00:00Z"
"""When every workbook was made, so that the same request gives the same bytes."""

_NO_XML = re.compile(r"[\x00-\x1f\ufffe\uffff]")
_TITLE_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f\ufffe\uffff]")
_PLACEHOLDER = re.compile(r"\{(?:title|rows)\}")
_FILTER = "_xlnm._FilterDatabase"
_DUBLIN, _TERMS = "http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_APPLICATION = "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"
_CORE_PART = "docProps/core.xml"
_CORE_RELATION = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
_CORE_TYPE = "application/vnd.openxmlformats-package.core-properties+xml"
_BEFORE = {
    "bookViews": ("fileVersion", "fileSharing", "workbookPr", "workbookProtection"),
    "definedNames": ("sheets", "functionGroups", "externalReferences"),
    "calcPr": ("sheets", "functionGroups", "externalReferences", "definedNames"),
}
"""What stands before an element of a workbook, and always ``sheets`` among it (ECMA-376 part 1, section 18.2.27)."""


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A data sheet's place in the workbook: the name of its part, its own, and its index among all sheets."""

    part: str
    title: str
    index: int


class Book:
    """The workbook that data sheets are put into.

    :param template: the parts of a workbook that is kept; without it there is nothing but the data sheets.
    :param title: of the document.
    :raises UnfitWorkbook: when the template is none that data sheets can be put into.
    """

    def __init__(self, template: Mapping[str, bytes] | None, title: str) -> None:
        package = Package(template if template is not None else _nothing())
        self._package = package
        self._title = _NO_XML.sub(" ", title)
        self._prefix = sheet_prefix(is_template=template is not None)
        self._workbook = package.tree(package.workbook_part)
        self._sheets = self._workbook.find(_main("sheets"))
        self._place: Any = None
        self._texts = list(self._placeholders())
        self._count = 0
        self.styles = add_styles(package.tree(package.related(package.workbook_part, "styles")))
        if template is None:
            self._sheets.remove(self._make_room())
        else:
            self._place = self._make_room()
        self._describe()

    def early_parts(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of the parts that are already what they will be."""
        package = self._package
        for late in (TYPES_PART, relations_of(package.workbook_part)):  # every sheet changes them
            package.tree(late)
        yield from package.unchanged()

    def add(self, title: str) -> Worksheet:
        """Add a data sheet; its name is one that Excel takes and no other sheet has."""
        self._count += 1
        part = f"{self._prefix}{self._count}.xml"
        relation = self._package.announce_sheet(part)
        sheet, self._place = self._place, None
        if sheet is None:
            sheet = self._new_sheet(title)
        sheet.set(f"{{{RELATION}}}id", relation)
        return Worksheet(part, sheet.get("name"), list(self._sheets).index(sheet))

    def add_filter(self, sheet: Worksheet, columns: int, rows: int) -> str:
        """Name the range that a sheet's filter works on, as Excel does; return it for the sheet's own element."""
        from openpyxl.utils import get_column_letter, quote_sheetname

        last = get_column_letter(columns)
        names = _child(self._workbook, "definedNames")
        name = etree().SubElement(
            names, _main("definedName"), {"name": _FILTER, "localSheetId": str(sheet.index), "hidden": "1"}
        )
        name.text = f"{quote_sheetname(sheet.title)}!$A$1:${last}${rows}"
        return f"A1:{last}{rows}"

    def late_parts(self, rows: int) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of the parts that are only now what they are; ``rows`` are all data rows."""
        values = {"{title}": self._title, "{rows}": f"{rows:,}"}
        for text in self._texts:
            text.text = _PLACEHOLDER.sub(lambda found: values[found[0]], text.text)
        yield from self._package.changed()

    def _placeholders(self) -> Iterator[Any]:
        """Yield the template's texts that something is to be put into."""
        part = self._package.related(self._package.workbook_part, "sharedStrings")
        if part is None or not _PLACEHOLDER.search(self._package.read(part).decode("utf-8", "replace")):
            return
        for text in self._package.tree(part).iter(_main("t")):
            if _PLACEHOLDER.search(text.text or ""):
                yield text

    def _new_sheet(self, title: str) -> Any:
        taken = {sheet.get("name").casefold() for sheet in self._sheets}
        names = (sheet_title(title, part) for part in range(1, len(taken) + 2))
        numbers = [int(sheet.get("sheetId")) for sheet in self._sheets]
        return etree().SubElement(
            self._sheets,
            _main("sheet"),
            name=next(name for name in names if name.casefold() not in taken),
            sheetId=str(max(numbers, default=0) + 1),
        )

    def _make_room(self) -> Any:
        """Take out the sheet whose place is ours; return what names it in the workbook, None when there is none.

        :raises UnfitWorkbook: when something would be lost with it.
        """
        package, workbook = self._package, self._package.workbook_part
        for index, sheet in enumerate(self._sheets):
            if sheet.get("name").casefold() != PLACE:
                continue
            relation = package.relation(workbook, sheet.get(f"{{{RELATION}}}id"))
            part = package.target(workbook, relation)
            kinds = {found.get("Type").rpartition("/")[2] for found in package.relations(part)} - {"printerSettings"}
            if not relation.get("Type").endswith("/worksheet") or kinds:
                raise UnfitWorkbook(
                    f"its sheet {sheet.get('name')!r} is replaced by the data, and it is not plain: tables, drawings, "
                    "comments and links in it would be lost"
                )
            package.remove(part)
            package.unrelate(workbook, relation)
            for name in self._workbook.iterfind(f"{_main('definedNames')}/{_main('definedName')}"):
                if name.get("name") == _FILTER and name.get("localSheetId") == str(index):
                    name.getparent().remove(name)
            return sheet
        return None

    def _describe(self) -> None:
        """Say who made the workbook, and that its formulas are to be computed when it is opened."""
        package, workbook = self._package, self._package.workbook_part
        for relation in package.relations(workbook):
            if relation.get("Type").endswith("/calcChain"):  # Excel makes it anew
                package.remove(package.target(workbook, relation))
                package.unrelate(workbook, relation)
        _child(self._workbook, "calcPr").set("fullCalcOnLoad", "1")
        views = _child(self._workbook, "bookViews")
        if not len(views):
            etree().SubElement(views, _main("workbookView"))
        self._set_properties()
        if application := package.related("", "extended-properties"):
            root = package.tree(application)
            for name in ("TitlesOfParts", "HeadingPairs"):  # the names of the sheets, which are others now
                for element in root.findall(f"{{{_APPLICATION}}}{name}"):
                    root.remove(element)
            _text_of(root, f"{{{_APPLICATION}}}Application", _CREATOR)

    def _set_properties(self) -> None:
        package = self._package
        part = package.related("", "core-properties")
        if part is None:
            part = _CORE_PART
            package.add(part, f'<cp:coreProperties xmlns:cp="{PROPERTIES}"/>'.encode(), _CORE_TYPE)
            package.relate("", _CORE_RELATION, part)
        root = package.tree(part)
        _text_of(root, f"{{{_DUBLIN}}}title", self._title)
        _text_of(root, f"{{{_DUBLIN}}}creator", _CREATOR)
        for name in ("created", "modified"):
            _text_of(root, f"{{{_TERMS}}}{name}", _MADE).set(f"{{{_INSTANCE}}}type", "dcterms:W3CDTF")


def sheet_prefix(*, is_template: bool) -> str:
    """Return how the names of the data sheets' parts start: a template's own sheets are called otherwise."""
    return f"{SHEETS_FOLDER}{'export' if is_template else 'sheet'}"


def sheet_title(title: str, part: int) -> str:
    """Return a sheet's name: no forbidden characters, at most 31 long, numbered from the second part on."""
    suffix = f" ({part})" if part > 1 else ""
    clean = _TITLE_FORBIDDEN.sub("_", title).strip("'") or "Sheet"
    if clean.casefold() == "history":  # Excel keeps it for itself
        clean += "_"
    while len(clean.encode("utf-16-le")) // 2 + len(suffix) > MAX_TITLE:
        clean = clean[:-1].rstrip("'")
    return clean + suffix


@cache
def _nothing() -> Mapping[str, bytes]:
    """Return the parts of a workbook without data, as openpyxl makes them."""
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.worksheets[0].title = PLACE
    saved = io.BytesIO()
    workbook.save(saved)
    return parts_of(saved.getvalue())


def _child(root: Any, name: str) -> Any:
    """Return a child of the workbook's root, made in its place when there is none."""
    found = root.find(_main(name))
    if found is None:
        found = etree().Element(_main(name))
        before = [index for index, child in enumerate(root) if etree().QName(child).localname in _BEFORE[name]]
        root.insert(max(before, default=-1) + 1, found)
    return found


def _text_of(root: Any, tag: str, text: str) -> Any:
    """Set the text of a child, made when there is none; return the child."""
    found = root.find(tag)
    if found is None:
        found = etree().SubElement(root, tag)
    found.text = text
    return found


def _main(name: str) -> str:
    return f"{{{MAIN}}}{name}"
