"""Clickable texts: only where they are asked for, only addresses that Excel takes, never as formulas."""

from __future__ import annotations

import gc
import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from include.core.errors import Fatal
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS, _links, _sheet
from tests.unit.stand_ins import encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGES = Schema.of(
    Column.of("n", ColumnType.INTEGER), Column.of("page", ColumnType.STRING), Column.of("mail", ColumnType.STRING)
)


def workbook(texts: Sequence[str | None], **options: Any) -> bytes:
    return encoded("xlsx", PAGES, [(number, text, text) for number, text in enumerate(texts)], **options)


def targets(data: bytes, column: str = "B", sheet: int = 0) -> list[str | None]:
    cells = [cell for (cell,) in load_workbook(io.BytesIO(data)).worksheets[sheet][f"{column}2:{column}1000"]]
    return [cell.hyperlink.target if cell.hyperlink else None for cell in cells if cell.value is not None]


def linked(text: str) -> bool:
    [target] = targets(workbook([text], hyperlinks=["page"]))
    assert target in {None, text}
    return target is not None


@pytest.fixture(autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """What a failed encoder left open would complain in some other test."""
    yield
    gc.collect()


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "HTTP://EXAMPLE.COM/",
        "http://example.com:8080/a/b?c=d&e=%20f#top",
        "https://müller.example/straße?q='x'",
        'https://example.com/a"b'.replace('"', "%22"),
        "mailto:anna@example.com",
        "mailto:anna@example.com?subject=Hello%20there",
        "https://example.com/" + "x" * 2_059,
    ],
)
def test_web_and_mail_addresses_become_links(text: str) -> None:
    assert linked(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "see https://example.com",
        "https://",
        "https:///path",
        "https://example.com/a b",
        "https://example.com/100%",
        "https://example.com/<x>",
        'https://example.com/"x"',
        "https://example.com/\x01",
        "https://example.com/\nhttps://example.com/",
        "ftp://example.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "internal:Sheet2!A1",
        "#Sheet2!A1",
        "mailto:anna",
        "mailto:a@b@c",
        '=HYPERLINK("https://example.com")',
        "https://example.com/" + "x" * 2_060,
    ],
)
def test_whatever_else_stays_a_text_in_full(text: str) -> None:
    assert not linked(text)


def test_nothing_is_a_link_that_nobody_asked_for() -> None:
    data = workbook(["https://example.com"])
    assert targets(data) == [None]
    assert [name for name in zipfile.ZipFile(io.BytesIO(data)).namelist() if "worksheets/_rels" in name] == []


def test_links_lie_on_their_own_cells_only() -> None:
    texts = ["https://example.com/1", None, "no", "https://example.com/4", "https://example.com/4"]
    data = workbook(texts, hyperlinks=["page"])
    wanted = [text if text and text.startswith("https") else None for text in texts if text]
    assert targets(data, "B") == wanted
    assert targets(data, "C") == [None] * 4
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    assert [sheet[f"B{row}"].font.u for row in (2, 4, 5)] == ["single", None, "single"]
    assert [cell.value for (cell,) in sheet["B2:B6"]] == texts
    assert sheet["B2"].data_type == "s"
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("header", ["name", "none"])
def test_links_go_on_with_their_rows_on_the_next_sheet(monkeypatch: pytest.MonkeyPatch, header: str) -> None:
    monkeypatch.setattr(_sheet, "MAX_ROWS", 4)
    texts = [f"https://example.com/{number}" for number in range(6)]
    data = workbook(texts, hyperlinks=["mail", "page"], header=header, size=2)
    found = []
    for sheet in load_workbook(io.BytesIO(data)):
        for row in sheet.iter_rows(min_row=1 if header == "none" else 2):
            assert row[1].hyperlink.target == row[2].hyperlink.target == row[1].value
            found.append(row[1].value)
    assert found == texts


def test_more_links_than_a_worksheet_holds_are_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _links.MAX_LINKS == 65_530
    monkeypatch.setattr(_links, "MAX_LINKS", 12)
    texts = [f"https://example.com/{number}" for number in range(13)]
    assert len(targets(workbook(texts[:12], hyperlinks=["page"]))) == 12
    with pytest.raises(Fatal, match=r"Column 'page': .* more than 12 links") as caught:
        workbook(texts, hyperlinks=["page"])
    assert "example.com" not in str(caught.value)
    assert caught.value.error_code == "xlsx_too_many_links"


def test_as_many_links_as_a_worksheet_holds_are_written() -> None:
    texts = [f"https://example.com/{number}" for number in range(_links.MAX_LINKS)]
    data = encoded("xlsx", PAGES, [(0, text, None) for text in texts], size=10_000, hyperlinks=["page"])
    relations = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/_rels/sheet1.xml.rels")
    assert relations.count(b"<Relationship ") == 65_530


@pytest.mark.parametrize(
    ("names", "pointer", "words"),
    [
        (["page", "nothing"], "/options/hyperlinks/1", "no column 'nothing'; it has n, page, mail"),
        (["n"], "/options/hyperlinks/0", "'n' is of type integer"),
    ],
)
def test_a_column_that_cannot_hold_links_is_named_before_anything_is_written(
    names: list[str], pointer: str, words: str
) -> None:
    with pytest.raises(Fatal, match=words) as caught:
        workbook([], hyperlinks=names)
    assert [error.pointer for error in caught.value.errors] == [pointer]
    made = FORMATS.load("xlsx")()
    assert made.misfits(PAGES, made.options_type.model_validate({"hyperlinks": names})) == list(caught.value.errors)
    assert made.misfits(PAGES, made.options_type.model_validate({"hyperlinks": ["page"]})) == []
