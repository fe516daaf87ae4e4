"""Events leave the outbox once for each target, signed, again and again until they are taken, and nobody waits."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from export_api import clock
from export_api.db import outbox
from export_api.notifications.sending import DELAYS, PER_OWNER, SLOTS
from include.core.settings import Settings
from tests.api.outboxes import REQUEST, SETTINGS, Post
from tests.api.receiver import Receiver
from tests.api.stand_in import ADMIN, ANNA, BERT, FAILED, RUNNING, SUCCEEDED

THREE_DAYS = timedelta(days=3)


def payloads(receiver: Receiver) -> list[dict[str, Any]]:
    import json

    return [json.loads(received.body) for received in receiver.received]


# What becomes an event


def test_the_end_of_an_export_is_told_once_and_verifies(post: Post, receiver: Receiver) -> None:
    _, secret = post.hook(f"{receiver.url}/in?x=1")
    export_id = post.ended()
    for _ in range(3):
        post.bench.service.get(ANNA, str(export_id))
        clock.tick(post.bench.service)
    assert post.send() == 1
    [received] = receiver.received
    assert received.path == "/in?x=1"
    assert Verifier(secret).verify(received.body, received.headers) == {
        "type": "export.succeeded",
        "timestamp": post.bench.time.isoformat().replace("+00:00", "Z"),
        "data": {"id": str(export_id), "status": "succeeded"},
    }
    assert b"http" not in received.body
    assert received.headers["content-type"] == "application/json"


def test_failed_cancelled_and_expired_exports_are_told_too(post: Post, receiver: Receiver) -> None:
    post.hook(receiver.url)
    post.ended(seen=FAILED)
    cancelled = post.bench.service.submit(ANNA, _request()).export.id
    post.bench.airflow.seen[cancelled] = replace(RUNNING, task_state="queued")
    post.bench.service.cancel(ANNA, str(cancelled))
    expired = post.bench.service.submit(ANNA, _request()).export.id
    post.bench.airflow.seen[expired] = SUCCEEDED
    kept = post.bench.publish(expired).model_copy(update={"expires_at": post.bench.time + timedelta(hours=1)})
    post.bench.store.objects[f"{expired}/manifest.json"] = kept.to_bytes()
    clock.tick(post.bench.service)
    post.send()
    post.bench.pass_time(hours=1)
    clock.tick(post.bench.service)
    clock.tick(post.bench.service)
    post.send()
    told = [(told["type"], told["data"]["status"]) for told in payloads(receiver)]
    assert sorted(told[:3]) == [
        ("export.cancelled", "cancelled"),
        ("export.failed", "failed"),
        ("export.succeeded", "succeeded"),
    ]
    assert told[3:] == [("export.expired", "succeeded")]


def _request(**more: Any) -> Any:
    from include.core.request import parse_request

    return parse_request({**REQUEST, **more})


def test_an_event_and_the_end_are_one_transaction(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.hook("https://127.0.0.1/")
    export_id = post.bench.service.submit(ANNA, _request()).export.id
    post.bench.airflow.seen[export_id] = SUCCEEDED
    post.bench.publish(export_id)
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "post", _fail)
        with pytest.raises(ZeroDivisionError):
            post.bench.service.get(ANNA, str(export_id))
    assert post.events() == []
    assert post.bench.service.get(ANNA, str(export_id)).status == "succeeded"
    assert post.events() == [("export.succeeded", export_id)]


def _fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def test_many_readers_at_once_make_one_event(post: Post) -> None:
    post.hook("https://127.0.0.1/")
    export_id = post.bench.service.submit(ANNA, _request()).export.id
    post.bench.airflow.seen[export_id] = SUCCEEDED
    post.bench.publish(export_id)
    readers = [threading.Thread(target=post.bench.service.get, args=(ANNA, str(export_id))) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert post.events() == [("export.succeeded", export_id)]
    assert len(post.waiting()) == 1


def test_a_webhook_hears_of_its_owners_exports_and_of_the_types_it_asked_for(post: Post) -> None:
    with Receiver() as annas, Receiver() as berts, Receiver() as admins, Receiver() as failures:
        post.hook(annas.url)
        post.hook(berts.url, BERT)
        post.hook(admins.url, ADMIN, scope="all")
        post.hook(failures.url, ANNA, types=["export.failed"])
        post.ended(ANNA)
        post.ended(BERT)
        post.ended(ANNA, FAILED)
        post.send()
        assert [len(receiver.received) for receiver in (annas, berts, admins, failures)] == [2, 1, 3, 1]


def test_nobody_who_wants_to_know_is_no_event(post: Post) -> None:
    post.hook("https://127.0.0.1/", BERT)
    post.ended(ANNA)
    assert post.events() == []


def test_a_webhook_that_a_request_names_gets_the_event_once(post: Post) -> None:
    with Receiver() as always, Receiver() as named:
        hook, _ = post.hook(always.url)
        other, _ = post.hook(named.url, types=[])
        post.ended()
        post.ended(notify=[{"webhook": str(hook.id)}, {"webhook": str(other.id)}, {"webhook": str(hook.id)}])
        post.send()
        assert (len(always.received), len(named.received)) == (2, 1)


# Attempts


def test_a_receiver_that_fails_first_gets_the_same_message_again(post: Post, receiver: Receiver) -> None:
    _, secret = post.hook(receiver.url)
    receiver.codes = [500, 200]
    post.ended()
    assert post.send() == 1
    assert post.send() == 0  # not before its time
    post.bench.pass_time(seconds=6)
    assert post.send() == 1
    first, second = receiver.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    for received in (first, second):
        Verifier(secret).verify(received.body, received.headers)


def test_both_secrets_sign_while_one_is_being_changed(post: Post, receiver: Receiver) -> None:
    hook, old = post.hook(receiver.url)
    _, new = post.endpoints.rotate(ANNA, str(hook.id))
    post.ended()
    post.send()
    [received] = receiver.received
    assert len(received.headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        Verifier(secret).verify(received.body, received.headers)


@pytest.mark.parametrize("code", [301, 302, 307, 400, 404, 429, 500, 503])
def test_anything_but_2xx_is_tried_again_and_redirects_are_not_followed(
    post: Post, receiver: Receiver, code: int
) -> None:
    hook, _ = post.hook(receiver.url)
    receiver.codes = [code]
    post.ended()
    post.send()
    assert [received.path for received in receiver.received] == ["/"]
    [(sent, _)], _ = post.endpoints.deliveries(ANNA, str(hook.id), state=None, after=None, limit=9)
    assert (sent.state, sent.log[0]["code"]) == ("pending", code)
    assert "secret" not in str(sent.log)


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_any_2xx_is_success(post: Post, receiver: Receiver, code: int) -> None:
    post.hook(receiver.url)
    receiver.codes = [code]
    post.ended()
    post.send()
    assert [sent.state for sent in post.waiting()] == ["sent"]


def test_attempts_are_made_for_three_days_with_growing_pauses(post: Post, receiver: Receiver) -> None:
    hook, _ = post.hook(receiver.url)
    receiver.codes = [500]
    post.ended()
    began, moments = post.bench.time, []
    while True:
        assert post.send() == 1
        moments.append(post.bench.time)
        [sent] = post.waiting()
        if sent.next_attempt_at is None:
            break
        assert sent.next_attempt_at > post.bench.time
        post.bench.time = sent.next_attempt_at
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert [
        timedelta(seconds=delay) <= pause <= timedelta(seconds=1.1 * delay)
        for delay, pause in zip(DELAYS, pauses, strict=True)
    ]
    assert THREE_DAYS * 0.95 < moments[-1] - began < THREE_DAYS * 1.15
    assert sent.state == "failed"
    assert len({received.headers["webhook-id"] for received in receiver.received}) == 1
    assert post.endpoints.get(ANNA, str(hook.id)).disabled_at is None


def test_410_disables_the_webhook_and_ends_what_waits_for_it(post: Post, receiver: Receiver) -> None:
    hook, _ = post.hook(receiver.url)
    receiver.codes = [500, 410]
    post.ended()
    post.send()
    post.ended()
    post.send()
    found = post.endpoints.get(ANNA, str(hook.id))
    assert found.disabled_reason == "Its receiver answered 410 Gone."
    assert {sent.state for sent in post.waiting()} == {"failed"}
    post.bench.pass_time(days=4)
    post.ended()
    assert (post.send(), len(receiver.received)) == (0, 2)


def test_a_target_that_has_become_private_is_refused_when_sending(post: Post, receiver: Receiver) -> None:
    hook, _ = post.hook(receiver.url)
    post.bench.airflow.settings = Settings()
    post.ended()
    post.send()
    assert receiver.received == []
    [(sent, _)], _ = post.endpoints.deliveries(ANNA, str(hook.id), state=None, after=None, limit=9)
    assert "not public" in sent.log[0]["error"]


def test_who_has_lost_his_rights_gets_nothing_more(post: Post) -> None:
    with Receiver() as mine, Receiver() as everything:
        post.hook(mine.url)
        post.hook(everything.url, ADMIN, scope="all")
        post.ended(notify=[{"email": "anna@example.com"}])
        del post.people["anna"]
        post.people["admin"] = replace(ADMIN, rights=ANNA.rights)
        post.send()
        assert (mine.received, everything.received, post.bench.airflow.mails) == ([], [], [])
    assert {sent.state for sent in post.waiting()} == {"failed"}


# Nobody waits for somebody else


def test_shopify_224_a_dead_receiver_holds_up_nobody_else(post: Post) -> None:
    """craftcms/shopify#224: the queue was stuck for 20 hours behind one delivery that never ended."""
    with Receiver([0]) as dead, Receiver() as alive, Receiver() as berts:
        post.hook(dead.url)
        post.hook(alive.url)
        post.hook(berts.url, BERT)
        sender = post.new_sender(seconds=60)
        for _ in range(20):
            post.ended(ANNA)
        post.ended(BERT)
        _until(lambda: sender.round() is not None and len(alive.received) == 20 and len(berts.received) == 1)
        assert len(dead.received) == 1  # one attempt at a time, the 19 others wait
        post.ended(ANNA)  # settling does not wait either
        _until(lambda: sender.round() is not None and len(alive.received) == 21)
    assert sender.wait_idle(30)


def _until(look: Any) -> None:
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_one_owners_dead_receivers_leave_room_for_others(post: Post) -> None:
    with Receiver([0]) as dead, Receiver() as berts:
        for _ in range(SLOTS + 2):
            post.hook(dead.url)
        post.hook(berts.url, BERT)
        sender = post.new_sender(seconds=60)
        post.ended(ANNA)
        post.ended(BERT)
        _until(lambda: sender.round() is not None and len(berts.received) == 1 and len(dead.received) == PER_OWNER)
        assert sender.round() == 0
    assert sender.wait_idle(30)


def test_several_senders_send_each_event_once(post: Post, receiver: Receiver) -> None:
    hooks = [post.hook(f"{receiver.url}/{number}")[0] for number in range(5)]
    for _ in range(8):
        post.ended()
    senders = [post.new_sender() for _ in range(4)]

    def work(sender: Any) -> None:
        while any(sent.state == "pending" for sent in post.waiting()):
            sender.round()
            sender.wait_idle(30)

    threads = [threading.Thread(target=work, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    sent = [(received.path, received.headers["webhook-id"]) for received in receiver.received]
    assert (len(sent), len(set(sent))) == (8 * len(hooks), 8 * len(hooks))


def test_what_a_dead_sender_had_claimed_is_sent_after_its_lease(post: Post, receiver: Receiver) -> None:
    post.hook(receiver.url)
    post.ended()
    with post.bench.airflow.session() as session:
        claimed = outbox.claim(session, post.bench.time, free=9, lanes=(), owners={}, per_owner=9)
    assert len(claimed) == 1
    assert post.send() == 0
    post.bench.time += outbox.LEASE
    assert post.send() == 1
    with post.bench.airflow.session() as session:  # the dead one was only slow: it changes nothing any more
        assert not outbox.finish(session, claimed[0], {"at": "x"}, state=outbox.State.FAILED)
    assert [sent.state for sent in post.waiting()] == ["sent"]


def test_a_database_that_is_away_ends_a_round_and_not_the_sender(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.hook(receiver.url)
    post.ended()
    with monkeypatch.context() as broken:
        broken.setattr(outbox, "claim", _fail)
        assert post.send() == 0
    assert post.send() == 1


def test_the_thread_sends_by_itself_and_stops(post: Post, receiver: Receiver) -> None:
    post.bench.airflow.settings = SETTINGS.model_copy(update={"clock_seconds": 0.05})
    post.hook(receiver.url)
    post.sender.start()
    for _ in range(3):
        post.ended()
    _until(lambda: len(receiver.received) == 3)
    post.sender.stop()
    post.ended()
    assert len(receiver.received) == 3
