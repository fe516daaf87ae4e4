"""pretix's wire: what is asked, and the exact status, headers and body of the answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from export_api import tokens
from export_api.caller import Caller
from export_api.db import keys
from export_api.db.models import Audit
from export_api.idempotency import KEPT, Kept, KeyInFlight
from include.core.date_frames import NAMES, date_frame
from tests.api.stand_in import FAILED, START, make_manifest
from tests.contracts.dialects.pretix_tables import (
    BAD_VALUES,
    BY_EVENT,
    BY_ORGANIZER,
    CSV,
    DATE,
    DEFAULT,
    EVENTS,
    FORMATS_OF_ONE,
    GOOD,
    ORDERLIST,
    REQUIRED,
    SEMICOLON,
    formats,
    listed,
    optional,
)
from tests.contracts.dialects.pretix_wire import (  # noqa: F401 - fixtures
    API,
    EVENT,
    HOST,
    ORGANIZER,
    QUEUE_LIMIT,
    RUNNING,
    Wire,
    cluster,
    make_shop,
    make_wire,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import httpx
    from fastapi.testclient import TestClient

JSON = "application/json"
FORBIDDEN = {"detail": "You do not have permission to perform this action."}
NOT_FOUND = {"detail": "Not found."}
MISSING = {"detail": "Authentication credentials were not provided."}
BAD = {"detail": "Invalid token."}
IDS = f"{uuid4()}/{uuid4()}"
ROUTES = [
    (method, base + path)
    for base in (ORGANIZER, EVENT)
    for method, path in (
        ("GET", "/exporters/"),
        ("GET", "/exporters/orderlist/"),
        ("POST", "/exporters/orderlist/run/"),
        ("GET", f"/exporters/orderlist/download/{IDS}/"),
        ("HEAD", f"/exporters/orderlist/download/{IDS}/"),
    )
]


def check(answer: httpx.Response, status: int, body: Any, **headers: str) -> None:
    assert (answer.status_code, answer.json()) == (status, body)
    wanted = {
        "content-type": JSON,
        "vary": "Accept",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    assert {name: text for name, text in answer.headers.items() if name != "content-length"} == wanted


@pytest.fixture
def client(wire: Wire) -> TestClient:
    return wire.client()


def run(client: TestClient, identifier: str = "every_type", base: str = EVENT, **body: Any) -> httpx.Response:
    answer: httpx.Response = client.post(f"{base}/exporters/{identifier}/run/", json={"_format": "xlsx", **body})
    return answer


# Who asks


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    ("header", "body"),
    [
        (None, MISSING),
        ("Basic YTpi", MISSING),
        ("Token", {"detail": "Invalid token header. No credentials provided."}),
        (f"Token {tokens.MARK}wrong", BAD),
        (f"Bearer {tokens.MARK}wrong", BAD),
        ("Device q48bvjpz", BAD),
        ("Bearer", {"detail": "Invalid token header. No credentials provided."}),
    ],
)
def test_without_good_credentials_every_route_answers_401(
    wire: Wire, method: str, path: str, header: str | None, body: Any
) -> None:
    answer = wire.stranger().request(method, path, headers={} if header is None else {"Authorization": header})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Token")
    if method != "HEAD":
        check(answer, 401, body, www_authenticate="Token")


@pytest.mark.parametrize(
    "place",
    [
        "nobody",
        "nobody/events/sampleconf",
        "bigevents/events/nothing",
        "bigevents/events/jazz-2026",
        "BigEvents",
        "bigevents'--",
        "big%00events",
        "x" * 300,
        "%2e%2e",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "exporters/"), ("GET", "exporters/nothing/"), ("POST", "exporters/orderlist/run/")]
)
def test_an_organizer_or_event_that_is_not_there_is_403(client: TestClient, place: str, method: str, path: str) -> None:
    check(client.request(method, f"{API}/{place}/{path}"), 403, FORBIDDEN)


def test_who_may_not_read_is_403_and_who_may_read_only_starts_nothing(wire: Wire) -> None:
    nobody = wire.client(Caller("nobody", "Nobody", frozenset()))
    for base in (ORGANIZER, EVENT):
        check(nobody.get(f"{base}/exporters/"), 403, FORBIDDEN)
        check(nobody.get(f"{base}/exporters/orderlist/"), 403, FORBIDDEN)
        assert wire.reader().get(f"{base}/exporters/orderlist/").status_code == 200
        check(run(wire.reader(), base=base), 403, FORBIDDEN)


# What there is


def test_an_events_exporters_are_listed_by_name(client: TestClient) -> None:
    body = client.get(f"{EVENT}/exporters/").json()
    assert (body["count"], body["next"], body["previous"]) == (len(BY_EVENT), None, None)
    names = {each["identifier"]: each["verbose_name"] for each in body["results"]}
    assert names == BY_EVENT
    assert list(names.values()) == sorted(names.values())


def test_an_organizers_exporters_are_those_and_more(client: TestClient) -> None:
    body = client.get(f"{ORGANIZER}/exporters/").json()
    names = {each["identifier"]: each["verbose_name"] for each in body["results"]}
    assert names == BY_EVENT | BY_ORGANIZER
    assert list(names.values()) == sorted(names.values())
    fields = {each["identifier"]: [field["name"] for field in each["input_parameters"]] for each in body["results"]}
    assert all(fields[name][:3] == ["all_events", "events", "_format"] for name in BY_EVENT)
    assert all(fields[name][0] == "_format" and "events" not in fields[name] for name in BY_ORGANIZER)


def test_an_organizer_without_events_has_the_same(client: TestClient) -> None:
    assert client.get(f"{API}/newcomer/exporters/").json()["count"] == len(BY_EVENT | BY_ORGANIZER)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (f"{EVENT}/exporters/orderlist/", ORDERLIST),
        (f"{ORGANIZER}/exporters/orderlist/", [*EVENTS, *ORDERLIST]),
        (f"{ORGANIZER}/exporters/customerlist/", [formats(*FORMATS_OF_ONE)]),
        (
            f"{EVENT}/exporters/checkinlist/",
            [
                formats(*FORMATS_OF_ONE),
                {"name": "list", "required": True},
                optional("paid_only"),
                optional("attention_only"),
                optional("status", "checked_in", "missing"),
            ],
        ),
        (
            f"{EVENT}/exporters/paymentlist/",
            [
                formats(*FORMATS_OF_ONE),
                optional("start_date_range"),
                optional("end_date_range"),
                optional("payment_states", "created", "pending", "confirmed", "canceled", "failed", "refunded"),
                optional("refund_states", "created", "transit", "done", "failed", "canceled", "external"),
            ],
        ),
    ],
)
def test_an_exporter_says_what_it_takes_alone_as_in_the_list(
    client: TestClient, path: str, wanted: list[dict[str, Any]]
) -> None:
    identifier = path.split("/")[-2]
    body = {
        "identifier": identifier,
        "verbose_name": (BY_EVENT | BY_ORGANIZER)[identifier],
        "input_parameters": wanted,
    }
    check(client.get(path), 200, body)
    listed = client.get(path.removesuffix(f"{identifier}/")).json()["results"]
    assert [each for each in listed if each["identifier"] == identifier] == [body]


@pytest.mark.parametrize("name", ["nothing", "orders", "machines", "not_offered", "broken", "Orderlist", "..", "%00"])
@pytest.mark.parametrize("base", [ORGANIZER, EVENT])
def test_an_exporter_that_is_none_of_an_organizer_is_404(client: TestClient, base: str, name: str) -> None:
    if name != "..":  # which the client itself takes for the way up
        check(client.get(f"{base}/exporters/{name}/"), 404, NOT_FOUND)
        check(client.post(f"{base}/exporters/{name}/run/", json={"_format": "xlsx"}), 404, NOT_FOUND)


@pytest.mark.parametrize("name", BY_ORGANIZER)
def test_what_knows_no_events_is_404_at_an_event(client: TestClient, name: str) -> None:
    check(client.get(f"{EVENT}/exporters/{name}/"), 404, NOT_FOUND)
    check(run(client, name), 404, NOT_FOUND)


MANY = """
    title: Many {number:02}
    source: shop
    params:
      organizer: {{type: reference, lookup: select slug as key from shop.organizers}}
    columns: {{n: {{type: integer}}}}
    key: [n]
    sql: select 1 as n where :organizer <> ''
"""


def test_a_long_list_has_pages(shop: sa.Engine, tmp_path: Path) -> None:
    wire = Wire(shop, tmp_path, {f"many_{number:02}": MANY.format(number=number) for number in range(60)})
    client = wire.client()
    first = client.get(f"{ORGANIZER}/exporters/").json()
    assert first["count"] == 60 + len(BY_EVENT | BY_ORGANIZER) - 2  # without the two of the tests
    assert (len(first["results"]), first["previous"]) == (50, None)
    assert first["next"] == f"{HOST}{ORGANIZER}/exporters/?page=2"
    second = client.get(first["next"].removeprefix(HOST)).json()
    assert (second["count"], second["next"]) == (first["count"], None)
    assert second["previous"] == f"{HOST}{ORGANIZER}/exporters/"
    listed = [each["identifier"] for page in (first, second) for each in page["results"]]
    assert len(set(listed)) == len(listed) == first["count"]
    assert client.get(f"{ORGANIZER}/exporters/?page=last").json() == second
    assert client.get(f"{ORGANIZER}/exporters/?page=1").json() == first
    for page in ("0", "3", "-1", "x", "1.0", "٢", "9" * 30):
        check(client.get(f"{ORGANIZER}/exporters/", params={"page": page}), 404, {"detail": "Invalid page."})


# Running one


@pytest.mark.parametrize(
    ("identifier", "chosen", "wanted"),
    [
        ("waitinglist", "xlsx", {"format": "xlsx"}),
        ("waitinglist", "default", {"format": "csv", "options": DEFAULT}),
        ("waitinglist", "csv-excel", {"format": "csv", "options": CSV}),
        ("waitinglist", "semicolon", {"format": "csv", "options": SEMICOLON}),
        ("orderlist", "xlsx", {"format": "xlsx"}),
        ("orderlist", "orders:default", {"format": "csv", "options": DEFAULT, "sheets": ["orders"]}),
        ("orderlist", "positions:excel", {"format": "csv", "options": CSV, "sheets": ["positions"]}),
        ("orderlist", "fees:semicolon", {"format": "csv", "options": SEMICOLON, "sheets": ["fees"]}),
        ("invoicedata", "lines:default", {"format": "csv", "options": DEFAULT, "sheets": ["lines"]}),
    ],
)
def test_a_run_starts_an_export_that_is_kept_for_a_day(
    wire: Wire, client: TestClient, identifier: str, chosen: str, wanted: dict[str, Any]
) -> None:
    answer = run(client, identifier, _format=chosen)
    path, export_id = wire.started(answer)
    check(answer, 202, {"download": HOST + path})
    assert path == f"{EVENT}/exporters/{identifier}/download/{export_id}/{UUID(path.split('/')[-2])}/"
    request = dict(wire.request_of(export_id))
    params = request.pop("params")
    assert params == params | {"organizer": "bigevents", "events": ["sampleconf"]}
    assert request == {
        "exporter": identifier,
        "filename": f"sampleconf_{identifier}_{{id}}",
        "expires_in": "P1D",
        **wanted,
    }


def test_an_exporter_that_keeps_its_files_for_less_is_taken_at_its_word(wire: Wire, client: TestClient) -> None:
    body: dict[str, Any] = {
        "text": "a",
        "flag": 1,
        "frame": "past",
        "choice": "x",
        "choices": ["a"],
        "key": 11,
        "keys": [11],
    }
    _, export_id = wire.started(run(client, "demanding", **body))
    assert wire.request_of(export_id)["expires_in"] == "PT12H"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, None),
        ({"all_events": True}, None),
        ({"all_events": "true", "events": ["devdays"]}, None),
        ({"all_events": None}, None),
        ({"events": ["devdays"]}, ["devdays"]),
        ({"all_events": False, "events": ["devdays", "sampleconf", "devdays"]}, ["devdays", "sampleconf"]),
        ({"all_events": False}, None),
    ],
)
def test_an_organizers_run_is_about_all_events_or_some(
    wire: Wire, client: TestClient, given: dict[str, Any], wanted: list[str] | None
) -> None:
    path, export_id = wire.started(run(client, "waitinglist", ORGANIZER, **given))
    assert path.startswith(f"{ORGANIZER}/exporters/waitinglist/download/")
    request = wire.request_of(export_id)
    assert (request["params"]["organizer"], request["params"].get("events")) == ("bigevents", wanted)
    assert request["filename"] == "bigevents_waitinglist_{id}"


@pytest.mark.parametrize(("given", "wanted"), GOOD, ids=str)
def test_values_of_every_type_are_taken_as_the_product_takes_them(
    wire: Wire, client: TestClient, given: dict[str, Any], wanted: dict[str, Any]
) -> None:
    _, export_id = wire.started(run(client, **given))
    own = {"organizer": "bigevents", "events": ["sampleconf"], "a_flag": False}
    assert wire.request_of(export_id)["params"] == own | wanted


@pytest.mark.parametrize(("field", "value", "sentence"), BAD_VALUES, ids=lambda value: str(value)[:40])
def test_a_value_that_does_not_fit_is_400_in_the_products_words(
    client: TestClient, field: str, value: Any, sentence: str
) -> None:
    check(run(client, **{field: value}), 400, {field: [sentence]})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["nothing"], "Object with slug=nothing does not exist."),
        (["sampleconf", "jazz-2026"], "Object with slug=jazz-2026 does not exist."),
        ([7], "Object with slug=7 does not exist."),
        ([["a"]], "Object with slug=['a'] does not exist."),
        ([], "This list may not be empty."),
        ("sampleconf", listed("str")),
        (None, "This field may not be null."),
    ],
    ids=str,
)
def test_events_that_are_not_the_organizers_are_400(client: TestClient, given: Any, sentence: str) -> None:
    check(run(client, "orderlist", ORGANIZER, events=given), 400, {"events": [sentence]})


def test_all_events_is_a_boolean(client: TestClient) -> None:
    check(run(client, "orderlist", ORGANIZER, all_events="x"), 400, {"all_events": ["Must be a valid boolean."]})


def test_what_is_required_is_missed_all_at_once(client: TestClient) -> None:
    answer = client.post(f"{EVENT}/exporters/demanding/run/", json={})
    names = ("_format", "text", "flag", "frame", "choice", "choices", "key", "keys")
    check(answer, 400, dict.fromkeys(names, REQUIRED))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        *((name, None, "This field may not be null.") for name in ("text", "flag", "frame", "choice", "key", "keys")),
        ("text", " ", "This field may not be blank."),
        ("choices", [], "This selection may not be empty."),
        ("keys", [], "This list may not be empty."),
    ],
)
def test_what_is_required_may_be_neither_null_nor_empty(
    client: TestClient, field: str, value: Any, sentence: str
) -> None:
    body: dict[str, Any] = {
        "text": "a",
        "flag": 0,
        "frame": "past",
        "choice": "x",
        "choices": ["a"],
        "key": 11,
        "keys": [11],
    }
    check(run(client, "demanding", **{**body, field: value}), 400, {field: [sentence]})


def test_fields_that_nobody_knows_are_told_of_when_all_others_are_right(client: TestClient) -> None:
    check(run(client, x=1), 400, {"fields": ["Additional fields not allowed: ['x']."]})
    check(run(client, x=1, b=2), 400, {"fields": ["Additional fields not allowed: ['b', 'x']."]})
    check(run(client, x=1, a_day="x"), 400, {"a_day": [DATE]})
    others: dict[str, Any] = {"events": ["sampleconf"], "all_events": True, "organizer": "bigevents"}
    for field, value in others.items():
        check(run(client, **{field: value}), 400, {"fields": [f"Additional fields not allowed: ['{field}']."]})
    answer = run(client, "customerlist", ORGANIZER, events=["sampleconf"])
    check(answer, 400, {"fields": ["Additional fields not allowed: ['events']."]})
    both = run(client, a_range="past", a_from="2026-01-01")
    check(both, 400, {"fields": ["Additional fields not allowed: ['a_from']."]})


@pytest.mark.parametrize(
    ("content", "media_type", "status", "body"),
    [
        (b"", None, 400, {"_format": REQUIRED}),
        (b"{}", JSON, 400, {"_format": REQUIRED}),
        (b"[]", JSON, 400, {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        (b'"a"', JSON, 400, {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
        (b"[1,", JSON, 400, {"detail": "JSON parse error - Expecting value: line 1 column 4 (char 3)"}),
        (b"x", JSON, 400, {"detail": "JSON parse error - Expecting value: line 1 column 1 (char 0)"}),
        (b"_format=xlsx", "text/plain", 415, {"detail": 'Unsupported media type "text/plain" in request.'}),
        (b'{"a_text": "\\u0000"}', JSON, 400, {"a_text": ["A text cannot hold U+0000 or half a surrogate pair."]}),
        (b" " * 2**20 + b"{}", JSON, 413, {"detail": "The body is longer than 1048576 bytes."}),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_body_that_is_no_object_of_json(
    client: TestClient, content: bytes, media_type: str | None, status: int, body: Any
) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    check(client.post(f"{EVENT}/exporters/every_type/run/", content=content, headers=headers), status, body)


# Days


LATE = datetime(2026, 10, 31, 12, tzinfo=UTC)
"""Still October in UTC and Berlin, already November on Chatham and in Auckland."""
NOVEMBER = "2026-11-01"


@pytest.mark.parametrize(
    ("base", "today", "names"),
    [
        (f"{API}/kiwi-trails/events/chatham-run", NOVEMBER, NAMES),
        (f"{API}/bigevents/events/sampleconf", "2026-10-31", ["days_today", "month_this"]),
        (f"{API}/kiwi-trails", NOVEMBER, ["days_today", "month_this"]),  # its first event is in Auckland
        (f"{API}/empire-arts", "2026-10-31", ["days_today", "month_this"]),
        (f"{API}/newcomer", "2026-10-31", ["days_today", "month_this"]),  # without events: UTC
    ],
)
def test_words_for_days_are_understood_where_the_event_takes_place(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, base: str, today: str, names: Sequence[str]
) -> None:
    monkeypatch.setattr(wire.bench, "time", LATE)
    for start in range(0, len(names), QUEUE_LIMIT):
        client = wire.client()
        for name in names[start : start + QUEUE_LIMIT]:
            _, export_id = wire.started(run(client, base=base, a_range=name))
            wanted = str(date_frame(name, datetime.fromisoformat(today).date()))
            assert wire.request_of(export_id)["params"]["a_range"] == wanted, name


def test_the_first_of_an_organizers_events_is_the_one_that_begins_first(
    wire: Wire, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokyo's organizer has one event; at this moment it is another day there than in UTC."""
    monkeypatch.setattr(wire.bench, "time", datetime(2026, 10, 31, 16, tzinfo=UTC))
    _, export_id = wire.started(run(client, base=f"{API}/tokyo-dev", a_range="days_today", a_moment="2026-01-01T00:00"))
    params = wire.request_of(export_id)["params"]
    assert params["a_range"] == f"{NOVEMBER}/{NOVEMBER}"
    assert params["a_moment"] == "2026-01-01T00:00:00+09:00"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"date_from": "2026-01-01", "date_to": "2026-01-31"}, {"date_range": "2026-01-01/2026-01-31"}),
        ({"event_date_from": "2026-01-01"}, {"event_date_range": "2026-01-01/"}),
    ],
)
def test_what_older_clients_call_the_ends_of_a_frame_is_understood(
    wire: Wire, client: TestClient, given: dict[str, Any], wanted: dict[str, Any]
) -> None:
    _, export_id = wire.started(run(client, "orderlist", **given))
    params = wire.request_of(export_id)["params"]
    assert {name: value for name, value in params.items() if name.endswith("_range")} == wanted


# The file


CONTENT = b"0123456789"


@pytest.fixture
def started(wire: Wire, client: TestClient) -> tuple[str, UUID]:
    """A run's download and export."""
    return wire.started(run(client, "orderlist", _format="orders:default"))


@pytest.mark.parametrize(
    ("seen", "body"),
    [
        (replace(RUNNING, run_state="queued", task_state=None), {"status": "waiting", "percentage": None}),
        (replace(RUNNING, task_state="queued"), {"status": "waiting", "percentage": None}),
        (RUNNING, {"status": "running", "percentage": None}),
        (replace(RUNNING, told={"progress": {"percent": 40.0}}), {"status": "running", "percentage": 40.0}),
        (
            replace(RUNNING, told={"progress": {"stage": "verifying", "percent": 99.0}}),
            {"status": "running", "percentage": 99.0},
        ),
        (replace(RUNNING, told={"progress": {"percent": "much"}}), {"status": "running", "percentage": None}),
    ],
)
def test_a_file_that_is_not_ready_is_409(
    wire: Wire, client: TestClient, started: tuple[str, UUID], seen: Any, body: Any
) -> None:
    path, export_id = started
    wire.show(export_id, seen)
    check(client.get(path), 409, body, retry_after="1")


def test_a_run_that_failed_is_410_and_says_why(wire: Wire, client: TestClient, started: tuple[str, UUID]) -> None:
    path, export_id = started
    reason = {"code": "query_timeout", "detail": "The query took too long.", "retryable": False}
    wire.show(export_id, replace(FAILED, told={"error": reason}))
    for _ in range(2):
        check(client.get(path), 410, {"status": "failed", "message": "The query took too long."})


def test_a_run_that_was_cancelled_is_410(wire: Wire, client: TestClient, started: tuple[str, UUID]) -> None:
    path, export_id = started
    wire.show(export_id, RUNNING)
    assert client.post(f"/export-api/v1/exports/{export_id}/cancel").status_code == 202
    wire.show(export_id, replace(FAILED, ended_at=START, started_at=START, told={"released": 1}))
    check(
        client.get(path),
        410,
        {"status": "failed", "message": f"The export was cancelled by {client.headers['x-caller']}."},
    )


def test_the_file_is_sent_as_often_as_it_is_wanted(wire: Wire, client: TestClient, started: tuple[str, UUID]) -> None:
    path, export_id = started
    wire.publish(export_id, CONTENT)
    for _ in range(2):
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["content-length"] == str(len(CONTENT))
        assert answer.headers["content-disposition"].startswith('attachment; filename="machines.csv"')
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["accept-ranges"] == "bytes"
    whole = client.head(path)
    assert (whole.status_code, whole.content, whole.headers["content-length"]) == (200, b"", str(len(CONTENT)))
    part = client.get(path, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    beyond = client.get(path, headers={"Range": "bytes=20-"})
    check(beyond, 416, {"detail": "The file has 10 bytes."}, content_range="bytes */10")


def test_a_file_is_gone_after_its_day(
    wire: Wire, client: TestClient, started: tuple[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, export_id = started
    wire.publish(export_id, CONTENT)
    kept = make_manifest(export_id, CONTENT).model_copy(update={"expires_at": START + timedelta(days=1)})
    wire.bench.store.objects[f"{export_id}/manifest.json"] = kept.to_bytes()
    assert client.get(path).status_code == 200
    monkeypatch.setattr(wire.bench, "time", START + timedelta(days=1))
    check(client.get(path), 404, NOT_FOUND)
    assert client.head(path).status_code == 404


def test_a_download_is_found_by_its_whole_address_only(
    wire: Wire, client: TestClient, started: tuple[str, UUID]
) -> None:
    path, export_id = started
    wire.publish(export_id, CONTENT)
    file_id = path.split("/")[-2]
    others = [
        path.replace("bigevents", "harbour-jazz"),
        path.replace("bigevents", "nobody"),
        path.replace("sampleconf", "devdays"),
        path.replace("/events/sampleconf", ""),
        path.replace("orderlist", "paymentlist"),
        path.replace(file_id, str(uuid4())),
        path.replace(str(export_id), str(uuid4())),
        path.replace(str(export_id), "1"),
        path.replace(file_id, "1"),
        path.replace(str(export_id), f"{{{export_id}}}"),
    ]
    for other in others:
        assert other != path
        check(client.get(other), 404, NOT_FOUND)
    assert client.get(path.replace(str(export_id), str(export_id).upper())).status_code == 200
    assert client.get(path).status_code == 200


def test_somebody_elses_file_is_404_but_for_who_sees_all(
    wire: Wire, client: TestClient, started: tuple[str, UUID]
) -> None:
    path, export_id = started
    check(wire.client().get(path), 404, NOT_FOUND)
    wire.publish(export_id, CONTENT)
    check(wire.client().get(path), 404, NOT_FOUND)
    assert wire.admin().get(path).content == CONTENT
    assert client.get(path).content == CONTENT


def test_runs_and_downloads_are_audited_and_the_native_api_knows_them(
    wire: Wire, client: TestClient, started: tuple[str, UUID], shop: sa.Engine
) -> None:
    path, export_id = started
    wire.publish(export_id, CONTENT)
    client.get(path)
    native = client.get(f"/export-api/v1/exports/{export_id}").json()
    assert (native["status"], native["id"]) == ("succeeded", str(export_id))
    with Session(shop) as session:
        found = session.execute(
            sa.select(Audit.action, Audit.caller).where(Audit.export_id == export_id).order_by(Audit.id)
        ).all()
    assert [tuple(row) for row in found] == [(action, client.headers["x-caller"]) for action in ("create", "download")]


# Again, and too much


def keyed(
    client: TestClient, key: str, path: str = f"{EVENT}/exporters/every_type/run/", **body: Any
) -> httpx.Response:
    headers = {"X-Idempotency-Key": key}
    answer: httpx.Response = client.post(path, json={"_format": "xlsx", **body}, headers=headers)
    return answer


def test_a_key_leads_to_the_same_answer_for_a_day(
    wire: Wire, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the next day, too, when "today" would be another day."""
    first = keyed(client, "a key, with; anything in it", a_range="days_today")
    monkeypatch.setattr(wire.bench, "time", START + timedelta(hours=23))
    again = keyed(client, "a key, with; anything in it", a_range="days_today")
    check(again, 202, first.json())
    monkeypatch.setattr(wire.bench, "time", START + KEPT)
    later = keyed(client, "a key, with; anything in it", a_range="days_today")
    assert (later.status_code, later.json() == first.json()) == (202, False)


def test_a_key_is_one_clients_for_one_address_and_one_body(wire: Wire, client: TestClient) -> None:
    first = keyed(client, "k")
    others = [
        keyed(wire.client(), "k"),
        keyed(client, "k", f"{ORGANIZER}/exporters/every_type/run/"),
        keyed(client, "another"),
        keyed(client, ""),
    ]
    answers = [first, *others]
    assert len({each.json()["download"] for each in answers}) == len(answers)
    assert keyed(client, "k", f"{EVENT}/exporters/every_type/run").json() == first.json()
    reused = keyed(client, "k", a_whole=1)
    detail = (
        "This Idempotency-Key was used for another request in the last 24 hours. Send the same body again, or take a "
        "new key."
    )
    check(reused, 400, {"detail": detail})


def test_what_was_refused_is_not_kept(wire: Wire, client: TestClient) -> None:
    assert keyed(client, "k", a_whole="x").status_code == 400
    assert keyed(client, "k", a_whole=1).status_code == 202
    assert wire.started(keyed(client, "k", a_whole=1))


def test_a_key_whose_first_request_has_no_answer_yet_is_409(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_flight(*_: Any, **__: Any) -> Kept:
        raise KeyInFlight("The first request with this Idempotency-Key is still being answered.")

    monkeypatch.setattr(keys, "take", in_flight)
    check(keyed(client, "k"), 409, {"detail": "Concurrent request with idempotency key."}, retry_after="5")


def test_many_at_once_with_one_key_are_one_export(wire: Wire) -> None:
    client = wire.client()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: keyed(client, "k"), range(4)))
    assert {each.status_code for each in answers} <= {202, 409, 503}
    assert len({each.json()["download"] for each in answers if each.status_code == 202}) == 1


def test_who_has_too_many_unfinished_exports_is_429(client: TestClient) -> None:
    for _ in range(QUEUE_LIMIT):
        assert run(client).status_code == 202
    answer = run(client)
    assert answer.headers["retry-after"] == "5"
    assert (answer.status_code, answer.json()) == (
        429,
        {"detail": "Request was throttled. Expected available in 5 seconds."},
    )


def test_a_shop_that_does_not_answer_is_503(wire: Wire, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire.airflow, "lost", True)
    for answer in (client.get(f"{EVENT}/exporters/"), run(client)):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["detail"].startswith("The connection to source 'shop' failed or was lost")


# Ways


@pytest.mark.parametrize("path", [f"{EVENT}/exporters", f"{EVENT}/exporters/orderlist", f"{ORGANIZER}/exporters"])
def test_a_path_without_its_last_slash_is_the_same(client: TestClient, path: str) -> None:
    assert client.get(path).json() == client.get(path + "/").json()
    assert client.post(f"{EVENT}/exporters/every_type/run", json={"_format": "xlsx"}).status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/exporters/", "GET"),
        ("PUT", "/exporters/orderlist/", "GET"),
        ("GET", "/exporters/orderlist/run/", "POST"),
        ("DELETE", "/exporters/orderlist/run/", "POST"),
        ("POST", f"/exporters/orderlist/download/{IDS}/", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("base", [ORGANIZER, EVENT])
def test_another_method_is_405(client: TestClient, base: str, method: str, path: str, allow: str) -> None:
    check(client.request(method, base + path), 405, {"detail": f'Method "{method}" not allowed.'}, allow=allow)


@pytest.mark.parametrize("base", [ORGANIZER, EVENT])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["scheduled_exports/", "scheduled_exports/1/", "nothing/", ""])
def test_what_there_is_not_yet_is_404(client: TestClient, base: str, method: str, path: str) -> None:
    check(client.request(method, f"{base}/{path}"), 404, NOT_FOUND)


def test_what_nobody_expected_is_500_without_its_reason(
    wire: Wire, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire.airflow, "refusal", RuntimeError("secret"))
    check(run(client), 500, {"detail": "A server error occurred."})
