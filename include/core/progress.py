"""Progress: what a person wants to know of a running export, told about once a second."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from include.core.source import TextRows

INTERVAL_SECONDS = 1.0


class Stage(StrEnum):
    """What an export is doing."""

    CONNECTING = "connecting"
    EXTRACTING = "extracting"
    VERIFYING = "verifying"
    PUBLISHING = "publishing"
    DONE = "done"


@dataclass(slots=True)
class Progress:
    """Counters of one export; ``tell`` is called with a snapshot when the stage changes and about once a second.

    Rows are counted by one thread and bytes by another; never do two of them tell at once.
    """

    tell: Callable[[dict[str, Any]], None]
    clock: Callable[[], float] = time.monotonic
    stage: Stage = Stage.CONNECTING
    rows: int = 0
    rows_estimated: int | None = None
    rows_verified: int | None = None
    bytes_written: int = 0
    _last: float = field(default=float("-inf"))
    _telling: threading.Lock = field(default_factory=threading.Lock)

    def go_on(self, *, rows: int, written: int) -> None:
        """Begin where an earlier attempt stood."""
        self.rows, self.bytes_written = rows, written

    def enter(self, stage: Stage) -> None:
        """Start a stage and tell."""
        self.stage = stage
        self._tell_now()

    def over_batches(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass batches through, counting rows."""
        for batch in batches:
            self.rows += batch.num_rows
            self._tell_sometimes()
            yield batch

    def over_text(self, chunks: TextRows) -> Iterator[bytes]:
        """Pass text through, counting rows."""
        for rows, chunk in chunks:
            self.rows += rows
            self._tell_sometimes()
            yield chunk

    def over_chunks(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass chunks through, counting bytes."""
        for chunk in chunks:
            self.bytes_written += len(chunk)
            self._tell_sometimes()
            yield chunk

    def verified(self, rows: int) -> None:
        """Count rows that were read back from the store."""
        self.rows_verified = (self.rows_verified or 0) + rows
        self._tell_sometimes()

    def snapshot(self) -> dict[str, Any]:
        """Return the counters; ``percent`` stays below 100 until the end, for an estimate is no promise."""
        percent = None
        if self.stage is Stage.DONE:
            percent = 100.0
        elif self.rows_estimated:
            percent = min(round(100 * self.rows / self.rows_estimated, 1), 99.0)
        return {
            "stage": str(self.stage),
            "rows": self.rows,
            "rows_estimated": self.rows_estimated,
            "bytes": self.bytes_written,
            "percent": percent,
            "rows_verified": self.rows_verified,
        }

    def _tell_sometimes(self) -> None:
        if self.clock() - self._last >= INTERVAL_SECONDS:
            self._tell_now()

    def _tell_now(self) -> None:
        with self._telling:
            self._last = self.clock()
            self.tell(self.snapshot())
