"""The recurring report as code, run for past weeks: intervals meet exactly, every order is in exactly one file."""

from __future__ import annotations

import io
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from tests.stack.client import wait_for

if TYPE_CHECKING:
    import psycopg

    from tests.stack.client import AirflowClient, ExportsClient

BERLIN = ZoneInfo("Europe/Berlin")
CLOCK_CHANGES = {
    "autumn 2025": datetime(2025, 10, 20, tzinfo=BERLIN),
    "spring 2026": datetime(2026, 3, 23, tzinfo=BERLIN),
    "autumn 2026": datetime(2026, 10, 19, tzinfo=BERLIN),
}
"""The Monday before each change of the clocks; the weeks before, of and after it are exported."""


@pytest.mark.parametrize("monday", CLOCK_CHANGES.values(), ids=CLOCK_CHANGES)
def test_weeks_over_a_change_of_the_clocks_meet_exactly(
    airflow: AirflowClient, admin_exports: ExportsClient, demo: psycopg.Connection, monday: datetime
) -> None:
    mondays = [(monday + timedelta(weeks=weeks)) for weeks in (-1, 0, 1, 2)]
    backfill = {
        "dag_id": "weekly_orders",
        "from_date": mondays[0].isoformat(),
        "to_date": (mondays[2] + timedelta(hours=1)).isoformat(),
        "max_active_runs": 3,
    }
    made = airflow.post("/backfills", backfill)
    wait_for("the backfill", lambda: airflow.get(f"/backfills/{made['id']}")["completed_at"])

    found = wait_for("the weeks' exports", lambda: weeks_in(admin_exports, mondays))
    assert [(since, until) for since, until, _ in found] == list(pairwise(mondays))
    lengths = {(until - since).total_seconds() / 3600 for since, until, _ in found_in_utc(found)}
    assert lengths in ({168.0, 169.0}, {168.0, 167.0})

    codes: Counter[str] = Counter()
    for _, _, export in found:
        assert (export["trigger"], export["requested_by"]) == ("schedule", "admin")
        assert export["result"]["verification"]["verdict"] == "verified"
        sheet = load_workbook(io.BytesIO(admin_exports.download(export)), read_only=True).worksheets[0]
        codes.update(str(row[0]) for row in sheet.iter_rows(min_row=2, values_only=True))
    statement = "select code from shop.orders where created_at >= %s and created_at < %s"
    orders = [code for (code,) in demo.execute(statement, (mondays[0], mondays[-1])).fetchall()]
    assert len(orders) > 500
    assert codes == Counter(orders)


Week = tuple[datetime, datetime, dict[str, Any]]


def weeks_in(exports: ExportsClient, mondays: list[datetime]) -> list[Week] | None:
    """Return the finished weeks from the first Monday to the last, or None while one is missing."""
    items = exports.get("/exports", exporter="orders", limit=1000, status="succeeded").json()["items"]
    weeks: list[Week] = []
    for item in items:
        params = item["params"]
        if item["trigger"] == "schedule" and "since" in params:
            since, until = (datetime.fromisoformat(params[name]).astimezone(BERLIN) for name in ("since", "until"))
            if mondays[0] <= since < mondays[-1]:
                weeks.append((since, until, exports.read(item["id"])))
    weeks.sort(key=lambda week: week[0])
    return weeks if len(weeks) == len(mondays) - 1 else None


def found_in_utc(weeks: list[Week]) -> list[Week]:
    """Return the same weeks in UTC, where the difference of two times is the time that passed."""
    utc = ZoneInfo("UTC")
    return [(since.astimezone(utc), until.astimezone(utc), export) for since, until, export in weeks]
