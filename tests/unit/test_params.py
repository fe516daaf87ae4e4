"""Parameters as a YAML file declares them: types, defaults, choices and contradictions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from include.core.params import ParamSpec, make_params_type

if TYPE_CHECKING:
    from pydantic import BaseModel

THURSDAY = datetime(2026, 10, 15, 23, 59, tzinfo=UTC)


def params_type(now: datetime = THURSDAY, **specs: dict[str, Any]) -> type[BaseModel]:
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
    with pytest.raises(ValueError, match=r"'status'.*choice"):
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
