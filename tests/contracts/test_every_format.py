"""What every registered format promises; a new file in include/formats is tested here without being told."""

from __future__ import annotations

import gc
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import ValidationError

from include.core.errors import Fatal
from include.core.format import Encoding, Format, FormatOptions, RowCounter, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS
from tests.properties.readers import read_back
from tests.properties.refusals import holdable_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

COLUMNS = Schema.of(Column.of("id", ColumnType.INTEGER, "ID"), Column.of("name", ColumnType.STRING, "Full name"))
EVERY_TYPE = Schema.of(*(Column.of(f"a_{kind}", kind) for kind in ColumnType))

HOSTILE_NAMES = [
    "",
    " ",
    "a b",
    'a"b',
    "a,b",
    "a\nb",
    "*",
    "^.*$",
    "^other$",
    "{",
    "}",
    "\\",
    "=1+1",
    "'",
    "ü📦",
    "NULL",
    "a.b",
    "column_0",
    "line",
    "literal",
    "x" * 255,
]


@pytest.fixture(params=FORMATS.names)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def made(name: str) -> Format:
    return FORMATS.load(name)()


def batch(schema: Schema, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    import pyarrow as pa

    arrow = schema.arrow()
    return pa.RecordBatch.from_arrays(
        [pa.array([row[index] for row in rows], field.type) for index, field in enumerate(arrow)], schema=arrow
    )


def encoded(made: Format, schema: Schema, rows: Sequence[tuple[Any, ...]], **options: Any) -> bytes:
    batches = [batch(schema, rows)] if rows else []
    sheet = Sheet("Sheet", schema, schema.arrow(), batches)
    return b"".join(made.encode([sheet], made.options_type.model_validate(options), Encoding()))


def header_by_name(made: Format) -> dict[str, str]:
    return {"header": "name"} if "header" in made.options_type.model_fields else {}


def counted(made: Format, data: bytes) -> int:
    counter = made.counter(made.options_type())
    counter.feed(data)
    return counter.rows()


def test_it_says_what_it_is(made: Format) -> None:
    assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+(; charset=utf-8)?", made.media_type)
    assert re.fullmatch(r"\.[a-z0-9.]+", made.suffix)
    assert made.__doc__
    assert __import__(type(made).__module__, fromlist=["_"]).__doc__


def test_where_it_has_a_head_rows_are_the_same_wherever_in_the_file_they_are(made: Format) -> None:
    rows = [(1, "a"), (2, None), (3, "\ufeffé\r\n"), (4, "=1"), (5, ""), (6, 'a"b')]
    head = made.head(COLUMNS, made.options_type())
    if head is None:
        whole, empty = encoded(made, COLUMNS, rows), encoded(made, COLUMNS, [])
        assert made.many_sheets or not whole.startswith(empty) or counted(made, empty) == 0
        return
    assert encoded(made, COLUMNS, []) == head
    for cut in range(1, len(rows)):
        before, behind = encoded(made, COLUMNS, rows[:cut]), encoded(made, COLUMNS, rows[cut:])
        assert before + behind[len(head) :] == encoded(made, COLUMNS, rows)


def test_no_two_formats_share_a_suffix_or_a_media_type() -> None:
    classes = [FORMATS.load(name) for name in FORMATS]
    assert len({made.suffix for made in classes}) == len(classes)
    assert len({made.media_type for made in classes}) == len(classes)


def test_it_warns_of_few_rows_never_and_of_many_in_sentences(made: Format) -> None:
    assert made.forewarn([], made.options_type()) == []
    assert made.forewarn([("Sheet", 0), ("More", 1_000)], made.options_type()) == []
    for sentence in made.forewarn([("Sheet", 10**9)], made.options_type()):
        assert sentence.endswith(".")
        assert "1,000,000,000" in sentence


def test_its_options_all_have_defaults_and_are_described(made: Format) -> None:
    assert made.options_type()
    assert issubclass(made.options_type, FormatOptions)
    schema = made.options_type.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    for option in schema["properties"].values():
        assert option["description"].endswith(".")
        assert "default" in option


def test_an_unknown_option_is_refused(made: Format) -> None:
    with pytest.raises(ValidationError, match="not permitted"):
        made.options_type.model_validate({"no_such_option": 1})


def test_no_rows_make_a_readable_file_with_its_header(name: str, made: Format) -> None:
    data = encoded(made, COLUMNS, [], **header_by_name(made))
    header, rows = read_back(name, data, COLUMNS)
    assert header == ["id", "name"]
    assert rows == []
    assert counted(made, data) == 0


def test_no_rows_of_every_type_make_a_readable_file(name: str, made: Format) -> None:
    assert read_back(name, encoded(made, EVERY_TYPE, []), EVERY_TYPE)[1] == []


def test_null_of_every_type_stays_null(name: str, made: Format) -> None:
    row = tuple([1 if column.type is ColumnType.INTEGER else None for column in EVERY_TYPE])
    assert read_back(name, encoded(made, EVERY_TYPE, [row, row]), EVERY_TYPE)[1] == [row, row]


def test_labels_can_be_the_header_where_there_is_a_choice(name: str, made: Format) -> None:
    if header_by_name(made):
        assert read_back(name, encoded(made, COLUMNS, [], header="label"), COLUMNS)[0] == ["ID", "Full name"]


@pytest.mark.parametrize("other", HOSTILE_NAMES)
def test_a_column_of_any_type_may_have_any_name(name: str, made: Format, other: str) -> None:
    other = holdable_name(name, other)
    for kind in ColumnType:
        schema = Schema.of(
            Column.of("first", ColumnType.STRING), Column.of("v", kind).renamed(other), Column.of("other", kind)
        )
        data = encoded(made, schema, [("a", None, None), ("b", None, None)], **header_by_name(made))
        header, rows = read_back(name, data, schema)
        assert header == ["first", other, "other"]
        assert rows == [("a", None, None), ("b", None, None)]


@pytest.mark.parametrize("other", HOSTILE_NAMES)
def test_values_stay_in_their_columns_whatever_these_are_called(name: str, made: Format, other: str) -> None:
    other = holdable_name(name, other)
    schema = Schema.of(Column.of("v", ColumnType.STRING).renamed(other), Column.of("other", ColumnType.STRING))
    data = encoded(made, schema, [("mine", "theirs"), (None, "x")])
    assert read_back(name, data, schema)[1] == [("mine", "theirs"), (None, "x")]


def many(count: int, consumed: list[int]) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        consumed.append(number)
        yield batch(COLUMNS, [(row, f"name {row}") for row in range(number * 1000, number * 1000 + 1000)])


def test_bytes_leave_before_the_last_row_came_or_an_error_does(made: Format) -> None:
    count, consumed, size = 300, list[int](), 0
    sheet = Sheet("Sheet", COLUMNS, COLUMNS.arrow(), many(count, consumed))
    with suppress(Fatal):  # a format that keeps all rows refuses many
        for chunk in made.encode([sheet], made.options_type(), Encoding()):
            size += len(chunk)
            if size > 1_000:  # more than a header
                break
    assert len(consumed) < count / 2


def test_nothing_is_read_before_the_first_byte_is_asked_for(made: Format) -> None:
    consumed: list[int] = []
    sheet = Sheet("Sheet", COLUMNS, COLUMNS.arrow(), many(2, consumed))
    chunks = made.encode([sheet], made.options_type(), Encoding())
    assert consumed == []
    assert hasattr(chunks, "close")  # an export that is stopped closes its encoder
    chunks.close()


def test_the_same_rows_make_the_same_bytes(made: Format) -> None:
    rows = [(number, f"name {number}") for number in range(1000)]
    assert encoded(made, COLUMNS, rows) == encoded(made, COLUMNS, rows)


@pytest.mark.parametrize("rows", [1, 2, 999])
def test_its_counter_counts_what_it_wrote(made: Format, rows: int) -> None:
    counter = made.counter(made.options_type())
    assert isinstance(counter, RowCounter)
    data = encoded(made, COLUMNS, [(number, 'a "b"\n') for number in range(rows)])
    assert counted(made, data) == rows


def test_its_counter_notices_a_missing_row(made: Format) -> None:
    rows = [(number, f"name {number}") for number in range(50)]
    assert counted(made, encoded(made, COLUMNS, rows[1:])) == counted(made, encoded(made, COLUMNS, rows)) - 1


def test_an_error_in_the_rows_is_the_error_that_leaves(made: Format) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield batch(COLUMNS, [(1, "a")])
        raise LookupError("the source broke")

    sheet = Sheet("Sheet", COLUMNS, COLUMNS.arrow(), failing())
    with pytest.raises(LookupError, match="the source broke"):
        list(made.encode([sheet], made.options_type(), Encoding()))
    gc.collect()  # what it left open would complain in some other test
