"""The rows of one exporter on their way out of its sources: read ahead, sealed, and witnessed where they arrive."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from include.core.format import Sheet
from include.core.overlap import overlapped
from include.core.progress import Stage
from include.core.verify import Seal

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from include.core.format import CsvText
    from include.core.manifest import SourceRecord
    from include.core.progress import Progress
    from include.core.resolve import ResolvedReading
    from include.core.source import Sources

T = TypeVar("T")


class Extraction:
    """One reading: as a sheet of batches, or on the straight path as text that the source writes itself.

    ``sealed`` is what left the exporter, ``opened`` what arrived; both have to be equal in the end.
    """

    def __init__(self, reading: ResolvedReading, sources: Sources, progress: Progress, *, last: bool) -> None:
        self.reading = reading
        self.sealed = Seal()
        self.opened = Seal()
        self.records: list[SourceRecord] = []
        self._sources = sources
        self._progress = progress
        self._last = last

    @contextmanager
    def sheet(self) -> Iterator[Sheet]:
        """Read the rows as batches."""
        reading = self.reading
        batches = reading.exporter.batches(reading.params, reading.selection, self._sources)
        with self._ahead(self.sealed.over(batches.stream)) as ahead:
            arrived = self.opened.over(self._progress.over_batches(ahead))
            yield Sheet(reading.title, reading.selection.schema, batches.arrow, arrived)

    @contextmanager
    def text(self, text: CsvText) -> Iterator[Iterator[bytes] | None]:
        """Read the rows as text; None when this exporter's rows cannot be had so."""
        reading = self.reading
        rows = reading.exporter.text(reading.params, reading.selection, self._sources, text)
        if rows is None:
            yield None
            return
        with self._ahead(self.sealed.over_text(rows)) as ahead:
            yield self._progress.over_text(self.opened.over_text(ahead))

    @contextmanager
    def _ahead(self, items: Generator[T]) -> Iterator[Iterator[T]]:
        first = len(self._sources.records)
        self._progress.rows_estimated = self._estimate() if self._last else None
        self._progress.enter(Stage.EXTRACTING)
        with overlapped(items, name="extract") as ahead:
            try:
                yield ahead
            except BaseException:
                self._sources.close()  # so that a blocked extraction ends before its thread is waited for
                raise
        self.records = self._sources.records[first:]

    def _estimate(self) -> int | None:
        """Return about how many rows all readings give, where each source could tell."""
        rows = [estimate for estimate in self._sources.estimated if estimate is not None]
        return sum(rows) if len(rows) == len(self._sources.estimated) else None
