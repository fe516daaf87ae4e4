"""Sources: how rows leave a system."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from include.core.errors import Fatal, VerificationFailed
from include.core.manifest import Consistency, SourceRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pyarrow as pa
    from sqlalchemy import Engine

    from include.core.format import CsvText
    from include.core.query import Query


class AirflowConnection(Protocol):
    """What is used of a connection of Airflow's."""

    conn_id: Any
    conn_type: Any
    host: Any
    port: Any
    login: Any
    password: Any
    schema: Any

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """What else is said of it."""

    def get_hook(self) -> Any:
        """Return the hook that its provider has for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConnection:
    """Where a source is and how to get in: the facts of an Airflow connection.

    ``engine`` makes a SQLAlchemy engine through the connection's Airflow hook, for the kinds that need one.
    """

    conn_id: str
    conn_type: str
    host: str | None = None
    port: int | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    engine: Callable[[], Engine]

    @classmethod
    def of_airflow(cls, found: AirflowConnection) -> SourceConnection:
        """Return the facts of an Airflow connection."""

        def engine() -> Engine:
            made: Engine = found.get_hook().get_sqlalchemy_engine()
            return made

        return cls(
            conn_id=found.conn_id,
            conn_type=found.conn_type,
            host=found.host,
            port=found.port,
            login=found.login,
            password=found.password,
            database=found.schema,
            extra=found.extra_dejson,
            engine=engine,
        )

    @staticmethod
    def missing(conn_id: str) -> Fatal:
        """Return the error for an id that no Airflow connection has."""
        return Fatal(
            f"There is no Airflow connection {conn_id!r}, which the exporter reads. Add it under Admin, Connections, "
            f"or as the environment variable AIRFLOW_CONN_{conn_id.upper()}.",
            code="source_unknown",
        )


class Reading(ABC):
    """One query being read.

    ``arrow`` is known before the first batch. ``rows_sent``, the source's own count, is known after the last.
    """

    arrow: pa.Schema

    @abstractmethod
    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in record batches that are never empty."""

    @property
    @abstractmethod
    def rows_sent(self) -> int:
        """How many rows the source says it sent; asked after the last batch."""


TextRows: TypeAlias = "Iterator[tuple[int, bytes]]"
"""Rows as text, in chunks of whole rows, each with the number of its rows."""


class TextReading(ABC):
    """One query being read as text. ``rows_sent``, the source's own count, is known after the last chunk."""

    @abstractmethod
    def chunks(self) -> TextRows:
        """Yield whole rows, never nothing, and how many they are; with a limit, no more rows than that."""

    @property
    @abstractmethod
    def rows_sent(self) -> int:
        """How many rows the source says it sent; asked after the last chunk."""


class Source(ABC):
    """An open source of one kind, for one export; the module's name is the kind.

    ``consistency`` is what the kind can promise about all the queries that it answers here. ``begins_anywhere`` says
    whether it reads a selection's ``after``: it compares texts as values of its columns, and NULL comes last.
    """

    consistency: Consistency
    begins_anywhere: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, connection: SourceConnection, *, application: str, timeout_seconds: int) -> None:
        """Connect.

        ``application`` names the export to the source where it can show it; no query may run longer than
        ``timeout_seconds``.

        :raises Retriable: when it does not answer.
        """

    @abstractmethod
    def read(self, query: Query) -> Reading:
        """Start a query.

        :raises Fatal: when the source refuses it.
        """

    def read_text(self, query: Query, text: CsvText) -> TextReading | None:  # noqa: ARG002
        """Start a query whose rows the source writes as text itself, or return None where it cannot do so exactly."""
        return None

    @abstractmethod
    def estimate(self, query: Query) -> int | None:
        """Return about how many rows the query will give, or None where the source cannot tell quickly."""

    @property
    @abstractmethod
    def snapshot(self) -> str | None:
        """The source's own name of the state that it reads."""

    @abstractmethod
    def close(self) -> None:
        """End the connection and any query that still runs on it; safe to call twice and from another thread."""


@dataclass(slots=True)
class Batches:
    """The rows of one sheet on their way: the Arrow schema of each batch, and the batches, readable once."""

    arrow: pa.Schema
    stream: Iterator[pa.RecordBatch]


class Sources:
    """The sources of one export: opened at first use, counted, closed together."""

    def __init__(self, open_source: Callable[[str], tuple[str, Source]]) -> None:
        self._open_source = open_source
        self._open: dict[str, tuple[str, Source]] = {}
        self.records: list[SourceRecord] = []
        self.estimated: list[int | None] = []
        self.truncated = False

    def read(self, connection: str, query: Query) -> Batches:
        """Read a query from the source behind an Airflow connection.

        The source's own count must equal the rows that arrived, else the stream ends in an error. A limit is
        read with one row more, so that ``truncated`` is known and not guessed.

        :raises VerificationFailed: from the stream, when rows were lost or doubled on the way from the source.
        """
        source = self._opened(connection)[1]
        self.estimated.append(_at_most(source.estimate(query), query))
        reading = source.read(query)
        return Batches(reading.arrow, self._counted(connection, query, reading))

    def read_text(self, connection: str, query: Query, text: CsvText) -> TextRows | None:
        """Read a query as text that the source writes itself, each chunk with its rows; None where it cannot.

        The source's own count must equal the rows that arrived, as for batches.
        """
        source = self._opened(connection)[1]
        reading = source.read_text(query, text)
        if reading is None:
            return None
        self.estimated.append(_at_most(source.estimate(query), query))
        return self._counted_text(connection, query, reading)

    def begins_anywhere(self, connection: str) -> bool:
        """Return whether a query on this connection may begin behind any row of its order."""
        return self._opened(connection)[1].begins_anywhere

    def estimate(self, connection: str, query: Query) -> int | None:
        """Return about how many rows a query would give, or None where the source cannot tell without reading them."""
        return _at_most(self._opened(connection)[1].estimate(query), query)

    def look_up(self, connection: str, query: Query) -> Iterator[pa.RecordBatch]:
        """Read a query that is asked on the side: its rows are none of the export's."""
        yield from self._opened(connection)[1].read(query).batches()

    def _opened(self, connection: str) -> tuple[str, Source]:
        if connection not in self._open:
            self._open[connection] = self._open_source(connection)
        return self._open[connection]

    def _counted_text(self, connection: str, query: Query, reading: TextReading) -> TextRows:
        arrived = 0
        for rows, chunk in reading.chunks():
            arrived += rows
            yield rows, chunk
        limit, sent = query.selection.limit, reading.rows_sent
        beyond = int(limit is not None and sent > limit)  # the row that was asked for to know that there is more
        self._check_arrived(connection, sent - beyond, arrived)
        self._end(connection, query, sent)

    def _check_arrived(self, connection: str, sent: int, arrived: int) -> None:
        if sent != arrived:
            raise VerificationFailed(
                f"The source {connection!r} sent {sent} rows, but {arrived} arrived. Nothing was published."
            )

    def _counted(self, connection: str, query: Query, reading: Reading) -> Iterator[pa.RecordBatch]:
        limit = query.selection.limit
        arrived = 0
        for batch in reading.batches():
            wanted = batch if limit is None else batch.slice(0, max(limit - arrived, 0))
            arrived += batch.num_rows
            if wanted.num_rows:
                yield wanted
        self._check_arrived(connection, reading.rows_sent, arrived)
        self._end(connection, query, arrived)

    def _end(self, connection: str, query: Query, sent: int) -> None:
        limit = query.selection.limit
        self.truncated |= limit is not None and sent > limit
        self.records.append(self.record(connection, query, sent if limit is None else min(sent, limit)))

    def record(self, connection: str, query: Query, rows: int) -> SourceRecord:
        """Return what is to be said of a query that gave so many rows."""
        kind, source = self._opened(connection)
        return SourceRecord(
            connection=connection,
            kind=kind,
            rows=rows,
            consistency=source.consistency,
            snapshot=source.snapshot,
            query_sha256=query.sha256(),
        )

    @property
    def consistency(self) -> Consistency:
        """What the export as a whole saw."""
        kinds = {source.consistency for _, source in self._open.values()}
        if kinds <= {Consistency.SNAPSHOT} and len(self._open) == 1:
            return Consistency.SNAPSHOT
        return Consistency.NONE if Consistency.NONE in kinds or not kinds else Consistency.PER_SOURCE

    def close(self) -> None:
        """Close every source that was opened; safe to call twice and from another thread."""
        for _, source in self._open.values():
            source.close()


def _at_most(rows: int | None, query: Query) -> int | None:
    """Return an estimate, bounded by the query's limit."""
    limit = query.selection.limit
    return rows if rows is None or limit is None else min(rows, limit)
