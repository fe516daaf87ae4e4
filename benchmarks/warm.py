"""What warm workers save: the same one-row export on one stack, with and without WAYBILL_WARM, in turn."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from deploy.local.client import Client
from deploy.local.stack import Stack

ROUNDS, TIMES = 2, 7


def main() -> int:
    """Measure and print; return 1 when warm workers save nothing."""
    found: dict[str, list[float]] = {"warm": [], "cold": []}
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        Path(folder).chmod(0o755)
        stack = Stack(Path(folder) / "home", say=print)
        try:
            stack.start()
            for _ in range(ROUNDS):
                for how, measured in found.items():
                    restart_scheduler(stack, warm=how == "warm")
                    measured.extend([seconds_of_one_row(stack) for _ in range(TIMES + 1)][1:])
        finally:
            stack.clean()
    medians = {how: statistics.median(seconds) for how, seconds in found.items()}
    for how, seconds in found.items():
        print(f"{how}: POST to succeeded {medians[how]:.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")
    print(f"warm / cold: {medians['warm'] / medians['cold']:.2f}")
    return int(medians["warm"] >= medians["cold"])


def restart_scheduler(stack: Stack, *, warm: bool) -> None:
    """Start the scheduler again with or without what tasks inherit."""
    script = stack.home / "airflow/scheduler.sh"
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace(f"WAYBILL_WARM={int(not warm)}", f"WAYBILL_WARM={int(warm)}"), encoding="utf-8")
    stack.restart("scheduler")


def seconds_of_one_row(stack: Stack) -> float:
    """Return the seconds from a request to its success, as a client that waits a tenth of a second sees them."""
    started = time.monotonic()
    request = {"exporter": "orders", "format": "csv", "limit": 1}
    export = Client(stack.url, stack.token, patience=0.1).export(request, show=lambda _: None, seconds=120)
    if export["status"] != "succeeded":
        raise SystemExit(f"The export failed: {export['error']}")
    return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
