"""Zentral's drill-down: tokens, the keys of their values, and what the exporter is asked for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from export_api.dialects.zentral._drilldown import Drilldown, split
from include.core.errors import InvalidRequest
from include.exporters._machine_params import DEFAULT_GROUPS, MachinesParams
from include.exporters._machine_titles import Titles

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TITLES = Titles(tags={1: "vip", 2: "kiosk"}, checks={3: "OS up to date"}, bundle_ids={"com.microsoft.Word": "Word"})
ANY = [{"tag": "any"}]


def asked(**query: str) -> dict[str, Any]:
    """What is asked for beyond nothing; every set of parameters fits the exporter."""
    found = Drilldown.of(query).params(TITLES, lambda: NOW)
    MachinesParams.model_validate(found)
    return {name: value for name, value in found.items() if value != []}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("mbu-t", ["mbu", "t"]),
        ("", [""]),
        ("-", ["", ""]),
        (r"a.n.x\-y-t", ["a.n.x-y", "t"]),
        (r"a.n.back\\slash", ["a.n.back\\slash"]),
        (r"a.n.\x", ["a.n.x"]),
        ("ends\\", ["ends\\"]),
        ("a.n.1.2-p.C++", ["a.n.1.2", "p.C++"]),
        ("ia.Größe 辞書", ["ia.Größe 辞書"]),
    ],
)
def test_tokens_end_at_hyphens_that_no_backslash_stands_before(text: str, tokens: list[str]) -> None:
    assert list(split(text)) == tokens


def test_without_sf_the_default_tokens_are_on() -> None:
    assert asked() == {"groups": list(DEFAULT_GROUPS), "tags": ANY}
    assert asked(sf="mbu-t-mis-tp-pf-hm-osv") == asked()


@pytest.mark.parametrize(
    "sf", ["", "nothing", "MBU", "g", "a.", "a.x.y", "a.n.", "ccs.", "ccs.x", "ccs.99", "aa", "dp."]
)
def test_tokens_that_are_none_are_ignored(sf: str) -> None:
    assert asked(sf=sf) == {}
    assert asked(sf=f"{sf}-tp") == {"groups": ["types"]}


GROUPS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "mbu": ("meta-business-units", "7", {"business_unit_id": 7}, "business_unit"),
    "mis": ("incidents-severities", "200", {"severity": 200}, "severity"),
    "tp": ("types", "LAPTOP", {"type": "LAPTOP"}, "type"),
    "pf": ("platforms", "MACOS", {"platform": "MACOS"}, "platform"),
    "hm": ("hardware-models", "12", {"hardware_model": "12"}, "hardware_model"),
    "osv": ("os", "11", {"os_version_id": 11}, "os_version"),
    "cs": ("compliance-status", "0", {"compliance_status": 0}, "compliance_status"),
    "awsa": ("aws-account", "012345678901", {"aws_account": "012345678901"}, "aws_account"),
    "eit": ("ec2-instance-type", "t3.micro", {"ec2_type": "t3.micro"}, "ec2_type"),
}


@pytest.mark.parametrize("token", GROUPS)
def test_a_token_switches_a_group_on_and_its_key_names_a_value_of_it(token: str) -> None:
    group, value, param, missing = GROUPS[token]
    assert asked(sf=token) == {"groups": [group]}
    assert asked(sf=token, **{token: value}) == {"groups": [group], **param}
    assert asked(sf=token, **{token: "␀"}) == {"groups": [group], "without": [missing]}
    assert asked(sf=token, **{token: ""}) == {"groups": [group]}


@pytest.mark.parametrize("token", GROUPS)
def test_a_key_whose_token_is_off_is_ignored(token: str) -> None:
    assert asked(sf="t", **{token: GROUPS[token][1]}) == {"tags": ANY}


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ({"src": "3"}, {"source_id": 3}),
        ({"src": "␀"}, {"without": ["source"]}),
        ({"sn": " c02 "}, {"serial_number": "c02"}),
        ({"sn": "␀"}, {"serial_number": "␀"}),
        ({"cn": "web"}, {"name": "web"}),
        ({"cn": "␀"}, {"without": ["name"]}),
        ({"pu": "anna"}, {"principal": "anna"}),
        ({"pu": "␀"}, {"without": ["principal"]}),
        ({"pu": "   "}, {}),
        ({"ma": "a4:83"}, {"mac": "a4:83"}),
        ({"ls": "7d"}, {"seen_since": "2026-11-13T12:00:00+00:00"}),
        ({"ls": "14"}, {"seen_since": "2026-11-06T12:00:00+00:00"}),
        ({"ls": "0d"}, {"seen_since": "2026-11-19T12:00:00+00:00"}),
        ({"dt": "2026-10-01 12:30:00"}, {"known_before": "2026-10-01T12:30:00+00:00"}),
        ({"dt": "2026-10-01"}, {"known_before": "2026-10-01T00:00:00+00:00"}),
        ({"page": "3", "unknown": "x"}, {}),
    ],
)
def test_keys_without_tokens_are_always_on(query: dict[str, str], params: dict[str, Any]) -> None:
    assert asked(sf="", **query) == params


@pytest.mark.parametrize("query", [{"ls": "soon"}, {"ls": "-1d"}, {"ls": "999999d"}, {"dt": "yesterday"}, {"dt": "1"}])
def test_what_is_no_time_is_refused_and_named(query: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Drilldown.of(query).params(TITLES, lambda: NOW)
    assert [error.pointer for error in caught.value.errors] == [f"/query/{key}" for key in query]


@pytest.mark.parametrize(
    ("query", "tags"),
    [
        ({"sf": "t"}, ANY),
        ({"sf": "t", "t": "1"}, [{"tag": 1, "title": "vip"}]),
        ({"sf": "t", "t": "27"}, [{"tag": 27}]),
        ({"sf": "t", "t": "␀"}, [{"tag": "none"}]),
        (
            {"sf": "t-t-t", "t": "1", "t2": "2"},
            [{"tag": 1, "title": "vip"}, {"tag": "any"}, {"tag": 2, "title": "kiosk"}],
        ),
        ({"sf": "t-mbu-t", "t1": "2"}, [{"tag": "any"}, {"tag": 2, "title": "kiosk"}]),
        ({"sf": "t", "t": "1", "t1": "2"}, [{"tag": 1, "title": "vip"}]),
    ],
)
def test_each_tag_token_has_a_key_of_its_own(query: dict[str, str], tags: list[Any]) -> None:
    assert asked(**query)["tags"] == tags
    assert Drilldown.of(query).tag_ids == {tag["tag"] for tag in tags if isinstance(tag["tag"], int)}


@pytest.mark.parametrize(
    ("token", "letter", "app"),
    [
        ("a.n.Safari", "a", {"kind": "macos_app", "by": "name", "called": "Safari"}),
        ("a.i.com.example.tabs", "a", {"kind": "macos_app", "by": "bundle_id", "called": "com.example.tabs"}),
        (
            "a.i.com.microsoft.Word",
            "a",
            {"kind": "macos_app", "by": "bundle_id", "called": "com.microsoft.Word", "title": "Word"},
        ),
        ("aa.Chrome", "aa", {"kind": "android_app", "by": "name", "called": "Chrome"}),
        ("dp.openssl", "dp", {"kind": "deb_package", "by": "name", "called": "openssl"}),
        ("ia.Slack", "ia", {"kind": "ios_app", "by": "name", "called": "Slack"}),
        ("p.7\\-Zip 25.01 (x64)", "p", {"kind": "program", "by": "name", "called": "7-Zip 25.01 (x64)"}),
    ],
)
def test_an_app_has_the_key_of_its_filters_number(token: str, letter: str, app: dict[str, Any]) -> None:
    """Seven filters are always on; the default tokens are seven more."""
    default = "mbu-t-mis-tp-pf-hm-osv"
    for sf, number in ((token, 7), (f"{default}-{token}", 14), (f"t-t-cs-{token}", 10), (f"what-{token}", 7)):
        for given, version in (("1990000000000001001", 1990000000000001001), ("␀", "none"), ("", "any")):
            assert asked(sf=sf, **{f"{letter}{number}": given})["apps"] == [{**app, "version": version}]
        assert asked(sf=sf, **{f"{letter}{number}": "123"})["apps"] == [{**app, "version": 123}]
        assert asked(sf=sf, **{f"{letter}{number + 1}": "123"})["apps"] == [{**app, "version": "any"}]


def test_filters_are_numbered_in_the_order_of_their_tokens() -> None:
    query = {"sf": "a.n.Safari-ccs.3-ccs.99-dp.bash", "a7": "5", "ccs.3": "300", "ccs.99": "0", "dp9": "␀"}
    found = asked(**query)
    assert [(app["called"], app["version"]) for app in found["apps"]] == [("Safari", 5), ("bash", "none")]
    assert found["checks"] == [{"check": 3, "title": "OS up to date", "status": 300}]


@pytest.mark.parametrize(("given", "status"), [("0", 0), ("300", 300), ("␀", "none"), (None, "any")])
def test_a_check_has_a_key_with_its_id(given: str | None, status: object) -> None:
    query = {"sf": "ccs.3"} if given is None else {"sf": "ccs.3", "ccs.3": given}
    assert asked(**query) == {"checks": [{"check": 3, "title": "OS up to date", "status": status}]}
