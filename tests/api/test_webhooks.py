"""Webhooks as a resource: who may have which, what is kept of them, and what `notify` may name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from export_api.db.models import Audit, Webhook
from export_api.notifications import secrets
from export_api.notifications.endpoints import LIMIT, WebhookChange
from include.core.errors import InvalidRequest
from include.core.request import parse_request
from include.core.settings import Settings
from tests.api.outboxes import REQUEST, Post
from tests.api.stand_in import ADMIN, ANNA, BERT, VERA

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from export_api.caller import Caller

URL = "https://127.0.0.1/hooks/very-secret-path"
WITH_MAIL = replace(ANNA, email="Anna@elsewhere.org")


@pytest.fixture
def client(post: Post, as_caller: Callable[[Caller], TestClient]) -> Callable[[Caller], TestClient]:
    assert post.endpoints
    return as_caller


def create(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", json={"url": URL, **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_webhook_is_created_with_a_secret_that_is_shown_once(
    post: Post, client: Callable[[Caller], TestClient]
) -> None:
    anna = client(ANNA)
    made = create(anna, types=["export.failed", "export.failed"], description="Loader")
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert (made["url"], made["types"], made["owner"], made["scope"]) == (URL, ["export.failed"], "anna", "own")
    assert (made["enabled"], made["description"]) == (True, "Loader")
    assert anna.get(f"/v1/webhooks/{made['id']}").json() == made
    assert anna.get("/v1/webhooks").json() == {"items": [made]}
    with post.bench.airflow.session() as session:
        kept = session.scalars(sa.select(Webhook.secrets)).one()
    assert secret not in str(kept)
    assert post.bench.airflow.unseal(kept[0]["sealed"]) == secret


def test_it_hears_of_everything_unless_told(client: Callable[[Caller], TestClient]) -> None:
    made = create(client(ANNA))
    assert made["types"] == ["export.succeeded", "export.failed", "export.cancelled", "export.expired"]
    assert create(client(ANNA), types=[])["types"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://example.com/"}, "/url"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "/url"),
        ({"url": "https://[::1]/"}, "/url"),
        ({"url": "https://nowhere.invalid/"}, "/url"),
        ({}, "/url"),
        ({"url": URL, "types": ["export.partial"]}, "/types/0"),
        ({"url": URL, "scope": "everything"}, "/scope"),
        ({"url": URL, "secret": "whsec_mine"}, "/secret"),
    ],
)
def test_a_wrong_webhook_is_refused_with_a_pointer(
    client: Callable[[Caller], TestClient], body: dict[str, Any], pointer: str
) -> None:
    answer = client(ANNA).post("/v1/webhooks", json=body)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


def test_somebody_elses_webhook_is_as_if_it_did_not_exist(client: Callable[[Caller], TestClient]) -> None:
    hook = create(client(ANNA))["id"]
    event = str(uuid4())
    bert, admin = client(BERT), client(ADMIN)
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("POST", "/rotate", None),
        ("GET", "/deliveries", None),
        ("POST", f"/deliveries/{event}/replay", None),
        ("POST", "/replay", {"since": "2026-11-01T00:00:00Z"}),
        ("DELETE", "", None),
    ):
        answer = bert.request(method, f"/v1/webhooks/{hook}{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
    assert bert.get("/v1/webhooks").json() == {"items": []}
    assert [item["id"] for item in admin.get("/v1/webhooks").json()["items"]] == [hook]
    assert admin.patch(f"/v1/webhooks/{hook}", json={"enabled": False}).json()["disabled_reason"] == (
        "It was disabled by admin."
    )
    assert admin.get("/v1/webhooks/no-uuid").status_code == 404


def test_who_may_not_create_exports_has_no_webhooks_and_only_those_who_see_all_hear_of_all(
    client: Callable[[Caller], TestClient],
) -> None:
    assert client(VERA).post("/v1/webhooks", json={"url": URL}).status_code == 403
    assert client(ANNA).post("/v1/webhooks", json={"url": URL, "scope": "all"}).status_code == 403
    assert create(client(ADMIN), scope="all")["scope"] == "all"


def test_a_change_changes_what_it_names(client: Callable[[Caller], TestClient]) -> None:
    anna = client(ANNA)
    made = create(anna, description="Loader")
    made.pop("secret")
    address = f"/v1/webhooks/{made['id']}"
    assert anna.patch(address, json={"types": ["export.failed"]}).json() == {**made, "types": ["export.failed"]}
    changed = anna.patch(address, json={"url": f"{URL}/2", "description": ""}).json()
    assert (changed["url"], changed["description"], changed["types"]) == (f"{URL}/2", "", ["export.failed"])
    off = anna.patch(address, json={"enabled": False}).json()
    assert (off["enabled"], off["disabled_reason"]) == (False, "It was disabled by anna.")
    on = anna.patch(address, json={"enabled": True}).json()
    assert (on["enabled"], on["disabled_at"], on["disabled_reason"]) == (True, None, None)
    refused = anna.patch(address, json={"url": "https://10.0.0.1/", "enabled": False})
    assert (refused.status_code, anna.get(address).json()) == (422, on)
    for body in ({"owner": "bert"}, {"scope": "all"}, {"enabled": "no"}, {"url": ""}, {"types": None}):
        assert anna.patch(address, json=body).status_code == 422, body


def test_a_new_secret_signs_beside_the_old_one_for_a_day(post: Post, client: Callable[[Caller], TestClient]) -> None:
    anna = client(ANNA)
    made = create(anna)
    new = anna.post(f"/v1/webhooks/{made['id']}/rotate").json()
    assert {**made, "secret": ""} == {**new, "secret": ""}
    with post.bench.airflow.session() as session:
        kept = session.scalars(sa.select(Webhook.secrets)).one()

    def signing(hours: float) -> list[str]:
        live = secrets.live(kept, post.endpoints.now() + timedelta(hours=hours))
        return [post.bench.airflow.unseal(secret["sealed"]) for secret in live]

    assert signing(-1) == [new["secret"], made["secret"]]
    assert signing(25) == [new["secret"]]


def test_secrets_and_webhooks_are_bounded(client: Callable[[Caller], TestClient]) -> None:
    anna = client(ANNA)
    *_, hook = [create(anna)["id"] for _ in range(LIMIT)]
    answer = anna.post("/v1/webhooks", json={"url": URL})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhooks")
    assert create(client(BERT))
    codes = [anna.post(f"/v1/webhooks/{hook}/rotate").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 200, 409]


def test_what_is_done_to_webhooks_is_audited_without_urls_and_secrets(
    post: Post, client: Callable[[Caller], TestClient]
) -> None:
    anna = client(ANNA)
    made = create(anna)
    address = f"/v1/webhooks/{made['id']}"
    anna.patch(address, json={"description": "x"})
    secret = anna.post(f"{address}/rotate").json()["secret"]
    anna.post(f"{address}/replay", json={"since": "2026-11-01T00:00:00Z"})
    assert anna.delete(address).status_code == 204
    assert anna.get(address).status_code == 404
    with post.bench.airflow.session() as session:
        entries = session.scalars(sa.select(Audit).order_by(Audit.id)).all()
    done = ["webhook_create", "webhook_change", "webhook_rotate", "webhook_replay", "webhook_delete"]
    assert [entry.action for entry in entries] == done
    assert {entry.caller for entry in entries} == {"anna"}
    told = str([entry.detail for entry in entries])
    assert "127.0.0.1" in told
    assert not any(word in told for word in ("very-secret-path", secret, made["secret"]))


# What a request may name


def refused(post: Post, caller: Caller, *notify: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        post.bench.service.submit(caller, parse_request({**REQUEST, "notify": list(notify)}))
    assert post.bench.airflow.triggered == []
    return [error.pointer for error in caught.value.errors]


def test_a_request_names_webhooks_of_its_callers_own(post: Post) -> None:
    mine, _ = post.hook(URL)
    other, _ = post.hook(URL, BERT)
    off, _ = post.hook(URL)
    post.endpoints.change(ANNA, str(off.id), WebhookChange(enabled=False))
    assert refused(post, ANNA, {"webhook": str(other.id)}, {"webhook": str(mine.id)}, {"webhook": str(uuid4())}) == [
        "/notify/0/webhook",
        "/notify/2/webhook",
    ]
    assert refused(post, ANNA, {"webhook": str(off.id)}) == ["/notify/0/webhook"]
    assert refused(post, ADMIN, {"webhook": str(mine.id)}) == ["/notify/0/webhook"]
    request = parse_request({**REQUEST, "notify": [{"webhook": str(mine.id)}]})
    shown = post.bench.service.submit(ANNA, request)
    assert post.bench.airflow.triggered[0]["conf"]["notify"] == [{"webhook": str(mine.id)}]
    assert shown.export.request["notify"] == [{"webhook": str(mine.id)}]


@pytest.mark.parametrize(
    ("domains", "allowed"),
    [
        (None, ["anna@elsewhere.org"]),
        ("example.com, example.net", ["anna@elsewhere.org", "x@example.com", "x@EXAMPLE.net"]),
        ("*", ["anna@elsewhere.org", "x@example.com", "x@anywhere.de"]),
    ],
)
def test_mail_goes_to_ones_own_address_and_to_allowed_domains(
    post: Post, domains: str | None, allowed: list[str]
) -> None:
    post.bench.airflow.settings = Settings(smtp_connection="mail", email_domains=domains)
    everything = ["anna@elsewhere.org", "x@example.com", "x@EXAMPLE.net", "x@anywhere.de", "x@sub.example.com.evil.de"]
    for address in everything:
        if address in allowed or domains == "*":
            request = parse_request({**REQUEST, "notify": [{"email": address}]})
            assert post.bench.service.submit(WITH_MAIL, request)
            post.bench.airflow.triggered.clear()
        else:
            assert refused(post, WITH_MAIL, {"email": address}) == ["/notify/0/email"]


def test_without_a_mail_connection_there_is_no_mail(post: Post) -> None:
    post.bench.airflow.settings = Settings(email_domains="*")
    with pytest.raises(InvalidRequest, match="smtp_connection"):
        post.bench.service.submit(WITH_MAIL, parse_request({**REQUEST, "notify": [{"email": "anna@elsewhere.org"}]}))


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        ({}, "/notify/0"),
        ({"webhook": str(uuid4()), "email": "a@example.com"}, "/notify/0"),
        ({"webhook": "none"}, "/notify/0/webhook"),
        ({"sms": "1"}, "/notify/0/sms"),
        ("a@example.com", "/notify/0"),
        *(
            ({"email": address}, "/notify/0/email")
            for address in (
                "anna",
                "@example.com",
                "anna@",
                "anna@example",
                "Anna <anna@example.com>",
                "anna@example.com, bert@example.com",
                "anna@example.com\nBcc: bert@example.com",
                "anna@example.com\r\nSubject: x",
                "änna@example.com",
                f"{'a' * 300}@example.com",
            )
        ),
    ],
)
def test_a_wrong_entry_is_pointed_at(item: Any, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_request({**REQUEST, "notify": [item]})
    assert pointer in [error.pointer for error in caught.value.errors]


def test_running_again_tells_those_who_may_still_be_told(post: Post) -> None:
    kept, _ = post.hook(URL)
    gone, _ = post.hook(URL)
    notify = [{"webhook": str(gone.id)}, {"webhook": str(kept.id)}, {"email": "x@example.com"}]
    export_id = str(post.bench.service.submit(ANNA, parse_request({**REQUEST, "notify": notify})).export.id)
    post.endpoints.delete(ANNA, str(gone.id))
    again = post.bench.service.rerun(ANNA, export_id)
    assert again.export.request["notify"] == notify[1:]
    by_admin = post.bench.service.rerun(ADMIN, export_id)
    assert by_admin.export.request["notify"] == notify[2:]
