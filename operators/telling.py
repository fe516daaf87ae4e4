"""What a running task tells of itself, to the API and to its log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.core.errors import WaybillError
    from include.core.resolve import ResolvedExport


class State:
    """What the API reads of a running task; a state store that does not answer never fails an export."""

    def __init__(self, store: Any, warn: Callable[..., None]) -> None:
        self._store = store
        self._warn = warn

    def begin(self) -> None:
        """Forget the error of an earlier attempt, lest it be told as this one's."""
        self._try(lambda: self._store.delete("error"))

    def accept(self, resolved: ResolvedExport) -> None:
        """Tell what is exported."""
        self._set("request", resolved.frozen_request())

    def progress(self, snapshot: dict[str, Any]) -> None:
        """Tell how far it is."""
        self._set("progress", snapshot)

    def fail(self, error: WaybillError) -> None:
        """Tell why there will be no file."""
        problem = {"code": error.error_code, "detail": error.message, "retryable": error.retryable}
        self._set("error", problem)

    def release(self, attempt: int) -> None:
        """Tell that an attempt which was stopped has let go of its query and its upload."""
        self._set("released", attempt)

    def _set(self, key: str, value: Any) -> None:
        self._try(lambda: self._store.set(key, value))

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:  # noqa: BLE001 - see the class
            self._warn("The task's state could not be written (%s); the export goes on.", type(error).__name__)


class Teller:
    """Tells progress to the API and, when the stage changes and every ten seconds, to the log.

    The API is not told in the first second: an export that ends before that would spend much of its time on it.
    """

    SECONDS = 10.0
    PATIENCE_SECONDS = 1.0

    def __init__(self, state: State, info: Callable[..., None]) -> None:
        self._state = state
        self._info = info
        self._started = self._logged = time.monotonic()
        self._stage = ""

    def __call__(self, snapshot: dict[str, Any]) -> None:
        """Tell where the run stands."""
        now = time.monotonic()
        if now - self._started >= self.PATIENCE_SECONDS:
            self._state.progress(snapshot)
        if snapshot["stage"] == self._stage and now - self._logged < self.SECONDS:
            return
        self._stage, self._logged = snapshot["stage"], now
        rate = snapshot["rows"] / max(now - self._started, 0.001)
        self._info("stage=%s rows=%d rows/s=%.0f bytes=%d", self._stage, snapshot["rows"], rate, snapshot["bytes"])
        if snapshot["rows_verified"] is not None:
            self._info("read back: %d of %d rows", snapshot["rows_verified"], snapshot["rows"])


def peak_memory_mb() -> int:
    """Return the most memory that this process has had resident; a fork's own since the fork, where Linux tells."""
    import resource
    import sys

    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024
    except (OSError, IndexError, ValueError):
        unit = 1024 * 1024 if sys.platform == "darwin" else 1024  # getrusage(2): kilobytes, on macOS bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
