"""Full verification: every stored object is read again from the store, and its rows compared with the exporter's."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from include.core.content import Content, spelled
from include.core.errors import VerificationFailed
from include.core.reader import DAMAGE, StoredSheet
from include.core.stored_file import RANGE_BYTES, StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from io import BufferedIOBase

    from include.core.compression import Compression
    from include.core.documents import Document
    from include.core.extraction import Extraction
    from include.core.manifest import Verification
    from include.core.progress import Progress
    from include.core.reader import Reader
    from include.core.store import Destination
    from include.core.writing import Written

_CHECK = "the content leaving the exporter and the content read back from the store"


class Rereading:
    """Reads the files of one export again.

    :param reader: of the export's format
    :param compression: how the files are compressed
    """

    def __init__(self, reader: Reader, compression: Compression | None, store: Destination, progress: Progress) -> None:
        self._reader = reader
        self._compression = compression
        self._store = store
        self._progress = progress

    def check(
        self, verification: Verification, extractions: Sequence[Extraction], files: Sequence[Written]
    ) -> Verification:
        """Compare what the store has with what left the exporter; return the verdict with what was found.

        :raises VerificationFailed: when they differ, or what the store has cannot be read.
        :raises Retriable: when the store does not answer.
        """
        contents = [Content(each.reading.selection.schema, number) for number, each in enumerate(extractions)]
        found = dict(zip(map(id, extractions), contents, strict=True))
        for file in files:
            self._read(file, found)
        wanted = [each.content for each in extractions if each.content is not None]
        for before, after in zip(wanted, contents, strict=True):
            if (before.rows, before.value) != (after.rows, after.value):
                raise VerificationFailed(
                    f"Verification failed: {_CHECK} differ ({before.rows} rows, {spelled(before.value)}, and "
                    f"{after.rows} rows, {spelled(after.value)}). Nothing was published; run it again."
                )
        return verification.model_copy(
            update={
                "checks": [*verification.checks, f"{_CHECK} agree"],
                "content_hash": spelled(sum(each.value for each in contents)),
                "reader": self._reader.name,
            }
        )

    def _read(self, file: Written, found: Mapping[int, Content]) -> None:
        """Hash the rows of one object, each with those of its reading."""
        stored = StoredFile(self._store, file.key, size=file.stored.bytes)
        with _told(stored, file.name), io.BufferedReader(stored, RANGE_BYTES) as opened:
            if self._reader.seeks:
                _insist(opened, file)
            unpacked = self._compression.unpack(opened) if self._compression else iter([opened])
            for document, packed in zip(file.documents, unpacked, strict=True):
                with self._seekable(packed) as plain:
                    for sheet, batch in self._reader.read(plain, _sheets(document)):
                        found[id(document.extractions[sheet])].add(batch)
                        self._progress.verified(batch.num_rows)
                    if not self._reader.seeks and plain.read(1):
                        raise ValueError("It goes on behind its end.")

    @contextmanager
    def _seekable(self, file: BufferedIOBase) -> Iterator[BufferedIOBase]:
        """Put what was compressed on disk where its reader looks back and forth in it."""
        if not self._reader.seeks or self._compression is None:
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy, RANGE_BYTES)
            copy.seek(0)
            yield copy


def _insist(opened: BufferedIOBase, file: Written) -> None:
    """Compare all bytes before a reader looks back and forth in them: polars ends the whole process at some damage.

    :raises VerificationFailed: when they are not those that were written
    """
    if hashlib.file_digest(opened, "sha256").hexdigest() != file.transcript.sha256:
        raise VerificationFailed(
            f"Verification failed: {file.name}, as the store has it, is not what was written. Nothing was published; "
            "run it again."
        )
    opened.seek(0)


@contextmanager
def _told(stored: StoredFile, name: str) -> Iterator[None]:
    """Say of which file it is that it cannot be read, or that it was the store.

    :raises VerificationFailed: for what libraries fail with
    """
    try:
        yield
    except DAMAGE as error:
        if stored.error is not None:
            raise stored.error from error
        raise VerificationFailed(
            f"Verification failed: {name}, as the store has it, cannot be read back ({type(error).__name__}). Nothing "
            "was published; run it again."
        ) from error


def _sheets(document: Document) -> list[StoredSheet]:
    """Return what a document should hold; where there are several sheets, each has the rows of its reading."""
    schemas = [each.reading.selection.schema for each in document.extractions]
    rows = [document.rows()] if len(schemas) == 1 else [each.opened.rows for each in document.extractions]
    return [StoredSheet(schema, count) for schema, count in zip(schemas, rows, strict=True)]
