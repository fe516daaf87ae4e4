"""COPY's rows as they come from the server, put together into blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    import psycopg

BATCH_BYTES = 2 * 1024 * 1024
"""Text that becomes one batch of typed values."""

CHUNK_BYTES = 1024 * 1024
"""Text handed on as it is: what is on its way to the store when an export is lost is read twice."""


class CopiedRows:
    """The rows of a COPY that has just been started on a connection.

    They are fetched from libpq without psycopg's steps for each row, which took most of the time.

    :param line_end: what ends a row; COPY's own is a line feed.
    :param limit: how many rows to keep, where the server was asked for more.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], *, line_end: bytes = b"\n", limit: int | None = None
    ) -> None:
        self._connection = connection
        self._line_end = line_end
        self._limit = limit
        self._ended = False
        self.received = 0
        self.sent = 0

    def blocks(self, size: int) -> Iterator[bytearray]:
        """Yield whole rows in blocks that are never empty, and end with the row that reaches ``size`` bytes.

        ``received`` counts the rows that arrived; at the end, ``sent`` is the server's own count. Where the server
        reports an error, the rows before it are counted, but those since the last block are not yielded.

        :raises psycopg.Error: whatever the server or the connection reports.
        """
        while not self._ended:
            block = self._connection.wait(self._block(size))
            if block:
                yield block

    def _block(self, size: int) -> Generator[Any, Any, bytearray]:
        """Gather one block, as a generator that psycopg waits with: it yields when it needs the socket."""
        from psycopg.waiting import WAIT_R

        block = bytearray()
        end = b"" if self._line_end == b"\n" else self._line_end
        pgconn = self._connection.pgconn
        fetch = pgconn.get_copy_data
        received = self.received
        keep = float("inf") if self._limit is None else self._limit
        while len(block) < size:
            length, row = fetch(1)  # one message is one row with its line feed
            if length > 0:
                received += 1
                if received > keep:
                    continue
                if end:
                    block += row[:-1]
                    block += end
                else:
                    block += row
            elif length == 0:
                yield from _readable(pgconn, WAIT_R)
            else:
                self.received = received
                yield from self._end(WAIT_R)
                break
        self.received = received
        return block

    def _end(self, wait: Any) -> Generator[Any, Any, None]:
        """Take the server's verdict on the whole COPY."""
        import psycopg

        self._ended = True
        pgconn = self._connection.pgconn
        results = []
        while True:
            while pgconn.is_busy():
                yield from _readable(pgconn, wait)
            result = pgconn.get_result()
            if result is None:
                break
            results.append(result)
        verdict = results[0]
        if verdict.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(verdict)
        self.sent = verdict.command_tuples or 0


def _readable(pgconn: psycopg.pq.abc.PGconn, wait: Any) -> Generator[Any, Any, None]:
    while not (yield wait):
        pass
    pgconn.consume_input()
