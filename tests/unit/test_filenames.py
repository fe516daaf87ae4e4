"""Names of files: what a template may say, and that no name can leave its folder or confuse a computer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.core.filename import MAX_BYTES, check_template, make_filename

MOMENT = datetime(2026, 3, 29, 1, 2, 3, tzinfo=UTC)


def name(template: str | None, suffix: str = ".csv") -> str:
    return make_filename(template, exporter="orders", export_id="id-1", moment=MOMENT, suffixes=[suffix])


def test_without_a_template_the_name_says_what_and_when() -> None:
    assert name(None) == "orders-2026-03-29-010203.csv"


def test_fields_are_filled_in() -> None:
    check_template("Bestellungen {exporter} {date} {time} {id}")
    assert name("Bestellungen {exporter} {date} {time} {id}") == "Bestellungen orders 2026-03-29 010203 id-1.csv"


def test_a_suffix_is_not_doubled() -> None:
    assert name("orders.csv") == "orders.csv"
    assert name("orders.csv", suffix=".xlsx") == "orders.csv.xlsx"


def test_braces_are_written_twice_to_be_themselves() -> None:
    check_template("{{date}}")
    assert name("{{date}}") == "{date}.csv"


@pytest.mark.parametrize(
    "template",
    [
        "../secret",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "C:orders",
        "a\0b",
        "a\nb",
        "a\r\nSet-Cookie: x",
        "\x7f",
        'a"b',
        "a<b>",
        "a|b",
        "what?",
        "*",
        ".hidden",
        "..",
        ".",
        "   ",
        " . ",
        "",
        "{",
        "}",
        "{date",
        "{}",
        "{0}",
        "{when}",
        "{exporter.__class__}",
        "{date.year}",
        "{id[0]}",
        "{date:%Y}",
        "{date:{id}}",
        "{date!r}",
        "{exporter:>999999999}",
        "x" * (MAX_BYTES + 1),
        "ü" * (MAX_BYTES // 2 + 1),
    ],
)
def test_a_hostile_template_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"template|name"):
        check_template(template)


@pytest.mark.parametrize(
    "template", ["Übersicht — Größe", "报告 {date}", "📦", "a.b.c", "-x", "=1+1", "a b", "{date}.{time}"]
)
def test_names_that_people_give_are_taken(template: str) -> None:
    check_template(template)
    assert name(template).endswith(".csv")


@pytest.mark.parametrize(
    "template", ["ü" * 100, "📦" * 50, "x" * 200, "x" * 196 + ".csv", "{id}" * 40, "{exporter}" * 20]
)
def test_a_name_is_never_longer_than_a_file_system_takes_and_keeps_its_suffix(template: str) -> None:
    check_template(template)
    made = name(template)
    assert len(made.encode()) <= MAX_BYTES
    assert made.endswith(".csv")
