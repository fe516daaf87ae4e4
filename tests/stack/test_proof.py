"""A row that is dropped, doubled or altered between source and upload fails the export; nothing is published."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import pyarrow as pa
import pytest

from include.compressions import COMPRESSIONS
from include.core import extraction as extraction_module
from include.core.errors import VerificationFailed
from include.core.export import Attempt, ExportRun
from include.core.identity import Trigger, manifest_key
from include.core.overlap import overlapped
from include.core.progress import Progress
from include.core.request import parse_request, utc_now
from include.core.resolve import resolve
from include.core.settings import Settings
from include.core.source import SourceConnection
from include.exporters import catalog_of
from include.formats import FORMATS
from include.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.local.stack import Stack
    from include.artifacts.s3 import S3Store
    from include.core.manifest import Manifest
    from include.core.source import Source
    from include.core.store import Stored
    from tests.stack.bucket import Bucket

T = TypeVar("T")


def drop(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.slice(1)


def double(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.Table.from_batches([batch.slice(0, 1), batch]).combine_chunks().to_batches()[0]


def alter(batch: pa.RecordBatch) -> pa.RecordBatch:
    codes = batch.column(0).to_pylist()
    codes[len(codes) // 2] = "ZZZZZ"
    return batch.set_column(0, "code", pa.array(codes, pa.string()))


def drop_line(chunk: tuple[int, bytes]) -> tuple[int, bytes]:
    rows, text = chunk
    return rows, text.partition(b"\n")[2]


def double_line(chunk: tuple[int, bytes]) -> tuple[int, bytes]:
    rows, text = chunk
    return rows, text.partition(b"\n")[0] + b"\n" + text


def alter_line(chunk: tuple[int, bytes]) -> tuple[int, bytes]:
    rows, text = chunk
    return rows, text.replace(b"T", b"t", 1)  # of a time


def drop_bytes(chunk: bytes) -> bytes:
    return chunk[: len(chunk) // 2] + chunk[len(chunk) // 2 + 1 :]


def double_bytes(chunk: bytes) -> bytes:
    return chunk + chunk


def alter_bytes(chunk: bytes) -> bytes:
    middle = len(chunk) // 2
    return chunk[:middle] + bytes([chunk[middle] ^ 1]) + chunk[middle + 1 :]


def once(items: Iterator[T], tamper: Callable[[T], T]) -> Iterator[T]:
    """Tamper with the second item if there is one, else with the first."""
    first = next(items)
    second = next(items, None)
    if second is None:
        yield tamper(first)
        return
    yield first
    yield tamper(second)
    yield from items


class TamperedStore:
    """The real store behind a wire that changes bytes."""

    def __init__(self, store: S3Store, tamper: Callable[[bytes], bytes]) -> None:
        self._store = store
        self._tamper = tamper

    def put(self, key: str, chunks: Iterator[bytes], **arguments: Any) -> Stored:
        return self._store.put(key, once(chunks, self._tamper), **arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class AlteredObjects:
    """The real store, in which somebody changes each object as soon as it is there."""

    def __init__(self, store: S3Store, change: Callable[[bytes], bytes]) -> None:
        self._store = store
        self._change = change

    def put(self, key: str, chunks: Iterator[bytes], **arguments: Any) -> Stored:
        stored = self._store.put(key, chunks, **arguments)
        self._store.write(key, self._change(b"".join(self._store.open(key))))
        return stored

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def run(stack: Stack, store: Any, export_id: str, file_format: str, *, more: Any = None, **options: str) -> Manifest:
    at = urlsplit(stack.demo_dsn)

    def open_source(conn_id: str) -> tuple[str, Source]:
        connection = SourceConnection(
            conn_id=conn_id,
            conn_type="postgres",
            host=at.hostname,
            port=at.port,
            login=at.username,
            password=at.password,
            database="demo",
            engine=lambda: pytest.fail("PostgreSQL is read by COPY"),
        )
        return "postgres", SOURCES.load("postgres")(connection, application="waybill proof", timeout_seconds=60)

    columns = ["code", "created_at", "total"]
    body = {"exporter": "orders", "format": file_format, "columns": columns, "options": options, **(more or {})}
    request = parse_request(body)
    attempt = Attempt(
        export_id=export_id,
        attempt_id=str(uuid4()),
        attempt=1,
        dag_id="d",
        run_id="r",
        requested_by=None,
        trigger=Trigger.API,
    )
    return ExportRun(
        resolve(request, catalog_of(Settings()), FORMATS, COMPRESSIONS),
        attempt,
        open_source=open_source,
        store=store,
        progress=Progress(tell=lambda _: None),
        now=utc_now,
    ).execute()


GENERAL = {"csv": {"quote": "all"}}
"""Options with which the database cannot write the file itself."""


@pytest.mark.parametrize(
    ("file_format", "options", "tamper"),
    [
        *(
            (name, GENERAL.get(name, {}), tamper)
            for name in ("csv", "jsonl", "parquet")
            for tamper in (drop, double, alter)
        ),
        *(("csv", {}, tamper) for tamper in (drop_line, double_line, alter_line)),
    ],
)
def test_a_row_changed_on_its_way_to_the_encoder_is_noticed(
    stack: Stack,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    file_format: str,
    options: dict[str, str],
    tamper: Any,
) -> None:
    @contextmanager
    def tampered(*arguments: Any, **options: Any) -> Iterator[Iterator[pa.RecordBatch]]:
        with overlapped(*arguments, **options) as batches:
            yield once(batches, tamper)

    monkeypatch.setattr(extraction_module, "overlapped", tampered)
    export_id = str(uuid4())
    with pytest.raises(VerificationFailed, match="Nothing was published"):
        run(stack, bucket.product_store(), export_id, file_format, **options)
    assert bucket.left_of(export_id) == []


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("tamper", [drop_bytes, double_bytes, alter_bytes])
def test_bytes_changed_on_their_way_to_the_store_are_noticed(
    stack: Stack, bucket: Bucket, file_format: str, tamper: Any
) -> None:
    export_id = str(uuid4())
    with pytest.raises(VerificationFailed, match="Nothing was published"):
        run(stack, TamperedStore(bucket.product_store(), tamper), export_id, file_format)
    assert bucket.left_of(export_id) == []


@pytest.mark.parametrize("change", ["drop", "double"])
def test_an_encoder_that_loses_or_doubles_a_row_is_noticed(
    stack: Stack, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    csv_format = FORMATS.load("csv")
    encode = csv_format.encode

    def tampered(*arguments: Any) -> Iterator[bytes]:
        def line(chunk: bytes) -> bytes:
            first, end, rest = chunk.partition(b"\r\n")
            return rest if change == "drop" else first + end + chunk

        yield from once(encode(*arguments), line)

    monkeypatch.setattr(csv_format, "encode", tampered)
    export_id = str(uuid4())
    with pytest.raises(VerificationFailed, match="rows in the file's bytes"):
        run(stack, bucket.product_store(), export_id, "csv", **GENERAL["csv"])
    assert bucket.left_of(export_id) == []


def test_the_same_export_untouched_is_published(stack: Stack, bucket: Bucket) -> None:
    export_id = str(uuid4())
    store = bucket.product_store()
    manifest = run(stack, store, export_id, "csv")
    assert manifest.rows == 50_000
    assert store.read(manifest_key(export_id)) == manifest.to_bytes()
    assert len(bucket.left_of(export_id)) == 2


FULL = {"verify": "full"}
READABLE = [name for name in FORMATS.names if name != "pdf"]


@pytest.mark.parametrize("file_format", READABLE)
def test_an_untouched_export_is_verified_in_full(stack: Stack, bucket: Bucket, file_format: str) -> None:
    export_id = str(uuid4())
    verification = run(stack, bucket.product_store(), export_id, file_format, more=FULL).verification
    assert verification.file_rows == 50_000
    assert verification.content_hash
    assert verification.checks[-1].endswith("read back from the store agree")
    assert len(bucket.left_of(export_id)) == 2


@pytest.mark.parametrize(
    "more", [{"compression": "gzip"}, {"compression": "zstd"}, {"compression": "zip"}, {"split": {"rows": 20_000}}]
)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_compressed_and_split_files_are_verified_in_full(
    stack: Stack, bucket: Bucket, file_format: str, more: dict[str, Any]
) -> None:
    store = bucket.product_store()
    plain, other = (
        run(stack, store, str(uuid4()), file_format, more=FULL | body).verification.content_hash for body in ({}, more)
    )
    assert plain == other


def another_letter(data: bytes) -> bytes:
    """Another letter in the code of an order, which is no key of the order and in no heading."""
    middle = data.index(b"\n", len(data) // 2)
    place = re.compile(rb"[A-Z0-9]{5}").search(data, middle)
    assert place is not None
    return data[: place.start()] + (b"Z" if data[place.start()] != ord("Z") else b"Y") + data[place.start() + 1 :]


@pytest.mark.parametrize("file_format", READABLE)
def test_an_object_that_was_altered_in_the_store_is_noticed(stack: Stack, bucket: Bucket, file_format: str) -> None:
    change = alter_bytes if file_format in {"parquet", "xlsx"} else another_letter
    store = AlteredObjects(bucket.product_store(), change)
    assert run(stack, store, str(uuid4()), file_format).rows == 50_000  # counts and checksums were right
    export_id = str(uuid4())
    with pytest.raises(VerificationFailed, match=r"as the store has it|read back from the store differ"):
        run(stack, store, export_id, file_format, more=FULL)
    assert bucket.left_of(export_id) == []


@pytest.mark.parametrize("change", ["drop", "double"])
@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_a_row_that_was_lost_or_doubled_in_the_store_is_noticed(
    stack: Stack, bucket: Bucket, file_format: str, change: str
) -> None:
    def changed(data: bytes) -> bytes:
        head, first, *others = data.splitlines(keepends=True)
        return b"".join([head, *([] if change == "drop" else [first, first]), *others])

    export_id = str(uuid4())
    with pytest.raises(VerificationFailed, match="Nothing was published"):
        run(stack, AlteredObjects(bucket.product_store(), changed), export_id, file_format, more=FULL)
    assert bucket.left_of(export_id) == []
