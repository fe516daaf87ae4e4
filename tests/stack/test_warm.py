"""Warm workers: tasks are forked from a process that has imported what they need."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.local.airflow import NAMES

if TYPE_CHECKING:
    from deploy.local.stack import Stack
    from tests.stack.client import ExportsClient


def with_children(pid: int) -> list[Path]:
    """Return the folders in /proc of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [Path("/proc") / str(process) for process in (pid, *children)]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_only_the_scheduler_is_warm_and_has_one_thread(exports: ExportsClient, stack: Stack) -> None:
    exports.run(exporter="orders", limit=1)
    pids = {info["name"]: info["pid"] for info in stack.supervisor._call("getAllProcessInfo")}
    told = {name for name in NAMES if b"WAYBILL_WARM=1" in Path(f"/proc/{pids[name]}/environ").read_bytes()}
    warm = {name for name in NAMES if "libarrow" in Path(f"/proc/{pids[name]}/maps").read_text(encoding="utf-8")}
    assert told == {"scheduler"}
    assert warm - {"api-server"} == told  # the API reads batches itself when somebody asks for a preview
    scheduler, *workers = with_children(pids["scheduler"])
    assert workers
    assert [len(list((process / "task").iterdir())) for process in (scheduler, *workers)] == [1] * (1 + len(workers))
