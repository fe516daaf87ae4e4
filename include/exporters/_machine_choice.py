"""The part that all sheets of machines have in common: the statement that finds the machines that are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.exporters._machine_params import AppFilter, MachinesParams

STATUS = "case m.compliant when true then 0 when false then 300 end"

_EQUAL: Mapping[str, str] = {
    "source_id": "m.source_id",
    "business_unit_id": "m.business_unit_id",
    "os_version_id": "m.os_version_id",
    "severity": "m.max_incident_severity",
    "type": "m.type",
    "platform": "m.platform",
    "hardware_model": "m.hardware_model",
    "compliance_status": STATUS,
    "aws_account": "e.account_id",
    "ec2_type": "e.instance_type",
}
"""Parameters that are compared with what a machine has."""

_OTHERS: Mapping[str, str] = {
    # Texts are looked for as they are: in a pattern, % and _ would mean something.
    "serial_number": "strpos(upper(m.serial_number), upper(:serial_number)) > 0",
    "name": "strpos(upper(m.name), upper(:name)) > 0",
    "principal": (
        "(strpos(upper(m.principal_email), upper(:principal)) > 0"
        " or strpos(upper(m.principal_name), upper(:principal)) > 0)"
    ),
    "mac": (
        "exists (select from inventory.network_interfaces n"
        " where n.machine_id = m.id and starts_with(upper(n.mac), upper(:mac)))"
    ),
    "seen_since": "m.last_seen >= :seen_since::timestamptz",
    "known_before": "m.first_seen < :known_before::timestamptz at time zone 'UTC'",
}
"""Parameters that are compared in a way of their own."""

_MISSING: Mapping[str, str] = {
    **{name.removesuffix("_id"): f"{value} is null" for name, value in _EQUAL.items()},
    "name": "m.name is null",
    "principal": "m.principal_email is null and m.principal_name is null",
}
"""Conditions for machines that do not have something."""


def chosen(params: MachinesParams) -> str:
    """Return the common table expression ``chosen``; its binds are those of :func:`binds`."""
    conditions = "\n      and ".join(_conditions(params)) or "true"
    return f"""with chosen as (
    select m.id, m.serial_number, m.name, m.type, m.platform, m.hardware_model, m.os_version_id, m.business_unit_id,
           m.source_id, m.principal_name, m.principal_email, m.last_seen, m.max_incident_severity as severity,
           {STATUS} as status, e.account_id, e.instance_type
    from inventory.machines m
    left join inventory.ec2_instances e on e.machine_id = m.id
    where {conditions}
)"""  # noqa: S608 - put together from this file's own words


def binds(params: MachinesParams) -> dict[str, Any]:
    """Return the values of every bind that a statement for these parameters may have."""
    found: dict[str, Any] = {name: getattr(params, name) for name in (*_EQUAL, *_OTHERS)}
    for place, tag in enumerate(params.tags):
        found[f"tag_{place}"] = tag.tag
    for place, app in enumerate(params.apps):
        found |= {f"app_{place}_called": app.called, f"app_{place}_version": app.version}
    for place, check in enumerate(params.checks):
        found |= {f"check_{place}": check.check, f"check_{place}_status": check.status}
    return found


def is_app(app: AppFilter, place: int) -> str:
    """Return the condition for the rows ``a`` of an app."""
    column = {"name": "a.name", "bundle_id": "a.bundle_id"}[app.by]
    return f"a.kind = '{app.kind}' and {column} = :app_{place}_called"


def _conditions(params: MachinesParams) -> Iterator[str]:
    for name, column in _EQUAL.items():
        if getattr(params, name) is not None:
            yield f"{column} = :{name}"
    for name, condition in _OTHERS.items():
        if getattr(params, name) is not None:
            yield condition
    yield from (f"({_MISSING[name]})" for name in params.without)
    yield from _conditions_of_tags(params)
    yield from _conditions_of_apps(params)
    yield from _conditions_of_checks(params)


def _conditions_of_tags(params: MachinesParams) -> Iterator[str]:
    for place, each in enumerate(params.tags):
        tagged = "(select from inventory.machine_tags mt where mt.machine_id = m.id{})"
        match each.tag:
            case "any":
                continue
            case "none":
                yield f"not exists {tagged.format('')}"
            case _:
                yield f"exists {tagged.format(f' and mt.tag_id = :tag_{place}')}"


def _conditions_of_apps(params: MachinesParams) -> Iterator[str]:
    for place, app in enumerate(params.apps):
        has = (
            "(select from inventory.app_installs i join inventory.apps a on a.id = i.app_id"
            f" where i.machine_id = m.id and {is_app(app, place)}"
        )
        match app.version:
            case "any":
                continue
            case "none":
                yield f"not exists {has})"
            case _:
                yield f"exists {has} and a.id = :app_{place}_version)"


def _conditions_of_checks(params: MachinesParams) -> Iterator[str]:
    for place, check in enumerate(params.checks):
        did = f"(select from inventory.machine_checks k where k.machine_id = m.id and k.check_id = :check_{place}"
        match check.status:
            case "any":
                continue
            case "none":
                yield f"not exists {did})"
            case _:
                yield f"exists {did} and k.status = :check_{place}_status)"
