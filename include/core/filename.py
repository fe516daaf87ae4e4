"""Names of artifacts from templates."""

from __future__ import annotations

import re
import unicodedata
from string import Formatter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

FIELDS = ("exporter", "date", "time", "id")
DEFAULT = "{exporter}-{date}-{time}"
MAX_BYTES = 200
"""Longest name in UTF-8, suffix included; common file systems end at 255."""

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*]')


def check_template(template: str) -> None:
    """Check a template.

    :raises ValueError: when it names a field that does not exist, or could not become a file's name anywhere.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"The template is broken: {error}.") from None
    for literal, name, spec, conversion in parts:
        if name is not None and (name not in FIELDS or spec or conversion):
            raise ValueError(f"The template may hold {', '.join(f'{{{f}}}' for f in FIELDS)}, not {{{name}}}.")
        if _FORBIDDEN.search(literal):
            raise ValueError("A file's name cannot hold control characters or any of / \\ < > : \" | ? *.")
    if template.startswith(".") or not template.strip(" ."):
        raise ValueError("A file's name cannot start with a dot or be empty.")
    if len(template.encode()) > MAX_BYTES:
        raise ValueError(f"The template is longer than {MAX_BYTES} bytes.")


def make_filename(
    template: str | None,
    *,
    exporter: str,
    export_id: str,
    moment: datetime,
    suffixes: Sequence[str],
    number: int | None = None,
) -> str:
    """Return the file's name; times are UTC.

    :param suffixes: of the format and of the compression; a template that ends in them does not get them twice
    :param number: which of several files it is, from 1
    """
    end = "" if number is None else f"-{number:04}"
    return _filled(template, suffixes, end, exporter=exporter, moment=moment, time=f"{moment:%H%M%S}", id=export_id)


def expected_filename(
    template: str | None, *, exporter: str, moment: datetime, suffixes: Sequence[str], part: str | None
) -> str:
    """Return what is known of a file's name before its export starts, today: ``{time}``, ``{id}`` and the part stay.

    :param part: what tells several files apart: ``number`` or ``value``
    """
    end = f"-{{{part}}}" if part else ""
    return _filled(template, suffixes, end, exporter=exporter, moment=moment, time="{time}", id="{id}")


def _filled(template: str | None, suffixes: Sequence[str], end: str, *, moment: datetime, **fields: str) -> str:
    stem = (template or DEFAULT).format(date=f"{moment:%Y-%m-%d}", **fields)
    for suffix in reversed(suffixes):
        stem = stem.removesuffix(suffix)
    return fitted(stem, end + "".join(suffixes))


def fitted(stem: str, end: str) -> str:
    """Return a name with this end that is not too long; the stem may be a whole text of a row's."""
    return stem.encode()[: MAX_BYTES - len(end.encode())].decode(errors="ignore") + end


def unique(stem: str, end: str, names: set[str]) -> str:
    """Return a name that is not among some, whatever the file system, and add it to them."""
    number, name = 1, fitted(stem, end)
    while name.casefold() in names:
        number += 1
        name = fitted(stem, f"-{number}{end}")
    names.add(name.casefold())
    return name


def slug(text: str) -> str:
    """Return a text in lower-case ASCII with hyphens, where that leaves anything of it; else as a file can have it."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    found = re.sub(r"[^a-z0-9_]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower()).strip("-")
    return found or clean(text)


def clean(name: str) -> str:
    """Return a name that people gave as one that a file can have."""
    return _FORBIDDEN.sub("_", name).strip(" .") or "_"
