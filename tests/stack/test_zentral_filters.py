"""Every filter of Zentral's drill-down on the real stack: the machines that it selects are those that SQL selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

from tests.stack.zentral import Zentral, tables_of

if TYPE_CHECKING:
    import psycopg

    from tests.stack.client import ExportsClient


@pytest.fixture(scope="module")
def zentral(exports: ExportsClient) -> Zentral:
    return Zentral(exports)


SAFARI = "1990000000000001013"
FILTERS: dict[str, tuple[dict[str, str], LiteralString]] = {
    "source": ({"sf": "", "src": "3"}, "source_id = 3"),
    "business unit": ({"sf": "mbu", "mbu": "5"}, "business_unit_id = 5"),
    "no business unit": ({"sf": "mbu", "mbu": "␀"}, "business_unit_id is null"),
    "tag": ({"sf": "t", "t": "1"}, "id in (select machine_id from inventory.machine_tags where tag_id = 1)"),
    "two tags": (
        {"sf": "t-t", "t": "1", "t1": "2"},
        "(select count(*) from inventory.machine_tags where machine_id = m.id and tag_id in (1, 2)) = 2",
    ),
    "no tag": ({"sf": "t", "t": "␀"}, "id not in (select machine_id from inventory.machine_tags)"),
    "severity": ({"sf": "mis", "mis": "200"}, "max_incident_severity = 200"),
    "no incident": ({"sf": "mis", "mis": "␀"}, "max_incident_severity is null"),
    "type": ({"sf": "tp", "tp": "EC2"}, "type = 'EC2'"),
    "no type": ({"sf": "tp", "tp": "␀"}, "false"),
    "platform": ({"sf": "pf", "pf": "TVOS"}, "platform = 'TVOS'"),
    "hardware model": ({"sf": "hm", "hm": "Mac14,2"}, "hardware_model = 'Mac14,2'"),
    "no hardware model": ({"sf": "hm", "hm": "␀"}, "hardware_model is null"),
    "system": ({"sf": "osv", "osv": "11"}, "os_version_id = 11"),
    "no system": ({"sf": "osv", "osv": "␀"}, "os_version_id is null"),
    "failed": ({"sf": "cs", "cs": "300"}, "not compliant"),
    "ok": ({"sf": "cs", "cs": "0"}, "compliant"),
    "never checked": ({"sf": "cs", "cs": "␀"}, "compliant is null"),
    "account": (
        {"sf": "awsa", "awsa": "012345678901"},
        "id in (select machine_id from inventory.ec2_instances where account_id = '012345678901')",
    ),
    "no account": ({"sf": "awsa", "awsa": "␀"}, "type <> 'EC2'"),
    "instance type": (
        {"sf": "eit", "eit": "t3.micro"},
        "id in (select machine_id from inventory.ec2_instances where instance_type = 't3.micro')",
    ),
    "serial number": ({"sf": "", "sn": "c02"}, "serial_number ilike '%c02%'"),
    "a percent sign in a name": ({"sf": "", "cn": "5 %"}, "name like '%5 \\%%'"),
    "name": ({"sf": "", "cn": "WEB-0"}, "name ilike '%web-0%'"),
    "no name": ({"sf": "", "cn": "␀"}, "name is null"),
    "principal": (
        {"sf": "", "pu": "o'brien"},
        "principal_name ilike '%o''brien%' or principal_email ilike '%o''brien%'",
    ),
    "principal's address": (
        {"sf": "", "pu": "MUELLER1"},
        "principal_name ilike '%mueller1%' or principal_email ilike '%mueller1%'",
    ),
    "no principal": ({"sf": "", "pu": "␀"}, "principal_name is null and principal_email is null"),
    "address": (
        {"sf": "", "ma": "A4:83:e7:2"},
        "id in (select machine_id from inventory.network_interfaces where mac ilike 'a4:83:e7:2%')",
    ),
    "known": ({"sf": "", "dt": "2022-06-30 12:00:00"}, "first_seen <= date '2022-06-30'"),
    "one version of an app": (
        {"sf": "a.n.Safari", "a7": SAFARI},
        "id in (select machine_id from inventory.app_installs where app_id = 1990000000000001013)",
    ),
    "without an app": (
        {"sf": "pf-a.i.com.microsoft.Word", "pf": "MACOS", "a8": "␀"},
        (
            "platform = 'MACOS' and id not in (select machine_id from inventory.app_installs"
            " where app_id in (select id from inventory.apps where bundle_id = 'com.microsoft.Word'))"
        ),
    ),
    "without a package": (
        {"sf": "pf-dp.nginx", "pf": "LINUX", "dp8": "␀"},
        (
            "platform = 'LINUX' and id not in (select machine_id from inventory.app_installs"
            " where app_id in (select id from inventory.apps where kind = 'deb_package' and name = 'nginx'))"
        ),
    ),
    "without an iOS app": (
        {"sf": "tp-ia.Slack", "tp": "MOBILE", "ia8": "␀"},
        (
            "type = 'MOBILE' and id not in (select machine_id from inventory.app_installs"
            " where app_id in (select id from inventory.apps where kind = 'ios_app' and name = 'Slack'))"
        ),
    ),
    "without an Android app": (
        {"sf": "pf-aa.Signal", "pf": "ANDROID", "aa8": "␀"},
        (
            "platform = 'ANDROID' and id not in (select machine_id from inventory.app_installs"
            " where app_id in (select id from inventory.apps where kind = 'android_app' and name = 'Signal'))"
        ),
    ),
    "without a program": (
        {"sf": r"pf-p.7\-Zip 25.01 (x64)", "pf": "WINDOWS", "p8": "␀"},
        (
            "platform = 'WINDOWS' and id not in (select machine_id from inventory.app_installs"
            " where app_id in (select id from inventory.apps where name = '7-Zip 25.01 (x64)'))"
        ),
    ),
    "a check that failed": (
        {"sf": "ccs.1", "ccs.1": "300"},
        "id in (select machine_id from inventory.machine_checks where check_id = 1 and status = 300)",
    ),
    "a check that never was": (
        {"sf": "ccs.1", "ccs.1": "␀"},
        "id not in (select machine_id from inventory.machine_checks where check_id = 1)",
    ),
    "several at once": (
        {"sf": "mbu-pf-tp-t", "mbu": "3", "pf": "MACOS", "tp": "LAPTOP", "t": "2", "src": "1"},
        (
            "business_unit_id = 3 and platform = 'MACOS' and type = 'LAPTOP' and source_id = 1"
            " and id in (select machine_id from inventory.machine_tags where tag_id = 2)"
        ),
    ),
    "a key whose token is off": ({"sf": "t", "pf": "MACOS"}, "true"),
}
NOBODY = {"no type"}


@pytest.fixture(scope="module")
def filtered(zentral: Zentral) -> dict[str, str]:
    """All of them, on their way at once."""
    return {name: zentral.start(export_format="zip", **query) for name, (query, _) in FILTERS.items()}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_selects_the_machines_that_sql_selects(
    zentral: Zentral, demo: psycopg.Connection, filtered: dict[str, str], name: str
) -> None:
    heading, *rows = tables_of(zentral.fetch(filtered[name]))["machines.csv"]
    statement: LiteralString = "select serial_number from inventory.machines m where "
    wanted = {serial for (serial,) in demo.execute(statement + FILTERS[name][1])}
    assert bool(wanted) is (name not in NOBODY)
    serials = [row[heading.index("SN")] for row in rows]
    assert len(serials) == len(set(serials))
    assert set(serials) == wanted


def test_last_seen_is_counted_back_from_the_request(
    zentral: Zentral, exports: ExportsClient, demo: psycopg.Connection
) -> None:
    url = zentral.start(export_format="zip", sf="", ls="45d")
    rows = tables_of(zentral.fetch(url))["machines.csv"][1:]
    since = exports.read(zentral.result(url)["id"])["params"]["seen_since"]
    (count,) = demo.execute(
        "select count(*) from inventory.machines where last_seen >= %s::timestamptz", [since]
    ).fetchone() or (0,)
    assert len(rows) == count > 0
