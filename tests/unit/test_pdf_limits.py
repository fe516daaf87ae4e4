"""PDF: rows, columns, texts and characters that it refuses, and what it says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.core.errors import Fatal
from include.core.format import Encoding, Sheet
from include.core.schema import Column, ColumnType, Schema
from include.formats import FORMATS
from include.formats._pdf_rows import PdfRowCounter
from include.formats.pdf import PdfOptions
from tests.unit.stand_ins import batches_of, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

TEXT = Schema.of(Column.of("v", ColumnType.STRING))
LABELLED = Schema.of(Column.of("id", ColumnType.INTEGER, "Order number"), Column.of("v", ColumnType.STRING, "What"))


def refused(schema: Schema, rows: list[tuple[Any, ...]], **options: Any) -> Fatal:
    with pytest.raises(Fatal) as caught:
        encoded("pdf", schema, rows, **options)
    return caught.value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("secret 📦", "a character that the PDF's font does not have"),
        ("secret 中", "a character that the PDF's font does not have"),
        ("secret \uef00", "a character that the PDF's font does not have"),
        ("secret\x00", "a control character"),
        ("secret\x85", "a control character"),
        ("secret שלום", "right-to-left text"),
        ("secret \u202e", "right-to-left text"),
    ],
)
def test_what_the_font_cannot_say_is_refused_by_column_and_row(text: str, reason: str) -> None:
    error = refused(TEXT, [("fine",)] * 13 + [(None,), (text,)])
    assert error.error_code == "pdf_character"
    assert error.message.startswith(f"Column 'v', row 15: the text has {reason}")
    assert "secret" not in error.message


def test_a_heading_and_a_title_are_refused_too() -> None:
    boxed = Schema.of(Column.of("v", ColumnType.STRING, "📦"))
    assert refused(boxed, []).message.startswith("Column 'v': the heading has a character")
    assert encoded("pdf", boxed, [], header="name")
    assert refused(TEXT, [], title="📦").message.startswith("The title has a character")


def test_as_many_rows_as_are_allowed_are_written() -> None:
    data = encoded("pdf", LABELLED, [(number, None) for number in range(10_000)], size=5_000)
    counter = PdfRowCounter()
    counter.feed(data)
    assert counter.rows() == 10_000


def test_more_rows_are_an_error_as_soon_as_they_came() -> None:
    taken: list[int] = []

    def endless() -> Iterator[pa.RecordBatch]:
        [batch] = batches_of(TEXT, [("a",)] * 1_000, size=1_000)
        while True:
            taken.append(1)
            yield batch

    made = FORMATS.load("pdf")()
    chunks = made.encode([Sheet("T", TEXT, TEXT.arrow(), endless())], made.options_type(), Encoding())
    with pytest.raises(Fatal, match=r"more than 10,000 rows, the most that a PDF holds here\..*xlsx") as caught:
        next(chunks)
    assert caught.value.error_code == "pdf_too_many_rows"
    assert len(taken) == 11


@pytest.mark.parametrize(
    ("options", "most"), [({}, 26), ({"orientation": "portrait"}, 17), ({"page_size": "letter"}, 24)]
)
def test_more_columns_than_the_page_holds_are_an_error_before_a_row_is_read(options: dict[str, Any], most: int) -> None:
    made, chosen = FORMATS.load("pdf")(), PdfOptions.model_validate(options)
    schema = Schema(tuple(Column.of(f"c{index}", ColumnType.STRING) for index in range(most + 1)))
    [misfit] = made.misfits(schema, chosen)
    assert (misfit.pointer, misfit.detail) == (
        "/format",
        f"There are {most + 1} columns; the page holds {most}. Choose fewer, landscape or another format.",
    )
    assert refused(schema, [], **options).error_code == "pdf_too_wide"
    fits = Schema(schema.columns[:most])
    assert made.misfits(fits, chosen) == []
    assert encoded("pdf", fits, [("a word",) * most], **options)


def test_texts_that_do_not_fit_are_refused_by_column_and_row() -> None:
    error = refused(TEXT, [("fine",)] * 13 + [("x" * 5_001,)])
    assert error.error_code == "pdf_text_too_long"
    assert error.message.startswith("Column 'v', row 14: the text has 5,001 characters; a PDF takes 5,000.")
    error = refused(LABELLED, [(1, "fine"), (2, "line\n" * 90)])
    assert error.error_code == "pdf_text_too_long"
    assert error.message.startswith("Column 'v', row 2: the text needs more than a page.")
    many = Schema(tuple(Column.of(f"c{index}" + "x" * 250, ColumnType.STRING) for index in range(26)))
    assert refused(many, []).message.startswith("The headings need more than half a page.")
