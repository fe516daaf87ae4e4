"""References: keys that a request gives are looked up in their source, and those that are not there pointed at."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from include.compressions import COMPRESSIONS
from include.core.catalog import Catalog
from include.core.errors import Fatal, InvalidRequest, Retriable
from include.core.references import LOOKUP_SECONDS, check_references, references_of
from include.core.request import parse_request
from include.core.resolve import resolve
from include.core.source import Sources
from include.formats import FORMATS
from include.sources.database import DatabaseSource
from tests.unit.stand_ins import ListSource, MemoryStore, connection_with, export_run

if TYPE_CHECKING:
    from pathlib import Path

    from include.core.query import Query
    from include.core.resolve import ResolvedExport
    from include.core.source import Reading

TICKETS = """
title: Tickets
source: shop
params:
  organizer: {type: reference, lookup: select slug as key from organizers, required: false}
  events:
    type: references
    keys: integer
    required: false
    lookup: |
      select e.id as key from events e where e.organizer = :organizer;
  words: {type: references, lookup: select word as key from words, required: false}
columns: {id: {type: integer}}
key: [id]
sql: select id from tickets where :organizer = :organizer and :events = :events and :words = :words
"""
BOOK = """
title: Book
source: shop
params:
  organizer: {type: reference, lookup: select slug as key from organizers}
sheets:
  one: {title: One, columns: {id: {type: integer}}, sql: select id from tickets where :organizer = 1}
  two: {title: Two, counts: one, by: id}
"""


class Shop:
    """A database and everything that was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.engine = sa.create_engine(f"sqlite:///{folder}/shop.db", poolclass=NullPool)
        with self.engine.begin() as connection:
            for statement in (
                "create table organizers (slug text)",
                "insert into organizers values ('north'), ('south'), (null), ('hunter2'';--')",
                "create table events (id integer, organizer text)",
                "insert into events values (1, 'north'), (2, 'north'), (3, 'south')",
                "create table words (word text)",
                "insert into words values ('a'), ('a'), ('')",
            ):
                connection.exec_driver_sql(statement)
        self.asked: list[Query] = []
        self.opened = 0
        self.error: Exception | None = None
        (folder / "tickets.yaml").write_text(TICKETS, encoding="utf-8")
        (folder / "book.yaml").write_text(BOOK, encoding="utf-8")
        self.catalog = Catalog([folder])

    def open(self, _conn_id: str) -> tuple[str, DatabaseSource]:
        self.opened += 1
        shop = self

        class Watched(DatabaseSource):
            def read(self, query: Query) -> Reading:
                shop.asked.append(query)
                if shop.error is not None:
                    raise shop.error
                return super().read(query)

        return "sqlite", Watched(connection_with(lambda: self.engine), application="test", timeout_seconds=60)

    def resolved(self, **body: Any) -> ResolvedExport:
        return resolve(parse_request(body), self.catalog, FORMATS, COMPRESSIONS)

    def check(self, **body: Any) -> None:
        with closing(Sources(self.open)) as sources:
            check_references(references_of(self.resolved(**body)), sources)
            assert sources.records == []
            assert sources.estimated == []

    def missing(self, **body: Any) -> list[str]:
        with pytest.raises(InvalidRequest) as caught:
            self.check(**body)
        assert {error.detail for error in caught.value.errors} == {"The source has nothing of that key."}
        return [error.pointer for error in caught.value.errors]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.mark.parametrize(
    "params",
    [{}, {"organizer": None}, {"events": []}, {"organizer": None, "events": None, "words": []}],
)
def test_nothing_is_asked_without_references(shop: Shop, params: dict[str, Any]) -> None:
    shop.check(exporter="tickets", params=params)
    assert (shop.opened, shop.asked) == (0, [])


@pytest.mark.parametrize(
    "params",
    [
        {"organizer": "north"},
        {"organizer": "hunter2';--"},
        {"organizer": "north", "events": [2, 1]},
        {"words": ["", "a"]},
    ],
)
def test_keys_that_are_there_pass(shop: Shop, params: dict[str, Any]) -> None:
    shop.check(exporter="tickets", params=params)
    assert len(shop.asked) == len(params)


@pytest.mark.parametrize(
    ("params", "pointers"),
    [
        ({"organizer": "east"}, ["/params/organizer"]),
        ({"organizer": "North"}, ["/params/organizer"]),
        ({"organizer": "' or '1'='1"}, ["/params/organizer"]),
        ({"words": ["a", "b", "", "c"]}, ["/params/words/1", "/params/words/3"]),
        ({"organizer": "north", "events": [3, 1, 99]}, ["/params/events/0", "/params/events/2"]),
        ({"organizer": "east", "events": [1]}, ["/params/organizer", "/params/events/0"]),
        ({"events": [1]}, ["/params/events/0"]),
    ],
)
def test_each_key_that_is_not_there_is_pointed_at(shop: Shop, params: dict[str, Any], pointers: list[str]) -> None:
    assert shop.missing(exporter="tickets", params=params) == pointers


def test_a_look_up_binds_the_other_parameters(shop: Shop) -> None:
    shop.check(exporter="tickets", params={"organizer": "south", "events": [3]})
    assert shop.missing(exporter="tickets", params={"organizer": "south", "events": [1]}) == ["/params/events/0"]


def test_pointers_lead_into_each_of_several_sources(shop: Shop) -> None:
    sources = [
        {"exporter": "tickets", "params": {"words": ["a"]}},
        {"exporter": "tickets", "params": {"words": ["a", "b"]}},
        {"exporter": "book", "params": {"organizer": "east"}},
    ]
    assert shop.missing(sources=sources, format="xlsx") == ["/sources/1/params/words/1", "/sources/2/params/organizer"]


def test_the_tables_of_a_book_share_one_look_up(shop: Shop) -> None:
    assert shop.missing(exporter="book", params={"organizer": "east"}) == ["/params/organizer"]
    shop.check(exporter="book", params={"organizer": "north"})
    assert len(shop.asked) == 2


def test_no_key_is_repeated_in_an_error(shop: Shop) -> None:
    with pytest.raises(InvalidRequest) as caught:
        shop.check(exporter="tickets", params={"words": ["hunter2"]})
    assert "hunter2" not in repr(caught.value.errors) + str(caught.value)


def test_only_the_keys_that_are_asked_for_are_read_and_for_a_short_time(shop: Shop) -> None:
    shop.check(exporter="tickets", params={"words": ["a"]})
    (query,) = shop.asked
    assert [(item.column.name, item.value) for item in query.selection.filters] == [("key", ("a",))]
    assert query.timeout_seconds == LOOKUP_SECONDS


def test_a_slow_source_is_an_error_that_says_where_and_what_to_do(shop: Shop) -> None:
    shop.error = Fatal("The query ran longer than its 10 s.", code="query_timeout")
    with pytest.raises(Retriable, match=r"^/params/words: source 'shop'.*10 s\. Try again") as caught:
        shop.check(exporter="tickets", params={"words": ["a"]})
    assert caught.value.error_code == "source_slow"


def test_a_look_up_that_is_refused_is_the_exporters_fault(shop: Shop) -> None:
    shop.catalog.load("tickets")
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("drop table words")
    with pytest.raises(Fatal) as caught:
        shop.check(exporter="tickets", params={"words": ["a"]})
    assert caught.value.error_code == "query_refused"


# In the task


def test_an_export_whose_keys_are_gone_publishes_nothing(shop: Shop) -> None:
    resolved = shop.resolved(exporter="tickets", params={"words": ["gone"]}, format="csv")
    store = MemoryStore()
    with closing(shop.open("shop")[1]) as source, pytest.raises(InvalidRequest) as caught:
        export_run(resolved, source, store).execute()
    assert [error.pointer for error in caught.value.errors] == ["/params/words/0"]
    assert (store.objects, store.uploads) == ({}, {})


def test_a_look_up_is_no_part_of_what_was_exported(shop: Shop) -> None:
    import pyarrow as pa

    resolved = shop.resolved(exporter="tickets", params={"words": ["a"]}, format="csv")
    reference = pa.RecordBatch.from_pydict({"key": ["a"]})
    rows = pa.RecordBatch.from_pydict({"id": [1, 2, 3]})

    class Both(ListSource):
        def read(self, query: Query) -> Reading:
            self.given = [reference if "words" in query.sql and "tickets" not in query.sql else rows]
            self.sent = self.given[0].num_rows
            return super().read(query)

    source = Both([rows])
    manifest = export_run(resolved, source, MemoryStore()).execute()
    assert len(source.queries) == 2
    assert (manifest.rows, [record.rows for record in manifest.sources]) == (3, [3])
