"""`make demo`: start the stack, export the demo inventory through the API, download the file and check it."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.local.client import Client, Fetched
from deploy.local.problems import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.stack import Stack

_REQUEST = {"exporter": "machines", "format": "xlsx", "name": "Demo inventory", "filename": "machines-{date}"}
_EXPORT_SECONDS = 300
_BAR = 30


class _Progress:
    """A bar on a terminal, else a line whenever the stage changes."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, export: Mapping[str, Any]) -> None:
        progress = export.get("progress") or {}
        stage = str(progress.get("stage") or export["status"])
        if not sys.stdout.isatty():
            if stage != self._last:
                print(f"  {stage}: {progress.get('rows') or 0:,} rows", flush=True)
            self._last = stage
            return
        done = 100.0 if export["status"] == "succeeded" else float(progress.get("percent") or 0)
        bar = ("#" * round(done * _BAR / 100)).ljust(_BAR, ".")
        line = f"  [{bar}] {done:5.1f} % {stage}, {progress.get('rows') or 0:,} rows"
        print(f"\r{line.ljust(len(self._last))}", end="", flush=True)
        self._last = line

    def end(self) -> None:
        """Leave the bar's line."""
        if self._last and sys.stdout.isatty():
            print(flush=True)


def _check(export: Mapping[str, Any], fetched: Fetched) -> None:
    """Refuse a file that is not the one that the API describes."""
    expected = export["result"]["files"][0]
    if (fetched.bytes, fetched.sha256) != (int(expected["bytes"]), expected["sha256"]):
        raise StackError(
            f"{fetched.path} is not the file that was exported: "
            f"{fetched.bytes} bytes with sha256 {fetched.sha256}, "
            f"expected {expected['bytes']} bytes with {expected['sha256']}"
        )


def _install_seconds() -> str:
    file = Path(sys.prefix) / ".install-seconds"
    seconds = int(file.read_text(encoding="ascii") or 0) if file.exists() else 0
    return f"{seconds} s" if seconds else "done before"


def _short(path: Path) -> str:
    """Return a path as one would type it here."""
    here = os.path.relpath(path)
    return shlex.quote(str(path) if here.startswith("..") else here)


def _summary(stack: Stack, export: Mapping[str, Any], fetched: Fetched, seconds: float) -> str:
    result = export["result"]
    post = (
        f'. {_short(stack.home / "demo.env")} && curl -sS "$WAYBILL_URL/export-api/v1/exports"'
        ' -H "Authorization: Token $WAYBILL_TOKEN" -H "Content-Type: application/json"'
        """ -d '{"exporter": "machines", "format": "xlsx"}'"""
    )
    lines = {
        "File": _short(fetched.path),
        "Rows": f"{int(result['rows']):,}",
        "Bytes": f"{fetched.bytes:,}",
        "Verdict": f"{result['verification']['verdict']}; the download's sha256 is that of the manifest",
        "SHA-256": fetched.sha256,
        "Seconds": f"{seconds:.1f} from installed to file (installing: {_install_seconds()})",
        "UI": stack.url,
        "Login": f"admin, password {stack.admin_password}",
        "API": f"{stack.url}/export-api/v1/docs",
        "Again": post,
        "Stop": "make down (make clean also forgets the data)",
    }
    return "\n".join(f"  {name:<8} {text}" for name, text in lines.items())


def run(stack: Stack, *, downloads: Path) -> None:
    """Do the whole demonstration; the stack stays up."""
    start = time.monotonic()
    stack.start()
    print(f"Waybill runs at {stack.url}. Exporting the demo inventory as a workbook", flush=True)
    client, progress = Client(stack.url, stack.token), _Progress()
    try:
        export = client.export(_REQUEST, show=progress, seconds=_EXPORT_SECONDS)
    finally:
        progress.end()
    if export["status"] != "succeeded":
        reason = (export.get("error") or {}).get("detail") or export.get("error") or "no reason was given"
        raise StackError(f"The export {export['status']}: {reason}. Its log: {export['links'].get('log')}")
    downloads.mkdir(exist_ok=True)
    # Only the last part of the name: what a server sends decides nothing about folders.
    path = downloads / Path(export["result"]["files"][0]["name"]).name
    fetched = client.download(export["download_url"], path)
    _check(export, fetched)
    print(f"\n{_summary(stack, export, fetched, time.monotonic() - start)}\n", flush=True)
