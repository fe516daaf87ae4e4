"""Zentral's columns and sheets on the real stack: every cell and every count against SQL that knows nothing of ours."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, LiteralString

import pytest

from tests.stack.zentral import COUNTS, HEADINGS, SEVERITY, Zentral, sheets_of, tables_of

if TYPE_CHECKING:
    import psycopg

    from tests.stack.client import ExportsClient


@pytest.fixture(scope="module")
def zentral(exports: ExportsClient) -> Zentral:
    return Zentral(exports)


EVERYTHING = (
    "mbu-t-mis-tp-pf-hm-osv-cs-awsa-eit"
    "-a.n.Microsoft Outlook-a.i.com.apple.Safari-aa.Teams-dp.openssl-ia.Slack-p.Git-ccs.2"
)
MACHINES = """
    select m.source_id, s.name, m.serial_number, bu.id, bu.name, m.type, m.platform, m.name, m.hardware_model,
           case when o.id is not null then trim(o.name || ' ' || o.version)
                || case when coalesce(o.build, '') = '' then '' else ' (' || o.build || ')' end end,
           m.principal_email, m.principal_name,
           array_to_string(array(
               select t.name from inventory.machine_tags x join inventory.tags t on t.id = x.tag_id
               where x.machine_id = m.id order by t.name), '|'),
           m.last_seen,
           m.max_incident_severity, (array['Minor', 'Major', 'Critical'])[m.max_incident_severity / 100],
           case when m.compliant is null then -1 when m.compliant then 0 else 300 end,
           case when m.compliant is null then 'NULL' when m.compliant then 'OK' else 'Failed' end,
           outlook.label, outlook.label, safari.label, safari.label,
           coalesce(k.status, -1),
           case k.status when 0 then 'OK' when 100 then 'Pending' when 200 then 'Unknown' when 300 then 'Failed'
                else 'NULL' end
    from inventory.machines m
    join inventory.sources s on s.id = m.source_id
    left join inventory.business_units bu on bu.id = m.business_unit_id
    left join inventory.os_versions o on o.id = m.os_version_id
    left join inventory.machine_checks k on k.machine_id = m.id and k.check_id = 2
    left join lateral (
        select trim('Microsoft Outlook ' || coalesce(a.version_str, '')) as label
        from inventory.app_installs i join inventory.apps a on a.id = i.app_id
        where i.machine_id = m.id and a.kind = 'macos_app' and a.name = 'Microsoft Outlook') outlook on true
    left join lateral (
        select trim('Safari ' || coalesce(a.version_str, '')) as label
        from inventory.app_installs i join inventory.apps a on a.id = i.app_id
        where i.machine_id = m.id and a.bundle_id = 'com.apple.Safari') safari on true
    order by m.name, m.serial_number
"""
SHEETS: dict[str, LiteralString] = {
    "sources": "select s.name, m.id, s.id from inventory.machines m join inventory.sources s on s.id = m.source_id",
    "meta-business-units": "select b.name, m.id, b.id from inventory.machines m"
    " left join inventory.business_units b on b.id = m.business_unit_id",
    "tags": "select t.name, m.id, t.id from inventory.machines m left join inventory.machine_tags x"
    " on x.machine_id = m.id left join inventory.tags t on t.id = x.tag_id",
    "incidents-severities": "select (array['Minor', 'Major', 'Critical'])[max_incident_severity / 100], id, 1"
    " from inventory.machines",
    "types": "select case type when 'EC2' then 'EC2 instance' else left(type, 1) || lower(substr(type, 2)) end, id, 1"
    " from inventory.machines",
    "platforms": "select platform, id, 1 from inventory.machines",
    "hardware-models": "select hardware_model, id, 1 from inventory.machines",
    "os": "select trim(o.name || ' ' || o.version) || case when coalesce(o.build, '') = '' then ''"
    " else ' (' || o.build || ')' end, m.id, o.id"
    " from inventory.machines m left join inventory.os_versions o on o.id = m.os_version_id",
    "compliance-status": "select case when compliant then 'OK' when not compliant then 'Failed' end, id, 1"
    " from inventory.machines",
    "aws-account": "select e.account_id, m.id, 1 from inventory.machines m"
    " left join inventory.ec2_instances e on e.machine_id = m.id",
    "ec2-instance-type": "select e.instance_type, m.id, 1 from inventory.machines m"
    " left join inventory.ec2_instances e on e.machine_id = m.id",
    **{
        sheet: "select case when v.id is not null then trim(v.name || ' ' || coalesce(v.label, '')) end, m.id, v.id"
        " from inventory.machines m left join (select i.machine_id, a.id, a.name, a."
        + version
        + " as label from inventory.app_installs i join inventory.apps a on a.id = i.app_id where a.kind = '"
        + kind
        + "' and a.name = '"
        + name
        + "') v on v.machine_id = m.id"
        for sheet, kind, name, version in (
            ("microsoft-outlook", "macos_app", "Microsoft Outlook", "version_str"),
            ("safari", "macos_app", "Safari", "version_str"),
            ("teams", "android_app", "Teams", "version"),
            ("openssl", "deb_package", "openssl", "version"),
            ("slack", "ios_app", "Slack", "version"),
            ("git", "program", "Git", "version"),
        )
    },
    "firewall-strict": "select case k.status when 0 then 'OK' when 100 then 'Pending' when 200 then 'Unknown'"
    " when 300 then 'Failed' end, m.id, 1 from inventory.machines m"
    " left join inventory.machine_checks k on k.machine_id = m.id and k.check_id = 2",
}


@pytest.fixture(scope="module")
def everything(zentral: Zentral) -> dict[str, list[list[str]]]:
    return tables_of(zentral.fetch(zentral.start(export_format="zip", sf=EVERYTHING)))


def test_a_zip_has_a_file_for_the_machines_and_for_each_group(everything: dict[str, list[list[str]]]) -> None:
    assert list(everything) == ["machines.csv", *(f"{name}.csv" for name in SHEETS)]


def test_every_column_of_every_machine_is_the_databases(
    everything: dict[str, list[list[str]]], demo: psycopg.Connection
) -> None:
    heading, *rows = everything["machines.csv"]
    assert heading == [
        *HEADINGS,
        *SEVERITY,
        "Max compliance check status",
        "Max compliance check status display",
        *("Microsoft Outlook min", "Microsoft Outlook max", "Safari min", "Safari max"),
        *('Firewall; "strict" - status', 'Firewall; "strict" - status display'),
    ]
    wanted = demo.execute(MACHINES).fetchall()
    assert len(rows) == len(wanted) == 20_000
    place = HEADINGS.index("Last seen")
    for row, values in zip(rows, wanted, strict=True):
        moment = datetime.fromisoformat(row.pop(place))
        assert moment == values[place]
        assert row == ["" if value is None else str(value) for value in (*values[:place], *values[place + 1 :])]


@pytest.mark.parametrize("name", SHEETS)
def test_a_group_counts_what_the_database_counts(
    everything: dict[str, list[list[str]]], demo: psycopg.Connection, name: str
) -> None:
    heading, *rows = everything[f"{name}.csv"]
    assert tuple(heading) == COUNTS
    statement: LiteralString = "select value, count(distinct id) from ("
    ended: LiteralString = ") as counted (value, id, apart) group by value, apart"
    counted = demo.execute(statement + SHEETS[name] + ended).fetchall()
    wanted = sorted(("NULL" if value is None else value, count) for value, count in counted)
    assert sorted((value, int(count)) for value, count, _ in rows) == wanted
    assert all(float(percent) == pytest.approx(int(count) / 200) for _, count, percent in rows)
    named = [value for value, _, _ in rows]
    if any(value is None for value, _ in counted):
        assert named.pop() == "NULL"
    assert [value.upper() for value in named] == sorted(value.upper() for value in named)


def test_severity_columns_are_there_although_no_machine_has_an_incident(zentral: Zentral) -> None:
    sheets = tables_of(zentral.fetch(zentral.start(export_format="zip", sf="mis", mis="␀")))
    heading, *rows = sheets["machines.csv"]
    assert heading == [*HEADINGS, *SEVERITY]
    assert {tuple(row[-2:]) for row in rows} == {("", "")}
    ((value, count, percent),) = sheets["incidents-severities.csv"][1:]
    assert (value, int(count), float(percent)) == ("NULL", len(rows), 100)


def test_columns_whose_token_is_off_are_empty(zentral: Zentral) -> None:
    sheets = tables_of(zentral.fetch(zentral.start(export_format="zip", sf="pf", src="6")))
    assert list(sheets) == ["machines.csv", "sources.csv", "platforms.csv"]
    heading, *rows = sheets["machines.csv"]
    assert heading == HEADINGS
    filled = {name for name, *values in zip(heading, *rows, strict=True) if any(values)}
    off = {"Meta Business Unit ID", "Meta Business Unit Name", "Type", "Hardware model", "OS", "Tags"}
    assert filled == set(HEADINGS) - off


def test_each_tag_token_is_a_sheet_and_no_tag_is_counted_twice(zentral: Zentral, demo: psycopg.Connection) -> None:
    query = {"sf": "t-t-t", "t": "1", "t1": "2"}
    sheets = sheets_of(zentral.fetch(zentral.start(**query)))
    assert list(sheets) == ["Machines", "Sources", "Tags · vip", "Tags · kiosk", "Tags"]
    both = len(sheets["Machines"]) - 1
    assert sheets["Tags · vip"][1:] == [("vip", both, 100)]
    assert sheets["Tags · kiosk"][1:] == [("kiosk", both, 100)]
    statement = """
        select t.name, count(*) from inventory.machine_tags x join inventory.tags t on t.id = x.tag_id
        where x.machine_id in (select machine_id from inventory.machine_tags where tag_id = 1)
          and x.machine_id in (select machine_id from inventory.machine_tags where tag_id = 2)
          and t.id not in (1, 2) group by t.id
    """
    others: dict[str, int] = dict(demo.execute(statement).fetchall())
    assert {value: count for value, count, _ in sheets["Tags"][1:]} == others
