"""What Zentral exports by source, on the real stack: a file for each, against the database's rows."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack.zentral import Install, Zentral, installs_of, tables_of, text

if TYPE_CHECKING:
    import psycopg

    from tests.stack.client import ExportsClient


@pytest.fixture(scope="module")
def zentral(exports: ExportsClient) -> Zentral:
    return Zentral(exports)


@pytest.fixture
def installs(demo: psycopg.Connection) -> dict[str, list[Install]]:
    return installs_of(demo)


FIRST = ["serial_number", "source_module", "source_name", "last_seen"]
ON_MACHINES = {
    "macos_app_instances": (
        "macos_app",
        "bundle_id bundle_name bundle_display_name bundle_version bundle_version_str bundle_path path",
        ("bundle_id", "name", None, "version", "version_str", "path", None),
    ),
    "ios_apps": (
        "ios_app",
        (
            "name version ad_hoc_signed app_store_vendable beta_app bundle_size device_based_vpp identifier"
            " is_validated short_version"
        ),
        ("name", "version", None, None, None, None, None, "bundle_id", None, "version_str"),
    ),
    "android_apps": (
        "android_app",
        "display_name version_name version_code package_name installer_package_name",
        ("name", "version", "version_str", "bundle_id", None),
    ),
    "deb_packages": (
        "deb_package",
        "name version source size arch revision status maintainer section priority",
        ("name", "version", *[None] * 8),
    ),
}


def file_names(sources: set[str]) -> dict[str, str]:
    """Sources by the names of their files; of two that differ in case only, the second gets a number."""
    slugs = {
        "jamf": "jamf-2" if "Jamf" in sources else "jamf",
        "Microsoft Intune": "microsoft-intune",
        "Puppet / EU": "puppet-eu",
        "Workspace ONE – Geräte": "workspace-one-gerate",  # noqa: RUF001 - as the demo writes it
    }
    return {slugs.get(source, source.lower()): source for source in sources}


@pytest.mark.parametrize("name", ON_MACHINES)
def test_what_is_on_machines_comes_by_source(zentral: Zentral, installs: dict[str, list[Install]], name: str) -> None:
    kind, names, columns = ON_MACHINES[name]
    tables = tables_of(zentral.fetch(zentral.start(f"machines/export_{name}/")))
    files = file_names({row.source for row in installs[kind]})
    assert tables.keys() == {f"{file}.csv" for file in files}
    for file, source in files.items():
        heading, *rows = tables[f"{file}.csv"]
        assert heading == FIRST + names.split()
        found = Counter((*row[:3], datetime.fromisoformat(row[3]), *row[4:]) for row in rows)
        assert found == Counter(
            (
                *(row.serial, row.module, row.source, row.last_seen),
                *("" if column is None else text(getattr(row, column)) for column in columns),
            )
            for row in installs[kind]
            if row.source == source
        )
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_one_source_is_named_in_any_case_and_sources_of_one_name_stay_apart(zentral: Zentral) -> None:
    tables = tables_of(zentral.fetch(zentral.start("machines/export_macos_app_instances/", source_name="JAMF")))
    assert {name: {row[2] for row in table[1:]} for name, table in tables.items()} == {
        "jamf.csv": {"Jamf"},
        "jamf-2.csv": {"jamf"},
    }


def test_programs_come_with_their_place_and_day(zentral: Zentral, demo: psycopg.Connection) -> None:
    url = zentral.start("machines/export_program_instances/", source_name="osquery")
    ((name, (heading, *rows)),) = tables_of(zentral.fetch(url)).items()
    assert (name, heading) == (
        "osquery.csv",
        [
            *FIRST,
            *("name", "version", "language", "publisher", "identifying_number"),
            *("install_location", "install_source", "uninstall_string", "install_date"),
        ],
    )
    statement = """
        select m.serial_number, a.name, i.path, (i.installed_at at time zone 'UTC')::date::text
        from inventory.app_installs i join inventory.apps a on a.id = i.app_id
        join inventory.machines m on m.id = i.machine_id where a.kind = 'program' and m.source_id = 2
    """
    wanted = Counter(tuple(text(value) for value in row) for row in demo.execute(statement))
    assert Counter((row[0], row[4], row[9], row[12]) for row in rows) == wanted


def test_snapshots_are_nested_objects_by_source(zentral: Zentral, demo: psycopg.Connection) -> None:
    data = zentral.fetch(zentral.start("machines/export_snapshots/"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found: dict[str, list[dict[str, Any]]] = {
            name: [json.loads(line) for line in archive.read(name).decode().split("\n")[:-1]]
            for name in archive.namelist()
        }
    statement = """
        select m.serial_number, s.name, s.module, o.name, o.version, m.name, m.hardware_model, m.memory_bytes,
               m.principal_email, array(select mac from inventory.network_interfaces n where n.machine_id = m.id
                                        order by interface)
        from inventory.machines m join inventory.sources s on s.id = m.source_id
        left join inventory.os_versions o on o.id = m.os_version_id
    """
    wanted = {row[0]: row[1:] for row in demo.execute(statement)}
    assert found.keys() == {f"{file}.jsonl" for file in file_names({row[0] for row in wanted.values()})}
    seen = 0
    for objects in found.values():
        for each in objects:
            seen += 1
            system, info, user = (each[name] or {} for name in ("os_version", "system_info", "principal_user"))
            assert (
                *(each["source"]["name"], each["source"]["module"], system.get("name"), system.get("version")),
                *(info.get("computer_name"), info.get("hardware_model"), info.get("physical_memory")),
                user.get("principal_name"),
                [interface["mac"] for interface in each["network_interfaces"]],
            ) == wanted[each["serial_number"]]
            assert None not in {**system, **info, **user}.values()
    assert seen == len(wanted) == 20_000


def test_a_source_that_is_not_there_gives_a_zip_with_headings_alone(zentral: Zentral) -> None:
    tables = tables_of(zentral.fetch(zentral.start("machines/export_ios_apps/", source_name="nobody")))
    assert [len(table) for table in tables.values()] == [1]
