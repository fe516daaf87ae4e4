"""The run of one export: source, seal, encoder, transcript, store, verdict, publication. One pass, flat memory."""

from __future__ import annotations

import platform
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

from include.core.errors import VerificationFailed
from include.core.filename import make_filename
from include.core.format import Encoding, Sheet
from include.core.identity import Trigger, artifact_key, manifest_key
from include.core.manifest import FileRecord, Manifest, Verification
from include.core.overlap import overlapped
from include.core.progress import Stage
from include.core.source import Sources
from include.core.verify import Seal, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    import pyarrow as pa

    from include.core.progress import Progress
    from include.core.resolve import ResolvedExport
    from include.core.source import Batches, Source
    from include.core.store import ArtifactStore, Stored

BATCHES_AHEAD = 2
"""How many batches extraction may be ahead of encoding; each may weigh some megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Who runs which export for the how-manieth time.

    ``attempt_id`` is the task instance's own id: two attempts that overlap never write the same key.
    """

    export_id: str
    attempt_id: str
    attempt: int
    dag_id: str
    run_id: str
    requested_by: str | None
    trigger: Trigger

    @property
    def folder(self) -> str:
        """The folder of the store that this attempt writes in."""
        return artifact_key(self.export_id, self.attempt_id, "")


@dataclass(slots=True)
class _Written:
    """One file with all that was witnessed of it."""

    sources: Sources
    sealed: Seal
    opened: Seal
    transcript: Transcript
    stored: Stored
    encoding: Encoding


class ExportRun:
    """One attempt at one export.

    :param open_source: opens the source behind an Airflow connection id; returns its kind and the source.
    """

    def __init__(
        self,
        resolved: ResolvedExport,
        attempt: Attempt,
        *,
        open_source: Callable[[str], tuple[str, Source]],
        store: ArtifactStore,
        progress: Progress,
        now: Callable[[], datetime],
    ) -> None:
        self._resolved = resolved
        self._attempt = attempt
        self._open_source = open_source
        self._store = store
        self._progress = progress
        self._now = now
        self._maybe_published = False

    def execute(self) -> Manifest:
        """Run and return the published manifest.

        Either the manifest is published and everything that it names is there, or an error is raised and nothing
        of this attempt is left, unless the store does not answer: then the next sweep removes it.

        :raises WaybillError: with the reason.
        """
        started_at = self._now()
        filename = make_filename(
            self._resolved.request.filename,
            exporter=self._resolved.request.exporter,
            export_id=self._attempt.export_id,
            moment=started_at,
            suffix=self._resolved.format.suffix,
        )
        try:
            written = self._write(filename)
            self._progress.enter(Stage.VERIFYING)
            verification = verify(written)
            self._progress.enter(Stage.PUBLISHING)
            manifest = self._manifest(written, verification, filename, started_at)
            published = self._publish(manifest)
        except BaseException:
            if not self._maybe_published:
                self._clean()
            raise
        self._progress.enter(Stage.DONE)
        return published

    def _write(self, filename: str) -> _Written:
        resolved = self._resolved
        sealed, opened, encoding = Seal(), Seal(), Encoding()
        transcript = Transcript(resolved.format.counter(resolved.options))
        # Closed twice on purpose: inside, so that a blocked extraction ends before its thread is waited for.
        with closing(Sources(self._open_source)) as sources:
            batches = resolved.exporter.batches(resolved.params, resolved.selection, sources)
            self._progress.rows_estimated = sources.estimated
            self._progress.enter(Stage.EXTRACTING)
            with (
                overlapped(sealed.over(batches.stream), depth=BATCHES_AHEAD, name="extract") as ahead,
                closing(sources),
            ):
                sheet = self._sheet(batches, opened.over(self._progress.over_batches(ahead)))
                encoded = resolved.format.encode([sheet], resolved.options, encoding)
                with closing(encoded):  # type: ignore[type-var]
                    stored = self._store.put(
                        artifact_key(self._attempt.export_id, self._attempt.attempt_id, filename),
                        self._progress.over_chunks(transcript.over(encoded)),
                        media_type=resolved.format.media_type,
                        filename=filename,
                    )
        return _Written(sources, sealed, opened, transcript, stored, encoding)

    def _sheet(self, batches: Batches, stream: Iterator[pa.RecordBatch]) -> Sheet:
        return Sheet(self._resolved.exporter.title, self._resolved.selection.schema, batches.arrow, stream)

    def _manifest(self, written: _Written, verification: Verification, filename: str, started_at: datetime) -> Manifest:
        attempt, resolved, sources = self._attempt, self._resolved, written.sources
        snapshots = {record.snapshot for record in sources.records}
        return Manifest(
            id=attempt.export_id,
            name=resolved.request.name,
            exporter=resolved.request.exporter,
            request=resolved.frozen_request(),
            requested_by=attempt.requested_by,
            trigger=attempt.trigger,
            dag_id=attempt.dag_id,
            run_id=attempt.run_id,
            attempt=attempt.attempt,
            attempt_id=attempt.attempt_id,
            started_at=started_at,
            finished_at=self._now(),
            rows=verification.file_rows,
            empty=verification.file_rows == 0,
            truncated=sources.truncated,
            order=self._order(),
            consistency=sources.consistency,
            snapshot=snapshots.pop() if len(snapshots) == 1 else None,
            sources=sources.records,
            files=[
                FileRecord(
                    name=filename,
                    key=artifact_key(attempt.export_id, attempt.attempt_id, filename),
                    format=resolved.request.format,
                    media_type=resolved.format.media_type,
                    bytes=written.stored.bytes,
                    rows=verification.file_rows,
                    sha256=written.transcript.sha256,
                    crc32=f"{written.stored.crc32:08x}",
                )
            ],
            verification=verification,
            notes=written.encoding.notes,
            versions=versions(),
        )

    def _order(self) -> Literal["key", "request", "physical"]:
        if self._resolved.exporter.key:
            return "key"
        return "request" if self._resolved.selection.order_by else "physical"

    def _publish(self, manifest: Manifest) -> Manifest:
        key = manifest_key(self._attempt.export_id)
        self._maybe_published = True  # from here on an error may hide that the store has it: never delete its files
        if self._store.publish(key, manifest.to_bytes()):
            return manifest
        earlier = self._store.read(key)
        if earlier is None:
            raise VerificationFailed("The manifest was refused as a second one, but there is no first one.")
        published = Manifest.from_bytes(earlier)
        if published.attempt_id != self._attempt.attempt_id:
            self._store.remove(self._attempt.folder)
        return published

    def _clean(self) -> None:
        """Remove what this attempt wrote; a store that does not answer must not hide the first error."""
        with suppress(Exception):  # the API's sweep does it once the store answers again
            self._store.remove(self._attempt.folder)


def verify(written: _Written) -> Verification:
    """Compare the witnesses.

    :raises VerificationFailed: with the first disagreement.
    """
    sealed, opened, transcript, stored = written.sealed, written.opened, written.transcript, written.stored
    file_rows = transcript.counter.rows()
    comparisons = {
        "rows leaving the exporter and rows reaching the encoder": (sealed.rows, opened.rows),
        "the content leaving the exporter and the content reaching the encoder": (sealed.crc32, opened.crc32),
        "rows reaching the encoder and rows in the file's bytes": (opened.rows, file_rows),
        "bytes written and bytes stored": (transcript.length, stored.bytes),
        "the CRC-32 of the bytes written and that of the bytes stored": (transcript.crc32, stored.crc32),
    }
    for what, (before, after) in comparisons.items():
        if before != after:
            raise VerificationFailed(
                f"Verification failed: {what} differ ({before} and {after}). Nothing was published; run it again."
            )
    return Verification(
        verdict="verified",
        source_rows=sum(record.rows for record in written.sources.records),
        encoded_rows=opened.rows,
        file_rows=file_rows,
        file_bytes=transcript.length,
        stored_bytes=stored.bytes,
        checks=[
            "rows sent by each source equal rows that arrived",
            *(f"{what} agree" for what in comparisons),
        ],
    )


def versions() -> dict[str, str]:
    """Return the versions of what decides a file's bytes."""
    found = {"python": platform.python_version()}
    for package in ("pyarrow", "polars", "openpyxl", "isal", "pandas", "apache-airflow"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
