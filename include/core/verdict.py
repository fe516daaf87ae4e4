"""The verdict: what the witnesses along the way say must agree, else nothing is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.core.errors import VerificationFailed
from include.core.manifest import Verification

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.core.extraction import Extraction
    from include.core.writing import Written

_READ = (
    "rows leaving the exporter and rows reaching the encoder",
    "the content leaving the exporter and the content reaching the encoder",
)
_ENCODED = "rows reaching the encoder and rows in the file's bytes"
_STORED = (
    "bytes written and bytes stored",
    "the CRC-32 of the bytes written and that of the bytes stored",
)


def verify(extractions: Sequence[Extraction], files: Sequence[Written]) -> Verification:
    """Compare the witnesses.

    :raises VerificationFailed: with the first disagreement.
    """
    for what, before, after in (*_of_extractions(extractions), *_of_files(files)):
        if before != after:
            raise VerificationFailed(
                f"Verification failed: {what} differ ({before} and {after}). Nothing was published; run it again."
            )
    return Verification(
        verdict="verified",
        source_rows=sum(record.rows for extraction in extractions for record in extraction.records),
        encoded_rows=sum(extraction.opened.rows for extraction in extractions),
        file_rows=sum(document.counter.counted for file in files for document in file.documents),
        file_bytes=sum(file.transcript.length for file in files),
        stored_bytes=sum(file.stored.bytes for file in files),
        checks=[
            "rows sent by each source equal rows that arrived",
            *(f"{what} agree" for what in (*_READ, _ENCODED, *_STORED)),
        ],
    )


def _of_extractions(extractions: Sequence[Extraction]) -> Iterator[tuple[str, int, int]]:
    for each in extractions:
        yield _READ[0], each.sealed.rows, each.opened.rows
        yield _READ[1], each.sealed.crc32, each.opened.crc32


def _of_files(files: Sequence[Written]) -> Iterator[tuple[str, int, int]]:
    for file in files:
        for document in file.documents:
            yield _ENCODED, document.rows(), document.counter.counted
        yield _ENCODED, sum(document.rows() for document in file.documents), file.transcript.counter.counted
        yield _STORED[0], file.transcript.length, file.stored.bytes
        yield _STORED[1], file.transcript.crc32, file.stored.crc32
