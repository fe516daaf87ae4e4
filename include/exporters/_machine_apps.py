"""What is installed on each machine, one row an installation, for each kind of software."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from include.core.exporter import Params, SqlExporter
from include.core.params import Text
from include.core.query import Order
from include.core.schema import Column, ColumnType, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

_TEXT = ColumnType.STRING
_FIRST = (
    Column.of("serial_number", _TEXT),
    Column.of("source_module", _TEXT),
    Column.of("source_name", _TEXT),
    Column.of("last_seen", ColumnType.DATETIME),
)
_APP_ID = Column.of("app_id", ColumnType.INTEGER, "App ID", on_request=True)

UNKNOWN = "null::text"
"""What the demo knows nothing of: the column is there, and empty."""


class SourceParams(Params):
    """Whose machines."""

    source_name: Text | None = Field(None, description="only machines that sources of this name reported, in any case")


def columns_of(values: Mapping[str, str]) -> Schema:
    """Return the columns of the file."""
    return Schema.of(*_FIRST, *(Column.of(name, _TEXT) for name in values), _APP_ID)


def sql_of(kind: str, values: Mapping[str, str]) -> str:
    """Return the statement.

    :param values: columns by name, each with an expression of ``inventory.apps a`` and ``inventory.app_installs i``
    """
    texts = ", ".join(f"{value} as {name}" for name, value in values.items())
    return f"""
select m.serial_number, s.module as source_module, s.name as source_name, m.last_seen, {texts}, a.id as app_id
from inventory.app_installs i
join inventory.apps a on a.id = i.app_id
join inventory.machines m on m.id = i.machine_id
join inventory.sources s on s.id = m.source_id
where a.kind = '{kind}'
  and (:source_name::text is null or upper(s.name) = upper(:source_name))"""  # noqa: S608 - of this folder's words


class MachineApps(SqlExporter[SourceParams]):
    """Base of the exporters, one for each kind of software."""

    source = "inventory"
    params_type: ClassVar[type[BaseModel]] = SourceParams
    key = ("serial_number", "app_id")
    default_order = (Order(_FIRST[2]),)
