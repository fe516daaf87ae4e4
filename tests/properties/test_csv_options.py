"""Any rows as csv with all options at once: readers that are told the options give the same values back."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from include.core.format import Encoding, Sheet
from include.core.schema import Column, ColumnType
from include.formats import FORMATS
from tests.properties.readers import from_text
from tests.properties.tables import AWKWARD_TABLES, Table, meaning, tables
from tests.properties.test_formats import FEWER, comparable

if TYPE_CHECKING:
    from include.core.schema import Schema

Options = dict[str, Any]

CHOICES: dict[str, list[Any]] = {
    "profile": ["rfc4180", "excel"],
    "delimiter": [",", ";", "\t", "|"],
    "header": ["name", "label", "none"],
    "bom": [False, True],
    "formulas": ["keep", "escape"],
    "null": ["", "NULL", "null", "\\N", "None", "nan", "true", "0", "-1", "2026-01-02", " "],
    "quote": ["minimal", "all", "non_numeric"],
    "line_end": ["crlf", "lf"],
    "decimal_comma": [False, True],
}
DEFAULTS = {name: choices[0] for name, choices in CHOICES.items()}
EXCEL = {"delimiter": ";", "bom": True, "formulas": "escape"}
"""What docs/fidelity.md says of the profile."""


def possible(options: Options) -> Options:
    """The options without those that exclude each other."""
    excluded = {"null"} if options.get("quote") == "non_numeric" else set()
    return {name: value for name, value in options.items() if name not in excluded}


OPTIONS = st.fixed_dictionaries({}, optional={name: st.sampled_from(choices) for name, choices in CHOICES.items()}).map(
    possible
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def encoded(table: Table, options: Options) -> bytes:
    made = FORMATS.load("csv")()
    chosen = made.options_type.model_validate(options)
    sheet = Sheet("Table", table.schema, table.schema.arrow(), iter(table.batches()))
    data = b"".join(made.encode([sheet], chosen, Encoding()))
    counter = made.counter(chosen)
    counter.feed(data)
    assert counter.rows() == len(table.rows)
    return data


def effective(options: Options) -> Options:
    """The options with what was left out, as the documentation fills it in."""
    return DEFAULTS | (EXCEL if options.get("profile") == "excel" else {}) | options


def fields_by_pyarrow(data: bytes, width: int, options: Options) -> list[list[str | None]]:
    """Records whose NULLs are the null text without quotes."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(index) for index in range(width)]
    if not data.removeprefix(b"\xef\xbb\xbf"):
        return []  # it refuses a file of nothing
    table = arrow_csv.read_csv(
        io.BytesIO(data),
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
        parse_options=arrow_csv.ParseOptions(
            delimiter=options["delimiter"], newlines_in_values=True, ignore_empty_lines=False
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[options["null"]],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [list(row) for row in zip(*(table.column(name).to_pylist() for name in names), strict=True)]


def fields_by_python(data: bytes, width: int, options: Options) -> list[list[str]]:
    """Records as the standard library reads them, which knows no NULL."""
    text = io.StringIO(data.decode("utf-8-sig" if options["bom"] else "utf-8"), newline="")
    records = csv.reader(text, delimiter=options["delimiter"], strict=True)
    return [record or [""] * width for record in records]


def headings(schema: Schema, options: Options) -> list[list[str]]:
    names = [column.label if options["header"] == "label" else column.name for column in schema]
    if options["formulas"] == "escape":
        names = ["'" + name if name.startswith(FORMULA) else name for name in names]
    return [] if options["header"] == "none" else [names]


def promised(column: Column, value: Any, options: Options) -> Any:
    """What the documentation says of a text that a spreadsheet program would take for a formula."""
    if options["formulas"] == "keep" or not isinstance(value, str) or not column.type.textual:
        return value
    return "'" + value if value.startswith(FORMULA) else value


def from_field(column: Column, text: str | None, options: Options) -> Any:
    """The value of a field; a document stays its text, for an apostrophe may stand in front of it."""
    if text == "" and options["quote"] == "non_numeric" and column.type is not ColumnType.STRING:
        return None
    if text is None or column.type is ColumnType.JSON:
        return text
    if options["decimal_comma"] and column.type in {ColumnType.DECIMAL, ColumnType.FLOAT}:
        assert "." not in text
        text = text.replace(",", ".")
    return from_text(column.type, text)


@given(table=tables(), options=OPTIONS)
@example(table=AWKWARD_TABLES[0], options={})
@example(table=AWKWARD_TABLES[0], options={"profile": "excel", "quote": "all", "null": "NULL", "decimal_comma": True})
@example(table=AWKWARD_TABLES[1], options={"profile": "excel", "header": "label", "line_end": "lf"})
@example(table=AWKWARD_TABLES[0], options={"profile": "excel", "quote": "non_numeric", "decimal_comma": True})
@example(table=AWKWARD_TABLES[1], options={"quote": "non_numeric"})
def test_with_any_options_readers_that_are_told_them_find_the_same_values(table: Table, options: Options) -> None:
    data, told, width = encoded(table, options), effective(options), len(table.schema)
    assert data.startswith(b"\xef\xbb\xbf") is told["bom"]
    header = headings(table.schema, told)
    found = fields_by_pyarrow(data, width, told)
    assert [[name or "" for name in names] for names in found[: len(header)]] == header
    values = [
        [comparable(from_field(column, text, told)) for column, text in zip(table.schema, record, strict=True)]
        for record in found[len(header) :]
    ]
    assert values == [
        [comparable(wanted(column, value, told)) for column, value in zip(table.schema, row, strict=True)]
        for row in table.rows
    ]


def wanted(column: Column, value: Any, options: Options) -> Any:
    if value is None and options["quote"] == "non_numeric" and column.type is ColumnType.STRING:
        return ""
    if value is None or column.type is ColumnType.JSON:
        return promised(column, value, options) if not is_negative_number(column, value) else value
    return promised(column, meaning(column.type, value), options)


def is_negative_number(column: Column, value: Any) -> bool:
    return column.type is ColumnType.JSON and bool(re.fullmatch(r"-\d+(\.\d+)?([eE][+-]?\d+)?", value or ""))


@FEWER
@given(table=tables(), options=OPTIONS)
def test_with_any_options_two_readers_see_the_same_fields(table: Table, options: Options) -> None:
    data, told, width = encoded(table, options), effective(options), len(table.schema)
    by_pyarrow = fields_by_pyarrow(data, width, told)
    null = told["null"]
    assert fields_by_python(data, width, told) == [
        [null if text is None else text for text in record] for record in by_pyarrow
    ]


@FEWER
@given(table=tables(), options=OPTIONS)
def test_line_ends_and_quotes_are_those_that_were_asked_for(table: Table, options: Options) -> None:
    data, told = encoded(table, options).decode("utf-8"), effective(options)
    outside = re.sub(r'"[^"]*"', "", data)
    ends = re.findall(r"\r\n|\r|\n", outside)
    wanted = {"crlf": "\r\n", "lf": "\n"}[told["line_end"]]
    assert ends == [wanted] * (len(table.rows) + (told["header"] != "none"))
    if told["quote"] == "all":
        bare = set(re.split(rf"{re.escape(told['delimiter'])}|{wanted}", outside.removeprefix("\ufeff")))
        assert bare <= {"", told["null"]}
    if told["quote"] == "non_numeric":
        comma = told["decimal_comma"] and told["delimiter"] != ","
        for field in set(re.split(rf"{re.escape(told['delimiter'])}|{wanted}", outside.removeprefix("\ufeff"))) - {""}:
            float(field.replace(",", ".") if comma else field)
