"""How many machines there are of each kind: a sheet for each group, tag, app and compliance check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.core.filename import slug, unique
from include.core.schema import Column, ColumnType, Schema
from include.core.table import StatementTable
from include.exporters._machine_choice import binds, chosen, is_app

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.exporters._machine_params import AppFilter, MachinesParams, TagFilter

SOURCE = "inventory"
MACHINES = "machines"
"""The name of the sheet with the machines themselves."""

COLUMNS = Schema.of(
    Column.of("value", ColumnType.STRING, "Value"),
    Column.of("count", ColumnType.INTEGER, "Count"),
    Column.of("percent", ColumnType.FLOAT, "%"),
    Column.of("place", ColumnType.INTEGER, "Place", description="in the order of the values", on_request=True),
)

SEVERITIES = "case {} when 100 then 'Minor' when 200 then 'Major' when 300 then 'Critical' end"
STATUSES = "case {} when 0 then 'OK' when 100 then 'Pending' when 200 then 'Unknown' when 300 then 'Failed' end"
OS = "concat_ws(' ', nullif(os.name, ''), nullif(os.version, ''), '(' || nullif(os.build, '') || ')')"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """What is counted: values of ``chosen c``, each with an id that tells those of equal labels apart."""

    title: str
    id: str
    label: str
    joins: str = ""
    where: str = "true"

    def sql(self, params: MachinesParams) -> str:
        """Return the statement; what has no label, or no row at all, is the word NULL and stands last."""
        return f"""{chosen(params)}
select coalesce(label, 'NULL') as value, count, percent,
       row_number() over (order by label is null, upper(label) collate "C", label collate "C", id) as place
from (
    select {self.id} as id, {self.label} as label, count(*) as count,
           count(*) * 100::float8 / (select count(*) from chosen) as percent
    from chosen c
    {self.joins}
    where {self.where}
    group by 1, 2
) counted"""  # noqa: S608 - put together from this file's own words

    def table(self, params: MachinesParams) -> StatementTable[MachinesParams]:
        """Return the sheet."""
        return StatementTable(
            title=self.title,
            source=SOURCE,
            sql=self.sql(params),
            columns=COLUMNS,
            key=("place",),
            extra=binds(params),
        )


_SOURCES = _Counted(title="Sources", id="s.id", label="s.name", joins="join inventory.sources s on s.id = c.source_id")
_GROUPS: Mapping[str, _Counted] = {
    "meta-business-units": _Counted(
        title="Meta business units",
        id="bu.id",
        label="bu.name",
        joins="left join inventory.business_units bu on bu.id = c.business_unit_id",
    ),
    "incidents-severities": _Counted(
        title="Incidents severities", id="c.severity", label=SEVERITIES.format("c.severity")
    ),
    "types": _Counted(
        title="Types", id="c.type", label="case c.type when 'EC2' then 'EC2 instance' else initcap(c.type) end"
    ),
    "platforms": _Counted(title="Platforms", id="c.platform", label="c.platform"),
    "hardware-models": _Counted(title="Hardware models", id="c.hardware_model", label="c.hardware_model"),
    "os": _Counted(
        title="OS",
        id="os.id",
        label=f"case when os.id is not null then {OS} end",
        joins="left join inventory.os_versions os on os.id = c.os_version_id",
    ),
    "compliance-status": _Counted(title="Compliance status", id="c.status", label=STATUSES.format("c.status")),
    "aws-account": _Counted(title="AWS account", id="c.account_id", label="c.account_id"),
    "ec2-instance-type": _Counted(title="EC2 instance type", id="c.instance_type", label="c.instance_type"),
}
"""Groups by their names, in the order of the sheets; tags come behind the first."""


def counts(params: MachinesParams) -> dict[str, StatementTable[MachinesParams]]:
    """Return the sheets by name; the name is that of the title, and never that of the machines' own sheet."""
    names = {MACHINES}
    return {unique(slug(each.title), "", names): each.table(params) for each in _counted(params)}


def _counted(params: MachinesParams) -> Iterator[_Counted]:
    yield _SOURCES
    for name, group in _GROUPS.items():
        if name in params.groups:
            yield group
        if name == "meta-business-units":
            yield from (_tags(params, place) for place in range(len(params.tags)))
    yield from (_app(app, place) for place, app in enumerate(params.apps))
    for place, check in enumerate(params.checks):
        joins = f"left join inventory.machine_checks k on k.machine_id = c.id and k.check_id = :check_{place}"
        yield _Counted(title=check.heading, id="k.status", label=STATUSES.format("k.status"), joins=joins)


def _tags(params: MachinesParams, place: int) -> _Counted:
    """Return the tags of the machines; what another sheet asks for is not counted here again."""
    tag = params.tags[place]
    joins = "left join inventory.machine_tags mt on mt.machine_id = c.id left join inventory.tags t on t.id = mt.tag_id"
    others = [(other, each.tag) for other, each in enumerate(params.tags) if other != place]
    left_out = [f"t.id <> :tag_{other}" for other, value in others if isinstance(value, int)]
    match tag.tag:
        case "any":
            known = " and ".join(left_out) or "true"
            unknown = "false" if any(value == "none" for _, value in others) else "t.id is null"
            where = f"(t.id is not null and {known} or {unknown})"
        case "none":
            where = "t.id is null"
        case _:
            where = f"t.id = :tag_{place}"
    return _Counted(title=_title(tag), id="t.id", label="t.name", joins=joins, where=where)


def _title(tag: TagFilter) -> str:
    title = "No tag" if tag.tag == "none" and tag.title is None else tag.title
    return "Tags" if title is None else f"Tags · {title}"


def _app(app: AppFilter, place: int) -> _Counted:
    joins = f"""left join (
        select i.machine_id, a.id, {label_of(app)} as label
        from inventory.apps a join inventory.app_installs i on i.app_id = a.id
        where {is_app(app, place)}
    ) v on v.machine_id = c.id"""  # noqa: S608 - as above
    where = f"v.id = :app_{place}_version" if isinstance(app.version, int) else "true"
    return _Counted(title=app.heading, id="v.id", label="v.label", joins=joins, where=where)


def label_of(app: AppFilter) -> str:
    """Return what one version of an app, the row ``a``, is called."""
    version = "a.version_str" if app.kind == "macos_app" else "a.version"
    return f"concat_ws(' ', nullif(a.name, ''), nullif({version}, ''))"
