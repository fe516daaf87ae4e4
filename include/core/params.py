"""Typed parameters from their YAML description."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal
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
)

from include.core.exporter import Params
from include.core.request import no_boolean, no_number, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ParamType = Literal["string", "integer", "decimal", "boolean", "date", "datetime", "uuid", "choice"]


class ParamSpec(BaseModel):
    """One parameter as a YAML exporter declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ParamType
    description: str = ""
    required: bool = True
    default: Any = Field(None, description="A JSON value, or a day or moment as YAML reads it.")
    choices: list[str] | None = None


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("A text cannot hold the character U+0000.")
    return value


_TYPES: dict[str, Any] = {
    "string": Annotated[str, Field(max_length=10_000), AfterValidator(_storable)],
    "integer": Annotated[int, BeforeValidator(no_boolean), Field(ge=-(2**63), lt=2**63)],
    "decimal": Annotated[Decimal, BeforeValidator(no_boolean)],
    "boolean": bool,
    "date": Annotated[date, BeforeValidator(no_number)],
    "datetime": Annotated[AwareDatetime, BeforeValidator(no_number)],
    "uuid": UUID,
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
    exporter: str, specs: Mapping[str, ParamSpec], *, now: Callable[[], datetime] = utc_now
) -> type[BaseModel]:
    """Build the pydantic model of an exporter's parameters.

    :raises ValueError: when a description contradicts itself.
    """
    fields: dict[str, Any] = {}
    for name, spec in specs.items():
        if (spec.type == "choice") is not bool(spec.choices):
            raise ValueError(f"Parameter {name!r}: choices belong to type choice, and choice needs them.")
        kind = Literal[tuple(spec.choices)] if spec.choices else _TYPES[spec.type]
        fields[name] = (
            (kind, Field(description=spec.description)) if _is_required(spec) else _optional(name, kind, spec, now)
        )
    title = "".join(part.capitalize() for part in exporter.split("_"))
    return create_model(f"{title}Params", __base__=Params, **fields)


def _is_required(spec: ParamSpec) -> bool:
    return spec.required and spec.default is None


def _optional(name: str, kind: Any, spec: ParamSpec, now: Callable[[], datetime]) -> tuple[Any, Any]:
    if isinstance(spec.default, str) and spec.default in MOMENTS and spec.type in {"date", "datetime"}:
        moment = MOMENTS[spec.default]

        def work_out() -> date:
            day = moment(now().date())
            return day if spec.type == "date" else datetime(day.year, day.month, day.day, tzinfo=now().tzinfo)

        described = f"{spec.description} (default: {spec.default})".strip()
        return kind, Field(default_factory=work_out, description=described)
    if spec.default is None:
        return kind | None, Field(default=None, description=spec.description)
    try:
        default = TypeAdapter(kind).validate_python(spec.default)
    except ValidationError as error:
        raise ValueError(f"Parameter {name!r}: the default does not fit: {error.errors()[0]['msg']}.") from None
    return kind, Field(default=default, description=spec.description)
