"""The same rows give the same bytes wherever and whenever they are written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from include.formats import FORMATS

ROOT = Path(__file__).parents[2]

WRITE = """
import hashlib, json
from include.formats import FORMATS
from tests.properties.refusals import holdable
from tests.properties.tables import AWKWARD_TABLES
from tests.properties.test_formats import encoded

print(json.dumps({
    name: [hashlib.sha256(encoded(FORMATS.load(name)(), holdable(name, table))).hexdigest() for table in AWKWARD_TABLES]
    for name in FORMATS.names
}))
"""


def digests(**environment: str) -> dict[str, list[str]]:
    """The hashes of the files that a process of its own writes of the awkward tables, in each format."""
    answer = subprocess.run(
        [sys.executable, "-c", WRITE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[str]] = json.loads(answer.stdout)
    return found


def test_another_process_in_another_zone_at_another_time_writes_the_same_bytes() -> None:
    first = digests(PYTHONHASHSEED="1", TZ="America/Caracas", LC_ALL="C", POLARS_MAX_THREADS="1")
    second = digests(PYTHONHASHSEED="2", TZ="Asia/Kathmandu", LC_ALL="C.UTF-8", POLARS_MAX_THREADS="4")
    assert first == second
    assert list(first) == list(FORMATS.names)
