"""XML as SQL/XML maps a table: names, NULL, characters that it cannot hold, and counting its rows."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import pytest
from lxml import etree  # type: ignore[import-untyped]

from include.core.errors import Fatal, VerificationFailed
from include.core.schema import Column, ColumnType, Schema
from include.formats._xml_names import element_name
from include.formats.xml import XmlRowCounter
from tests.properties.readers import read_xml, sql_name
from tests.unit.stand_ins import COLUMNS, encoded, some_rows

TEXT = Schema.of(Column.of("v", ColumnType.STRING))
START = b'<?xml version="1.0" encoding="UTF-8"?>\n<table xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'


def counted(data: bytes, size: int) -> int:
    counter = XmlRowCounter()
    for start in range(0, len(data), size):
        counter.feed(data[start : start + size])
    return counter.rows()


def test_a_row_is_an_element_with_one_element_a_column() -> None:
    schema = Schema.of(Column.of("id", ColumnType.INTEGER), Column.of("v", ColumnType.STRING).renamed("Order code"))
    assert encoded("xml", schema, [(1, "a<b & c]]>"), (2, ""), (None, None)]) == (
        START + b"<row><id>1</id><Order_x0020_code>a&lt;b &amp; c]]&gt;</Order_x0020_code></row>\n"
        b"<row><id>2</id><Order_x0020_code></Order_x0020_code></row>\n"
        b'<row><id xsi:nil="true"/><Order_x0020_code xsi:nil="true"/></row>\n'
        b"</table>\n"
    )


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("id", "id"),
        ("a b", "a_x0020_b"),
        ("1a", "_x0031_a"),
        ("a1-.b", "a1-.b"),
        ("-a", "_x002D_a"),
        ("a:b", "a_x003A_b"),
        ("xml", "_x0078_ml"),
        ("XMLish", "_x0058_MLish"),
        ("_x0041_", "_x005F_x0041_"),
        ("_a", "_a"),
        ("*", "_x002A_"),
        ("a>b", "a_x003E_b"),
        ("a/", "a_x002F_"),
        ("\x00", "_x0000_"),
        ("Größe", "Größe"),
        ("имя", "имя"),
        ("名前", "名前"),
        ("ü📦", "ü_x01F4E6_"),
        ("", "_x_"),
        ("_x_", "_x005F_x_"),
    ],
)
def test_names_become_element_names_as_sql_xml_says(name: str, wanted: str) -> None:
    assert element_name(name) == wanted
    assert ET.fromstring(f"<{wanted}/>").tag == etree.fromstring(f"<{wanted}/>").tag == wanted
    assert sql_name(wanted) == name


@pytest.mark.parametrize("text", ["\r", "a\r\nb", "\n", " padded ", "\t", "\u0085", "\u2028", "\x7f", "\ufeff", "]]>"])
def test_white_space_stays_as_it_is(text: str) -> None:
    assert read_xml(encoded("xml", TEXT, [(text,)]), TEXT)[1] == [(text,)]
    [[value]] = etree.fromstring(encoded("xml", TEXT, [(text,)]))
    assert value.text == text


@pytest.mark.parametrize(
    ("character", "kind"),
    [
        *((chr(code), "a control character") for code in (0, 1, 8, 11, 12, 31)),
        *((character, "a noncharacter") for character in "\ufffe\uffff"),
    ],
)
def test_a_character_that_xml_cannot_hold_is_refused_by_column_and_row(character: str, kind: str) -> None:
    rows = [("fine",)] * 13 + [(None,), (f"sec\tret{character}",)]
    with pytest.raises(Fatal) as caught:
        encoded("xml", TEXT, rows, size=4)
    assert caught.value.error_code == "xml_character"
    assert caught.value.message == (
        f"Column 'v', row 15: the text has {kind}, which XML cannot hold. Leave the column out or choose another "
        "format."
    )


AWKWARD = Schema(tuple(Column.of(name, ColumnType.STRING) for name in ("row", "table", "v")))
ROWS = [("a\n", "\n<row>", "</row>\n"), (None, "\n</table>\n", "\n"), ("\r\n", None, ""), ("</table>", "x", None)]


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_rows_are_counted_right_however_the_bytes_come_in(rows: int) -> None:
    data = encoded("xml", AWKWARD, ROWS[:rows], size=2)
    assert len(ET.fromstring(data)) == rows
    for size in range(1, len(data) + 1):
        assert counted(data, size) == rows


def test_xml_that_ends_too_early_is_noticed_at_every_length() -> None:
    data = encoded("xml", AWKWARD, ROWS)
    for length in range(len(data)):
        with pytest.raises(VerificationFailed, match="no whole table"):
            counted(data[:length], 7)


@pytest.mark.parametrize(
    "data",
    [
        START + b"<row><v>1</v>\n</table>\n",  # a row without an end
        START + b"<v>1</v></row>\n</table>\n",  # and without a start
        START + b"</table>\n" + START + b"</table>\n",  # two tables
        b"<table>\n<row></row>\n</table>\n",  # no declaration
    ],
)
def test_xml_that_is_not_one_table_is_noticed(data: bytes) -> None:
    for size in (1, 3, len(data)):
        with pytest.raises(VerificationFailed, match="no whole table"):
            counted(data, size)


def test_a_large_document_is_valid_for_another_parser() -> None:
    rows = some_rows(100_000)
    data = encoded("xml", COLUMNS, rows, size=20_000)
    found = 0
    for (_, row), wanted in zip(etree.iterparse(io.BytesIO(data), tag="row"), rows, strict=True):
        assert [element.text for element in row] == [str(wanted[0]), wanted[1], f"{wanted[2]:.2f}"]
        found += 1
        row.clear()
    assert found == counted(data, 1 << 20) == 100_000
