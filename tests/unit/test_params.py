"""Parameters as a YAML file declares them: types, defaults, choices and contradictions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import ValidationError

from include.core.date_frames import DateFrame
from include.core.params import ParamSpec, Reference, binds_of, make_params_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

THURSDAY = datetime(2026, 10, 15, 23, 59, tzinfo=UTC)


def params_type(now: datetime = THURSDAY, **specs: dict[str, Any]) -> type[BaseModel]:
    return params_of(specs, now)


def params_of(specs: Mapping[str, dict[str, Any]], now: datetime = THURSDAY) -> type[BaseModel]:
    made = {name: ParamSpec.model_validate(spec) for name, spec in specs.items()}
    return make_params_type("orders", made, source="shop", now=lambda: now)


@pytest.mark.parametrize(
    ("word", "day"),
    [
        ("today", date(2026, 10, 15)),
        ("yesterday", date(2026, 10, 14)),
        ("start_of_week", date(2026, 10, 12)),
        ("start_of_month", date(2026, 10, 1)),
        ("start_of_year", date(2026, 1, 1)),
    ],
)
def test_a_word_for_a_day_is_worked_out_when_the_request_arrives(word: str, day: date) -> None:
    model = params_type(since={"type": "date", "default": word}, at={"type": "datetime", "default": word})
    values = model()
    assert values.model_dump() == {"since": day, "at": datetime(day.year, day.month, day.day, tzinfo=UTC)}


def test_yesterday_of_new_year_is_in_the_old_year() -> None:
    model = params_type(datetime(2027, 1, 1, 0, 0, tzinfo=UTC), day={"type": "date", "default": "yesterday"})
    assert model().model_dump() == {"day": date(2026, 12, 31)}


def test_the_description_says_what_a_word_stands_for() -> None:
    schema = params_type(since={"type": "date", "default": "start_of_month", "description": "first day"})
    described = schema.model_json_schema()["properties"]["since"]["description"]
    assert described == "first day (default: start_of_month)"


def test_a_word_for_a_day_is_only_a_text_elsewhere() -> None:
    assert params_type(name={"type": "string", "default": "today"})().model_dump() == {"name": "today"}


def test_a_plain_default_has_the_parameters_type() -> None:
    assert params_type(since={"type": "date", "default": "2026-01-31"})().model_dump() == {"since": date(2026, 1, 31)}


def test_a_parameter_is_required_unless_it_says_otherwise_or_has_a_default() -> None:
    model = params_type(
        a={"type": "string"}, b={"type": "string", "required": False}, c={"type": "string", "default": "x"}
    )
    with pytest.raises(ValidationError) as caught:
        model()
    assert [error["loc"] for error in caught.value.errors()] == [("a",)]
    assert model(a="1").model_dump() == {"a": "1", "b": None, "c": "x"}


def test_null_is_taken_where_nothing_is_required_only() -> None:
    model = params_type(a={"type": "string", "required": False})
    assert model(a=None).model_dump() == {"a": None}
    with pytest.raises(ValidationError):
        params_type(a={"type": "string"})(a=None)


def test_a_choice_takes_its_choices_only() -> None:
    model = params_type(status={"type": "choice", "choices": ["paid", "pending"], "default": "paid"})
    assert model(status="pending").model_dump() == {"status": "pending"}
    with pytest.raises(ValidationError):
        model(status="PAID")


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "choice"},
        {"type": "choice", "choices": []},
        {"type": "string", "choices": ["a"]},
    ],
)
def test_choices_and_the_type_choice_need_each_other(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="choices belong to"):
        params_type(status=spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "integer", "default": "many"},
        {"type": "date", "default": "start_of_moth"},
        {"type": "boolean", "default": "perhaps"},
        {"type": "choice", "choices": ["paid"], "default": "open"},
        {"type": "datetime", "default": "2026-01-01T00:00:00"},
    ],
)
def test_a_default_that_does_not_fit_is_found_when_the_file_is_read(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="since"):
        params_type(since=spec)


@pytest.mark.parametrize(
    ("kind", "form", "good", "wrong"),
    [
        ("email", "email", "anna@example.com", "anna"),
        ("url", "uri", "https://example.com/a?b=c", "javascript:alert(1)"),
    ],
)
def test_an_address_says_in_its_schema_what_it_is(kind: str, form: str, good: str, wrong: str) -> None:
    model = params_type(a={"type": kind})
    assert model.model_json_schema()["properties"]["a"]["format"] == form
    assert model(a=good).model_dump() == {"a": good}
    with pytest.raises(ValidationError):
        model(a=wrong)


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(ValidationError, match="not permitted"):
        params_type(a={"type": "string", "required": False})(b="x")


@pytest.mark.parametrize("value", ["a\0b", "x" * 10_001])
def test_a_text_that_no_database_could_take_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        params_type(a={"type": "string"})(a=value)


def test_an_unknown_type_or_a_misspelt_field_is_refused() -> None:
    for spec in ({"type": "text"}, {"type": "string", "requird": False}):
        with pytest.raises(ValidationError):
            ParamSpec.model_validate(spec)


def test_a_day_may_be_a_default_without_quotes_as_yaml_reads_it() -> None:
    made = make_params_type("orders", {"since": ParamSpec(type="date", default=date(2026, 1, 1))}, source="shop")
    assert made().model_dump() == {"since": date(2026, 1, 1)}


# The types

CHOICES = {"type": "choices", "choices": ["MACOS", "LINUX", "WINDOWS"]}
KEYS = {"type": "references", "lookup": "select code as key from events"}
NUMBERS = {**KEYS, "keys": "integer"}


def reading_of(spec: dict[str, Any], value: object) -> Any:
    return params_type(x=spec).model_validate({"x": value}).x  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("spec", "value", "read"),
    [
        ({"type": "float"}, 1.5, 1.5),
        ({"type": "float"}, -3, -3.0),
        ({"type": "float"}, "1e-3", 0.001),
        ({"type": "decimal"}, "0.10", Decimal("0.10")),
        ({"type": "time"}, "12:30", time(12, 30)),
        ({"type": "time"}, "23:59:59.999999", time(23, 59, 59, 999999)),
        ({"type": "uuid"}, "8f14e45f-ceea-467f-a5a5-2f1b5bd7e0c1", UUID("8f14e45f-ceea-467f-a5a5-2f1b5bd7e0c1")),
        ({"type": "email"}, "anna@example.com", "anna@example.com"),
        ({"type": "url"}, "https://example.com", "https://example.com"),
        ({"type": "url"}, "http://[2001:db8::1]:8080/a?b=c#d", "http://[2001:db8::1]:8080/a?b=c#d"),
        ({"type": "date_frame"}, "2026-01-01/", DateFrame(date(2026, 1, 1), None)),
        ({"type": "date_frame"}, "week_this", DateFrame(date(2026, 10, 12), date(2026, 10, 18))),
        (CHOICES, ["LINUX", "MACOS"], ["LINUX", "MACOS"]),
        (CHOICES, [], []),
        ({"type": "reference", "lookup": "select 1"}, "a", "a"),
        ({"type": "reference", "lookup": "select 1", "keys": "integer"}, 7, 7),
        (KEYS, ["b", "a"], ["b", "a"]),
        (NUMBERS, [2**63 - 1, 0], [2**63 - 1, 0]),
    ],
)
def test_a_good_value_is_read(spec: dict[str, Any], value: object, read: object) -> None:
    found = reading_of(spec, value)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        *(({"type": "float"}, value) for value in (True, "many", "NaN", "inf", float("nan"), float("inf"), None)),
        ({"type": "float"}, [1.5]),
        *(({"type": "decimal"}, value) for value in (True, "NaN", "Infinity", "1,5")),
        *(({"type": "time"}, value) for value in (0, 43200, "43200", "12.5", "24:00", "12:60", "noon", "12:00Z")),
        *(({"type": "time"}, value) for value in ("12:00:00+02:00", True, "2026-01-01T12:00:00")),
        *(({"type": "email"}, value) for value in ("anna", "anna@", "Anna <anna@example.com>", "a@b@c.de", 5)),
        *(({"type": "email"}, value) for value in ("anna@example.com\nBcc: b@example.com", "a" * 250 + "@example.com")),
        *(({"type": "url"}, value) for value in ("example.com", "ftp://example.com", "https://", "https:///x", 5, "")),
        *(({"type": "url"}, value) for value in ("javascript:alert(1)", "http://[::1", "https://example.com:99999")),
        *(({"type": "url"}, value) for value in ("https://exa mple.com", "https://example.com/\n", "http://a\0b")),
        *(({"type": "url"}, value) for value in ("https://example.com/" + "x" * 2000, " https://example.com")),
        *(({"type": "date_frame"}, value) for value in ("yesterday", 5, None, "2026-01-31/2026-01-01")),
        *((CHOICES, value) for value in ("LINUX", ["linux"], ["LINUX", "LINUX"], [None], {"LINUX": 1}, None)),
        *((KEYS, value) for value in ("a", [1], ["a", "a"], ["a\0b"], [["a"]], ["x" * 10_001], list("a" * 3))),
        *((NUMBERS, value) for value in ([2**63], [True], [1, 1], ["x"], 5, [1.5], list(range(1_001)))),
        ({"type": "reference", "lookup": "select 1"}, ["a"]),
        ({"type": "reference", "lookup": "select 1", "keys": "integer"}, "x"),
    ],
)
def test_a_bad_value_is_refused(spec: dict[str, Any], value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        reading_of(spec, value)
    assert all(error["loc"][0] == "x" for error in caught.value.errors())


@pytest.mark.parametrize("value", ["http://[hunter2", "http://hunter2\u2100.example", "https://hunter2:hunter2/"])
def test_a_bad_address_is_not_repeated(value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        reading_of({"type": "url"}, value)
    assert "hunter2" not in caught.value.errors(include_input=False, include_context=False)[0]["msg"]


@pytest.mark.parametrize(
    ("spec", "schema"),
    [
        ({"type": "float"}, {"type": "number"}),
        ({"type": "time"}, {"type": "string", "format": "time"}),
        ({"type": "email"}, {"type": "string", "format": "email"}),
        ({"type": "url"}, {"type": "string", "format": "uri"}),
        ({"type": "date_frame"}, {"type": "string", "format": "date-frame"}),
        (CHOICES, {"type": "array", "items": {"type": "string", "enum": ["MACOS", "LINUX", "WINDOWS"]}}),
        (KEYS, {"type": "array", "maxItems": 1_000}),
        (NUMBERS, {"type": "array", "maxItems": 1_000}),
        ({"type": "reference", "lookup": "select 1"}, {"type": "string"}),
        ({"type": "reference", "lookup": "select 1", "keys": "integer"}, {"type": "integer"}),
    ],
)
def test_json_schema_says_what_a_value_is(spec: dict[str, Any], schema: dict[str, Any]) -> None:
    for optional in (False, True):
        model = params_type(x={**spec, "required": not optional, "description": "about it"})
        whole = model.model_json_schema()
        jsonschema.Draft202012Validator.check_schema(whole)
        described = whole["properties"]["x"]
        assert described["description"] == "about it"
        assert ("x" in whole.get("required", [])) is not optional
        value = described["anyOf"][0] if optional else described
        assert schema.items() <= value.items()


def test_a_lookup_is_told_to_nobody() -> None:
    told = str(params_type(x=KEYS, y={**NUMBERS, "required": False}).model_json_schema())
    assert "select" not in told
    assert "shop" not in told


@pytest.mark.parametrize(
    ("spec", "default"),
    [
        ({"type": "float", "default": 0.5}, 0.5),
        ({"type": "time", "default": "08:00"}, time(8)),
        ({"type": "email", "default": "a@example.com"}, "a@example.com"),
        ({"type": "url", "default": "https://example.com"}, "https://example.com"),
        ({"type": "date_frame", "default": "month_previous"}, DateFrame(date(2026, 9, 1), date(2026, 9, 30))),
        ({"type": "date_frame", "default": "2026-01-01/"}, DateFrame(date(2026, 1, 1), None)),
        ({**CHOICES, "default": ["LINUX"]}, ["LINUX"]),
        ({**CHOICES, "default": []}, []),
        ({**KEYS, "default": ["a"]}, ["a"]),
        *(({**spec, "required": False}, None) for spec in ({"type": "date_frame"}, {"type": "time"}, CHOICES, KEYS)),
    ],
)
def test_a_default_is_what_is_meant_when_nothing_is_given(spec: dict[str, Any], default: object) -> None:
    model: Any = params_type(x=spec)
    assert model().x == default
    if default is None:
        assert model(x=None).model_dump() == {"x": None}


def test_a_list_that_is_a_default_is_not_shared() -> None:
    model = params_type(x={**CHOICES, "default": ["LINUX"]})
    first: Any = model()
    first.x.append("MACOS")
    assert model().model_dump() == {"x": ["LINUX"]}


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "float", "default": "many"},
        {"type": "time", "default": "25:00"},
        {"type": "email", "default": "nobody"},
        {"type": "url", "default": "example.com"},
        {"type": "date_frame", "default": "last_month"},
        {"type": "date_frame", "default": date(2026, 1, 1)},
        {"type": "date_frame", "default": 7},
        {**CHOICES, "default": "LINUX"},
        {**CHOICES, "default": ["BEOS"]},
        {**KEYS, "default": [1]},
    ],
)
def test_a_default_of_another_type_is_found_when_the_file_is_read(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"'x'.*default does not fit"):
        params_type(x=spec)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"type": "choices"}, "choices"),
        ({"type": "choices", "choices": []}, "choices"),
        ({"type": "references"}, "lookup"),
        ({"type": "reference", "lookup": ""}, "lookup"),
        ({"type": "string", "lookup": "select 1 as key"}, "lookup"),
        ({"type": "string", "keys": "integer"}, "keys"),
        ({"type": "references", "lookup": "select 1", "keys": "uuid"}, "keys"),
        ({**KEYS, "choices": ["a"]}, "choices"),
    ],
)
def test_lookups_keys_and_choices_belong_to_their_types(spec: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ParamSpec.model_validate(spec)


# What a statement binds


def test_a_frame_is_bound_by_its_two_ends_and_the_rest_by_name() -> None:
    model = params_type(
        days={"type": "date_frame", "default": "week_this"},
        since={"type": "date_frame", "required": False},
        until={"type": "date_frame"},
        platform={**CHOICES, "required": False},
    )
    assert binds_of(model(until="/2026-01-31", platform=["LINUX"])) == {
        "days_first": date(2026, 10, 12),
        "days_last": date(2026, 10, 18),
        "since_first": None,
        "since_last": None,
        "until_first": None,
        "until_last": date(2026, 1, 31),
        "platform": ["LINUX"],
    }


@pytest.mark.parametrize("other", ["days_first", "days_last"])
def test_no_parameter_is_called_as_an_end_of_a_frame(other: str) -> None:
    with pytest.raises(ValueError, match=f"'{other}'.*'days'"):
        params_of({"days": {"type": "date_frame"}, other: {"type": "date"}})
    assert params_of({"days": {"type": "date"}, other: {"type": "date"}})


def test_a_reference_knows_where_it_is_looked_up() -> None:
    model = params_type(x={**KEYS, "lookup": "select code as key from events;\n"}, y={**NUMBERS, "required": False})
    for name in ("x", "y"):
        (found,) = [item for item in model.model_fields[name].metadata if isinstance(item, Reference)]
        assert found == Reference("select code as key from events", "shop")


def test_a_name_that_was_fixed_reads_the_same_on_every_later_day() -> None:
    specs = {"days": {"type": "date_frame", "default": "month_this"}, "more": {"type": "date_frame"}}
    asked = params_of(specs)(more="days_last7")
    kept = asked.model_dump(mode="json")
    assert kept == {"days": "2026-10-01/2026-10-31", "more": "2026-10-09/2026-10-15"}
    tomorrow = params_of(specs, datetime(2026, 11, 1, 0, 1, tzinfo=UTC))
    assert binds_of(tomorrow.model_validate(kept)) == binds_of(asked)
