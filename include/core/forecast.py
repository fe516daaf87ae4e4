"""What is to be expected of an export before it is started: the names of its files, its rows, and what to beware of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from include.core.filename import expected_filename
from include.core.resolve import MAX_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from include.core.resolve import ResolvedExport, ResolvedReading
    from include.core.source import Sources


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected: names of files, rows of each reading where its source can tell, and warnings as sentences."""

    files: tuple[str, ...]
    readings: tuple[int | None, ...]
    warnings: tuple[str, ...]

    @property
    def rows(self) -> int | None:
        """About how many rows there will be; None where one of the sources cannot tell."""
        known = [rows for rows in self.readings if rows is not None]
        return sum(known) if len(known) == len(self.readings) else None


def forecast(resolved: ResolvedExport, sources: Sources, moment: datetime) -> Forecast:
    """Ask the sources' planners; nothing is read.

    :raises Retriable: when a source does not answer.
    :raises Fatal: when it refuses the query.
    """
    warnings: list[str] = []
    readings = []
    for reading in resolved.readings:
        limit = reading.selection.limit
        everything = replace(reading.selection, limit=None)
        rows = reading.table.estimate(reading.params, everything, sources)
        warnings.extend(_warnings_of_limit(reading, rows))
        readings.append(rows if rows is None or limit is None else min(rows, limit))
    warnings.extend(_warnings_of_files(resolved, readings))
    return Forecast(expected_names(resolved, moment), tuple(readings), tuple(warnings))


def expected_names(resolved: ResolvedExport, moment: datetime) -> tuple[str, ...]:
    """Return what is known of the stored files' names today; one stands for all parts of a split export."""
    request, format_, compression = resolved.request, resolved.format, resolved.compression
    bundled = compression is not None and compression.bundles
    split = request.split
    part = None if split is None or bundled else "number" if split.by is None else "value"
    name = expected_filename(
        request.filename,
        exporter="-".join(request.exporters),
        moment=moment,
        suffixes=[compression.suffix if compression is not None and bundled else format_.suffix],
        part=part,
    )
    return (name if compression is None or bundled else name + compression.suffix,)


def is_ordered(reading: ResolvedReading) -> bool:
    """Whether it is certain which rows come first."""
    return bool(reading.table.key or reading.selection.order_by)


def _warnings_of_limit(reading: ResolvedReading, rows: int | None) -> Iterator[str]:
    limit = reading.selection.limit
    if limit is None:
        return
    if rows is not None and rows > limit:
        yield f"{reading.title}: the limit of {limit:,} leaves rows out, for there are about {rows:,}."
    if not is_ordered(reading):
        yield (
            f"{reading.title}: the exporter has no key and the request no order_by, so the limit takes any {limit:,} "
            "rows, and perhaps others next time."
        )


def _warnings_of_files(resolved: ResolvedExport, readings: list[int | None]) -> Iterator[str]:
    """Yield what each format says of so many rows in one file, and what splitting them would come to."""
    expected = [(each.title, rows) for each, rows in zip(resolved.readings, readings, strict=True) if rows is not None]
    most = resolved.request.split.rows if resolved.request.split is not None else None
    if most is None:
        yield from resolved.format.forewarn(expected, resolved.options)
        return
    yield from resolved.format.forewarn([(title, min(rows, most)) for title, rows in expected], resolved.options)
    for _, rows in expected:
        if rows > most * MAX_FILES:
            yield (
                f"About {rows:,} rows make more than {MAX_FILES:,} files of {most:,}, and the export would fail. Split "
                "it into larger ones."
            )
