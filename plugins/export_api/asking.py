"""Sources asked from within the API's process: few at once, briefly, and always closed."""

from __future__ import annotations

from contextlib import closing, contextmanager
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from include.core.errors import Fatal, Retriable
from include.core.references import LOOKUP_SECONDS, check_references, references_of
from include.core.source import Sources
from include.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from export_api.gateway import Gateway
    from include.core.resolve import ResolvedExport
    from include.core.source import Source

AT_ONCE = 4
"""How many callers may ask at once in one process: each takes a thread and connections of it."""


class Asking:
    """Gives callers their turn."""

    def __init__(self, airflow: Gateway) -> None:
        self._airflow = airflow
        self._turns = BoundedSemaphore(AT_ONCE)

    def check(self, resolved: ResolvedExport) -> None:
        """Look up the keys that a request gives, where there are any.

        :raises InvalidRequest: with a pointer to each that its source does not have.
        :raises Retriable: when a source does not answer, or too many ask at once.
        """
        if wanted := references_of(resolved):
            with self.sources("waybill look-up", seconds=LOOKUP_SECONDS, patience=LOOKUP_SECONDS) as sources:
                check_references(wanted, sources)

    @contextmanager
    def sources(self, application: str, *, seconds: int, patience: float = 0) -> Iterator[Sources]:
        """Open sources while it is the caller's turn.

        :param application: what the sources are told of who asks
        :param seconds: the longest that one query may run
        :param patience: seconds that the caller waits for a turn
        :raises Retriable: when too many ask at once, or a query takes longer than that.
        """
        if not self._turns.acquire(timeout=patience):
            raise Retriable(
                f"{AT_ONCE} requests are being tried out at the moment, as many as may be. Try again in a few seconds.",
                code="busy",
            )
        longest = min(seconds, self._airflow.settings.statement_timeout_seconds)

        def opened(conn_id: str) -> tuple[str, Source]:
            connection = self._airflow.connection(conn_id)
            return open_source(connection, application=application, timeout_seconds=longest)

        try:
            with closing(Sources(opened)) as sources:
                yield sources
        except Fatal as error:
            if error.error_code != "query_timeout":
                raise
            raise too_slow(longest) from error
        finally:
            self._turns.release()


def too_slow(seconds: int) -> Retriable:
    """Return the error for a source that takes too long for somebody who waits."""
    return Retriable(
        f"The source did not answer in time: it has {seconds} s here, or the exporter's own timeout where that is "
        "shorter. Start the export, which may take longer, or ask for less.",
        code="source_slow",
    )
