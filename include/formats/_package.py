"""The parts of a workbook as they lie in its zip (ECMA-376 part 2), and what is changed in them.

Only what must change is changed, as XML: all else of a template stays as it is, byte by byte.
"""

from __future__ import annotations

import posixpath
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
RELATIONS = f"{_PACKAGE}/relationships"
TYPES = f"{_PACKAGE}/content-types"
PROPERTIES = f"{_PACKAGE}/metadata/core-properties"

TYPES_PART = "[Content_Types].xml"
SHEETS_FOLDER = "xl/worksheets/"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"


class UnfitWorkbook(ValueError):  # noqa: N818 - named by what is the matter
    """A workbook that data sheets cannot be put into; the message is the reason, to follow a colon."""


def parts_of(data: bytes, *, limit: int | None = None) -> dict[str, bytes]:
    """Return the content of each entry of a zip, checksums checked.

    :param limit: bytes that all of them have at most.
    :raises zipfile.BadZipFile: when it is none, or damaged.
    :raises UnfitWorkbook: when they have more.
    """
    with ZipFile(BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if limit is not None and sum(entry.file_size for entry in entries) > limit:
            raise UnfitWorkbook(f"it has more than {limit:,} bytes, unpacked")
        return {entry.filename: archive.read(entry) for entry in entries}


def etree() -> Any:
    """Return lxml's module, which leaves namespace prefixes as they are: Excel takes offence at others."""
    from lxml import etree as module  # type: ignore[import-untyped]

    return module


def parse(content: bytes) -> Any:
    """Return the root of a part's XML.

    :raises lxml.etree.XMLSyntaxError: when it is none.
    """
    return etree().fromstring(content, etree().XMLParser(resolve_entities=False, no_network=True))


def serialized(root: Any) -> bytes:
    """Return a part's XML."""
    return bytes(etree().tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))


def relations_of(part: str) -> str:
    """Return the name of the part that holds another's relations; that of the whole package for an empty name."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


class Package:
    """The parts of one workbook while they are changed.

    A part whose tree was asked for counts as changed.
    """

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        self._parts = dict(parts)
        self._trees: dict[str, Any] = {}
        self.workbook_part = self.related("", "officeDocument") or ""

    def read(self, part: str) -> bytes:
        """Return a part's content as it was."""
        return self._parts[part]

    def tree(self, part: str | None) -> Any:
        """Return a part's XML, to be read or changed.

        :raises UnfitWorkbook: when there is no such part.
        """
        if part is None or part not in self._parts:
            raise UnfitWorkbook("a part that every workbook has is missing")
        if part not in self._trees:
            self._trees[part] = parse(self._parts[part])
        return self._trees[part]

    def add(self, part: str, content: bytes, content_type: str) -> None:
        """Add a part."""
        self._parts[part] = content
        self._declare(part, content_type)

    def announce_sheet(self, part: str) -> str:
        """Say that there is a worksheet, written by somebody else; return the id of its relation."""
        self._declare(part, _SHEET_TYPE)
        return self.relate(self.workbook_part, f"{RELATION}/worksheet", f"/{part}")

    def remove(self, part: str) -> None:
        """Remove a part and what says that it is there, but not those who relate to it."""
        self._parts.pop(part, None)
        self._trees.pop(part, None)
        for override in self.tree(TYPES_PART).findall(f"{{{TYPES}}}Override"):
            if override.get("PartName") == f"/{part}":
                override.getparent().remove(override)

    def relate(self, part: str, kind: str, target: str) -> str:
        """Add a relation between parts; return its id."""
        relations = self.tree(relations_of(part))
        taken = {relation.get("Id") for relation in relations}
        new = next(name for number in range(1, len(taken) + 2) if (name := f"rId{number}") not in taken)
        etree().SubElement(relations, f"{{{RELATIONS}}}Relationship", Id=new, Type=kind, Target=target)
        return new

    def relations(self, part: str) -> list[Any]:
        """Return the relations of a part."""
        name = relations_of(part)
        if name not in self._parts:
            return []
        return list(self._trees[name] if name in self._trees else parse(self._parts[name]))

    def target(self, part: str, relation: Any) -> str:
        """Return the name of the part that a relation leads to."""
        path = posixpath.join("/", posixpath.dirname(part), relation.get("Target"))
        return posixpath.normpath(path).lstrip("/")

    def relation(self, part: str, name: str) -> Any:
        """Return the relation of that id.

        :raises KeyError: when there is none.
        """
        return {relation.get("Id"): relation for relation in self.relations(part)}[name]

    def unrelate(self, part: str, relation: Any) -> None:
        """Remove a relation."""
        tree = self.tree(relations_of(part))
        for found in tree.findall("*"):
            if found.get("Id") == relation.get("Id"):
                tree.remove(found)

    def related(self, part: str, kind: str) -> str | None:
        """Return the part that another relates to in this way, by the last word of the relation's type."""
        for relation in self.relations(part):
            if relation.get("Type").rpartition("/")[2] == kind:
                return self.target(part, relation)
        return None

    def unchanged(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of the parts that are as they were."""
        yield from ((part, content) for part, content in self._parts.items() if part not in self._trees)

    def changed(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of the others."""
        yield from ((part, serialized(tree)) for part, tree in self._trees.items())

    def _declare(self, part: str, content_type: str) -> None:
        types = self.tree(TYPES_PART)
        etree().SubElement(types, f"{{{TYPES}}}Override", PartName=f"/{part}", ContentType=content_type)
