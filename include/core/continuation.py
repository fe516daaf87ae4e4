"""Whether an export goes on where an earlier attempt at it stopped, and from where."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from include.core.errors import Retriable
from include.core.identity import checkpoint_key
from include.core.manifest import Consistency
from include.core.resume import Checkpoint, Trail, binding_of, positions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from include.core.documents import Documents
    from include.core.query import Query
    from include.core.resolve import ResolvedExport, ResolvedReading
    from include.core.resume import Mark
    from include.core.source import Sources
    from include.core.store import ArtifactStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """What the attempts at one export have in common.

    :param versions: of everything that decides the file's bytes
    """

    resolved: ResolvedExport
    export_id: str
    sources: Sources
    store: ArtifactStore
    versions: Mapping[str, str]

    def trail(self, *, later: bool) -> Trail | None:
        """Return what follows the file, from where an earlier attempt stood if there is such a place.

        None where the export can only begin anew: it has several files or exporters, is compressed, its format has
        an end or its rows no total order, the file lacks a column of it, or the source cannot begin anywhere.

        :param later: whether there was an attempt before
        """
        query = self._query()
        if query is None:
            return None
        binding = binding_of(self.resolved, query.sha256(), self.versions)
        return Trail(binding, self._start(binding) if later else None)

    def rest(self, trail: Trail | None) -> ResolvedExport:
        """Return what is left to export."""
        if trail is None or trail.start is None:
            return self.resolved
        (reading,) = self.resolved.readings
        limit = reading.selection.limit
        left = None if limit is None else limit - trail.start.rows
        selection = replace(reading.selection, after=trail.start.after, limit=left)
        return replace(self.resolved, readings=(replace(reading, selection=selection),))

    def keep(self, trail: Trail, documents: Documents, *, started_at: datetime) -> None:
        """Have the trail keep its notes in the store; one that cannot be kept never fails the export."""
        (extraction,) = documents.extractions

        def save(mark: Mark, upload_id: str, checksums: tuple[str, ...]) -> None:
            checkpoint = Checkpoint(
                binding=trail.binding,
                key=trail.key,
                upload_id=upload_id,
                checksums=checksums,
                rows=mark.rows,
                length=mark.length,
                crc32=mark.crc32,
                after=mark.after,
                started_at=started_at,
                sources=extraction.so_far(mark.rows),
                notes=tuple(documents.encoding.notes),
                content=mark.content,
            )
            with suppress(Retriable):
                self.store.write(checkpoint_key(self.export_id), checkpoint.to_bytes())
                trail.saved = True

        trail.save = save

    def _query(self) -> Query | None:
        """Return the one query of an export that can go on behind any row of it."""
        resolved = self.resolved
        if len(resolved.readings) > 1 or resolved.compression is not None or resolved.request.split is not None:
            return None
        (reading,) = resolved.readings
        origin = reading.table.origin(reading.params, reading.selection)
        if origin is None or not self._can_be_cut(reading, origin[1]):
            return None
        return origin[1] if self.sources.begins_anywhere(origin[0]) else None

    def _can_be_cut(self, reading: ResolvedReading, query: Query) -> bool:
        schema = reading.selection.schema
        known = positions(query.full_order, schema) is not None
        return known and self.resolved.format.head(schema, self.resolved.options) is not None

    def _start(self, binding: str) -> Checkpoint | None:
        data = self.store.read(checkpoint_key(self.export_id))
        found = Checkpoint.from_bytes(data) if data else None
        if found is None or found.binding != binding or not self.store.take_over(found.left):
            return None
        return found


def consistency_of(sources: Sources, trail: Trail | None, snapshots: set[str | None]) -> Consistency:
    """Return what the export as a whole saw: of two snapshots, no single moment."""
    if trail is not None and trail.start is not None and len(snapshots) > 1:
        return Consistency.NONE
    return sources.consistency


def resumed_note(trail: Trail | None, snapshots: set[str | None]) -> list[str]:
    """Return what a reader should know of an export that went on after a crash."""
    if trail is None or trail.start is None:
        return []
    rows = f"An attempt was lost after {trail.start.rows:,} rows, and this one went on behind them"
    if len(snapshots) == 1:
        return [f"{rows}, of the same snapshot."]
    return [f"{rows}: the rows before are of an earlier moment than those that follow, as `sources` says."]
