"""Full verification: what the store has is read back, and a row that is not as it left the exporter is noticed."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from include.compressions import COMPRESSIONS
from include.core import resume
from include.core.errors import Fatal, InvalidRequest, Retriable, VerificationFailed
from include.core.exporter import Params
from include.core.format import Format, Sheet
from include.core.query import Selection
from include.core.request import parse_request
from include.core.resolve import ResolvedExport, ResolvedReading, resolve
from include.core.schema import Column, ColumnType, Schema
from include.core.settings import Settings
from include.core.stored_file import RANGE_BYTES
from include.exporters import catalog_of
from include.formats import FORMATS, _sheet
from tests.properties.refusals import holdable
from tests.properties.tables import AWKWARD_TABLES
from tests.unit.stand_ins import (
    COLUMNS,
    ListSource,
    MemoryStore,
    RowsExporter,
    batches_of,
    encoded,
    export_run,
    some_rows,
)
from tests.unit.test_resume import SECOND, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from include.core.format import CsvText, Encoding, FormatOptions
    from include.core.manifest import Manifest
    from include.core.query import Query
    from include.core.source import TextReading
    from include.core.store import Stored
    from tests.unit.stand_ins import Row

    Change = Callable[[list[Row]], list[Row]]

ROWS = [*some_rows(33), (34, "", None), (35, None, None)]
READABLE = [name for name in FORMATS.names if name != "pdf"]
TEXTS = [name for name in READABLE if name not in {"parquet", "xlsx"}]


def exporter_of(schema: Schema) -> RowsExporter:
    class Rows(RowsExporter):
        columns: Schema = schema
        key: tuple[str, ...] = ("id",) if "id" in schema else ()

    return Rows()


def full(
    made: Format | str, schema: Schema = COLUMNS, *, titles: tuple[str, ...] = ("Rows",), **body: Any
) -> ResolvedExport:
    """An export that is verified in full, of one exporter or of the same one under several titles."""
    if isinstance(made, str):
        made = FORMATS.load(made)()
    several = {"sources": [{"exporter": "rows", "name": title} for title in titles]}
    whose = {"exporter": "rows"} if len(titles) == 1 else several
    request = parse_request({**whose, "format": "csv", "filename": "r", "verify": "full", **body})
    exporter = exporter_of(schema)
    return ResolvedExport(
        request=request,
        readings=tuple(
            ResolvedReading(
                name="rows",
                exporter=exporter,
                table=exporter,
                params=Params(),
                selection=Selection(tuple(schema)),
                given=title,
                place=place,
            )
            for place, title in enumerate(titles)
        ),
        format=made,
        options=made.options_type.model_validate(request.options),
        compression=COMPRESSIONS.load(request.compression)() if request.compression else None,
    )


def run(
    resolved: ResolvedExport, store: MemoryStore | None = None, *, rows: list[Row] | None = None, size: int = 10
) -> Manifest:
    schema = resolved.readings[0].selection.schema
    source = ListSource(batches_of(schema, ROWS if rows is None else rows, size=size), arrow=schema.arrow())
    return export_run(resolved, source, store or MemoryStore()).execute()


def altered(rows: list[Row]) -> list[Row]:
    return [*rows[:4], (rows[4][0], rows[4][1].upper(), rows[4][2]), *rows[5:]]


def with_another_digit(rows: list[Row]) -> list[Row]:
    return [*rows[:4], (rows[4][0], rows[4][1], rows[4][2] + Decimal("0.01")), *rows[5:]]


def with_text_for_null(rows: list[Row]) -> list[Row]:
    return [(number, name or "", total) for number, name, total in rows]


def with_null_for_text(rows: list[Row]) -> list[Row]:
    return [(number, name or None, total) for number, name, total in rows]


def one_lost_and_one_doubled(rows: list[Row]) -> list[Row]:
    return [rows[0], rows[0], *rows[2:]]


def values_in_each_other_s_rows(rows: list[Row]) -> list[Row]:
    return [(rows[0][0], *rows[1][1:]), (rows[1][0], *rows[0][1:]), *rows[2:]]


@pytest.mark.parametrize("name", READABLE)
def test_reading_back_tells_how_many_rows_it_has_read(name: str) -> None:
    told: list[dict[str, Any]] = []
    resolved = full(name)
    source = ListSource(batches_of(COLUMNS, ROWS, size=10), arrow=COLUMNS.arrow())
    export_run(resolved, source, MemoryStore(), tell=told.append).execute()
    verified = {snapshot["stage"]: snapshot["rows_verified"] for snapshot in told}
    assert (verified["extracting"], verified["publishing"]) == (None, len(ROWS))


def mistaken(name: str, change: Change) -> Format:
    """A format whose encoder writes other rows, as many as it is given: all counts and checksums agree."""

    class Mistaken(FORMATS.load(name)):  # type: ignore[misc]
        def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
            changed = []
            for sheet in sheets:
                rows = [tuple(row.values()) for batch in sheet.batches for row in batch.to_pylist()]
                changed.append(replace(sheet, batches=batches_of(sheet.schema, change(rows))))
            yield from super().encode(changed, options, encoding)

    made: Format = Mistaken()
    return made


CHANGES = [
    altered,
    with_another_digit,
    with_text_for_null,
    with_null_for_text,
    one_lost_and_one_doubled,
    values_in_each_other_s_rows,
]


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("change", CHANGES)
def test_an_encoder_that_writes_other_rows_is_noticed(name: str, change: Change) -> None:
    store = MemoryStore()
    with pytest.raises(VerificationFailed, match="content read back from the store differ"):
        run(full(mistaken(name, change)), store)
    assert store.objects == {}


@pytest.mark.parametrize("name", READABLE)
def test_that_counts_and_checksums_alone_do_not_notice_it(name: str) -> None:
    assert run(full(mistaken(name, altered), verify="counts")).verification.content_hash is None


def test_doubled_rows_do_not_cancel_each_other_out() -> None:
    first, second = ROWS[0], ROWS[1]
    rows = [first, first, second, second, *ROWS[4:]]
    with pytest.raises(VerificationFailed, match="differ"):
        run(full(mistaken("csv", lambda _: [first, first, first, first, *ROWS[4:]])), rows=rows)


def test_the_order_of_the_rows_is_none_of_its_business() -> None:
    hashes = {run(full(mistaken("csv", change))).verification.content_hash for change in (list, reversed_rows)}
    assert len(hashes) == 1


def reversed_rows(rows: list[Row]) -> list[Row]:
    return rows[::-1]


class OtherObject(MemoryStore):
    """A store in which an object is changed as soon as it was written."""

    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._change = change

    def put(self, key: str, chunks: Iterator[bytes], **about: Any) -> Stored:
        stored = super().put(key, chunks, **about)
        self.objects[key] = self._change(self.objects[key])
        return stored


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("rows", [ROWS[1:], [ROWS[0], *ROWS], altered(ROWS), with_text_for_null(ROWS)])
def test_an_object_that_was_replaced_after_the_upload_is_noticed(name: str, rows: list[Row]) -> None:
    store = OtherObject(lambda _: encoded(name, COLUMNS, rows))
    with pytest.raises(VerificationFailed, match="Nothing was published"):
        run(full(name), store)
    assert store.objects == {}


@pytest.mark.parametrize("name", TEXTS)
def test_one_letter_that_was_changed_after_the_upload_is_noticed(name: str) -> None:
    store = OtherObject(lambda data: data.replace(b"name 7", b"nama 7", 1))
    with pytest.raises(VerificationFailed, match="content read back from the store differ"):
        run(full(name), store)


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("compression", [None, *COMPRESSIONS.names])
def test_a_bit_that_was_changed_after_the_upload_is_noticed(name: str, compression: str | None) -> None:
    def flipped(data: bytes) -> bytes:
        place = data.find(b"PK\x01\x02") if data[:2] == b"PK" else len(data)  # what lies before the directory
        return data[: place // 2] + bytes([data[place // 2] ^ 4]) + data[place // 2 + 1 :]

    body: dict[str, Any] = {"compression": compression} if compression else {}
    with pytest.raises(VerificationFailed):
        run(full(name, **body), OtherObject(flipped))


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\n", lambda _: b""])
def test_an_object_that_is_shorter_or_longer_is_noticed(name: str, change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(VerificationFailed):
        run(full(name), OtherObject(change))


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("table", AWKWARD_TABLES)
@pytest.mark.parametrize("compression", [None, *COMPRESSIONS.names])
def test_a_correct_file_is_verified_with_whatever_is_in_it(name: str, table: Any, compression: str | None) -> None:
    table = holdable(name, table)
    body: dict[str, Any] = {"compression": compression} if compression else {}
    manifest = run(full(name, table.schema, **body), rows=table.rows)
    assert manifest.verification.checks[-1].endswith("read back from the store agree")
    assert manifest.verification.reader


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_a_document_that_cannot_be_read_back_is_told_by_its_column(name: str) -> None:
    schema = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("told", ColumnType.JSON))
    for document, reason in (
        ("[" * 20_000 + "]" * 20_000, "nested too deeply"),
        ('{"a": NaN}', "no JSON"),
        ("", "no JSON"),
    ):
        rows: list[Row] = [(1, "{}"), (2, document)]
        with pytest.raises(Fatal, match=rf"^Column 'told': a document is {reason}"):
            run(full(name, schema), rows=rows)
        assert run(full(name, schema, verify="counts"), rows=rows).rows == 2


@pytest.mark.parametrize("name", READABLE)
def test_no_rows_are_verified_too(name: str) -> None:
    assert run(full(name), rows=[]).verification.content_hash == "0" * 32


def test_the_hash_is_of_the_values_and_not_of_the_format() -> None:
    hashes = {name: run(full(name), rows=some_rows(5)).verification.content_hash for name in READABLE}
    assert len({found for name, found in hashes.items() if name != "xlsx"}) == 1  # where 0.50 is 0.5


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "excel", "decimal_comma": True},
        {"delimiter": "\t", "null": "NULL", "quote": "all", "line_end": "lf"},
        {"quote": "non_numeric"},
        {"quote": "non_numeric", "decimal_comma": True, "delimiter": ";", "formulas": "escape"},
        {"header": "none", "bom": True},
        {"header": "label", "null": "name 3", "formulas": "escape"},
    ],
)
def test_csv_is_verified_with_its_options(options: dict[str, Any]) -> None:
    table = AWKWARD_TABLES[0]
    assert run(full("csv", table.schema, options=options), rows=table.rows).verification.content_hash
    with pytest.raises(VerificationFailed):
        run(full(mistaken("csv", altered), options=options))


@pytest.mark.parametrize("options", [{"header": "none"}, {"template": "cover"}, {"hyperlinks": ["name"]}])
def test_workbooks_are_verified_with_their_options(options: dict[str, Any]) -> None:
    rows = [(1, "https://example.com/?a=1&b=2", None), *ROWS[1:]]
    manifest = run(full("xlsx", options=options, titles=("One", "Two")), rows=rows)
    assert manifest.verification.file_rows == 2 * len(rows)
    with pytest.raises(VerificationFailed, match="differ"):
        run(full(mistaken("xlsx", altered), options=options))


def test_a_table_that_goes_on_on_further_sheets_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sheet, "MAX_ROWS", 13)
    store = MemoryStore()
    manifest = run(full("xlsx", titles=("One", "Two")), store)
    with zipfile.ZipFile(io.BytesIO(store.objects[manifest.files[0].key])) as archive:
        assert sum(name.startswith("xl/worksheets/sheet") for name in archive.namelist()) == 6
    with pytest.raises(VerificationFailed, match="differ"):
        run(full(mistaken("xlsx", altered)))


def test_a_row_on_another_sheet_is_another_row() -> None:
    made = FORMATS.load("xlsx")

    class Exchanged(made):  # type: ignore[misc, valid-type]
        def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
            one, two = [[*sheet.batches] for sheet in sheets]
            one[0], two[0] = two[0], one[0]
            both = [Sheet(title, COLUMNS, COLUMNS.arrow(), rows) for title, rows in (("One", one), ("Two", two))]
            yield from super().encode(both, options, encoding)

    class Other(ListSource):
        def read(self, query: Query) -> Any:
            self.given = batches_of(COLUMNS, [(row[0] + len(self.queries), *row[1:]) for row in ROWS])
            return super().read(query)

    with pytest.raises(VerificationFailed, match="differ"):
        export_run(full(Exchanged(), titles=("One", "Two")), Other(batches_of(COLUMNS, ROWS)), MemoryStore()).execute()


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("split", [{"rows": 10}, {"bytes": 100_000}])
@pytest.mark.parametrize("compression", [None, "gzip", "zip"])
def test_all_files_of_a_split_export_are_read(name: str, split: dict[str, int], compression: str | None) -> None:
    body: dict[str, Any] = {"split": split, **({"compression": compression} if compression else {})}
    assert run(full(name, **body)).verification.content_hash == run(full(name)).verification.content_hash
    with pytest.raises(VerificationFailed, match="differ"):
        run(full(mistaken(name, lambda rows: [(0, *rows[0][1:]), *rows[1:]]), **body))


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_all_files_of_several_exporters_are_read(name: str) -> None:
    assert run(full(name, titles=("One", "Two"), compression="zip")).verification.file_rows == 2 * len(ROWS)


class Writes(ListSource):
    """A source that could write csv itself."""

    def read_text(self, query: Query, text: CsvText) -> TextReading | None:  # noqa: ARG002
        raise Fatal("The rows were to be hashed.")


def test_the_source_does_not_write_the_file_itself() -> None:
    source = Writes(batches_of(COLUMNS, ROWS))
    assert export_run(full("csv"), source, MemoryStore()).execute().verification.content_hash
    with pytest.raises(Fatal, match="hashed"):
        export_run(full("csv", verify="counts"), source, MemoryStore()).execute()


@pytest.mark.parametrize("name", ["csv", "jsonl"])
@pytest.mark.parametrize("damaged", [False, True])
def test_an_export_that_went_on_is_verified_from_its_first_row(
    monkeypatch: pytest.MonkeyPatch, name: str, *, damaged: bool
) -> None:
    monkeypatch.setattr(resume, "_SECONDS", 0.0)
    store, resolved = MemoryStore(), full(name)
    with pytest.raises(Retriable):
        export_run(resolved, Table(breaks_after=35), store).execute()
    last = export_run(resolved, Table(), store, attempt_id=SECOND, number=2)
    if damaged:
        monkeypatch.setattr(MemoryStore, "open", _other_bytes)
        with pytest.raises(VerificationFailed):
            last.execute()
        return
    manifest = last.execute()
    assert [record.rows for record in manifest.sources] == [35, 25]
    whole = export_run(resolved, Table(), MemoryStore()).execute()
    assert manifest.verification.content_hash == whole.verification.content_hash


def _other_bytes(store: MemoryStore, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    data = store.objects[key]
    yield (data if end is None else data.replace(b"name 7", b"nama 7", 1))[start:end]


class Silent(MemoryStore):
    """A store that does not answer when an object is read on."""

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        if start:
            raise Retriable("It does not answer.", code="store_unreachable")
        yield from super().open(key, start=start, end=end)


@pytest.mark.parametrize("name", READABLE)
def test_a_store_that_does_not_answer_is_no_mismatch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.core.rereading.RANGE_BYTES", 1024)
    with pytest.raises(Retriable, match="does not answer"):
        run(full(name, LONG), Silent(), rows=long_rows(), size=100)


LONG = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("text", ColumnType.STRING))


def long_rows() -> list[Row]:
    return [(number, 'a "quoted"\r\n text ' * 500) for number in range(1_500)]


class Ranges(MemoryStore):
    """A store that notes how much was asked for at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        assert end is not None
        self.asked.append(end - start)
        yield from super().open(key, start=start, end=end)


@pytest.mark.parametrize("name", ["csv", "json", "jsonl", "xml"])
def test_no_file_is_read_as_a_whole(name: str) -> None:
    store = Ranges()
    manifest = run(full(name, LONG), store, rows=long_rows(), size=100)
    assert manifest.files[0].bytes > 2 * RANGE_BYTES
    assert len(store.asked) > 2
    assert max(store.asked) <= RANGE_BYTES + 1


def test_a_row_may_be_longer_than_what_is_read_at_once() -> None:
    rows = [(1, "x"), (2, 'a"\n' * 1_500_000), (3, None)]
    for name in ("csv", "json", "jsonl", "xml", "parquet"):
        assert run(full(name, LONG), rows=rows).verification.content_hash


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"format": "pdf", "verify": "full"}, "A pdf file cannot be read back: choose counts."),
        ({"verify": "twice"}, "Input should be 'counts' or 'full'"),
        ({"verify": True}, "Input should be 'counts' or 'full'"),
    ],
)
def test_what_cannot_be_read_back_is_said_before_anything_is_read(body: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve(parse_request({"exporter": "machines", **body}), catalog_of(Settings()), FORMATS, COMPRESSIONS)
    assert [(error.pointer, error.detail) for error in caught.value.errors] == [("/verify", detail)]
