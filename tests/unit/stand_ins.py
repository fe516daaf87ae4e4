"""What the unit tests build exports from: real batches, an honest store in memory, and a source that is a list."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from include.core.export import Attempt, ExportRun
from include.core.exporter import Params, SqlExporter
from include.core.format import Encoding, Format, Sheet
from include.core.identity import Trigger
from include.core.manifest import Consistency
from include.core.progress import Progress
from include.core.query import Selection
from include.core.request import parse_request
from include.core.resolve import ResolvedExport, ResolvedReading
from include.core.schema import Column, ColumnType, Schema
from include.core.source import Reading, Source, SourceConnection
from include.core.store import Stored
from include.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import pyarrow as pa
    from sqlalchemy import Engine

    from include.core.query import Query
    from include.core.signing import Signer
    from include.core.store import Follower, LeftUpload

NOW = datetime(2026, 11, 22, 9, 30, 15, tzinfo=UTC)
EXPORT_ID = "0b0e7a3c-55a5-4be3-8b5c-0f7d6f2f9b11"
ATTEMPT_ID = "019a0000-0000-7000-8000-000000000001"

COLUMNS = Schema.of(
    Column.of("id", ColumnType.INTEGER),
    Column.of("name", ColumnType.STRING),
    Column.of("total", ColumnType.DECIMAL, precision=12, scale=2),
)

Row = tuple[Any, ...]


def some_rows(count: int) -> list[Row]:
    """Rows of COLUMNS, no two alike."""
    return [(number, f"name {number}", Decimal(number) / 4) for number in range(1, count + 1)]


def batch_of(schema: Schema, rows: Sequence[Row]) -> pa.RecordBatch:
    import pyarrow as pa

    arrow = schema.arrow()
    arrays = [pa.array([row[index] for row in rows], field.type) for index, field in enumerate(arrow)]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow)


def batches_of(schema: Schema, rows: Sequence[Row], *, size: int = 10) -> list[pa.RecordBatch]:
    return [batch_of(schema, rows[start : start + size]) for start in range(0, len(rows), size)]


def encoded(
    name: str,
    schema: Schema,
    rows: Sequence[Row],
    *,
    size: int = 10,
    title: str = "Rows",
    encoding: Encoding | None = None,
    **options: object,
) -> bytes:
    """The file that a format makes of rows."""
    made = FORMATS.load(name)()
    sheet = Sheet(title, schema, schema.arrow(), iter(batches_of(schema, rows, size=size)))
    chunks = made.encode([sheet], made.options_type.model_validate(options), encoding or Encoding())
    return b"".join(chunks)


class MemoryStore:
    """An artifact store in memory that keeps the protocol's promises."""

    def __init__(self, events: list[str] | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, bytearray] = {}
        self.written: list[str] = []
        self.events = [] if events is None else events

    def put(
        self, key: str, chunks: Iterator[bytes], *, media_type: str, filename: str, trail: Follower | None = None
    ) -> Stored:
        assert media_type
        assert key.endswith(f"/{filename}")
        data = b"" if trail is None or trail.behind is None else self.objects[trail.behind.key][: trail.behind.bytes]
        self.uploads[key] = bytearray(data)
        crc32 = 0 if trail is None or trail.behind is None else trail.behind.crc32
        for chunk in chunks:
            crc32 = zlib.crc32(chunk, crc32)
            self.uploads[key] += chunk
            if trail is not None:
                trail.acknowledged(key, [], len(self.uploads[key]))
        data = bytes(self.uploads.pop(key))
        self.objects[key] = data
        self.events.append(f"put {filename}")
        return Stored(bytes=len(data), crc32=crc32)

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        yield self.objects[key][start:end]

    def write(self, key: str, data: bytes) -> None:
        self.written.append(key)
        self.objects[key] = data

    def discard(self, key: str) -> None:
        self.objects.pop(key, None)

    def take_over(self, left: LeftUpload) -> bool:
        if (data := self.uploads.pop(left.upload_id, None)) is not None:
            self.objects[left.key] = bytes(data)
        return len(self.objects.get(left.key, b"")) >= left.bytes

    def publish(self, key: str, data: bytes) -> bool:
        self.events.append("publish")
        if key in self.objects:
            return False
        self.objects[key] = data
        return True

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def remove(self, folder: str, *, keep: Collection[str] = ()) -> None:
        self.events.append("remove")
        prefix, kept = folder.rstrip("/") + "/", tuple(keep)
        self.objects = {
            key: data for key, data in self.objects.items() if not key.startswith(prefix) or key.startswith(kept)
        }


class ListSource(Source):
    """A source whose rows are given; ``sent`` is what it claims to have sent, the truth when left out."""

    consistency = Consistency.SNAPSHOT

    def __init__(
        self,
        batches: Sequence[pa.RecordBatch],
        *,
        arrow: pa.Schema | None = None,
        sent: int | None = None,
        error: Exception | None = None,
        events: list[str] | None = None,
    ) -> None:
        self.given = list(batches)
        self.arrow = arrow if arrow is not None else self.given[0].schema
        self.sent = sum(batch.num_rows for batch in self.given) if sent is None else sent
        self.error = error
        self.events = [] if events is None else events
        self.queries: list[Query] = []
        self.closed = 0

    @property
    def snapshot(self) -> str | None:
        return "100:100:"

    def estimate(self, query: Query) -> int | None:  # noqa: ARG002
        return 50

    def read(self, query: Query) -> Reading:
        self.queries.append(query)
        return _ListReading(self)

    def close(self) -> None:
        if not self.closed:
            self.events.append("close source")
        self.closed += 1


class _ListReading(Reading):
    def __init__(self, source: ListSource) -> None:
        self.arrow = source.arrow
        self._source = source

    @property
    def rows_sent(self) -> int:
        return self._source.sent

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield from self._source.given
        if self._source.error:
            raise self._source.error


class RowsExporter(SqlExporter[Params]):
    """Any rows of COLUMNS."""

    title = "Rows"
    source = "warehouse"
    sql = "select id, name, total from rows"
    params_type = Params
    columns = COLUMNS
    key: tuple[str, ...] = ("id",)


def resolved_export(
    format_name: str = "csv",
    *,
    file_format: Format | None = None,
    limit: int | None = None,
    filename: str | None = None,
    exporter: SqlExporter[Params] | None = None,
) -> ResolvedExport:
    made = file_format or FORMATS.load(format_name)()
    wanted = exporter or RowsExporter()
    body = {"exporter": "rows", "format": format_name, "limit": limit, "filename": filename}
    return ResolvedExport(
        request=parse_request({key: value for key, value in body.items() if value is not None}),
        readings=(
            ResolvedReading(
                name="rows",
                exporter=wanted,
                table=wanted,
                params=Params(),
                selection=Selection(tuple(wanted.columns), limit=limit),
            ),
        ),
        format=made,
        options=made.options_type(),
    )


def attempt(attempt_id: str = ATTEMPT_ID) -> Attempt:
    return Attempt(
        export_id=EXPORT_ID,
        attempt_id=attempt_id,
        attempt=1,
        dag_id="export",
        run_id=f"export__{EXPORT_ID}",
        requested_by="anna",
        trigger=Trigger.API,
    )


def export_run(
    resolved: ResolvedExport,
    source: Source,
    store: MemoryStore,
    *,
    tell: Callable[[dict[str, Any]], None] | None = None,
    attempt_id: str = ATTEMPT_ID,
    number: int = 1,
    signer: Signer | None = None,
) -> ExportRun:
    return ExportRun(
        resolved,
        replace(attempt(attempt_id), attempt=number),
        open_source=lambda _: ("list", source),
        store=store,
        progress=Progress(tell=tell or (lambda _: None)),
        now=lambda: NOW,
        signer=signer,
    )


def connection_with(engine: Callable[[], Engine], **facts: Any) -> SourceConnection:
    return SourceConnection(conn_id="warehouse", conn_type="sqlite", engine=engine, **facts)
