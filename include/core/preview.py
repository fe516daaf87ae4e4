"""The first rows of an export, made into a file as an export makes it, but kept in memory and stored nowhere."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from include.core.documents import Documents, Naming
from include.core.errors import FieldError, invalid
from include.core.forecast import is_ordered
from include.core.progress import Progress
from include.core.store import Stored
from include.core.verdict import verify
from include.core.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from include.core.resolve import ResolvedExport
    from include.core.source import Sources

MAX_BYTES = 16 * 1024 * 1024
"""The largest file that is kept in memory."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A file of few rows; ``truncated`` says that its sources have more."""

    name: str
    media_type: str
    content: bytes
    rows: int
    truncated: bool


def beginning(resolved: ResolvedExport, rows: int) -> ResolvedExport:
    """Return the export of each reading's first rows: one file, compressed only where several files make one."""
    readings = tuple(
        replace(each, selection=replace(each.selection, limit=min(rows, each.selection.limit or rows)))
        for each in resolved.readings
    )
    bundled = len(readings) > 1 and not resolved.format.many_sheets
    return replace(
        resolved,
        request=resolved.request.model_copy(update={"split": None}),
        readings=readings,
        compression=resolved.compression if bundled else None,
    )


def departures(resolved: ResolvedExport) -> list[str]:
    """Return in which ways the first rows are not quite what the export will be, as sentences."""
    found = [
        f"{each.title}: the exporter has no key and the request no order_by, so the export may begin with other rows."
        for each in resolved.readings
        if not is_ordered(each)
    ]
    if resolved.request.split is not None:
        found.append("The preview is one file: split is left out.")
    if resolved.compression is not None and beginning(resolved, 1).compression is None:
        found.append("The preview is not compressed.")
    return found


def preview(
    first: ResolvedExport, sources: Sources, *, moment: datetime, tell: Callable[[dict[str, Any]], None]
) -> Preview:
    """Make the file of what :func:`beginning` returned, and verify it as any other.

    :param tell: is told of the progress, and may end it by an error
    :raises InvalidRequest: when the file is too large to be kept in memory.
    :raises WaybillError: as of an export.
    """
    request, memory, progress = first.request, _Memory(), Progress(tell=tell)
    naming = Naming(request.filename, "-".join(request.exporters), "preview", moment)
    documents = Documents(first, sources, progress, naming)
    writing = Writing(first, store=memory, progress=progress, naming=naming, folder="", stop=sources.close)
    files = writing.write(documents)
    rows = verify(documents.extractions, files).file_rows
    (file,) = files
    return Preview(file.name, file.media_type, memory.content, rows, sources.truncated)


class _Memory:
    """Keeps one file."""

    content = b""

    def put(self, key: str, chunks: Iterator[bytes], **_about: Any) -> Stored:  # noqa: ARG002
        """Keep a file.

        :raises InvalidRequest: when it is too large.
        """
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) > MAX_BYTES:
                detail = f"These rows make a file of more than {MAX_BYTES // 2**20} MB. Ask for fewer rows or columns."
                raise invalid([FieldError("/query/rows", detail)])
        self.content = bytes(data)
        return Stored(bytes=len(self.content), crc32=zlib.crc32(self.content))

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:  # noqa: ARG002
        """Yield the file's bytes."""
        yield self.content
