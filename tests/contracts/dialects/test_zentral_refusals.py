"""Everything that Zentral refuses, in its words: a request, what it is answered with, and that nothing was started."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from export_api.caller import Caller, Right
from include.core.errors import Retriable
from include.core.settings import Settings
from tests.api.stand_in import VERA

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from tests.api.stand_in import Bench

    Wire = Callable[[str, Caller | None], TestClient]

API = "/api/inventory"
UNKNOWN = "0d4f7f0e-5b1c-4a39-9d0e-6c1f3f0c2b7a"
NOBODY = Caller("nora", "Nora", frozenset())
WRITER = Caller("walt", "Walt", frozenset({Right.CREATE}))

STARTING = [
    f"{API}/{path}/"
    for path in (
        "machines/export",
        "macos_apps/export",
        "ios_apps/export",
        "android_apps/export",
        "deb_packages/export",
        "programs/export",
        "machines/export_android_apps",
        "machines/export_deb_packages",
        "machines/export_ios_apps",
        "machines/export_macos_app_instances",
        "machines/export_program_instances",
        "machines/export_snapshots",
    )
]
READING = [f"/api/task_result/{UNKNOWN}/", f"/api/task_result/{UNKNOWN}/download/"]
LATER = [
    ("POST", f"{API}/full_export/"),
    ("GET", f"{API}/full_export/"),
    ("POST", "/api/santa/targets/export/?export_format=xlsx"),
    ("POST", "/api/osquery/runs/1/results/export/"),
]
EVERY = [*(("POST", path) for path in STARTING), *(("GET", path) for path in [*STARTING, *READING]), *LATER]


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "Authentication credentials were not provided."),
        ("Basic YTpi", "Authentication credentials were not provided."),
        ("Token", "Invalid token header. No credentials provided."),
        ("Token wb_no_such_token", "Invalid token."),
        ("Bearer wb_no_such_token", "Invalid token."),
    ],
)
def test_who_is_not_known_is_told_so_on_every_route(bench: Bench, wire: Wire, header: str | None, detail: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    stranger = wire("zentral", None)
    for method, path in EVERY:
        answer = stranger.request(method, path, headers=headers, content=b"{")
        assert (answer.status_code, answer.json()) == (401, {"detail": detail}), path
        assert answer.headers["www-authenticate"] == "Token"
    assert bench.airflow.triggered == []


FORBIDDEN = (403, {"detail": "You do not have permission to perform this action."})


@pytest.mark.parametrize("caller", [VERA, NOBODY], ids=lambda caller: caller.name)
def test_who_may_not_create_exports_is_told_so_and_no_more(bench: Bench, wire: Wire, caller: Caller) -> None:
    client = wire("zentral", caller)
    for path in STARTING:
        for wrong in ("", "?export_format=pdf"):
            answer = client.post(path + wrong)
            assert (answer.status_code, answer.json()) == FORBIDDEN, path
    assert bench.airflow.triggered == []


def test_who_may_not_read_exports_is_told_so(wire: Wire) -> None:
    client = wire("zentral", WRITER)
    for path in [*STARTING, *READING]:
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == FORBIDDEN, path


@dataclass(frozen=True)
class Case:
    """A request of Anna's and its answer."""

    method: str
    path: str
    status: int
    answer: Any
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


JSON = {"Content-Type": "application/json"}
NOT_FOUND = {"detail": "Not found."}
SEARCH = ["Invalid search parameters"]


def apps(body: bytes, status: int, answer: Any, kind: str = "macos_apps", **headers: str) -> Case:
    return Case("POST", f"{API}/{kind}/export/", status, answer, body, headers or JSON)


def machines(query: str, answer: Any) -> Case:
    return Case("POST", f"{API}/machines/export/?{query}", 400, answer)


CASES = [
    machines("export_format=csv", ["Unknown export format"]),
    machines("export_format=", ["Unknown export format"]),
    machines("export_format=XLSX", ["Unknown export format"]),
    machines("ls=soon", ["ls: This is no number of days, such as 7d."]),
    machines("dt=2026-13-01", ["dt: This is no time in UTC, such as 2026-10-01 12:00:00."]),
    machines(
        "pf=BEOS",
        ["platform: Input should be 'LINUX', 'MACOS', 'WINDOWS', 'ANDROID', 'IOS', 'IPADOS' or 'TVOS'"],
    ),
    machines("mis=150", ["severity: Input should be 100, 200 or 300"]),
    machines(
        "mbu=hq",
        ["business_unit_id: Input should be a valid integer, unable to parse string as an integer"],
    ),
    machines("sf=a.i.%00", ["apps/0/called: A text cannot hold the character U+0000."]),
    machines("sf=hm&hm=a%00b", ["hardware_model: A text cannot hold the character U+0000."]),
    machines("sf=" + "-".join("t" * 21), ["tags: List should have at most 20 items after validation, not 21"]),
    apps(b'{"export_format": "zip"}', 400, ["Invalid export format"]),
    apps(b'{"export_format": null}', 400, ["Invalid export format"]),
    apps(b'{"export_format": ["csv"]}', 400, ["Invalid export format"]),
    apps(b'{"source": 77}', 400, SEARCH),
    apps(b'{"source": "jamf"}', 400, SEARCH),
    apps(b'{"source": 9223372036854775808}', 400, SEARCH),
    apps(b'{"source": true}', 400, SEARCH),
    apps(b'{"source": 1.5}', 400, SEARCH),
    apps(b'{"last_seen": "2d"}', 400, SEARCH),
    apps(b'{"last_seen": 7}', 400, SEARCH),
    apps(b'{"order": "n-a"}', 400, SEARCH),
    apps(b'{"order": "bn"}', 400, SEARCH),
    apps(b'{"order": "mc-x"}', 400, SEARCH),
    apps(b'{"order": "bn-a"}', 400, SEARCH, kind="programs"),
    apps(b'{"bundle": ["x"]}', 400, SEARCH),
    apps(b'{"bundle": "a\\u0000b"}', 400, SEARCH),
    apps(b'{"bundle": "%s"}' % (b"x" * 65), 400, SEARCH),
    apps(b"[]", 400, SEARCH),
    apps(b'"csv"', 400, SEARCH),
    apps(b"{", 400, {"detail": "JSON parse error - Expecting property name enclosed in double quotes: "
                     "line 1 column 2 (char 1)."}),
    apps(b"a=b", 415, {"detail": 'Unsupported media type "application/x-www-form-urlencoded" in request.'},
         **{"Content-Type": "application/x-www-form-urlencoded"}),
    apps(b"{}", 415, {"detail": 'Unsupported media type "text/plain" in request.'}, **{"Content-Type": "text/plain"}),
    apps(b" " * 2**21, 413, {"detail": "The body is longer than 1048576 bytes."}),
    *(Case("PUT", path, 405, {"detail": 'Method "PUT" not allowed.'}) for path in STARTING),
    *(Case("POST", path, 405, {"detail": 'Method "POST" not allowed.'}) for path in READING),
    *(Case(method, path, 404, NOT_FOUND) for method, path in LATER),
    Case("GET", f"{API}/nothing/", 404, NOT_FOUND),
    Case("POST", f"{API}/machines/export_nothing/", 404, NOT_FOUND),
    Case("GET", "/api/task_result/no-uuid/", 404, NOT_FOUND),
    Case("GET", "/api/task_result/no-uuid/download/", 404, NOT_FOUND),
    Case("GET", f"/api/task_result/{UNKNOWN}/download/", 404, NOT_FOUND),
]  # fmt: skip


def test_a_wrong_request_is_answered_in_zentrals_words_and_starts_nothing(
    bench: Bench, wire: Wire, anna: Caller
) -> None:
    client = wire("zentral", anna)
    for case in CASES:
        answer = client.request(case.method, case.path, content=case.body, headers=case.headers)
        assert (answer.status_code, answer.json()) == (case.status, case.answer), case
        assert answer.headers["content-type"] == "application/json"
    assert bench.airflow.triggered == []


def test_a_wrong_method_is_told_the_right_ones(wire: Wire, anna: Caller) -> None:
    assert wire("zentral", anna).put(STARTING[0]).headers["allow"] == "GET, POST"


def test_who_has_too_many_unfinished_exports_is_asked_to_wait(bench: Bench, wire: Wire, anna: Caller) -> None:
    bench.airflow.settings = Settings(queue_limit=1)
    client = wire("zentral", anna)
    assert client.post(STARTING[0]).status_code == 201
    for path in STARTING:
        answer = client.post(path)
        throttled = {"detail": "Request was throttled. Expected available in 5 seconds."}
        assert (answer.status_code, answer.json()) == (429, throttled), path
        assert answer.headers["retry-after"] == "5"


def test_what_would_not_start_says_why_and_when_to_try_again(bench: Bench, wire: Wire, anna: Caller) -> None:
    why = "The DAG 'export' is paused: unpause it in Airflow."
    bench.airflow.refusal = Retriable(why)
    client = wire("zentral", anna)
    for path in STARTING:
        answer = client.post(path)
        assert (answer.status_code, answer.json()) == (503, {"detail": why}), path
        assert answer.headers["retry-after"] == "5"


def test_an_inventory_that_does_not_answer_says_so(bench: Bench, wire: Wire, anna: Caller) -> None:
    bench.airflow.demo = bench.airflow.demo.set(port=1)  # type: ignore[attr-defined]
    answer = wire("zentral", anna).post(f"{API}/machines/export/?sf=t&t=1")
    assert answer.status_code == 503
    assert "inventory" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "5"


def test_what_nobody_expected_leaks_nothing(bench: Bench, wire: Wire, anna: Caller) -> None:
    bench.airflow.refusal = RuntimeError("password=hunter2")
    answer = wire("zentral", anna).post(f"{API}/machines/export/")
    leaks_nothing = {"detail": "Something went wrong on our side; the server's log says what."}
    assert (answer.status_code, answer.json()) == (500, leaks_nothing)
