"""The catalog as clients see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.compressions import COMPRESSIONS
from include.core.errors import Fatal
from include.core.exporter import ONLY
from include.core.query import fitting_ops
from include.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.core.catalog import Catalog
    from include.core.exporter import Exporter
    from include.core.schema import Column
    from include.core.table import Table


def broken_exporters(catalog: Catalog) -> Mapping[str, str]:
    """Return the exporters that cannot be loaded, and why."""
    broken: dict[str, str] = {}
    for name in catalog.names:
        try:
            catalog.load(name)
        except Fatal as error:
            broken[name] = error.message
    return broken


def describe(name: str, exporter: Exporter[Any]) -> dict[str, Any]:
    """Return everything that a client needs to know to use an exporter."""
    tables = exporter.declared()
    return {
        "name": name,
        "title": exporter.title,
        "description": exporter.description,
        "params": exporter.params_type.model_json_schema(),
        **(_describe_table(tables[ONLY]) if ONLY in tables else {"columns": [], "key": []}),
        "sheets": [
            {"name": sheet, "title": table.title, **_describe_table(table)}
            for sheet, table in tables.items()
            if sheet != ONLY
        ],
        "formats": describe_formats(),
        "compressions": describe_compressions(),
    }


def describe_formats() -> list[dict[str, Any]]:
    """Return the formats and their options."""
    return [
        {
            "name": name,
            "media_type": file_format.media_type,
            "suffix": file_format.suffix,
            "options": file_format.options_type.model_json_schema(),
        }
        for name in FORMATS
        for file_format in [FORMATS.load(name)]
    ]


def describe_compressions() -> list[dict[str, Any]]:
    """Return the ways to compress a file of any format."""
    return [
        {
            "name": name,
            "media_type": compression.media_type,
            "suffix": compression.suffix,
            "bundles": compression.bundles,
        }
        for name in COMPRESSIONS
        for compression in [COMPRESSIONS.load(name)]
    ]


def _describe_table(table: Table[Any]) -> dict[str, Any]:
    return {"columns": [_describe_column(column) for column in table.columns], "key": list(table.key)}


def _describe_column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "label": column.label,
        "description": column.description,
        "sensitive": column.sensitive,
        "on_request": column.on_request,
        "ops": [] if column.derived else sorted(fitting_ops(column.type)),
    }
