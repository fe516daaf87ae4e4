"""From documents to objects in the store: compressed if asked for, and each byte that is stored witnessed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.core.overlap import overlapped
from include.core.verify import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from include.core.compression import Compression
    from include.core.documents import Document, Documents, Naming
    from include.core.format import RowCounter
    from include.core.progress import Progress
    from include.core.resolve import ResolvedExport
    from include.core.resume import Trail
    from include.core.store import Destination, Stored


@dataclass(slots=True)
class Written:
    """One object of the store with all that was witnessed of it."""

    name: str
    key: str
    media_type: str
    documents: list[Document]
    transcript: Transcript
    stored: Stored


@dataclass(slots=True)
class _Packed:
    """A file as it will be stored; its documents are known once its bytes were read."""

    name: str
    media_type: str
    chunks: Generator[bytes]
    transcript: Transcript
    documents: list[Document] = field(default_factory=list)


class Writing:
    """Writes the files of one export into one folder of the store.

    One thread encodes while this one counts, hashes and sends.

    :param stop: ends what is being read, so that nobody waits for it
    """

    def __init__(
        self,
        resolved: ResolvedExport,
        *,
        store: Destination,
        progress: Progress,
        naming: Naming,
        folder: str,
        stop: Callable[[], None],
        trail: Trail | None = None,
    ) -> None:
        self._resolved = resolved
        self._stop = stop
        self._trail = trail
        self._store = store
        self._progress = progress
        self._naming = naming
        self._folder = folder

    def write(self, documents: Documents) -> list[Written]:
        """Store every file; the order is that of the documents."""
        with closing(documents):
            return [self._put(file) for file in self._packed(documents)]

    def _put(self, file: _Packed) -> Written:
        key, trail = self._folder + file.name, self._trail
        if trail is not None:
            trail.key = key
        with overlapped(file.chunks, name="encode") as ahead:
            try:
                chunks = file.transcript.over(ahead)
                stored = self._store.put(
                    key,
                    self._progress.over_chunks(trail.passing(chunks, file.transcript) if trail else chunks),
                    media_type=file.media_type,
                    filename=file.name,
                    trail=trail,
                )
            except BaseException:
                self._stop()  # so that a blocked encoder ends before its thread is waited for
                raise
        if trail is not None and trail.start is not None:
            self._read_again(key, file)
        return Written(file.name, key, file.media_type, file.documents, file.transcript, stored)

    def _read_again(self, key: str, file: _Packed) -> None:
        """Witness the whole of a file of which this attempt has made the end: its bytes as the store has them."""
        (document,) = file.documents
        document.counter = self._resolved.format.counter(self._resolved.options)
        file.transcript = Transcript(document.counter)
        for _ in file.transcript.over(self._store.open(key)):
            pass

    def _packed(self, documents: Documents) -> Iterator[_Packed]:
        compression = self._resolved.compression
        if compression is not None and compression.bundles:
            yield _compressed(compression, self._naming.name(compression.suffix), iter(documents))
            return
        for document in documents:
            if compression is None:
                media_type = self._resolved.format.media_type
                yield _Packed(document.name, media_type, document.chunks, self._transcript(document), [document])
            else:
                yield _compressed(compression, document.name + compression.suffix, iter([document]))

    def _transcript(self, document: Document) -> Transcript:
        """Begin to read a file's bytes, behind those that an earlier attempt has written."""
        left = self._trail.behind if self._trail else None
        return Transcript(document.counter, left.bytes if left else 0, left.crc32 if left else 0)


def _compressed(compression: Compression, name: str, documents: Iterator[Document]) -> _Packed:
    found: list[Document] = []
    counters: list[RowCounter] = []

    def noted() -> Iterator[Document]:
        for document in documents:
            found.append(document)
            counters.append(document.counter)
            yield document

    transcript = Transcript(compression.counter(counters))
    return _Packed(name, compression.media_type, compression.compress(noted()), transcript, found)
