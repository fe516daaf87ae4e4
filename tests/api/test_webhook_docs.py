"""docs/webhooks.md as it is printed: its receiver takes what we send, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from deploy.local import ports
from export_api.notifications.endpoints import WebhookRequest
from export_api.notifications.sending import DELAYS
from include.core.notify import EventType
from include.core.request import parse_request
from tests.api.outboxes import Post
from tests.stack.client import wait_for
from tests.unit.test_documentation import ROOT, blocks, files_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.stand_in import Bench

DOCUMENT = ROOT / "docs/webhooks.md"


def answered(url: str) -> bool | None:
    try:
        return httpx.post(url, content=b"{}").status_code == 401
    except httpx.ConnectError:
        return None


def test_the_printed_receiver_takes_what_is_signed_once_and_nothing_else(bench: Bench, tmp_path: Path) -> None:
    post, port = Post(bench), ports.choose()
    url = f"http://127.0.0.1:{port}/"
    hook, secret = post.hook(url)
    (tmp_path / "receiver.py").write_text(files_of(DOCUMENT)["receiver.py"], encoding="utf-8")
    receiver = subprocess.Popen(
        [sys.executable, "receiver.py", str(port)],
        cwd=tmp_path,
        env={"WAYBILL_WEBHOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert wait_for("the receiver", lambda: answered(url)) is True
        export_id = post.ended()
        post.send()
        [sent] = post.waiting()
        assert (sent.state, [entry["code"] for entry in sent.log]) == ("sent", [204])
        post.endpoints.replay(post.people["anna"], str(hook.id), str(sent.event_id))
        post.endpoints.rotate(post.people["anna"], str(hook.id))
        post.send()
    finally:
        receiver.terminate()
        told, _ = receiver.communicate(timeout=30)
    assert told.splitlines() == [f"export.succeeded {export_id}"]


def test_the_printed_requests_and_facts_are_right() -> None:
    event, request = (json.loads(block.text) for block in blocks(DOCUMENT) if block.language == "json")
    assert parse_request(request).notify
    assert EventType(event["type"])
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(f"`{kind}`" in text for kind in EventType)
    [create] = [block.text for block in blocks(DOCUMENT) if block.language == "bash"]
    assert WebhookRequest.model_validate_json(create.split("-d '")[1].rstrip("'\n"))
    assert f"{len(DELAYS)}" == "9"
    assert list(DELAYS[:3]) == [5, 5 * 60, 30 * 60]
    hours = ", ".join(f"{delay // 3600}" for delay in DELAYS[3:-1])
    assert f"{hours} and {DELAYS[-1] // 3600} hours" in " ".join(text.split())


@pytest.mark.parametrize("word", ["15 seconds", "20 webhooks", "30 days", "24 hours"])
def test_the_printed_bounds_are_the_real_ones(word: str) -> None:
    from export_api.db.outbox import KEPT
    from export_api.notifications import endpoints, posting, secrets

    real = {
        f"{posting.DEADLINE_SECONDS:g} seconds",
        f"{endpoints.LIMIT} webhooks",
        f"{KEPT.days} days",
        f"{secrets.BESIDE.total_seconds() / 3600:g} hours",
    }
    assert word in real
    assert word in DOCUMENT.read_text(encoding="utf-8")
