"""The machines of the demo inventory as nested objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from include.core.exporter import SqlExporter
from include.core.query import Order
from include.core.schema import Column, ColumnType, Schema
from include.exporters._machine_apps import SourceParams

if TYPE_CHECKING:
    from pydantic import BaseModel

_SOURCE_NAME = Column.of("source_name", ColumnType.STRING)


class InventoryMachineSnapshots(SqlExporter[SourceParams]):
    """One object a machine; what is not known of it is left out of the nested ones."""

    title = "Machine snapshots"
    description = "The demo inventory, one nested object a machine: source, system, user and network."
    source = "inventory"
    params_type: ClassVar[type[BaseModel]] = SourceParams
    columns = Schema.of(
        Column.of("serial_number", ColumnType.STRING),
        Column.of("platform", ColumnType.STRING),
        Column.of("type", ColumnType.STRING),
        Column.of("last_seen", ColumnType.DATETIME),
        _SOURCE_NAME,
        Column.of("source", ColumnType.JSON),
        Column.of("os_version", ColumnType.JSON),
        Column.of("system_info", ColumnType.JSON),
        Column.of("principal_user", ColumnType.JSON, sensitive=True),
        Column.of("network_interfaces", ColumnType.JSON),
    )
    key = ("serial_number",)
    default_order = (Order(_SOURCE_NAME),)
    sql = """
        select m.serial_number, m.platform, m.type, m.last_seen, s.name as source_name,
               json_build_object('module', s.module, 'name', s.name) as source,
               nullif(json_strip_nulls(json_build_object(
                   'name', os.name, 'version', os.version, 'build', os.build))::text, '{}')::json as os_version,
               nullif(json_strip_nulls(json_build_object(
                   'computer_name', m.name, 'hardware_model', m.hardware_model,
                   'physical_memory', m.memory_bytes))::text, '{}')::json as system_info,
               nullif(json_strip_nulls(json_build_object(
                   'principal_name', m.principal_email,
                   'display_name', m.principal_name))::text, '{}')::json as principal_user,
               n.network_interfaces
        from inventory.machines m
        join inventory.sources s on s.id = m.source_id
        left join inventory.os_versions os on os.id = m.os_version_id
        left join (
            select machine_id,
                   json_agg(json_build_object('interface', interface, 'mac', mac) order by interface)
                       as network_interfaces
            from inventory.network_interfaces
            group by machine_id
        ) n on n.machine_id = m.id
        where (:source_name::text is null or upper(s.name) = upper(:source_name))
    """
