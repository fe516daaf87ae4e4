"""All files of an export as one zip, put together while it is sent: its length is known before its first byte."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol
from zipfile import ZipFile, ZipInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from include.core.manifest import FileRecord

    Piece: TypeAlias = bytes | FileRecord
    Chunks: TypeAlias = Iterator[bytes]

FIRST = "-0001"
"""How the name of the first of several files ends, before its suffixes."""

_READABLE = 0o100644 << 16


class OpenFile(Protocol):
    """Opens some bytes of a file in the store, from ``start`` up to and without ``end``."""

    def __call__(self, key: str, *, start: int, end: int) -> Chunks:
        """Return them."""


@dataclass(frozen=True)
class Bundle:
    """The files of one export, each stored in the zip as it is.

    The manifest knows every file's length and CRC-32, so the headers need no file to be read: any part of the zip
    can be sent, and nothing has to follow the data, which some readers of zips do not understand.
    """

    media_type: ClassVar[str] = "application/zip"

    export_id: str
    files: Sequence[FileRecord]

    @property
    def name(self) -> str:
        """The zip's own name: what the files' names have in common."""
        return f"{self.files[0].name.rpartition(FIRST)[0] or self.export_id}.zip"

    @property
    def bytes(self) -> int:
        """The zip's length."""
        return sum(_size(piece) for piece in self._pieces)

    @cached_property
    def etag(self) -> str:
        """What changes when a name or a content does."""
        content = json.dumps([[file.name, file.sha256] for file in self.files])
        return hashlib.sha256(content.encode()).hexdigest()

    def open(self, open_file: OpenFile, *, start: int, end: int) -> Chunks:
        """Yield the zip's bytes from ``start`` up to and without ``end``; each file is opened when its turn comes."""
        place = 0
        for piece in self._pieces:
            size = _size(piece)
            first, last = max(start - place, 0), min(end - place, size)
            place += size
            if first >= last:
                continue
            if isinstance(piece, bytes):
                yield piece[first:last]
            else:
                yield from open_file(piece.key, start=first, end=last)

    @cached_property
    def _pieces(self) -> Sequence[Piece]:
        """The zip's headers, the files between them, and its directory."""
        paper = _Paper()
        pieces: list[Piece] = []
        with ZipFile(paper, "w") as archive:
            for file in self.files:
                info = _entry(file)
                info.header_offset = paper.place
                paper.write(info.FileHeader())
                pieces += [paper.take(), file]
                paper.place += file.bytes
                archive.filelist.append(info)
            archive.start_dir = paper.place
        return [*pieces, paper.take()]


def _entry(file: FileRecord) -> ZipInfo:
    info = ZipInfo(file.name)  # dated 1980-01-01, the earliest that a zip knows, as every zip of ours
    info.file_size = info.compress_size = file.bytes
    info.CRC = int(file.crc32, 16)
    info.external_attr = _READABLE
    return info


def _size(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.bytes


class _Paper:
    """What zipfile writes to: everything but the files themselves, for which room is left."""

    def __init__(self) -> None:
        self.place = 0
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        self.place += len(data)
        return len(data)

    def tell(self) -> int:
        return self.place

    def flush(self) -> None:
        """Do nothing: what was written is at hand."""

    def close(self) -> None:
        """Do nothing: zipfile closes only what it opened."""

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written = []
        return taken
