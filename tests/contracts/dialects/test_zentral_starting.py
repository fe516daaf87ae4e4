"""Zentral's exports over the wire: what each request starts, and what it is answered with."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import pytest

from export_api.db.models import Audit
from include.core.request import utc_now
from include.exporters._machine_params import DEFAULT_GROUPS
from tests.api.stand_in import RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient
    from httpx import Response

    from export_api.caller import Caller
    from tests.api.stand_in import Bench

    Wire = Callable[[str, Caller | None], TestClient]

API = "/api/inventory"


@pytest.fixture
def client(wire: Wire, anna: Caller) -> TestClient:
    return wire("zentral", anna)


def started(bench: Bench, answer: Response) -> dict[str, Any]:
    """The request of the export that an answer tells of; everything about the answer is Zentral's."""
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    task_id = body["task_id"]
    assert body == {"task_id": str(UUID(task_id)), "task_result_url": f"/api/task_result/{task_id}/"}
    run = bench.airflow.triggered[-1]
    assert run["run_id"] == f"export__{task_id}"
    assert run["caller"].startswith("anna-")
    conf: dict[str, Any] = run["conf"]
    return conf


# Machines


def test_machines_are_a_workbook_by_default(bench: Bench, client: TestClient) -> None:
    conf = started(bench, client.post(f"{API}/machines/export/"))
    assert (conf["exporter"], conf["format"], "compression" in conf) == ("inventory_machines", "xlsx", False)
    assert conf["params"]["groups"] == list(DEFAULT_GROUPS)
    assert conf["params"]["tags"] == [{"tag": "any"}]


def test_machines_are_a_zip_of_csv_files_on_request(bench: Bench, client: TestClient) -> None:
    conf = started(bench, client.post(f"{API}/machines/export/?export_format=zip"))
    assert (conf["format"], conf["compression"], conf["options"]) == ("csv", "zip", {"header": "label"})


def test_the_drilldown_of_the_documentation_asks_for_macs(bench: Bench, client: TestClient) -> None:
    conf = started(bench, client.post(f"{API}/machines/export/?sf=mbu-t-mis-tp-pf-hm-osv&pf=MACOS"))
    assert conf["params"]["platform"] == "MACOS"


def test_names_of_what_is_known_by_ids_are_looked_up(bench: Bench, client: TestClient) -> None:
    query = {"sf": "t-t-ccs.2-ccs.77-a.i.com.microsoft.Word", "t": "1", "t1": "99", "ccs.2": "300", "a10": "␀"}
    params = started(bench, client.post(f"{API}/machines/export/?{urlencode(query)}"))["params"]
    assert params["tags"] == [{"tag": 1, "title": "vip"}, {"tag": 99}]
    assert params["checks"] == [{"check": 2, "title": 'Firewall; "strict"', "status": 300}]
    assert [(app["title"], app["version"]) for app in params["apps"]] == [("Microsoft Word", "none")]


def test_a_body_of_any_kind_is_not_read_where_the_query_says_it_all(bench: Bench, client: TestClient) -> None:
    headers = {"Content-Type": "text/plain"}
    started(bench, client.post(f"{API}/machines/export/", content=b"{", headers=headers))
    started(bench, client.post(f"{API}/machines/export_ios_apps/", content=b"{", headers=headers))


# Apps


class Kind(NamedTuple):
    """One kind of apps: its path, the key of the text that is looked for, and its order by name."""

    name: str
    sought: str
    by_name: str


KINDS = [
    Kind("macos_apps", "bundle", "bn"),
    Kind("macos_apps", "bundle_name", "bn"),
    Kind("ios_apps", "name", "n"),
    Kind("android_apps", "display_name", "dn"),
    Kind("deb_packages", "name", "n"),
    Kind("programs", "name", "n"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_apps_are_a_workbook_or_csv_with_semicolons(bench: Bench, client: TestClient, kind: Kind) -> None:
    path = f"{API}/{kind.name}/export/"
    conf = started(bench, client.post(path, json={}))
    assert (conf["exporter"], conf["format"]) == (f"inventory_{kind.name}", "xlsx")
    assert conf["params"] == {"order": "name"}
    conf = started(bench, client.post(path, json={"export_format": "csv"}))
    assert (conf["format"], conf["options"]) == ("csv", {"delimiter": ";", "header": "label"})


@pytest.mark.parametrize("kind", KINDS)
def test_apps_are_looked_for_and_ordered(bench: Bench, client: TestClient, kind: Kind) -> None:
    path = f"{API}/{kind.name}/export/"
    body = {kind.sought: " 50%_off ", "source": 3, "order": "mc-d", "action": "search", "page": 1}
    assert started(bench, client.post(path, json=body))["params"] == {
        "containing": "50%_off",
        "source_id": 3,
        "order": "-machines",
    }
    for text, order in {f"{kind.by_name}-a": "name", f"{kind.by_name}-d": "-name", "mc-a": "machines"}.items():
        assert started(bench, client.post(path, json={"order": text}))["params"] == {"order": order}
    assert started(bench, client.post(path, json={"source": "3"}))["params"]["source_id"] == 3
    blank = {kind.sought: "", "source": None, "order": "", "last_seen": None}
    assert started(bench, client.post(path, json=blank))["params"] == {"order": "name"}


@pytest.mark.parametrize("days", [1, 7, 14, 30, 45, 90])
def test_last_seen_is_counted_from_the_request(bench: Bench, client: TestClient, days: int) -> None:
    before = utc_now()
    conf = started(bench, client.post(f"{API}/programs/export/", json={"last_seen": f"{days}d"}))
    since = datetime.fromisoformat(conf["params"]["seen_since"])
    assert before <= since + timedelta(days=days) <= utc_now()


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}])
def test_apps_need_no_body(bench: Bench, client: TestClient, headers: dict[str, str]) -> None:
    started(bench, client.post(f"{API}/macos_apps/export/", headers=headers))


# By source


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        *(
            (f"export_{name}", f"inventory_machine_{name}_export")
            for name in ("android_apps", "deb_packages", "ios_apps", "macos_app_instances", "program_instances")
        ),
        ("export_snapshots", "machine_snapshots"),
    ],
)
def test_what_is_on_machines_comes_as_a_zip_with_a_file_for_each_source(
    bench: Bench, client: TestClient, path: str, prefix: str
) -> None:
    conf = started(bench, client.post(f"{API}/machines/{path}/"))
    wanted = ("jsonl" if path == "export_snapshots" else "csv", "zip", {"by": "source_name"})
    assert (conf["format"], conf["compression"], conf["split"]) == wanted
    assert "params" not in conf or conf["params"] == {}
    assert conf["filename"].startswith(prefix)
    conf = started(bench, client.post(f"{API}/machines/{path}/?source_name=JAMF"))
    assert conf["params"] == {"source_name": "JAMF"}
    conf = started(bench, client.post(f"{API}/machines/{path}/?source_name="))
    assert not conf.get("params")


# Names of files

NAMED = {
    "machines/export/": "inventory_export",
    **{f"{kind.name}/export/": f"{kind.name}_export" for kind in KINDS},
    "machines/export_snapshots/": "machine_snapshots",
}


@pytest.mark.parametrize("path", NAMED)
def test_files_have_zentrals_names_and_the_exports_id(bench: Bench, client: TestClient, path: str) -> None:
    template = started(bench, client.post(f"{API}/{path}"))["filename"]
    found = re.fullmatch(rf"{NAMED[path]}_(\d{{4}}-\d\d-\d\d_\d\d-\d\d-\d\d)_\{{id\}}", template)
    assert found is not None
    moment = datetime.strptime(found[1] + "+00:00", "%Y-%m-%d_%H-%M-%S%z")
    assert abs(utc_now() - moment) < timedelta(minutes=1)


# What all have in common

STARTING = [
    "machines/export/",
    *dict.fromkeys(f"{kind.name}/export/" for kind in KINDS),
    *(
        f"machines/export_{name}/"
        for name in (
            "android_apps",
            "deb_packages",
            "ios_apps",
            "macos_app_instances",
            "program_instances",
            "snapshots",
        )
    ),
]


@pytest.mark.parametrize("path", STARTING)
def test_a_path_without_its_last_slash_starts_the_same(bench: Bench, client: TestClient, path: str) -> None:
    with_slash = started(bench, client.post(f"{API}/{path}"))
    without = started(bench, client.post(f"{API}/{path.removesuffix('/')}"))
    assert without["exporter"] == with_slash["exporter"]


@pytest.mark.parametrize("path", STARTING)
def test_a_get_lists_ones_own_recent_exports_of_the_kind_and_starts_nothing(
    bench: Bench, client: TestClient, wire: Wire, bert: Caller, path: str
) -> None:
    assert client.get(f"{API}/{path}").json() == []
    ids = [client.post(f"{API}/{path}").json()["task_id"] for _ in range(2)]
    other = "programs/export/" if path != "programs/export/" else "ios_apps/export/"
    client.post(f"{API}/{other}")
    bench.airflow.seen |= {UUID(task_id): RUNNING for task_id in ids}
    count = len(bench.airflow.triggered)
    answer = client.get(f"{API}/{path}")
    assert answer.status_code == 200
    listed = [
        {"task_id": task_id, "task_result_url": f"/api/task_result/{task_id}/", "status": "STARTED"} for task_id in ids
    ]
    assert sorted(answer.json(), key=lambda item: ids.index(item["task_id"])) == listed
    assert wire("zentral", bert).get(f"{API}/{path}").json() == []
    assert len(bench.airflow.triggered) == count


def test_an_export_is_audited_as_any_other(bench: Bench, client: TestClient, anna: Caller) -> None:
    task_id = client.post(f"{API}/programs/export/").json()["task_id"]
    with bench.airflow.session() as session:
        (entry,) = session.query(Audit).filter_by(caller=anna.name).all()
        assert (entry.action, str(entry.export_id)) == ("create", task_id)


def test_the_native_api_shows_the_same_export(bench: Bench, client: TestClient) -> None:
    task_id = client.post(f"{API}/programs/export/").json()["task_id"]
    bench.airflow.seen[UUID(task_id)] = RUNNING
    shown = client.get(f"/export-api/v1/exports/{task_id}").json()
    assert (shown["exporter"], shown["status"]) == ("inventory_programs", "running")
