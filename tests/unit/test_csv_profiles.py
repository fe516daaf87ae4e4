"""The csv profiles and options, many against a complaint about somebody else's export (docs/complaints.md)."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from include.core.format import Encoding
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS
from include.formats.csv import FORMULAS_NOTE, CsvOptions
from tests.unit.stand_ins import encoded

BOM = b"\xef\xbb\xbf"
STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}"]
STARTS += ["\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}"]
TEXT = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("v", ColumnType.STRING))
NUMBERS = Schema.of(
    Column.of("whole", ColumnType.INTEGER),
    Column.of("money", ColumnType.DECIMAL, precision=12, scale=2),
    Column.of("free", ColumnType.DECIMAL),
    Column.of("ratio", ColumnType.FLOAT),
    Column.of("flag", ColumnType.BOOLEAN),
    Column.of("day", ColumnType.DATE),
    Column.of("moment", ColumnType.DATETIME),
    Column.of("doc", ColumnType.JSON),
)
NEGATIVES = (
    -5,
    Decimal("-1.50"),
    "-12345678901234567890.5",
    -0.25,
    False,
    date(2026, 2, 28),
    datetime(2026, 1, 1, tzinfo=UTC),
    "-1.5e3",
)


def records(data: bytes, delimiter: str = ";") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True))


def values(rows: list[Any], **options: Any) -> list[str]:
    numbered = list(enumerate(rows))
    return [record[1] for record in records(encoded("csv", TEXT, numbered, profile="excel", **options))[1:]]


@pytest.mark.parametrize("start", STARTS)
def test_woocommerce_25379_a_text_that_is_a_formula_is_none_in_excel(start: str) -> None:
    assert values([start + "1+1", start, "x" + start]) == ["'" + start + "1+1", "'" + start, "x" + start]


@pytest.mark.parametrize(
    ("quote", "null"), [("minimal", ""), ("all", ""), ("minimal", "NULL"), ("all", "NULL"), ("non_numeric", "")]
)
def test_grafana_17363_negative_numbers_are_not_corrupted(quote: str, null: str) -> None:
    encoding = Encoding()
    data = encoded("csv", NUMBERS, [NEGATIVES], profile="excel", quote=quote, null=null, encoding=encoding)
    wanted = ["-5", "-1.50", "-12345678901234567890.5", "-0.25", "false", "2026-02-28", "2026-01-01T00:00:00Z"]
    assert records(data)[1] == [*wanted, "-1.5e3"]
    assert encoding.notes == []


def test_a_json_value_that_is_no_negative_number_is_a_text() -> None:
    schema = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("v", ColumnType.JSON))
    data = encoded("csv", schema, [(1, '"=1+1"'), (2, "-2+cmd"), (3, "\n-1")], profile="excel")
    assert [record[1] for record in records(data)[1:]] == ['"=1+1"', "'-2+cmd", "'\n-1"]


def test_a_heading_that_is_a_formula_is_escaped_and_told() -> None:
    schema = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("v", ColumnType.INTEGER).renamed("=cmd()"))
    encoding = Encoding()
    assert records(encoded("csv", schema, [], profile="excel", encoding=encoding)) == [["id", "'=cmd()"]]
    assert encoding.notes == [FORMULAS_NOTE]


@pytest.mark.parametrize(
    ("name", "options", "wanted"),
    [
        ("NULL", {"null": "NULL"}, 'id,"NULL"'),
        ("NULL", {}, "id,NULL"),
        ('a"b', {}, 'id,"a""b"'),
        ("a,b", {}, 'id,"a,b"'),
        ("a,b", {"delimiter": ";"}, "id;a,b"),
        ("a\nb", {}, 'id,"a\nb"'),
        ("plain", {"quote": "all"}, '"id","plain"'),
    ],
)
def test_a_heading_is_quoted_where_it_would_be_syntax_or_null(name: str, options: dict[str, Any], wanted: str) -> None:
    schema = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("v", ColumnType.INTEGER).renamed(name))
    assert encoded("csv", schema, [], header="name", **options) == f"{wanted}\r\n".encode()


def test_the_manifest_says_so_when_formulas_were_escaped_and_only_then() -> None:
    for rows, notes in (
        ([(1, "plain"), (2, None), (3, "")], []),
        ([(1, "plain"), (2, "=1")], [FORMULAS_NOTE]),
        ([(1, None)] * 25 + [(2, "@x")], [FORMULAS_NOTE]),
    ):
        encoding = Encoding()
        encoded("csv", TEXT, rows, profile="excel", encoding=encoding)
        assert encoding.notes == notes


def test_texts_stay_as_they_are_unless_asked() -> None:
    chosen: list[dict[str, Any]] = [
        {},
        {"profile": "rfc4180"},
        {"profile": "excel", "formulas": "keep", "delimiter": ","},
    ]
    for options in chosen:
        encoding = Encoding()
        data = encoded("csv", TEXT, [(1, "=1+1")], encoding=encoding, **options)
        assert records(data, ",")[1] == ["1", "=1+1"]
        assert encoding.notes == []


def test_metabase_76028_a_byte_order_mark_comes_only_when_asked() -> None:
    rows = [(1, "ü")]
    assert not encoded("csv", TEXT, rows).startswith(BOM)
    assert not encoded("csv", TEXT, rows, profile="rfc4180").startswith(BOM)
    assert not encoded("csv", TEXT, rows, profile="excel", bom=False).startswith(BOM)
    for options in ({"bom": True}, {"profile": "excel"}, {"profile": "excel", "header": "none"}):
        data = encoded("csv", TEXT, rows, **options)
        assert data.startswith(BOM)
        assert data.count(BOM) == 1


def test_superset_5372_no_setting_is_without_effect() -> None:
    schema = Schema.of(
        Column.of("id", ColumnType.INTEGER), Column.of("v", ColumnType.STRING), Column.of("n", ColumnType.FLOAT)
    )
    plain = encoded("csv", schema, [(1, "=a", 1.5), (2, None, None)])
    for option, chosen in CsvOptions.model_json_schema()["properties"].items():
        others = {"boolean": [True]}.get(chosen["type"], chosen.get("enum", ["NULL"]))
        for other in others:
            data = encoded("csv", schema, [(1, "=a", 1.5), (2, None, None)], **{option: other})
            assert (data == plain) is (other == chosen["default"]), (option, other)


@pytest.mark.parametrize("option", ["encoding", "charset", "Profile"])
def test_superset_5372_a_setting_that_does_nothing_is_refused(option: str) -> None:
    with pytest.raises(ValidationError, match="not permitted"):
        CsvOptions.model_validate({option: "utf-16"})


@pytest.mark.parametrize("wrong", [["excel"], {}, None, 1, "Excel"])
def test_a_profile_that_is_none_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError, match="profile"):
        CsvOptions.model_validate({"profile": wrong})


@pytest.mark.parametrize("wrong", ['"', ",", ";", "|", "\t", "\n", "\r", "\x00", "=1", "@", "+", "x" * 21, None, 0])
def test_a_text_for_null_that_would_break_the_file_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError, match="null"):
        CsvOptions.model_validate({"null": wrong})


def test_what_a_profile_presets_survives_being_written_down() -> None:
    chosen = CsvOptions.model_validate({"profile": "excel", "delimiter": "\t"})
    assert (chosen.delimiter, chosen.bom, chosen.formulas) == ("\t", True, "escape")
    assert CsvOptions.model_validate(json.loads(chosen.model_dump_json())) == chosen


MIXED = Schema.of(
    Column.of("id", ColumnType.INTEGER), Column.of("v", ColumnType.STRING), Column.of("flag", ColumnType.BOOLEAN)
)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, '1,"",true\r\n2,,\r\n3,NULL,true\r\n4,"""",true\r\n'),
        ({"null": "NULL"}, '1,"",true\r\n2,NULL,NULL\r\n3,"NULL",true\r\n4,"""",true\r\n'),
        ({"null": "true"}, '1,"","true"\r\n2,true,true\r\n3,NULL,"true"\r\n4,"""","true"\r\n'),
        ({"quote": "all"}, '"1","","true"\r\n"2",,\r\n"3","NULL","true"\r\n"4","""","true"\r\n'),
        (
            {"quote": "all", "null": "NULL", "line_end": "lf"},
            '"1","","true"\n"2",NULL,NULL\n"3","NULL","true"\n"4","""","true"\n',
        ),
    ],
)
def test_null_never_collides_with_a_value(options: dict[str, Any], wanted: str) -> None:
    rows = [(1, "", True), (2, None, None), (3, "NULL", True), (4, '"', True)]
    assert encoded("csv", MIXED, rows, header="none", **options) == wanted.encode()


def test_a_single_columns_null_is_no_empty_line_where_it_has_a_text() -> None:
    schema = Schema.of(Column.of("v", ColumnType.STRING))
    encoding = Encoding()
    assert encoded("csv", schema, [(None,), ("",)], null="NULL", encoding=encoding) == b'v\r\nNULL\r\n""\r\n'
    assert encoding.notes == []


def test_decimal_commas_are_for_decimals_and_floats_only() -> None:
    data = encoded("csv", NUMBERS, [NEGATIVES], decimal_comma=True, delimiter=";", header="none")
    wanted = "-5;-1,50;-12345678901234567890,5;-0,25;false;2026-02-28;2026-01-01T00:00:00Z;-1.5e3\r\n"
    assert data.decode() == wanted
    assert records(encoded("csv", NUMBERS, [NEGATIVES], decimal_comma=True), ",")[1][:4] == wanted.split(";")[:4]


def test_metabase_3271_lines_end_as_asked_and_line_ends_in_values_stay() -> None:
    awkward = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("v", ColumnType.STRING).renamed("a\rb"))
    for line_end, ends in (("crlf", "\r\n"), ("lf", "\n")):
        data = encoded("csv", awkward, [(1, "x\r\ny"), (2, "x\ny"), (3, "x\ry")], line_end=line_end)
        outside = re.sub(r'"[^"]*"', "", data.decode())
        assert outside == ends.join(["id,", "1,", "2,", "3,", ""])
        assert records(data, ",") == [["id", "a\rb"], ["1", "x\r\ny"], ["2", "x\ny"], ["3", "x\ry"]]


BARE = "-5,-1.50,-12345678901234567890.5,-0.25"
"""The numbers of NEGATIVES."""


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_with_quotes_around_all_but_numbers_a_field_without_them_is_a_number(delimiter: str) -> None:
    rows = [NEGATIVES, (None,) * len(NEGATIVES)]
    data = encoded("csv", NUMBERS, rows, quote="non_numeric", delimiter=delimiter)
    heading, values, nulls, _ = data.decode().split("\r\n")
    assert heading == delimiter.join(f'"{column.name}"' for column in NUMBERS)
    texts = ['"false"', '"2026-02-28"', '"2026-01-01T00:00:00Z"', '"-1.5e3"']
    assert values == delimiter.join([*BARE.split(","), *texts])
    assert nulls == delimiter.join(['""'] * len(NEGATIVES))
    numbers: list[list[Any]] = list(
        csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC)
    )
    assert numbers[1][:4] == [float(number) for number in BARE.split(",")]
    assert numbers[2] == [""] * len(NEGATIVES)


def test_floats_that_are_no_ordinary_numbers_are_bare_too() -> None:
    schema = Schema.of(Column.of("n", ColumnType.FLOAT))
    encoding = Encoding()
    rows = [(float("nan"),), (float("-inf"),), (1.5,), (None,)]
    data = encoded("csv", schema, rows, quote="non_numeric", header="none", encoding=encoding)
    assert data == b'NaN\r\n-Infinity\r\n1.5\r\n""\r\n'
    assert encoding.notes == []


def test_a_number_whose_comma_is_the_delimiter_is_in_quotes() -> None:
    chosen: dict[str, Any] = {"quote": "non_numeric", "decimal_comma": True, "header": "none"}
    data = encoded("csv", NUMBERS, [NEGATIVES], **chosen).decode()
    assert data.startswith('-5,"-1,50","-12345678901234567890,5","-0,25","false",')
    assert encoded("csv", NUMBERS, [NEGATIVES], delimiter=";", **chosen).decode().startswith("-5;-1,50;")


def test_a_text_for_null_and_quotes_around_null_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="leave null out"):
        CsvOptions.model_validate({"quote": "non_numeric", "null": "NULL"})


AWKWARD = ["", None, "NULL", '"', '""', '"\n"', "\r\n", "\n", "\r", ";", ",", "\t", "|", "=\n", "'", "-1", "a"]


@pytest.mark.parametrize("profile", ["rfc4180", "excel"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_combination_is_counted_right_and_read_back(profile: str, delimiter: str) -> None:
    made = FORMATS.load("csv")()
    rows = list(enumerate(AWKWARD))
    for null, quote, line_end, formulas, header in itertools.product(
        ["", "NULL"], ["minimal", "all", "non_numeric"], ["crlf", "lf"], ["keep", "escape"], ["name", "none"]
    ):
        if null and quote == "non_numeric":
            continue
        options: dict[str, Any] = {
            "null": null,
            "quote": quote,
            "line_end": line_end,
            "formulas": formulas,
            "header": header,
        }
        options |= {"profile": profile, "delimiter": delimiter}
        data = encoded("csv", TEXT, rows, size=4, **options)
        counter = made.counter(made.options_type.model_validate(options))
        for start in range(0, len(data), 3):
            counter.feed(data[start : start + 3])
        assert counter.rows() == len(rows)
        found = [record[1] for record in records(data, delimiter)][header == "name" :]
        escapes = formulas == "escape"
        dangerous = tuple(STARTS)
        assert found == [
            null if value is None else "'" + value if escapes and value.startswith(dangerous) else value
            for value in AWKWARD
        ]
