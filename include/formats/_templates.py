"""Template workbooks: the files of one folder, by name."""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from include.formats._package import MAIN, TYPES_PART, Package, UnfitWorkbook, etree, parse, parts_of
from include.formats._workbook import Book, sheet_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parents[1] / "templates"
SUFFIX = ".xlsx"

MAX_BYTES = 20_000_000
"""A template's parts, unpacked: they are in memory while a workbook is written."""

_BROKEN = (BadZipFile, zlib.error, RuntimeError, LookupError, AttributeError, TypeError, ValueError)
"""What reading fails with when a file is no workbook at all, is encrypted, is damaged, or has parts without sense."""

_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def names() -> list[str]:
    """Return the known templates, sorted."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}") if path.is_file())


def load(name: str) -> Mapping[str, bytes]:
    """Return the parts of the template of that name, with or without its suffix.

    :raises ValueError: when there is none, or when data sheets cannot be put into it; the message says what to do.
    """
    known = names()
    stem = name.removesuffix(SUFFIX)
    if stem not in known:  # also whatever leads out of the folder
        raise ValueError(f"There is no template of this name: known are {', '.join(known) or 'none'}.")
    path = FOLDER / f"{stem}{SUFFIX}"
    status = path.stat()
    try:
        return _checked(path, status.st_mtime_ns, status.st_size)
    except UnfitWorkbook as error:
        raise ValueError(f"The template {stem!r} cannot be used: {error}.") from error


@lru_cache(maxsize=8)
def _checked(path: Path, changed: int, size: int) -> Mapping[str, bytes]:  # noqa: ARG001 - part of the cache's key
    try:
        parts = parts_of(path.read_bytes(), limit=MAX_BYTES)
        for part, content in parts.items():
            if part.endswith((".xml", ".rels")):
                parse(content)
        _check(parts)
        Book(parts, "")
    except UnfitWorkbook:
        raise
    except (*_BROKEN, etree().XMLSyntaxError) as error:
        raise UnfitWorkbook(
            "it cannot be opened as a workbook; save it as an Excel workbook (.xlsx), without a password"
        ) from error
    return parts


def _check(parts: Mapping[str, bytes]) -> None:
    """Refuse what would be broken or lost."""
    package = Package(parts)
    types = {element.get("PartName"): element.get("ContentType") for element in package.tree(TYPES_PART)}
    root = package.tree(package.workbook_part)
    properties = root.find(f"{{{MAIN}}}workbookPr")
    ours = sheet_prefix(is_template=True)
    reasons = {
        "it has macros; save it without, as .xlsx": any("vbaProject" in part or "macro" in part for part in parts),
        "it is signed, and the signature would be broken": any(part.startswith("_xmlsignatures/") for part in parts),
        "it is a Strict Open XML workbook; save it as a plain one": root.tag != f"{{{MAIN}}}workbook",
        "it is no plain workbook (.xlsx)": types.get(f"/{package.workbook_part}") != _WORKBOOK_TYPE,
        "it counts days from 1904; switch that off in Excel's options": properties is not None
        and properties.get("date1904") in {"1", "true"},
        "it is an export itself; open it in Excel and save it": any(part.startswith(ours) for part in parts),
        "it has no sheet": not package.relations(package.workbook_part) or root.find(f"{{{MAIN}}}sheets") is None,
    }
    for reason, applies in reasons.items():
        if applies:
            raise UnfitWorkbook(reason)
