"""Date frames: every name at every edge of the calendar, open ends, and texts that are none."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from include.core.date_frames import NAMES, DateFrame, DateFrameText, date_frame, date_frame_type
from include.core.exporter import Params
from include.core.params import binds_of

DAY = timedelta(days=1)
TODAY = date(2026, 10, 15)
"""A Thursday."""


def ends(text: str, today: date = TODAY) -> str:
    return str(date_frame(text, today))


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("days_today", "2026-10-15/2026-10-15"),
        ("days_last7", "2026-10-09/2026-10-15"),
        ("days_last14", "2026-10-02/2026-10-15"),
        ("days_tomorrow", "2026-10-16/2026-10-16"),
        ("days_next7", "2026-10-16/2026-10-22"),
        ("days_next14", "2026-10-16/2026-10-29"),
        ("future", "2026-10-16/"),
        ("past", "/2026-10-15"),
        ("week_this", "2026-10-12/2026-10-18"),
        ("week_to_date", "2026-10-12/2026-10-15"),
        ("week_previous", "2026-10-05/2026-10-11"),
        ("week_next", "2026-10-19/2026-10-25"),
        ("month_this", "2026-10-01/2026-10-31"),
        ("month_to_date", "2026-10-01/2026-10-15"),
        ("month_previous", "2026-09-01/2026-09-30"),
        ("month_next", "2026-11-01/2026-11-30"),
        ("quarter_this", "2026-10-01/2026-12-31"),
        ("quarter_to_date", "2026-10-01/2026-10-15"),
        ("quarter_previous", "2026-07-01/2026-09-30"),
        ("quarter_next", "2027-01-01/2027-03-31"),
        ("year_this", "2026-01-01/2026-12-31"),
        ("year_to_date", "2026-01-01/2026-10-15"),
        ("year_previous", "2025-01-01/2025-12-31"),
        ("year_next", "2027-01-01/2027-12-31"),
    ],
)
def test_every_name_stands_for_days(name: str, days: str) -> None:
    assert ends(name) == days


def test_there_is_no_other_name() -> None:
    units, relatives = ("week", "month", "quarter", "year"), ("this", "to_date", "previous", "next")
    plain = {"days_today", "days_last7", "days_last14", "days_tomorrow", "days_next7", "days_next14", "future", "past"}
    assert set(NAMES) == plain | {f"{unit}_{relative}" for unit in units for relative in relatives}
    assert len(NAMES) == 24


@pytest.mark.parametrize(
    ("name", "today", "days"),
    [
        ("week_this", "2026-10-12", "2026-10-12/2026-10-18"),  # a Monday
        ("week_this", "2026-10-18", "2026-10-12/2026-10-18"),  # a Sunday
        ("week_to_date", "2026-10-12", "2026-10-12/2026-10-12"),
        ("week_this", "2027-01-01", "2026-12-28/2027-01-03"),
        ("week_previous", "2027-01-04", "2026-12-28/2027-01-03"),
        ("week_next", "2026-12-31", "2027-01-04/2027-01-10"),
        ("month_this", "2028-02-29", "2028-02-01/2028-02-29"),
        ("month_this", "2100-02-01", "2100-02-01/2100-02-28"),  # no leap year
        ("month_previous", "2028-03-31", "2028-02-01/2028-02-29"),
        ("month_previous", "2027-03-01", "2027-02-01/2027-02-28"),
        ("month_previous", "2027-01-31", "2026-12-01/2026-12-31"),
        ("month_next", "2028-01-31", "2028-02-01/2028-02-29"),
        ("month_next", "2026-12-01", "2027-01-01/2027-01-31"),
        ("month_to_date", "2026-11-01", "2026-11-01/2026-11-01"),
        ("quarter_this", "2028-02-29", "2028-01-01/2028-03-31"),
        ("quarter_this", "2026-06-30", "2026-04-01/2026-06-30"),
        ("quarter_this", "2026-07-01", "2026-07-01/2026-09-30"),
        ("quarter_previous", "2027-01-01", "2026-10-01/2026-12-31"),
        ("quarter_next", "2026-12-31", "2027-01-01/2027-03-31"),
        ("year_this", "2028-12-31", "2028-01-01/2028-12-31"),
        ("year_previous", "2029-01-01", "2028-01-01/2028-12-31"),
        ("year_next", "2027-12-31", "2028-01-01/2028-12-31"),
        ("days_last7", "2028-03-01", "2028-02-24/2028-03-01"),
        ("days_next7", "2026-12-31", "2027-01-01/2027-01-07"),
    ],
)
def test_edges_of_weeks_months_quarters_and_years(name: str, today: str, days: str) -> None:
    assert ends(name, date.fromisoformat(today)) == days


def unit_of(unit: str, day: date) -> tuple[int, ...]:
    """Which week, month, quarter or year a day lies in, by the calendar of the standard library."""
    iso = day.isocalendar()
    return {
        "week": (iso.year, iso.week),
        "month": (day.year, day.month),
        "quarter": (day.year, (day.month + 2) // 3),
        "year": (day.year,),
    }[unit]


@pytest.mark.parametrize("unit", ["week", "month", "quarter", "year"])
def test_on_every_day_of_four_years_the_periods_are_whole_and_follow_each_other(unit: str) -> None:
    first = date(2027, 1, 1)
    days = 365 * 4 + sum(calendar.isleap(year) for year in range(2027, 2031))
    for number in range(days):
        today = first + number * DAY
        previous, this, following = (
            date_frame(f"{unit}_{relative}", today) for relative in ("previous", "this", "next")
        )
        assert this.first is not None
        assert this.last is not None
        assert previous.first is not None
        assert following.last is not None
        inside = [unit_of(unit, day) for day in (this.first, today, this.last)]
        assert inside == [unit_of(unit, today)] * 3
        outside = [unit_of(unit, day) for day in (this.first - DAY, this.last + DAY)]
        assert unit_of(unit, today) not in outside
        assert (previous.last, following.first) == (this.first - DAY, this.last + DAY)
        assert unit_of(unit, previous.first) == outside[0]
        assert unit_of(unit, previous.first - DAY) != outside[0]
        assert unit_of(unit, following.last) == outside[1]
        assert unit_of(unit, following.last + DAY) != outside[1]
        assert date_frame(f"{unit}_to_date", today) == DateFrame(this.first, today)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-01-01/2026-01-31", date(2026, 1, 1), date(2026, 1, 31)),
        ("2026-01-01/2026-01-01", date(2026, 1, 1), date(2026, 1, 1)),
        ("2028-02-29/", date(2028, 2, 29), None),
        ("/2026-01-31", None, date(2026, 1, 31)),
    ],
)
def test_two_days_are_a_frame_and_either_may_be_missing(text: str, first: date | None, last: date | None) -> None:
    found = date_frame(text, TODAY)
    assert (found.first, found.last) == (first, last)
    assert str(found) == text


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_as_text_is_the_same_frame_on_any_other_day(name: str) -> None:
    found = date_frame(name, TODAY)
    assert date_frame(str(found), date(1999, 12, 31)) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "//", " ", "today", "days_last", "days_last8", "week", "week_", "_this", "month_last", "MONTH_THIS"),
        *("day_this", "week_this ", "2026-01-01", "2026-01-01/2026-01-31/", "2026-1-1/2026-01-31", "20260101/20260131"),
        *("2026-02-29/", "/2026-13-01", "2026-04-31/2026-05-01", "0000-01-01/", "2026-01-01 / 2026-01-31"),
        *("2026-01-31/2026-01-01", "2026-01-01T00:00:00/2026-01-31", "week_this_next", "2026-01-01/now"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        date_frame(text, TODAY)


def test_what_is_no_frame_is_told_what_would_be_one() -> None:
    with pytest.raises(ValueError, match=r"2026-01-01/2026-01-31.*month_previous"):
        date_frame("last month", TODAY)
    with pytest.raises(ValueError, match="ends before it begins"):
        date_frame("2026-01-02/2026-01-01", TODAY)


# As a type

NEW_YEAR = datetime(2027, 1, 1, 0, 0, tzinfo=UTC)
FRAME: TypeAdapter[Any] = TypeAdapter(date_frame_type(lambda: NEW_YEAR))


def test_a_name_is_fixed_to_days_by_the_clock_that_is_given() -> None:
    found = FRAME.validate_python("month_previous")
    assert found == DateFrame(date(2026, 12, 1), date(2026, 12, 31))
    assert FRAME.dump_python(found, mode="json") == "2026-12-01/2026-12-31"
    assert FRAME.validate_python(found) is found


@pytest.mark.parametrize("value", [5, 20260101, True, None, 1.5, ["2026-01-01", "2026-01-31"], {}, date(2026, 1, 1)])
def test_what_is_no_text_is_no_frame(value: object) -> None:
    with pytest.raises(ValidationError, match="A date frame is a text"):
        FRAME.validate_python(value)


def test_it_is_a_string_to_json_schema() -> None:
    schema = FRAME.json_schema()
    assert (schema["type"], schema["format"]) == ("string", "date-frame")
    for example in schema["examples"]:
        FRAME.validate_python(example)


class Days(Params):
    """Parameters of an exporter in Python."""

    days: DateFrameText
    more: DateFrameText | None = None


def test_a_parameter_of_python_may_be_a_frame() -> None:
    before = datetime.now(UTC).date()
    binds = binds_of(Days.model_validate({"days": "days_today"}))
    assert before <= binds["days_first"] <= datetime.now(UTC).date()
    assert binds == {**binds, "days_last": binds["days_first"], "more_first": None, "more_last": None}
    again = Days.model_validate(Days.model_validate({"days": "2026-01-01/", "more": "past"}).model_dump(mode="json"))
    assert again.days == DateFrame(date(2026, 1, 1), None)
    assert again.more is not None
    assert again.more.first is None
