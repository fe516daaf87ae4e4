"""Date frames: spans of whole days, named relative to today or given by their ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import GetPydanticSchema
from pydantic_core import core_schema

from include.core.request import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

_ENDS = re.compile(r"(\d{4}-\d{2}-\d{2})?/(\d{4}-\d{2}-\d{2})?")
_RELATIVE = ("this", "to_date", "previous", "next")
_UNITS = ("week", "month", "quarter", "year")


@dataclass(frozen=True, slots=True)
class DateFrame:
    """Days from ``first`` to ``last``, both included; an end that is None is open."""

    first: date | None
    last: date | None

    def __str__(self) -> str:
        return f"{self.first or ''}/{self.last or ''}"


def _days(first: int, last: int) -> Callable[[date], DateFrame]:
    return lambda today: DateFrame(today + timedelta(days=first), today + timedelta(days=last))


_DAYS: dict[str, Callable[[date], DateFrame]] = {
    "days_today": _days(0, 0),
    "days_last7": _days(-6, 0),
    "days_last14": _days(-13, 0),
    "days_tomorrow": _days(1, 1),
    "days_next7": _days(1, 7),
    "days_next14": _days(1, 14),
    "future": lambda today: DateFrame(today + timedelta(days=1), None),
    "past": lambda today: DateFrame(None, today),
}

NAMES = (*_DAYS, *(f"{unit}_{relative}" for unit in _UNITS for relative in _RELATIVE))
"""Every relative frame. Weeks begin on Monday; ``future`` begins tomorrow, and ``past`` ends today."""


def date_frame(text: str, today: date) -> DateFrame:
    """Read a frame: one of ``NAMES``, or two days of ISO 8601 with a slash between, either of which may be missing.

    :raises ValueError: when it is neither, or ends before it begins.
    """
    if text in _DAYS:
        return _DAYS[text](today)
    unit, _, relative = text.partition("_")
    if unit in _UNITS and relative in _RELATIVE:
        return _period(unit, relative, today)
    ends = _ENDS.fullmatch(text)
    if ends is None or text == "/":
        raise ValueError(
            "This is no date frame: give two days such as 2026-01-01/2026-01-31, of which one may be missing, or one "
            f"of {', '.join(NAMES)}."
        )
    frame = DateFrame(*(date.fromisoformat(day) if day else None for day in ends.groups()))
    if frame.first and frame.last and frame.last < frame.first:
        raise ValueError("The date frame ends before it begins.")
    return frame


def _period(unit: str, relative: str, today: date) -> DateFrame:
    first = _start(unit, today)
    following = _following(unit, first)
    match relative:
        case "this":
            return DateFrame(first, following - timedelta(days=1))
        case "to_date":
            return DateFrame(first, today)
        case "previous":
            return DateFrame(_start(unit, first - timedelta(days=1)), first - timedelta(days=1))
        case _:
            return DateFrame(following, _following(unit, following) - timedelta(days=1))


def _start(unit: str, day: date) -> date:
    """Return the first day of the unit that a day lies in."""
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case _:
            return day.replace(month=1, day=1)


def _following(unit: str, first: date) -> date:
    """Return the first day of the next unit."""
    longest = {"week": 7, "month": 31, "quarter": 92, "year": 366}[unit]
    return _start(unit, first + timedelta(days=longest))


def date_frame_type(now: Callable[[], datetime]) -> Any:
    """Return the type of a parameter: a frame given as text, fixed to days when it is read, and kept as two days.

    :param now: says what day it is, in the zone whose days are meant
    """
    return Annotated[DateFrame, GetPydanticSchema(_schema_by(now), _json_schema)]


def _schema_by(now: Callable[[], datetime]) -> Callable[[Any, GetCoreSchemaHandler], core_schema.CoreSchema]:
    def read(value: Any) -> DateFrame:
        if isinstance(value, DateFrame):
            return value
        if not isinstance(value, str):
            raise ValueError("A date frame is a text, such as month_previous or 2026-01-01/2026-01-31.")  # noqa: TRY004 - pydantic collects ValueErrors
        return date_frame(value, now().date())

    def schema(_source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            read, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        )

    return schema


def _json_schema(_core: core_schema.CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
    return {"type": "string", "format": "date-frame", "examples": ["month_previous", "2026-01-01/2026-01-31"]}


DateFrameText = Annotated[DateFrame, GetPydanticSchema(_schema_by(utc_now), _json_schema)]
"""A frame as a parameter of an exporter in Python; its days are those of UTC."""
