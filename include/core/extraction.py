"""The rows of one exporter on their way out of its sources: read ahead, sealed, and witnessed where they arrive."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from include.core.format import Sheet
from include.core.overlap import overlapped
from include.core.progress import Stage
from include.core.resume import End, place_in_batch, place_in_text, positions
from include.core.verify import Seal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import pyarrow as pa

    from include.core.content import Content
    from include.core.format import CsvText
    from include.core.manifest import SourceRecord
    from include.core.progress import Progress
    from include.core.resolve import ResolvedReading
    from include.core.resume import Checkpoint
    from include.core.source import Sources, TextRows

T = TypeVar("T")


class Extraction:
    """One reading: as a sheet of batches, or on the straight path as text that the source writes itself.

    ``sealed`` is what left the exporter, ``opened`` what arrived; both have to be equal in the end. ``content`` is a
    hash of what arrived, where the file will be read back.
    """

    def __init__(
        self,
        reading: ResolvedReading,
        sources: Sources,
        progress: Progress,
        *,
        last: bool,
        start: Checkpoint | None = None,
        content: Content | None = None,
    ) -> None:
        self.reading = reading
        self.sealed = Seal()
        self.opened = Seal()
        self.content = content
        self.records: list[SourceRecord] = []
        self._earlier = start.sources if start else ()
        self._end: Callable[[], tuple[str, ...] | None] = _nowhere
        self._columns = _order_columns(reading)
        self._sources = sources
        self._progress = progress
        self._last = last

    @contextmanager
    def sheet(self) -> Iterator[Sheet]:
        """Read the rows as batches."""
        reading = self.reading
        batches = reading.table.batches(reading.params, reading.selection, self._sources)
        with self._ahead(self.sealed.over(batches.stream)) as ahead:
            arrived = self.opened.over(self._progress.over_batches(self._noted(ahead)))
            hashed = arrived if self.content is None else self.content.over(arrived)
            yield Sheet(reading.title, reading.selection.schema, batches.arrow, hashed)

    @contextmanager
    def text(self, text: CsvText) -> Iterator[Iterator[bytes] | None]:
        """Read the rows as text; None when this exporter's rows cannot be had so."""
        reading = self.reading
        rows = reading.table.text(reading.params, reading.selection, self._sources, text)
        if rows is None:
            yield None
            return
        with self._ahead(self.sealed.over_text(rows)) as ahead:
            yield self._progress.over_text(self.opened.over_text(self._noted_text(ahead, text)))

    def end(self) -> End:
        """Return what has reached the encoder."""
        return End(self.opened.rows, self._end(), self.content.value if self.content else 0)

    def so_far(self, rows: int) -> tuple[SourceRecord, ...]:
        """Return what is to be said of the sources if the first so many rows were all."""
        origin = self.reading.table.origin(self.reading.params, self.reading.selection)
        if origin is None:
            return ()
        before = sum(record.rows for record in self._earlier)
        return (*self._earlier, self._sources.record(*origin, rows - before))

    def _noted(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if self._columns is not None:
                self._end = partial(place_in_batch, batch, self._columns)
            yield batch

    def _noted_text(self, chunks: TextRows, text: CsvText) -> TextRows:
        for rows, chunk in chunks:
            if self._columns is not None:
                self._end = partial(
                    place_in_text, chunk, self._columns, delimiter=text.delimiter, line_end=text.line_end
                )
            yield rows, chunk

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
        self.records = [*self._earlier, *self._sources.records[first:]]

    def _estimate(self) -> int | None:
        """Return about how many rows all readings give, where each source could tell."""
        rows = [estimate for estimate in self._sources.estimated if estimate is not None]
        return (
            sum(rows) + sum(record.rows for record in self._earlier)
            if len(rows) == len(self._sources.estimated)
            else None
        )


def _nowhere() -> None:
    """Return the place of the last row before there is one."""


def _order_columns(reading: ResolvedReading) -> tuple[int, ...] | None:
    """Return where in the file the columns are that order its rows; None where they do not, or are not there."""
    origin = reading.table.origin(reading.params, reading.selection)
    return positions(origin[1].full_order, reading.selection.schema) if origin else None
