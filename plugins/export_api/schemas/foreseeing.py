"""What a request would do, and the first rows of it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from export_api.schemas.parts import Answer


class SourceForecast(Answer):
    """What is expected of one exporter, or of one of its tables."""

    exporter: str
    sheet: str | None = Field(None, description="Which table, where the exporter has several.")
    rows_estimated: int | None = Field(description="Null where its source cannot tell.")


class ForecastBody(Answer):
    """What a request would do, if it were started."""

    request: dict[str, Any] = Field(description="The request with its defaults worked out.")
    files: list[str] = Field(
        description="Names of the files. `{time}`, `{id}`, `{number}` and `{value}` stand for what is known only "
        "later; with `split`, one name stands for all."
    )
    rows_estimated: int | None = Field(
        description="What the sources' planners expect of all exporters together; null where one cannot tell."
    )
    bytes_estimated: int | None = Field(
        description="From earlier exports of the same exporter, format and compression; null without any."
    )
    sources: list[SourceForecast]
    warnings: list[str] = Field(description="What the caller might not expect, in words.")


class PreviewColumn(Answer):
    """A column of the file."""

    name: str
    type: str
    label: str
    sensitive: bool = Field(description="Whether its values are personal or secret.")


class PreviewSource(Answer):
    """The first rows of one exporter, or of one of its tables."""

    exporter: str
    sheet: str | None = Field(None, description="Which table, where the exporter has several.")
    title: str
    columns: list[PreviewColumn]
    rows: list[dict[str, Any]] = Field(description="Objects as jsonl has them: decimals and times are strings.")


class PreviewBody(Answer):
    """The first rows of an export."""

    truncated: bool = Field(description="Whether there are more rows.")
    warnings: list[str] = Field(description="What the caller might not expect of the export, in words.")
    sources: list[PreviewSource]
