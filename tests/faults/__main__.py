"""Strike a real stack: `python -m tests.faults [--seed N] [--faults N] [--only N …]`; 1 when a promise is broken."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from tests.faults import table
from tests.faults.campaign import Campaign
from tests.faults.exporting import LONG, SHORT
from tests.faults.kinds import KINDS
from tests.faults.plan import fault, first_of
from tests.faults.rig import started

RESULTS = Path(__file__).with_name("results.md")


def main() -> int:
    """Run the faults, print the table as it grows, and write it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    parser.add_argument("--faults", type=int, default=os.environ.get("FAULTS") or 2 * len(KINDS), help="how many")
    only = [int(each) for each in os.environ.get("ONLY", "").split()]
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER", default=only, help="these numbers alone")
    parser.add_argument(
        "--kind", nargs="+", choices=KINDS, metavar="KIND", help=f"the first of these: {', '.join(KINDS)}"
    )
    parser.add_argument("--quick", action="store_true", help="smaller exports")
    chosen = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # after the fault in hand, and with the sums of all before
        signal.signal(number, lambda *_: stopping.set())
    planned = [fault(chosen.seed, number) for number in chosen.only or range(1, chosen.faults + 1)]
    if chosen.kind:
        planned = [first_of(chosen.seed, kind) for kind in chosen.kind]
    lines = [f"Seed {chosen.seed}; one alone: `make faults SEED={chosen.seed} ONLY=NUMBER`.", "", *table.heading()]
    begun = time.monotonic()
    print("\n".join(lines), flush=True)
    with started(SHORT if chosen.quick else LONG) as rig:
        campaign = Campaign(rig)
        for each in planned:
            if stopping.is_set():
                break
            lines.append(table.line(table.cells(campaign.run(each))))
            print(lines[-1], flush=True)
        orphans = campaign.orphans()
    lines += ["", *(f"Left in the bucket: {key}" for key in orphans), table.sums(campaign.results, orphans)]
    lines[-1] += f", {(time.monotonic() - begun) / 60:.0f} minutes"
    print("\n".join(lines[4 + len(campaign.results) :]))
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table.broken(campaign.results, orphans)


if __name__ == "__main__":
    sys.exit(main())
