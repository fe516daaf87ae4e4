"""The sheets of the machines' workbook: which there are for some parameters, in which order, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from include.compressions import COMPRESSIONS
from include.core.errors import InvalidRequest
from include.core.request import parse_request
from include.core.resolve import ResolvedExport, resolve
from include.core.settings import Settings
from include.exporters import catalog_of
from include.formats import FORMATS


def resolved(**params: Any) -> ResolvedExport:
    request = {"exporter": "inventory_machines", "params": params, "format": "xlsx"}
    return resolve(parse_request(request), catalog_of(Settings()), FORMATS, COMPRESSIONS)


def sheets(**params: Any) -> dict[str, str]:
    """Titles by names."""
    return {reading.sheet: reading.title for reading in resolved(**params).readings}


def test_without_parameters_there_are_the_default_sheets() -> None:
    assert sheets() == {
        "machines": "Machines",
        "sources": "Sources",
        "meta-business-units": "Meta business units",
        "tags": "Tags",
        "incidents-severities": "Incidents severities",
        "types": "Types",
        "platforms": "Platforms",
        "hardware-models": "Hardware models",
        "os": "OS",
    }


def test_sheets_are_in_one_order_whatever_that_of_the_request() -> None:
    groups = ["aws-account", "os", "meta-business-units"]
    assert list(sheets(groups=groups)) == ["machines", "sources", "meta-business-units", "tags", "os", "aws-account"]


def test_no_two_sheets_have_one_name() -> None:
    apps = [{"kind": "program", "called": called} for called in ("Machines", "sources", "Größe", "größe", "辞書", "!")]
    found = sheets(groups=[], tags=[{"tag": 1}, {"tag": "none"}, {"tag": 8, "title": "テスト機"}], apps=apps)
    assert found == {
        "machines": "Machines",
        "sources": "Sources",
        "tags": "Tags",
        "tags-no-tag": "Tags · No tag",
        "tags-2": "Tags · テスト機",
        "machines-2": "Machines",
        "sources-2": "sources",
        "groe": "Größe",
        "groe-2": "größe",
        "辞書": "辞書",
        "!": "!",
    }


def test_columns_are_added_behind_those_that_are_always_there() -> None:
    always = len(resolved(groups=[]).readings[0].selection.schema)
    reading = resolved(
        groups=["incidents-severities", "compliance-status"],
        apps=[{"kind": "macos_app", "called": "Safari"}, {"kind": "program", "called": "Git"}],
        checks=[{"check": 1, "title": "Disk"}, {"check": 2}],
    ).readings[0]
    labels = [column.label for column in reading.selection.schema]
    assert (always, labels[always:]) == (
        14,
        [
            "Max incident severity",
            "Max incident severity display",
            "Max compliance check status",
            "Max compliance check status display",
            "Safari min",
            "Safari max",
            "Disk - status",
            "Disk - status display",
            "Check 2 - status",
            "Check 2 - status display",
        ],
    )


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"platform": "macos"}, "/params/platform"),
        ({"severity": 101}, "/params/severity"),
        ({"groups": ["machines"]}, "/params/groups/0"),
        ({"tags": [{"tag": "some"}]}, "/params/tags/0/tag"),
        ({"tags": [{"tag": True}]}, "/params/tags/0/tag"),
        ({"tags": [{"tag": "any"}] * 21}, "/params/tags"),
        ({"apps": [{"kind": "font", "called": "x"}]}, "/params/apps/0/kind"),
        ({"apps": [{"kind": "program", "called": ""}]}, "/params/apps/0/called"),
        ({"apps": [{"kind": "program"}]}, "/params/apps/0/called"),
        ({"checks": [{"check": 1, "status": 1}]}, "/params/checks/0/status"),
        ({"without": ["everything"]}, "/params/without/0"),
        ({"seen_since": 5}, "/params/seen_since"),
        ({"seen_since": "2026-10-01T00:00:00"}, "/params/seen_since"),
        ({"source_id": 2**63}, "/params/source_id"),
        ({"name": "a\0b"}, "/params/name"),
        ({"colour": "red"}, "/params/colour"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(params: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolved(**params)
    assert caught.value.errors
    assert all(error.pointer.startswith(pointer) for error in caught.value.errors)
