"""The run of one export: source, seal, encoder, transcript, store, verdict, publication. One pass, flat memory."""

from __future__ import annotations

import platform
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

from include.core.continuation import Continuation, consistency_of, resumed_note
from include.core.documents import Documents, Naming
from include.core.errors import Retriable, VerificationFailed
from include.core.identity import Trigger, artifact_key, checkpoint_key, manifest_key
from include.core.manifest import ContentRecord, FileRecord, Manifest
from include.core.progress import Stage
from include.core.references import check_references, references_of
from include.core.request import NAMES_SEPARATOR
from include.core.rereading import Rereading
from include.core.source import Sources
from include.core.verdict import verify
from include.core.writing import Writing, Written

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from include.core.manifest import Verification
    from include.core.progress import Progress
    from include.core.resolve import ResolvedExport, ResolvedReading
    from include.core.resume import Trail
    from include.core.signing import Signer
    from include.core.source import Source
    from include.core.store import ArtifactStore


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


class ExportRun:
    """One attempt at one export.

    :param open_source: opens the source behind an Airflow connection id; returns its kind and the source.
    :param keep: how long the files are kept; None for ever.
    :param signer: signs the manifest, where manifests are signed
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
        keep: timedelta | None = None,
        signer: Signer | None = None,
    ) -> None:
        self._resolved = resolved
        self._attempt = attempt
        self._open_source = open_source
        self._store = store
        self._progress = progress
        self._now = now
        self._keep = keep
        self._signer = signer
        self._maybe_published = False

    def execute(self) -> Manifest:
        """Run and return the published manifest.

        Either the manifest is published and everything that it names is there, or an error is raised and nothing
        of this attempt is left, unless the store does not answer: then the next sweep removes it. What a later
        attempt can go on with is left, too, after an error that trying again may help.

        A later attempt at an export that is published already returns what was published, and writes nothing.

        :raises WaybillError: with the reason.
        """
        if self._attempt.attempt > 1 and (data := self._store.read(manifest_key(self._attempt.export_id))):
            return Manifest.from_bytes(data)
        started_at, trail = self._now(), None
        try:
            with closing(Sources(self._open_source)) as sources:
                check_references(references_of(self._resolved), sources)
                continuation = self._continuation(sources)
                trail = continuation.trail(later=self._attempt.attempt > 1)
                if trail is not None and trail.start is not None:
                    started_at = trail.start.started_at
                    self._progress.go_on(rows=trail.start.rows, written=trail.start.length)
                naming = self._naming(started_at)
                documents = Documents(continuation.rest(trail), sources, self._progress, naming, trail=trail)
                if trail is not None:
                    continuation.keep(trail, documents, started_at=started_at)
                files = self._write(documents, naming, stop=sources.close, trail=trail)
            self._progress.enter(Stage.VERIFYING)
            verification = verify(documents.extractions, files)
            if (reader := self._resolved.reader) is not None:
                rereading = Rereading(reader, self._resolved.compression, self._store, self._progress)
                verification = rereading.check(verification, documents.extractions, files)
            self._progress.enter(Stage.PUBLISHING)
            manifest = self._manifest(sources, documents, files, verification, started_at)
            published = self._publish(
                self._signer.sign(manifest) if self._signer else manifest,
                noted=trail is not None and trail.saved,
            )
        except BaseException as error:
            continued = isinstance(error, Retriable) and trail is not None and trail.saved
            if not self._maybe_published and not continued:
                self._clean(self._attempt.folder)
            raise
        self._progress.enter(Stage.DONE)
        return published

    def _naming(self, moment: datetime) -> Naming:
        request = self._resolved.request
        return Naming(request.filename, "-".join(request.exporters), self._attempt.export_id, moment)

    def _continuation(self, sources: Sources) -> Continuation:
        return Continuation(
            resolved=self._resolved,
            export_id=self._attempt.export_id,
            sources=sources,
            store=self._store,
            versions=versions(),
        )

    def _write(
        self, documents: Documents, naming: Naming, *, stop: Callable[[], None], trail: Trail | None
    ) -> list[Written]:
        return Writing(
            self._resolved,
            store=self._store,
            progress=self._progress,
            naming=naming,
            folder=self._attempt.folder,
            stop=stop,
            trail=trail,
        ).write(documents)

    def _manifest(
        self,
        sources: Sources,
        documents: Documents,
        files: list[Written],
        verification: Verification,
        started_at: datetime,
    ) -> Manifest:
        attempt, resolved, finished_at = self._attempt, self._resolved, self._now()
        snapshots = {record.snapshot for each in documents.extractions for record in each.records}
        return Manifest(
            id=attempt.export_id,
            name=resolved.request.name,
            exporter=NAMES_SEPARATOR.join(resolved.request.exporters),
            request={name: value for name, value in resolved.frozen_request().items() if name != "notify"},
            requested_by=attempt.requested_by,
            trigger=attempt.trigger,
            dag_id=attempt.dag_id,
            run_id=attempt.run_id,
            attempt=attempt.attempt,
            attempt_id=attempt.attempt_id,
            started_at=started_at,
            finished_at=finished_at,
            expires_at=None if self._keep is None else finished_at + self._keep,
            rows=verification.file_rows,
            empty=verification.file_rows == 0,
            truncated=sources.truncated,
            order=self._order(),
            consistency=consistency_of(sources, documents.trail, snapshots),
            snapshot=next(iter(snapshots)) if len(snapshots) == 1 else None,
            sources=[
                record.model_copy(update=_origin_of(each.reading))
                for each in documents.extractions
                for record in each.records
            ],
            files=[self._file(file) for file in files],
            verification=verification,
            notes=documents.encoding.notes + resumed_note(documents.trail, snapshots),
            versions=versions(),
        )

    def _file(self, file: Written) -> FileRecord:
        compression = self._resolved.compression
        return FileRecord(
            name=file.name,
            key=file.key,
            format=self._resolved.request.format,
            media_type=file.media_type,
            bytes=file.stored.bytes,
            rows=file.transcript.counter.counted,
            sha256=file.transcript.sha256,
            crc32=f"{file.stored.crc32:08x}",
            contents=[ContentRecord(name=each.name, rows=each.counter.counted) for each in file.documents]
            if compression is not None
            else None,
        )

    def _order(self) -> Literal["key", "request", "physical"]:
        """Return the weakest order of all."""
        if all(reading.table.key for reading in self._resolved.readings):
            return "key"
        ordered = all(reading.table.key or reading.selection.order_by for reading in self._resolved.readings)
        return "request" if ordered else "physical"

    def _publish(self, manifest: Manifest, *, noted: bool) -> Manifest:
        """Publish, and remove what is left of earlier attempts.

        :param noted: whether this attempt has kept notes for a later one
        """
        key = manifest_key(self._attempt.export_id)
        self._maybe_published = True  # from here on an error may hide that the store has it: never delete its files
        published = manifest
        if not self._store.publish(key, manifest.to_bytes()):
            earlier = self._store.read(key)
            if earlier is None:
                raise VerificationFailed("The manifest was refused as a second one, but there is no first one.")
            published = Manifest.from_bytes(earlier)
        if published.attempt_id != self._attempt.attempt_id:
            self._store.remove(self._attempt.folder)
        elif self._attempt.attempt > 1:
            self._clean(self._attempt.export_id, keep=(key, self._attempt.folder))
        elif noted:
            self._forget_notes()
        return published

    def _forget_notes(self) -> None:
        with suppress(Exception):  # as below
            self._store.discard(checkpoint_key(self._attempt.export_id))

    def _clean(self, folder: str, *, keep: tuple[str, ...] = ()) -> None:
        """Remove what this attempt wrote, or lost ones before it; that the store is silent must not hide an error."""
        with suppress(Exception):  # the API's sweep does it once the store answers again
            self._store.remove(folder, keep=keep)


def _origin_of(reading: ResolvedReading) -> dict[str, Any]:
    """Return what a record of a source says of what it was read for."""
    return {"exporter": reading.name, "place": reading.place, "sheet": reading.sheet or None}


@cache
def versions() -> dict[str, str]:
    """Return the versions of what decides a file's bytes."""
    found = {"python": platform.python_version()}
    for package in ("pyarrow", "polars", "openpyxl", "isal", "pandas", "apache-airflow"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def preload() -> None:
    """Find out ahead what is the same for every export."""
    versions()
