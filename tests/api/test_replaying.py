"""What was sent can be looked at for a month, and be sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from export_api import clock
from export_api.db import outbox
from export_api.notifications.endpoints import WebhookChange
from include.core.errors import NotFound
from tests.api.stand_in import ANNA

if TYPE_CHECKING:
    from tests.api.outboxes import Post
    from tests.api.receiver import Receiver


def test_deliveries_say_what_happened_page_by_page(post: Post, receiver: Receiver) -> None:
    hook, _ = post.hook(receiver.url)
    receiver.codes = [500, 200]
    for _ in range(3):
        post.ended()
        post.bench.pass_time(seconds=1)
    post.send()
    seen, place = [], None
    for wanted in (2, 1):
        page, place = post.endpoints.deliveries(ANNA, str(hook.id), state=None, after=place, limit=2)
        assert len(page) == wanted
        seen += [(event.id, sent.state) for sent, event in page]
    assert place is None
    assert [state for _, state in seen] == ["sent", "sent", "pending"]
    failing, _ = post.endpoints.deliveries(ANNA, str(hook.id), state=outbox.State.PENDING, after=None, limit=9)
    assert [event.id for _, event in failing] == [seen[-1][0]]


def test_an_event_is_sent_again_under_its_old_id(post: Post, receiver: Receiver) -> None:
    hook, _ = post.hook(receiver.url)
    post.ended()
    post.send()
    [received] = receiver.received
    post.endpoints.replay(ANNA, str(hook.id), received.headers["webhook-id"])
    post.send()
    assert [again.headers["webhook-id"] for again in receiver.received] == [received.headers["webhook-id"]] * 2
    [(sent, _)], _ = post.endpoints.deliveries(ANNA, str(hook.id), state=None, after=None, limit=9)
    assert len(sent.log) == 2
    with pytest.raises(NotFound):
        post.endpoints.replay(ANNA, str(hook.id), str(hook.id))


def test_all_that_failed_since_a_moment_is_sent_again(post: Post, receiver: Receiver) -> None:
    hook, _ = post.hook(receiver.url)
    receiver.codes = [500]
    post.ended()
    post.bench.pass_time(hours=1)
    since = post.bench.time
    post.ended()
    post.ended()
    post.endpoints.change(ANNA, str(hook.id), WebhookChange(enabled=False))
    post.endpoints.change(ANNA, str(hook.id), WebhookChange(enabled=True))
    receiver.codes = [200]
    assert post.send() == 0
    assert post.endpoints.replay_failed(ANNA, str(hook.id), since) == 2
    assert (post.send(), len(receiver.received)) == (2, 2)
    assert post.endpoints.replay_failed(ANNA, str(hook.id), since) == 0


def test_events_are_forgotten_after_a_month(post: Post, receiver: Receiver) -> None:
    post.hook(receiver.url)
    post.ended()
    post.send()
    post.bench.pass_time(days=29)
    clock.tick(post.bench.service)
    assert len(post.waiting()) == 1
    post.bench.pass_time(days=2)
    clock.tick(post.bench.service)
    assert (post.waiting(), post.events()) == ([], [])
