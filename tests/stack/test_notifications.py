"""A real export is told: to receivers that fail first, hang or are not allowed, and by a real mail server."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from standardwebhooks import Webhook as Verifier

from deploy.local import databases
from tests.api.receiver import Receiver
from tests.stack.client import ExportsClient, wait_for
from tests.stack.endless import ENDLESS, running
from tests.stack.test_access import cli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from deploy.local.stack import Stack
    from tests.stack.client import AirflowClient


def create(client: ExportsClient, url: str, **body: Any) -> dict[str, Any]:
    answer = client.request("POST", "/webhooks", json={"url": url, **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def hook(exports: ExportsClient) -> Iterator[Callable[..., dict[str, Any]]]:
    """Create webhooks that are deleted after the test."""
    made: list[str] = []

    def make(url: str, **body: Any) -> dict[str, Any]:
        created = create(exports, url, **body)
        made.append(created["id"])
        return created

    yield make
    for webhook_id in made:
        assert exports.request("DELETE", f"/webhooks/{webhook_id}").status_code == 204


def received(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    wait_for(f"{count} webhooks", lambda: len(receiver.received) >= count or None)
    return [json.loads(message.body) for message in receiver.received]


def delivered(client: ExportsClient, webhook_id: str, state: str) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]] | None:
        answer = client.get(f"/webhooks/{webhook_id}/deliveries", state=state)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items or None

    return wait_for(f"a delivery that is {state}", look)


def test_a_real_export_is_told_until_the_receiver_takes_it(
    exports: ExportsClient, hook: Callable[..., dict[str, Any]]
) -> None:
    with Receiver([500, 200]) as receiver:
        made = hook(receiver.url)
        export = exports.run(exporter="orders", limit=3, notify=[{"webhook": made["id"]}])
        first, second = received(receiver, 2)
        assert first == second
        assert (first["type"], first["data"]) == ("export.succeeded", {"id": export["id"], "status": "succeeded"})
        ids = {message.headers["webhook-id"] for message in receiver.received}
        assert len(ids) == 1
        for message in receiver.received:
            assert Verifier(made["secret"]).verify(message.body, message.headers) == first
        [item] = delivered(exports, made["id"], "sent")
        assert [attempt["code"] for attempt in item["attempts"]] == [500, 200]
        assert {item["event"]} == ids
        again = exports.request("POST", f"/webhooks/{made['id']}/deliveries/{item['event']}/replay")
        assert (again.status_code, again.json()) == (202, {"events": 1})
        received(receiver, 3)
        assert {message.headers["webhook-id"] for message in receiver.received} == ids
        assert "notify" not in exports.get(f"/exports/{export['id']}/manifest").json()["request"]


def test_cancelled_and_expired_exports_are_told(
    exports: ExportsClient, hook: Callable[..., dict[str, Any]], exporter: Callable[[str, str], str]
) -> None:
    with Receiver() as receiver:
        hook(receiver.url)
        cancelled = exports.submit(exporter=exporter("endless", ENDLESS), format="csv")["id"]
        running(exports, cancelled)
        exports.request("POST", f"/exports/{cancelled}/cancel")
        assert received(receiver, 1)[0]["data"] == {"id": cancelled, "status": "cancelled"}
        expired = exports.run(exporter="orders", limit=1, expires_in="PT1S")["id"]
        told = [(event["type"], event["data"]["id"]) for event in received(receiver, 3)]
        assert told == [("export.cancelled", cancelled), ("export.succeeded", expired), ("export.expired", expired)]


def test_a_receiver_that_hangs_delays_neither_another_nor_the_settling(
    exports: ExportsClient, hook: Callable[..., dict[str, Any]]
) -> None:
    with Receiver([0]) as hanging, Receiver() as other:
        hook(hanging.url)
        hook(other.url)
        ids = [exports.run(exporter="orders", limit=1)["id"] for _ in range(3)]
        assert {event["data"]["id"] for event in received(other, 3)} == set(ids)
        received(hanging, 1)


def test_a_private_target_is_refused_at_creation_and_when_sending(
    stack: Stack, exports: ExportsClient, hook: Callable[..., dict[str, Any]]
) -> None:
    for url in ("https://10.0.0.1/", "http://169.254.169.254/latest/", "https://[::ffff:127.0.0.1]/", "https://0/"):
        answer = exports.request("POST", "/webhooks", json={"url": url})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url"), url
    made = hook("http://127.0.0.1:9/")
    with psycopg.connect(databases.dsn(stack.state, "airflow"), autocommit=True) as connection:
        connection.execute("update waybill_webhook set url = 'https://127.0.0.2/' where id = %s", [made["id"]])
    exports.run(exporter="orders", limit=1)

    def look() -> str | None:
        [item] = exports.get(f"/webhooks/{made['id']}/deliveries").json()["items"]
        return item["attempts"][0]["error"] if item["attempts"] else None

    assert "not public" in wait_for("an attempt", look)


def test_an_account_that_is_no_longer_active_is_told_nothing(
    stack: Stack, admin_exports: ExportsClient, workshop: Path
) -> None:
    file = workshop / "leaver.token"
    cli(stack, "service-account", "create", "leaver", "--token-file", str(file))
    with Receiver() as receiver, ExportsClient(stack.url, f"Token {file.read_text().strip()}") as leaver:
        made = create(leaver, receiver.url)
        leaver.run(exporter="orders", limit=1)
        received(receiver, 1)
        with psycopg.connect(databases.dsn(stack.state, "airflow"), autocommit=True) as connection:
            connection.execute("update ab_user set active = false where username = 'leaver'")
        again = admin_exports.request("POST", f"/webhooks/{made['id']}/replay", json={"since": "2026-01-01T00:00:00Z"})
        assert again.json() == {"events": 0}
        [item] = delivered(admin_exports, made["id"], "sent")
        admin_exports.request("POST", f"/webhooks/{made['id']}/deliveries/{item['event']}/replay")
        [item] = delivered(admin_exports, made["id"], "failed")
        assert "may not see" in item["attempts"][-1]["error"]
        assert len(receiver.received) == 1
        assert admin_exports.request("DELETE", f"/webhooks/{made['id']}").status_code == 204


class Mailbox:
    """What a mail server was given; it refuses whom it does not know."""

    def __init__(self) -> None:
        self.messages: list[tuple[list[str], bytes]] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.messages.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


@pytest.fixture
def mailbox(airflow: AirflowClient) -> Iterator[Mailbox]:
    """A mail server in a thread of its own, and Airflow's connection to it."""
    from aiosmtpd.controller import Controller

    from deploy.local import ports

    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=ports.choose())
    server.start()
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "waybill@example.com"}
    connection = {
        "connection_id": "waybill_mail",
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": server.port,
        "extra": json.dumps(extra),
    }
    airflow.post("/connections", connection)
    yield box
    airflow.http.delete("/api/v2/connections/waybill_mail")
    server.stop()


def test_a_mail_tells_how_an_export_ended(exports: ExportsClient, mailbox: Mailbox, stack: Stack) -> None:
    name = "Orders\r\nBcc: victim@example.com"
    notify = [{"email": "team@example.com"}, {"email": "nobody@example.com"}]
    export = exports.run(exporter="orders", limit=3, format="xlsx", name=name, notify=notify)
    wait_for("the mail", lambda: mailbox.messages or None)
    [(recipients, content)] = mailbox.messages
    message = message_from_bytes(content, policy=default)
    assert recipients == ["team@example.com"]
    assert (message["From"], message["To"]) == ("waybill@example.com", "team@example.com")
    assert message["Subject"].startswith("Export ")
    assert message["Subject"].endswith(": succeeded")
    assert message["Bcc"] is None
    for part in ("plain", "html"):
        body = message.get_body((part,))
        assert body is not None
        text = body.get_content()
        assert export["result"]["files"][0]["name"] in text
        assert f"{stack.url}/export-api/v1/exports/{export['id']}" in text
        assert "X-Amz" not in text
    with psycopg.connect(databases.dsn(stack.state, "airflow"), autocommit=True) as connection:

        def refused() -> list[Any] | None:
            found = connection.execute(
                "select state, attempts from waybill_notification where email = 'nobody@example.com'"
            ).fetchall()
            return found if found[0][0] != "pending" else None

        assert wait_for("the refusal", refused) == [("failed", 1)]


def test_mail_to_a_stranger_is_refused_with_a_pointer(exports: ExportsClient) -> None:
    answer = exports.post({"exporter": "orders", "notify": [{"email": "someone@elsewhere.org"}]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/notify/0/email")


def test_an_export_from_airflows_form_tells_too(
    airflow: AirflowClient, mailbox: Mailbox, admin_exports: ExportsClient
) -> None:
    conf = {"exporter": "orders", "limit": 1, "notify": [{"email": "team@example.com"}]}
    airflow.post("/dags/export/dagRuns", {"logical_date": None, "conf": conf})
    wait_for("the mail", lambda: mailbox.messages or None)
    [(recipients, _)] = mailbox.messages
    assert recipients == ["team@example.com"]
    assert admin_exports.get("/exports", limit=1).json()["items"][0]["trigger"] == "airflow"
