"""No statement on a table of many exports looks at all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from export_api.db import listing, records
from export_api.db.listing import Cursor, Filter
from export_api.db.models import Base
from export_api.status import Status
from tests.api.stand_in import START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY = 30_000
LIMIT = 50
NOW = START + timedelta(seconds=MANY)
MIDDLE = Cursor(START + timedelta(seconds=MANY // 2), UUID(int=0))

FILL = """
    insert into waybill_export (id, dag_id, run_id, task_id, map_index, exporter, request, trigger, requested_by,
        created_at, settled_at, status, expires_at, expired_at, swept_at, deleted_at)
    select gen_random_uuid(), 'export', 'export__' || i, 'export', -1,
           case when i <= 30 then 'seldom' when i % 31 = 0 then 'orders, machines'
                when i % 31 < 20 then 'orders' else 'machines' end,
           '{}', 'api', case when i % 7 = 0 then 'anna' else 'user ' || i % 11 end,
           at, at, case when i % 2999 = 0 then 'cancelled' when i % 19 = 0 then 'failed' else 'succeeded' end,
           at + interval '1 h', case when i % 17 <> 0 then at + interval '1 h' end,
           case when i % 19 = 0 or i % 2999 = 0 or i % 17 = 0 then at + interval '10 min' end,
           case when i % 17 = 0 then at + interval '5 min' end
    from (select i, cast(:start as timestamptz) + i * interval '1 s' - interval '3 d' as at
          from generate_series(1, :many) as i) made
"""
"""Every seventeenth is deleted, failed ones are swept, the others have expired: there is nothing left to do."""


@pytest.fixture(scope="module")
def session(cluster: str) -> Iterator[Session]:
    """Open a session on a table of many settled exports of several users."""
    driver = cluster.replace("postgresql", "postgresql+psycopg", 1)
    server = sa.create_engine(f"{driver}postgres", isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql("create database many_exports")
    server.dispose()
    engine = sa.create_engine(f"{driver}many_exports")
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        opened.execute(sa.text(FILL), {"start": START, "many": MANY})
        opened.commit()
        opened.execute(sa.text("analyze waybill_export"))
        yield opened
    engine.dispose()


def looked_at(session: Session, ask: Callable[[], Any]) -> int:
    """Return how many rows PostgreSQL looked at in the table and its indexes for what is asked."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", note)
    ask()
    sa.event.remove(connection, "before_cursor_execute", note)
    assert statements
    explained = "explain (analyze, format json) "
    return sum(
        _rows(connection.exec_driver_sql(explained + statement, parameters).scalar_one()[0]["Plan"])
        for statement, parameters in statements
    )


def _rows(plan: dict[str, Any]) -> int:
    below = sum(_rows(part) for part in plan.get("Plans", ()))
    if "Scan" not in plan["Node Type"]:
        return below
    seen = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return below + int(seen * plan["Actual Loops"])


@pytest.mark.parametrize("after", [None, MIDDLE])
@pytest.mark.parametrize("owner", [None, "anna"])
@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"status": Status.SUCCEEDED},
        {"status": Status.FAILED},
        {"status": Status.CANCELLED},
        {"exporter": "orders"},
        {"exporter": "machines"},
        {"exporter": "seldom"},
        {"unsettled": True},
    ],
    ids=str,
)
def test_a_page_never_looks_at_the_whole_table(
    session: Session, wanted: dict[str, Any], owner: str | None, after: Cursor | None
) -> None:
    rows = looked_at(session, lambda: listing.page(session, Filter(requested_by=owner, after=after, **wanted), LIMIT))
    # Where most exports fit, passing over the others is cheapest; those of several exporters are looked through.
    assert rows <= MANY // 10


def test_the_clock_looks_at_what_there_is_to_do(session: Session) -> None:
    now = NOW + timedelta(days=30)
    for ask in (
        lambda: records.unswept(session, now, LIMIT),
        lambda: records.expired(session, now, LIMIT),
        lambda: listing.page(session, Filter(unsettled=True, deleted=True, descending=False), LIMIT),
    ):
        assert looked_at(session, ask) == 0
    assert looked_at(session, lambda: records.failed(session, None, LIMIT)) <= 2 * LIMIT
    assert looked_at(session, lambda: records.failed(session, MIDDLE, LIMIT)) <= 2 * LIMIT


def test_the_places_of_failed_exports_are_told_once_each(session: Session) -> None:
    found: list[Cursor] = []
    while batch := records.failed(session, found[-1] if found else None, 400):
        found += batch
    gone = sa.text("select count(*) from waybill_export where status in ('failed', 'cancelled') and deleted_at is null")
    assert len({place.id for place in found}) == len(found) == session.scalar(gone)
    assert found == sorted(found, key=lambda place: (place.created_at, place.id), reverse=True)


@pytest.mark.parametrize("size", [7, 1000])
def test_pages_by_exporter_show_each_export_once_whether_alone_or_among_others(session: Session, size: int) -> None:
    wanted = Filter(exporter="machines", requested_by="anna", created_after=START - timedelta(hours=68))
    found: list[Cursor] = []
    for _ in range(10_000):
        page = listing.page(session, replace(wanted, after=found[-1] if found else None), size)
        found += [Cursor(export.created_at, export.id) for export in page]
        if len(page) < size:
            break
    assert len(set(found)) == len(found) == listing.count(session, wanted) > 0
    assert found == sorted(found, key=lambda place: (place.created_at, place.id), reverse=True)
