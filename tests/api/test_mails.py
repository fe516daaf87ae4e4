"""E-mail about an export's end: what it says, what it cannot be made to say, and to whom it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export_api.caller import Caller
from include.core.errors import Fatal, Retriable
from include.core.settings import Settings
from tests.api.stand_in import ANNA, FAILED

if TYPE_CHECKING:
    from tests.api.outboxes import Post


def test_a_mail_tells_how_it_ended_once(post: Post) -> None:
    notify = [{"email": "x@example.com"}, {"email": "x@example.com"}, {"email": "y@example.com"}]
    export_id = post.ended(notify=notify, name="Macs of October")
    post.send()
    first, second = post.bench.airflow.mails
    assert {first["To"], second["To"]} == {"x@example.com", "y@example.com"}
    assert first["Subject"] == "Export machines: succeeded"
    assert first["Message-ID"] != second["Message-ID"]
    for part in ("plain", "html"):
        body = first.get_body((part,))
        assert body is not None
        text = body.get_content()
        assert f"https://airflow.example/export-api/v1/exports/{export_id}" in text
        assert "machines.csv (10 bytes)" in text
        assert "X-Amz" not in text
        assert "store.example" not in text


def test_a_mail_about_a_failure_says_why(post: Post) -> None:
    post.ended(seen=FAILED, notify=[{"email": "x@example.com"}])
    post.send()
    [message] = post.bench.airflow.mails
    body = message.get_body(("plain",))
    assert body is not None
    assert message["Subject"] == "Export machines: failed"
    assert "Reason: The run was stopped or its worker was lost." in body.get_content()


def test_a_name_cannot_smuggle_a_header_or_a_tag_into_a_mail(post: Post) -> None:
    evil = "a\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>\u2028x"
    post.ended(seen=FAILED, name=evil, notify=[{"email": "x@example.com"}])
    post.send()
    [message] = post.bench.airflow.mails
    assert message["Bcc"] is None
    assert message["Subject"] == "Export a Bcc: victim@example.com <script>alert(1)</script> x: failed"
    head, _, _ = message.as_bytes().partition(b"\r\n\r\n")
    assert not any(line.lower().startswith(b"bcc") for line in head.split(b"\r\n"))
    html = message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


def test_a_mail_server_that_is_away_is_tried_again_and_a_refusal_is_not(post: Post) -> None:
    post.ended(notify=[{"email": "x@example.com"}])
    post.bench.airflow.mail_refusal = Retriable("The mail server did not take the message.")
    assert post.send() == 1
    post.bench.pass_time(seconds=6)
    post.bench.airflow.mail_refusal = Fatal("The mail server refuses the recipient.")
    assert post.send() == 1
    [sent] = post.waiting()
    assert (sent.state, [entry["error"] for entry in sent.log]) == (
        "failed",
        ["The mail server did not take the message.", "The mail server refuses the recipient."],
    )


def test_an_address_that_is_no_longer_allowed_gets_nothing(post: Post) -> None:
    post.ended(notify=[{"email": "x@example.com"}])
    post.bench.airflow.settings = Settings(smtp_connection="mail")
    post.send()
    assert post.bench.airflow.mails == []
    post.people["anna"] = Caller("anna", "Anna", ANNA.rights, email="x@example.com")
    post.ended(notify=[])
    assert [sent.state for sent in post.waiting()] == ["failed"]


def test_mail_is_not_sent_of_expiry_nor_of_what_was_deleted(post: Post) -> None:
    export_id = post.ended(notify=[{"email": "x@example.com"}])
    post.bench.service.delete(ANNA, str(export_id))
    post.send()
    assert post.bench.airflow.mails == []
    assert [sent.log[0]["error"] for sent in post.waiting()] == ["The export was deleted."]
