"""Typed parameters from their YAML description."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
    model_validator,
)

from include.core.date_frames import DateFrame, date_frame, date_frame_type
from include.core.notify import EmailAddress
from include.core.request import no_boolean, no_number, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ParamType = Literal[
    "string",
    "integer",
    "decimal",
    "float",
    "boolean",
    "date",
    "datetime",
    "time",
    "uuid",
    "email",
    "url",
    "date_frame",
    "choice",
    "choices",
    "reference",
    "references",
]

_MANY = 1_000
"""Values that a list may have at most."""

_REFERENCES = frozenset({"reference", "references"})


class Params(BaseModel):
    """Base of each exporter's parameters; an unknown parameter is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks a parameter whose values are keys in a source: they are looked up when a request arrives.

    :param lookup: a statement that gives all keys as ``key``; it may bind other parameters
    :param source: the Airflow connection that it is asked on
    """

    lookup: str
    source: str


class ParamSpec(BaseModel):
    """One parameter as a YAML exporter declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ParamType
    description: str = ""
    required: bool = True
    default: Any = Field(None, description="A JSON value, or a day or moment as YAML reads it.")
    choices: list[str] | None = None
    lookup: str | None = Field(None, description="Of references: a statement that gives all keys as `key`.")
    keys: Literal["string", "integer"] = Field("string", description="Of references: the type of the keys.")

    @model_validator(mode="after")
    def _complete(self) -> ParamSpec:
        if (self.type in {"choice", "choices"}) is not bool(self.choices):
            raise ValueError("choices belong to the types choice and choices, which need them.")
        if (self.type in _REFERENCES) is not bool(self.lookup):
            raise ValueError("lookup belongs to the types reference and references, which need it.")
        if "keys" in self.model_fields_set and self.type not in _REFERENCES:
            raise ValueError("keys belongs to the types reference and references.")
        return self


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("A text cannot hold the character U+0000.")
    return value


def _finite(value: float) -> float:
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN is what differs from itself
        raise ValueError("This should be a finite number.")
    return value


def _web_address(value: str) -> str:
    if not _is_web_address(value):
        raise ValueError("This is no address such as https://example.com/path.")
    return value


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:  # it would repeat the value
        return False
    spaceless = value.isprintable() and not any(char.isspace() for char in value)
    return spaceless and parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0


def _zoneless(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("A time of day has no zone here: leave it out.")
    return value


def _once(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("A value is there twice.")
    return values


Text = Annotated[str, Field(max_length=10_000), AfterValidator(_storable)]
Integer = Annotated[int, BeforeValidator(no_boolean), Field(ge=-(2**63), lt=2**63)]
Moment = Annotated[AwareDatetime, BeforeValidator(no_number)]
"""For Python exporters, what parameters of YAML files are: what a database holds, and nothing that only looks so."""

_TYPES: dict[str, Any] = {
    "string": Text,
    "integer": Integer,
    "decimal": Annotated[Decimal, BeforeValidator(no_boolean)],
    "float": Annotated[float, BeforeValidator(no_boolean), AfterValidator(_finite)],
    "boolean": bool,
    "date": Annotated[date, BeforeValidator(no_number)],
    "datetime": Moment,
    "time": Annotated[time, BeforeValidator(no_number), AfterValidator(_zoneless)],
    "uuid": UUID,
    "email": EmailAddress,
    "url": Annotated[str, Field(max_length=2_000, json_schema_extra={"format": "uri"}), AfterValidator(_web_address)],
}

MOMENTS: dict[str, Callable[[date], date]] = {
    "today": lambda day: day,
    "yesterday": lambda day: day - timedelta(days=1),
    "start_of_week": lambda day: day - timedelta(days=day.weekday()),
    "start_of_month": lambda day: day.replace(day=1),
    "start_of_year": lambda day: day.replace(month=1, day=1),
}
"""Words that a date or datetime parameter takes as its default; they are worked out when a request arrives, in UTC."""


def make_params_type(
    exporter: str, specs: Mapping[str, ParamSpec], *, source: str, now: Callable[[], datetime] = utc_now
) -> type[BaseModel]:
    """Build the pydantic model of an exporter's parameters.

    :param source: the connection on which references are looked up
    :raises ValueError: when a description contradicts itself.
    """
    fields: dict[str, Any] = {}
    _check_binds(specs)
    for name, spec in specs.items():
        kind = _kind(spec, now)
        annotation, field = (
            (kind, Field(description=spec.description)) if _is_required(spec) else _optional(name, kind, spec, now)
        )
        if spec.lookup is not None:
            annotation = Annotated[annotation, Reference(spec.lookup.strip().removesuffix(";"), source)]
        fields[name] = (annotation, field)
    title = "".join(part.capitalize() for part in exporter.split("_"))
    return create_model(f"{title}Params", __base__=Params, **fields)


def _check_binds(specs: Mapping[str, ParamSpec]) -> None:
    """Refuse a parameter that is called as an end of a date frame is bound."""
    for name, spec in specs.items():
        taken = [end for end in (f"{name}_first", f"{name}_last") if end in specs]
        if spec.type == "date_frame" and taken:
            raise ValueError(f"Parameter {taken[0]!r} has the name of an end of the date frame {name!r}: rename one.")


def binds_of(params: BaseModel) -> dict[str, Any]:
    """Return the values of a statement's binds: each parameter's, and of a date frame its two ends.

    The frame ``x`` is bound as ``:x_first`` and ``:x_last``, days that are included, or NULL where it is open.
    """
    binds: dict[str, Any] = {}
    for name, field in type(params).model_fields.items():
        value = getattr(params, name)
        if _is_frame(field.annotation):
            frame = value or DateFrame(None, None)
            binds |= {f"{name}_first": frame.first, f"{name}_last": frame.last}
        else:
            binds[name] = value
    return binds


def _is_frame(annotation: Any) -> bool:
    parts = getattr(annotation, "__args__", (annotation,))
    return any(getattr(part, "__origin__", part) is DateFrame for part in parts)


def _kind(spec: ParamSpec, now: Callable[[], datetime]) -> Any:
    """Return the type of a value that is given."""
    if spec.type == "date_frame":
        return date_frame_type(now)
    single: Any = Literal[tuple(spec.choices)] if spec.choices else _TYPES.get(spec.type)
    if spec.lookup is not None:
        single = Text if spec.keys == "string" else Integer
    if spec.type in {"choices", "references"}:
        return Annotated[list[single], Field(max_length=_MANY), AfterValidator(_once)]
    return single


def _is_required(spec: ParamSpec) -> bool:
    return spec.required and spec.default is None


def _optional(name: str, kind: Any, spec: ParamSpec, now: Callable[[], datetime]) -> tuple[Any, Any]:
    if isinstance(spec.default, str) and spec.type == "date_frame":
        return kind, Field(default_factory=_frame_maker(name, spec.default, now), description=_told(spec))
    if isinstance(spec.default, str) and spec.default in MOMENTS and spec.type in {"date", "datetime"}:
        moment = MOMENTS[spec.default]

        def work_out() -> date:
            day = moment(now().date())
            return day if spec.type == "date" else datetime(day.year, day.month, day.day, tzinfo=now().tzinfo)

        return kind, Field(default_factory=work_out, description=_told(spec))
    if spec.default is None:
        return kind | None, Field(default=None, description=spec.description)
    try:
        default = TypeAdapter(kind).validate_python(spec.default)
    except ValidationError as error:
        raise ValueError(f"Parameter {name!r}: the default does not fit: {error.errors()[0]['msg']}.") from None
    return kind, Field(default=default, description=spec.description)


def _told(spec: ParamSpec) -> str:
    return f"{spec.description} (default: {spec.default})".strip()


def _frame_maker(name: str, text: str, now: Callable[[], datetime]) -> Callable[[], DateFrame]:
    try:
        date_frame(text, now().date())
    except ValueError as error:
        raise ValueError(f"Parameter {name!r}: the default does not fit: {error}") from None
    return lambda: date_frame(text, now().date())
