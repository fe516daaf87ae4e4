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

from include.core.date_frames import DateFrame, DateFrameText, date_frame
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
        if (self.type in {"reference", "references"}) is not bool(self.lookup):
            raise ValueError("lookup belongs to the types reference and references, which need it.")
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
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("This is no address such as https://example.com/path.")
    return value


def _once(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("A value is there twice.")
    return values


_TEXT = Annotated[str, Field(max_length=10_000), AfterValidator(_storable)]
_INTEGER = Annotated[int, BeforeValidator(no_boolean), Field(ge=-(2**63), lt=2**63)]
_TYPES: dict[str, Any] = {
    "string": _TEXT,
    "integer": _INTEGER,
    "decimal": Annotated[Decimal, BeforeValidator(no_boolean)],
    "float": Annotated[float, BeforeValidator(no_boolean), AfterValidator(_finite)],
    "boolean": bool,
    "date": Annotated[date, BeforeValidator(no_number)],
    "datetime": Annotated[AwareDatetime, BeforeValidator(no_number)],
    "time": Annotated[time, BeforeValidator(no_number)],
    "uuid": UUID,
    "email": Annotated[EmailAddress, Field(json_schema_extra={"format": "email"})],
    "url": Annotated[
        str,
        Field(max_length=2_000, json_schema_extra={"format": "uri"}),
        AfterValidator(_storable),
        AfterValidator(_web_address),
    ],
    "date_frame": DateFrameText,
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
    for name, spec in specs.items():
        kind = _kind(spec)
        annotation, field = (
            (kind, Field(description=spec.description)) if _is_required(spec) else _optional(name, kind, spec, now)
        )
        if spec.lookup is not None:
            annotation = Annotated[annotation, Reference(spec.lookup.strip().removesuffix(";"), source)]
        fields[name] = (annotation, field)
    title = "".join(part.capitalize() for part in exporter.split("_"))
    return create_model(f"{title}Params", __base__=Params, **fields)


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


def _kind(spec: ParamSpec) -> Any:
    """Return the type of a value that is given."""
    single: Any = Literal[tuple(spec.choices)] if spec.choices else _TYPES.get(spec.type)
    if spec.lookup is not None:
        single = _TEXT if spec.keys == "string" else _INTEGER
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
