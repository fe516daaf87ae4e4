"""The machines themselves, one row each: always the same columns, then those that the parameters switch on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.core.query import Order
from include.core.schema import Column, ColumnType, Schema
from include.core.table import StatementTable
from include.exporters._machine_choice import binds, chosen, is_app
from include.exporters._machine_counts import OS, SEVERITIES, SOURCE, STATUSES, label_of
from include.exporters._versions import counted

if TYPE_CHECKING:
    from include.exporters._machine_params import MachinesParams

_TEXT, _NUMBER = ColumnType.STRING, ColumnType.INTEGER
_NOTHING = "null"
"""What stands in a column whose group is not asked for."""


@dataclass(slots=True)
class _Rows:
    """Columns, each with the expression that gives it, and what is joined for them to ``chosen c``."""

    columns: list[tuple[Column, str]] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)

    def add(self, name: str, kind: ColumnType, label: str, value: str, *, sensitive: bool = False) -> None:
        """Add a column."""
        self.columns.append((Column.of(name, kind, label, sensitive=sensitive), value))

    def sql(self, params: MachinesParams) -> str:
        """Return the statement."""
        values = ",\n       ".join(f"{value} as {column.name}" for column, value in self.columns)
        joins = "\n".join(self.joins)
        return f"{chosen(params)}\nselect {values}\nfrom chosen c\n{joins}"


def machines(params: MachinesParams) -> StatementTable[MachinesParams]:
    """Return the table, ordered by the machines' names as people look for them."""
    rows = _Rows()
    _add_always(rows, params)
    if "incidents-severities" in params.groups:
        rows.add("max_incident_severity", _NUMBER, "Max incident severity", "c.severity")
        rows.add(
            "max_incident_severity_display", _TEXT, "Max incident severity display", SEVERITIES.format("c.severity")
        )
    if "compliance-status" in params.groups:
        _add_status(rows, "max_compliance_check_status", "Max compliance check status", "c.status")
    for place in range(len(params.apps)):
        _add_app(rows, params, place)
    for place, check in enumerate(params.checks):
        rows.joins.append(
            f"left join inventory.machine_checks k{place}"
            f" on k{place}.machine_id = c.id and k{place}.check_id = :check_{place}"
        )
        _add_status(rows, f"check_{place}_status", f"{check.heading} - status", f"k{place}.status")
    columns = Schema(tuple(column for column, _ in rows.columns))
    return StatementTable(
        title="Machines",
        source=SOURCE,
        sql=rows.sql(params),
        columns=columns,
        key=("sn",),
        default_order=(Order(columns["name"]),),
        extra=binds(params),
    )


def _add_always(rows: _Rows, params: MachinesParams) -> None:
    def grouped(group: str, value: str) -> str:
        return value if group in params.groups else _NOTHING

    rows.joins += [
        "join inventory.sources s on s.id = c.source_id",
        "left join inventory.business_units bu on bu.id = c.business_unit_id",
        "left join inventory.os_versions os on os.id = c.os_version_id",
        """left join (
    select mt.machine_id, string_agg(t.name, '|' order by t.name, t.id) as names
    from inventory.machine_tags mt join inventory.tags t on t.id = mt.tag_id
    group by mt.machine_id
) tagged on tagged.machine_id = c.id""",
    ]
    unit, system = "meta-business-units", f"case when os.id is not null then {OS} end"
    rows.add("source_id", _NUMBER, "Source ID", "c.source_id")
    rows.add("source", _TEXT, "Source", "s.name")
    rows.add("sn", _TEXT, "SN", "c.serial_number")
    rows.add("meta_business_unit_id", _NUMBER, "Meta Business Unit ID", grouped(unit, "bu.id") + "::integer")
    rows.add("meta_business_unit_name", _TEXT, "Meta Business Unit Name", grouped(unit, "bu.name") + "::text")
    rows.add("type", _TEXT, "Type", grouped("types", "c.type") + "::text")
    rows.add("platform", _TEXT, "Platform", grouped("platforms", "c.platform") + "::text")
    rows.add("name", _TEXT, "Name", "c.name")
    rows.add("hardware_model", _TEXT, "Hardware model", grouped("hardware-models", "c.hardware_model") + "::text")
    rows.add("os", _TEXT, "OS", f"({grouped('os', system)})::text")
    rows.add("principal_name", _TEXT, "Principal user principal name", "c.principal_email", sensitive=True)
    rows.add("principal_display_name", _TEXT, "Principal user display name", "c.principal_name", sensitive=True)
    rows.add("tags", _TEXT, "Tags", ("tagged.names" if params.tags else _NOTHING) + "::text")
    rows.add("last_seen", ColumnType.DATETIME, "Last seen", "c.last_seen")


def _add_status(rows: _Rows, name: str, label: str, status: str) -> None:
    """Add a status as number and word; a machine without one has -1 and the word NULL."""
    rows.add(name, _NUMBER, label, f"coalesce({status}, -1)")
    rows.add(f"{name}_display", _TEXT, f"{label} display", f"coalesce({STATUSES.format(status)}, 'NULL')")


def _add_app(rows: _Rows, params: MachinesParams, place: int) -> None:
    """Add the lowest and the highest version of a macOS app."""
    app = params.apps[place]
    if app.kind != "macos_app":
        return
    only = f" and a.id = :app_{place}_version" if isinstance(app.version, int) else ""
    keys = (counted("a.version"), counted("a.version_str"))
    lowest = ", ".join(f"{key} asc nulls first" for key in keys) + ", a.id"
    highest = ", ".join(f"{key} desc nulls last" for key in keys) + ", a.id desc"
    rows.joins.append(f"""left join (
    select i.machine_id,
           (array_agg({label_of(app)} order by {lowest}))[1] as lowest,
           (array_agg({label_of(app)} order by {highest}))[1] as highest
    from inventory.apps a join inventory.app_installs i on i.app_id = a.id
    where {is_app(app, place)}{only}
    group by i.machine_id
) v{place} on v{place}.machine_id = c.id""")  # noqa: S608 - put together from this folder's own words
    rows.add(f"app_{place}_min", _TEXT, f"{app.heading} min", f"v{place}.lowest")
    rows.add(f"app_{place}_max", _TEXT, f"{app.heading} max", f"v{place}.highest")
