"""The request for an export, as every way in writes it: the API's body, a DAG run's conf, an operator's arguments."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_serializer,
    model_validator,
)

from include.core.errors import FieldError, InvalidRequest, invalid
from include.core.notify import Notify


class Op(StrEnum):
    """Comparisons of a condition; conditions are ANDed."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    IS_NULL = "is_null"
    NOT_NULL = "not_null"


class Condition(BaseModel):
    """One condition on a declared column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str = Field(description="Name of a declared column.")
    op: Op
    value: JsonValue = Field(
        default=None,
        description="A value of the column's type; a list for `in` and `not_in`; none for null tests.",
    )


def _name_alone(schema: dict[str, Any]) -> None:
    """Say in JSON Schema that a string does as well as the object."""
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string"}, whole]


class ColumnChoice(BaseModel):
    """A column, by its name or under another name in the file; the name alone is short for ``{"name": …}``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        json_schema_extra=_name_alone,
    )

    name: str
    rename: Annotated[str, Field(min_length=1, max_length=255, pattern="^[^\\x00]*$")] | None = Field(None, alias="as")

    @model_validator(mode="before")
    @classmethod
    def _of_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_serializer
    def _to_name(self) -> str | dict[str, str]:
        return self.name if self.rename is None else {"name": self.name, "as": self.rename}


def no_boolean(value: Any) -> Any:
    """Refuse true and false where a number is meant; pydantic would take them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("This should be a number, such as an integer, and not true or false.")  # noqa: TRY004 - pydantic collects ValueErrors
    return value


def _iso_duration(value: Any) -> Any:
    """Refuse what pydantic would take for a duration as well, such as a number of seconds."""
    if isinstance(value, timedelta) or (isinstance(value, str) and value.startswith("P")):
        return value
    raise ValueError("This is no duration of ISO 8601, such as P7D or PT12H.")


Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Reading(BaseModel):
    """What is asked of one exporter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    params: dict[str, JsonValue] = Field(default_factory=dict, description="Arguments of the exporter.")
    sheets: list[Annotated[str, Field(max_length=200)]] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Of an exporter with several tables those that are wanted, in their order; all when left out.",
    )
    columns: list[ColumnChoice] | None = Field(
        None, min_length=1, description="Columns in the wanted order; when left out, all but those on request."
    )
    where: list[Condition] = Field(default_factory=list, max_length=100, description="Conditions, ANDed.")
    order_by: list[str] = Field(
        default_factory=list, max_length=20, description="Columns to sort by; a leading - sorts descending."
    )
    limit: Annotated[int, BeforeValidator(no_boolean)] | None = Field(
        None, ge=1, le=2**53, description="At most so many rows; all when left out."
    )


class SourceRequest(_Reading):
    """One of several exporters that go into one export: a sheet of its workbook, or a file of its zip."""

    exporter: Name = Field(description="Name of an exporter.")
    name: Name | None = Field(
        None,
        description="Title of the sheet, or name of the file; otherwise the exporter's. Of several tables it stands "
        "before the name of each.",
    )


class Split(BaseModel):
    """Where one file ends and the next one begins; give one of the three."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Annotated[int, BeforeValidator(no_boolean)] | None = Field(
        None, ge=1, le=2**53, description="Rows of each file but the last."
    )
    bytes: Annotated[int, BeforeValidator(no_boolean)] | None = Field(
        None,
        ge=100_000,
        le=2**53,
        description="A file that has reached so many bytes, before compression, takes no more than 1,000 further rows.",
    )
    by: Name | None = Field(
        None, description="A column: a file for each of its values, named after it, in their order; NULL is a value."
    )

    @model_validator(mode="after")
    def _one(self) -> Split:
        if sum(given is not None for given in (self.rows, self.bytes, self.by)) != 1:
            raise ValueError("Give either rows, bytes or by.")
        return self


NAMES_SEPARATOR = ", "
"""Between the names of several exporters where one text names them all; no name holds it."""

ONE_READING = frozenset({"exporter", *_Reading.model_fields})
"""Fields of a request that belong to one exporter."""


class ExportRequest(_Reading):
    """What is asked for, not yet checked against the catalog.

    Unknown fields are errors: a field whose capability does not exist is never silently ignored.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "exporter": "machines",
                    "params": {"platform": "MACOS"},
                    "format": "xlsx",
                    "columns": ["serial_number", "os_version", "last_seen"],
                    "where": [{"column": "last_seen", "op": ">=", "value": "2026-10-01T00:00:00Z"}],
                    "order_by": ["-last_seen"],
                    "filename": "machines-{date}",
                    "name": "Macs of October",
                    "notify": [
                        {"webhook": "5b0e1f52-6a0c-4e0f-9d53-3e1f0a0c7f11"},
                        {"email": "anna@example.com"},
                    ],
                }
            ]
        },
    )

    exporter: Name | None = Field(None, description="Name of an exporter; GET /exporters lists them.")
    sources: list[SourceRequest] | None = Field(
        None,
        min_length=1,
        max_length=50,
        description="Several exporters instead of one: sheets of one workbook, or files of one zip.",
    )
    format: Name = Field("csv", description="Name of a format, such as csv, json, jsonl, parquet or xlsx.")
    options: dict[str, JsonValue] = Field(default_factory=dict, description="Options of the format.")
    filename: Name | None = Field(
        None,
        description="Template of the file's name: {exporter}, {date}, {time}, {id}; the suffix is added.",
    )
    compression: Name | None = Field(None, description="How the file is compressed: gzip, zstd or zip.")
    split: Split | None = Field(None, description="Several files instead of one long one.")
    verify: Literal["counts", "full"] = Field(
        "counts",
        description="How the file is verified: by counts and checksums, or full: also read back from the store and "
        "compared row by row.",
    )
    name: Name | None = Field(None, description="What people call this export.")
    expires_in: Annotated[timedelta, BeforeValidator(_iso_duration)] | None = Field(
        None,
        ge=timedelta(seconds=1),
        description="How long the file is kept once it is finished, such as P7D or PT12H (ISO 8601).",
    )
    notify: list[Notify] = Field(
        default_factory=list,
        max_length=10,
        description="Who is told when it ends, beside the webhooks that hear of all of your exports.",
    )

    def readings(self) -> tuple[tuple[str, SourceRequest], ...]:
        """Return what is asked of each exporter, and the pointer into the request where that stands."""
        if self.sources is not None:
            return tuple((f"/sources/{index}", source) for index, source in enumerate(self.sources))
        if self.exporter is None:
            return ()
        shared = {name: getattr(self, name) for name in _Reading.model_fields}
        return (("", SourceRequest(exporter=self.exporter, **shared)),)

    @property
    def exporters(self) -> tuple[str, ...]:
        """The names of the exporters, in their order."""
        return tuple(reading.exporter for _, reading in self.readings())

    def to_conf(self) -> dict[str, Any]:
        """Return the request as a DAG run's conf: JSON, unset fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def parse_request(body: object) -> ExportRequest:
    """Read a request from JSON.

    :raises InvalidRequest: with a pointer to each field that is wrong.
    """
    try:
        return ExportRequest.model_validate(body)
    except ValidationError as error:
        raise from_validation(error) from None


def no_number(value: Any) -> Any:
    """Refuse a number where a day or a moment is meant; pydantic would take it for seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value.strip())):
        raise ValueError("This is no date or time of ISO 8601, such as 2026-10-01 or 2026-10-01T00:00:00Z.")
    return value


_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")


def from_validation(error: ValidationError, *, prefix: str = "") -> InvalidRequest:
    """Translate pydantic's errors into ours, without the rejected values."""
    return invalid(
        [
            FieldError(prefix + "".join(f"/{escape(part)}" for part in item["loc"]), sentence(item["msg"]))
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    )


def escape(part: str | int) -> str:
    """Escape one reference token of a JSON pointer (RFC 6901, section 3)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def sentence(message: str) -> str:
    """Return pydantic's message without its technical prefix."""
    return message.removeprefix("Value error, ")


def utc_now() -> datetime:
    """Return the time; the one clock of the product, injected where time matters."""
    return datetime.now(UTC)
