"""The catalog of exporters."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from export_api.schemas.parts import Answer


class ColumnInfo(Answer):
    """A column that an exporter declares."""

    name: str
    type: str
    label: str
    description: str
    sensitive: bool = Field(description="Whether its values are personal or secret.")
    on_request: bool = Field(description="Whether it is left out where `columns` does not name it.")
    ops: list[str] = Field(description="What `where` can do with it.")


class FormatInfo(Answer):
    """A file format."""

    name: str
    media_type: str
    suffix: str
    options: dict[str, Any] = Field(description="JSON Schema of its options.")


class CompressionInfo(Answer):
    """A way to compress files."""

    name: str
    media_type: str
    suffix: str
    bundles: bool = Field(description="Whether it puts several files into one.")


class SheetInfo(Answer):
    """One of several tables of an exporter."""

    name: str = Field(description="For `sheets` in a request.")
    title: str
    columns: list[ColumnInfo]
    key: list[str]


class ExporterBody(Answer):
    """An exporter."""

    name: str
    title: str
    description: str
    params: dict[str, Any] = Field(description="JSON Schema of its parameters.")
    columns: list[ColumnInfo] = Field(description="None where there are several tables.")
    key: list[str] = Field(description="Columns that are unique together and make the order total.")
    sheets: list[SheetInfo] = Field(description="The tables, where there are several: sheets, or files of a zip.")
    formats: list[FormatInfo]
    compressions: list[CompressionInfo]


class ExporterList(Answer):
    """All exporters that work."""

    items: list[ExporterBody]
