"""pretix's clients on the real stack: from the run to the file, and what is in it by the database's own account."""

from __future__ import annotations

import csv
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from include.exporters import FOLDER
from tests.stack.client import Client, wait_for
from tests.stack.pretix_cases import CASES, DEVDAYS, EVENT, FEE_LABELS, FEES, ORGANIZER, WAITING, WAITING_LABELS, Case
from tests.stack.reading import expected
from tests.stack.test_documentation import bash, needs_curl
from tests.unit.test_documentation import ROOT, blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx
    import psycopg

    from deploy.local.stack import Stack
    from tests.stack.client import ExportsClient

DOCUMENT = ROOT / "docs/dialects/pretix.md"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a text starts with that a spreadsheet program takes for a formula; it has an apostrophe in front then."""


class Shop(Client):
    """What a script does that was written for pretix, with another host and token."""

    def run(self, identifier: str, base: str = EVENT, key: str | None = None, **body: Any) -> str:
        """Start an export; return where its file will be."""
        headers = {} if key is None else {"X-Idempotency-Key": key}
        answer = self.http.post(
            f"{base}/exporters/{identifier}/run/", json={"_format": "xlsx", **body}, headers=headers
        )
        assert answer.status_code == 202, answer.text
        address: str = answer.json()["download"]
        return address

    def wait(self, address: str) -> httpx.Response:
        """Ask for the file until it is there, or will never be."""

        def look() -> httpx.Response | None:
            answer = self.http.get(address)
            if answer.status_code != 409:
                return answer
            told = answer.json()
            assert told.keys() == {"status", "percentage"}
            assert told["status"] in {"waiting", "running"}
            assert told["percentage"] is None or 0 <= told["percentage"] <= 100
            return None

        return wait_for(f"the file at {address}", look, seconds=300)

    def fetch(self, identifier: str, base: str = EVENT, **body: Any) -> bytes:
        """Run, wait and download."""
        answer = self.wait(self.run(identifier, base, **body))
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Shop]:
    with Shop(stack.url, f"Token {stack.token}") as client:
        yield client


@pytest.fixture(scope="module")
def started(shop: Shop) -> dict[str, str]:
    """Every case's run, started at once: they wait for each other in the queue and not in the tests."""
    return {
        name: shop.run(case.identifier, case.base, **{**case.body, "_format": case.chosen})
        for name, case in CASES.items()
    }


def read(content: bytes, **dialect: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True, **dialect))


def chosen(table: list[list[str]], labels: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The columns of these labels, sorted by their texts."""
    places = [table[0].index(label) for label in labels]
    return sorted(tuple(row[place] for place in places) for row in table[1:])


def text(value: Any) -> str:
    """What csv says of a value of the database."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "'" + value if value.startswith(FORMULA) else value
    return str(expected(value, "csv"))


def wanted(demo: psycopg.Connection, sql: str) -> list[tuple[str, ...]]:
    return sorted(tuple(map(text, row)) for row in demo.execute(sql).fetchall())


@pytest.mark.parametrize("name", CASES)
def test_a_file_holds_what_the_database_says(
    shop: Shop, started: dict[str, str], demo: psycopg.Connection, name: str
) -> None:
    case = CASES[name]
    answer = shop.wait(started[name])
    assert answer.status_code == 200, answer.text
    check(answer.content, case, demo)


def check(content: bytes, case: Case, demo: psycopg.Connection) -> None:
    rows = wanted(demo, case.sql)
    assert rows, "A question whose answer is nothing shows nothing."
    assert chosen(read(content), case.labels) == rows


def test_every_exporter_of_an_organizer_and_every_parameter_has_a_case(shop: Shop) -> None:
    """Of the exporters that come with this installation; other tests add some of their own."""
    ours = {path.stem for path in FOLDER.iterdir()}
    listed = [each for each in shop.http.get(f"{ORGANIZER}/exporters/").json()["results"] if each["identifier"] in ours]
    assert {each["identifier"] for each in listed} == {case.identifier for case in CASES.values()}
    for each in listed:
        given = {name for case in CASES.values() if case.identifier == each["identifier"] for name in case.body}
        known = {name for name in given if name != "date_from"} | {"_format", "events", "all_events"}
        assert {field["name"] for field in each["input_parameters"]} <= known, each["identifier"]


# Formats


def test_default_has_quotes_around_all_but_numbers(shop: Shop, demo: psycopg.Connection) -> None:
    content = shop.fetch("orderlist", DEVDAYS, _format="fees:default")
    assert chosen(read(content), FEE_LABELS) == wanted(demo, FEES)
    numbers = list(csv.reader(io.StringIO(content.decode(), newline=""), quoting=csv.QUOTE_NONNUMERIC))
    place = numbers[0].index("Price")
    assert all(isinstance(row[place], float) for row in numbers[1:])
    assert all(isinstance(row[numbers[0].index("Order code")], str) for row in numbers[1:])


@pytest.mark.parametrize(
    ("base", "identifier", "formats", "labels", "sql"),
    [
        (EVENT, "waitinglist", ("csv-excel", "semicolon"), WAITING_LABELS, WAITING),
        (DEVDAYS, "orderlist", ("fees:excel", "fees:semicolon"), FEE_LABELS, FEES),
    ],
)
def test_excel_and_semicolon_have_quotes_where_they_are_needed(
    shop: Shop, demo: psycopg.Connection, base: str, identifier: str, formats: tuple[str, str], labels: Any, sql: str
) -> None:
    for name, delimiter in zip(formats, (",", ";"), strict=True):
        content = shop.fetch(identifier, base, _format=name)
        table = read(content, delimiter=delimiter)
        assert chosen(table, labels) == wanted(demo, sql)
        outside = re.sub(rb'"(?:[^"]|"")*"', b"", content)
        assert outside.endswith(b"\r\n")
        assert outside.count(b"\r\n") == len(table)


@pytest.mark.parametrize(
    ("base", "identifier", "sheets"),
    [
        (EVENT, "waitinglist", ["Waiting list"]),
        (DEVDAYS, "orderlist", ["Orders", "Order positions", "Order fees"]),
        (DEVDAYS, "invoicedata", ["Invoices", "Invoice lines"]),
    ],
)
def test_a_workbook_has_a_sheet_for_each_table(
    shop: Shop, demo: psycopg.Connection, base: str, identifier: str, sheets: list[str]
) -> None:
    book = load_workbook(io.BytesIO(shop.fetch(identifier, base, _format="xlsx")), read_only=True)
    assert book.sheetnames == sheets
    asked = {
        "Waiting list": "select id from shop.waitinglist where event_id = 1",
        "Orders": "select code from shop.orders where event_id = 4",
        "Order positions": "select code from shop.positions join shop.orders o on o.id = order_id where event_id = 4",
        "Order fees": "select code from shop.fees join shop.orders o on o.id = order_id where event_id = 4",
        "Invoices": "select number from shop.invoices where event_id = 4",
        "Invoice lines": "select number from shop.invoice_lines, shop.invoices where id = invoice_id and event_id = 4",
    }
    columns = {"Waiting list": "ID", "Invoices": "Invoice number", "Invoice lines": "Invoice number"}
    for sheet in book.worksheets:
        head, *rows = sheet.iter_rows(values_only=True)
        place = head.index(columns.get(sheet.title, "Order code"))
        found = sorted(str(row[place]) for row in rows)
        assert found == sorted(str(value) for (value,) in demo.execute(asked[sheet.title]).fetchall())
    book.close()


# What may happen


def test_the_file_comes_with_its_name_and_length_in_parts_and_again(shop: Shop) -> None:
    address = shop.run("eventdata", _format="semicolon")
    whole = shop.wait(address)
    assert whole.headers["content-disposition"].startswith('attachment; filename="sampleconf_eventdata_')
    assert int(whole.headers["content-length"]) == len(whole.content)
    assert "content-encoding" not in whole.headers or whole.headers["content-encoding"] == "identity"
    part = shop.http.get(address, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole.content[5:10])
    assert shop.http.get(address).content == whole.content
    head = shop.http.head(address)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(whole.content)))


BROKEN = """
title: Divided by nothing
source: shop
params:
  organizer: {type: reference, lookup: select slug as key from shop.organizers}
  events: {type: references, required: false, lookup: select slug as key from shop.events}
columns: {n: {type: integer}}
key: [n]
sql: select 1 / (length(:organizer) - length(slug)) as n from shop.organizers where slug = :organizer
"""


def test_an_export_that_fails_says_why(shop: Shop, exporter: Callable[[str, str], str]) -> None:
    name = exporter("divided_by_nothing", BROKEN)
    answer = shop.wait(shop.run(name))
    assert (answer.status_code, answer.json()) == (
        410,
        {"status": "failed", "message": "Source 'shop' refused the query: DivisionByZero, SQLSTATE 22012."},
    )


def test_a_key_is_one_export(shop: Shop, exports: ExportsClient) -> None:
    first = shop.run("eventdata", key="a key of mine", _format="default")
    assert shop.run("eventdata", key="a key of mine", _format="default") == first
    content = shop.wait(first).content
    assert shop.run("eventdata", key="a key of mine", _format="default") == first
    assert shop.http.get(first).content == content
    export_id = first.split("/")[-3]
    assert exports.read(export_id)["status"] == "succeeded"


def test_two_at_once_are_two_exports_of_the_same_rows(shop: Shop) -> None:
    with ThreadPoolExecutor(2) as pool:
        addresses = list(pool.map(lambda _: shop.run("orderlist", _format="orders:excel"), range(2)))
        assert len(set(addresses)) == 2
        one, another = pool.map(shop.wait, addresses)
    assert (one.status_code, one.content) == (200, another.content)
    assert len(one.content) > 1_000_000


def test_strangers_are_turned_away(stack: Stack, shop: Shop) -> None:
    address = shop.run("eventdata")
    with Shop(stack.url, None) as nobody:
        answer = nobody.http.get(address)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Authentication credentials were not provided."})
    with Shop(stack.url, "Token waybill") as wrong:
        answer = wrong.http.post(f"{EVENT}/exporters/eventdata/run/", json={"_format": "xlsx"})
        assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


SAMPLECONF = """
    select count(*) from shop.orders where event_id = 1
    union all select count(*) from shop.positions, shop.orders where id = order_id and event_id = 1
    union all select count(*) from shop.fees, shop.orders where id = order_id and event_id = 1
"""


@needs_curl
def test_the_documents_commands_work_as_they_are_printed(
    stack: Stack, demo: psycopg.Connection, tmp_path: Path
) -> None:
    scripts = [block.text for block in blocks(DOCUMENT) if block.language == "bash"]
    said = bash("\n".join(scripts).replace(".waybill/demo.env", str(stack.home / "demo.env")), tmp_path)
    of_event, end = json.JSONDecoder().raw_decode(said)
    of_organizer, end = json.JSONDecoder().raw_decode(said, end)
    assert 0 < of_event["count"] < of_organizer["count"]
    assert said[end:] == "one export\n"
    book = load_workbook(tmp_path / "orderlist.xlsx", read_only=True)
    rows = [sum(1 for _ in sheet.iter_rows(min_row=2)) for sheet in book.worksheets]
    tables = (
        "orders o",
        "positions join shop.orders o on o.id = order_id",
        "fees join shop.orders o on o.id = order_id",
    )
    counts = [demo.execute(f"select count(*) from shop.{table} where event_id = 1").fetchall() for table in tables]
    assert [[(count,)] for count in rows] == counts
    book.close()
    found = chosen(read((tmp_path / "orders.csv").read_bytes()), ("Order code",))
    autumn = """
        select code from shop.orders where event_id in (1, 4) and status = 'paid'
          and created_at at time zone 'Europe/Berlin' between '2025-09-01 00:00' and '2025-11-30 23:59:59.999999'
    """
    assert found == wanted(demo, autumn)
