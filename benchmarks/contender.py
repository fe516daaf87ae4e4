"""One export by one contender, in a process of its own: an order as JSON comes in, the seconds go out.

A contender does a small export first, so that nobody is measured importing. What it wrote is removed.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

from benchmarks import rows
from benchmarks.bench import HERE
from include.formats.csv import CsvFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from include.core.format import FormatOptions
    from include.core.resolve import ResolvedExport
    from include.core.source import Source

FEW = 1_000
Order = dict[str, Any]


class GeneralCsv(CsvFormat):
    """CSV that is never copied as the server writes it."""

    options_type: ClassVar[type[FormatOptions]] = CsvFormat.options_type

    def plain_text(self, *_: Any, **__: Any) -> None:
        """Say that the source cannot know how."""
        return


class StraightCsv(CsvFormat):
    """CSV that is copied as the server writes it, or not at all."""

    options_type: ClassVar[type[FormatOptions]] = CsvFormat.options_type

    def encode(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Refuse.

        :raises RuntimeError: always.
        """
        raise RuntimeError("The rows did not take the straight path.")


PATHS = {"general": GeneralCsv, "straight": StraightCsv}


def resolved(order: Order, count: int) -> ResolvedExport:
    """Return the request of an order, as the service would check it."""
    from include.compressions import COMPRESSIONS
    from include.core.catalog import Catalog
    from include.core.request import parse_request
    from include.core.resolve import resolve
    from include.formats import FORMATS

    request = parse_request(
        {
            "exporter": "bench_rows",
            "params": {"rows": count},
            "format": order["format"],
            "columns": order["columns"],
        }
    )
    made = resolve(request, Catalog([HERE / "exporters"]), FORMATS, COMPRESSIONS)
    path = PATHS.get(order["contender"])
    return replace(made, format=path()) if path else made


def opener(order: Order) -> Callable[[str], tuple[str, Source]]:
    """Return a function that opens PostgreSQL as a source."""
    from include.core.source import SourceConnection
    from include.sources.postgres import PostgresSource

    def engine() -> Engine:
        raise NotImplementedError

    address = urlsplit(order["dsn"])
    connection = SourceConnection(
        conn_id="shop",
        conn_type="postgres",
        host=address.hostname,
        port=address.port,
        login=address.username,
        password=address.password,
        database=address.path.strip("/"),
        engine=engine,
    )
    return lambda _: ("postgres", PostgresSource(connection, application="bench", timeout_seconds=3_600))


def ours(order: Order, count: int) -> float:
    """Run one attempt as the operator does; return its seconds."""
    import boto3

    from include.artifacts.s3 import S3Store
    from include.core.export import Attempt, ExportRun
    from include.core.identity import Trigger
    from include.core.progress import Progress
    from include.core.request import utc_now
    from include.core.settings import Settings

    session = boto3.Session(order["access_key"], order["secret_key"])
    settings = Settings()
    store = S3Store.connect(session, order, prefix="bench", part_bytes=settings.part_bytes)
    attempt = Attempt(
        export_id=str(uuid4()),
        attempt_id=str(uuid4()),
        attempt=1,
        dag_id="export",
        run_id="bench",
        requested_by=None,
        trigger=Trigger.API,
    )
    started = time.monotonic()
    run = ExportRun(
        resolved(order, count),
        attempt,
        open_source=opener(order),
        store=store,
        progress=Progress(tell=lambda _: None),
        now=utc_now,
    )
    manifest = run.execute()
    seconds = time.monotonic() - started
    if manifest.rows != count:
        raise RuntimeError(f"{manifest.rows} rows were exported instead of {count}.")
    store.remove(attempt.export_id)
    return seconds


def psql(order: Order, count: int) -> float:
    r"""Pipe psql's ``\copy`` into boto3's upload, with the settings that both have by themselves."""
    client = s3(order)
    key = f"bench/{uuid4()}.csv"
    copy = f"\\copy ({rows.select(tuple(order['columns']), count)}) to stdout with csv header"
    started = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - of the stack
        [order["psql"], order["dsn"], "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", copy], stdout=subprocess.PIPE
    ) as process:
        client.upload_fileobj(process.stdout, order["bucket"], key)
    seconds = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"psql ended with {process.returncode}.")
    remove(client, order["bucket"], key)
    return seconds


def operator(order: Order, count: int) -> float:
    """Execute Airflow's operator in this process, with its own hooks and connections."""
    from airflow.providers.amazon.aws.transfers.sql_to_s3 import SqlToS3Operator

    name = str(uuid4())
    made = SqlToS3Operator(
        task_id="export",
        query=rows.select(tuple(order["columns"]), count),
        s3_bucket=order["bucket"],
        s3_key=f"bench/{name}.{order['format']}",
        sql_conn_id="shop",
        aws_conn_id="waybill_store",
        file_format=order["format"],
    )
    made.allow_nested_operators = True  # no task runner here; the operator only warns then
    started = time.monotonic()
    made.execute({})
    seconds = time.monotonic() - started
    remove(s3(order), order["bucket"], f"bench/{name}.{order['format']}")
    return seconds


def s3(order: Order) -> Any:
    """Return a client of the store."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=order["endpoint_url"],
        aws_access_key_id=order["access_key"],
        aws_secret_access_key=order["secret_key"],
        region_name=order["region_name"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def remove(client: Any, bucket: str, key: str) -> None:
    """Remove an object, which must be there and hold something."""
    if not client.head_object(Bucket=bucket, Key=key)["ContentLength"]:
        raise RuntimeError(f"{key} is empty.")
    client.delete_object(Bucket=bucket, Key=key)


CONTENDERS: dict[str, Callable[[Order, int], float]] = {
    "ours": ours,
    "general": ours,
    "straight": ours,
    "psql": psql,
    "operator": operator,
}


def main() -> None:
    """Read the order, warm up, measure, answer."""
    logging.disable(logging.WARNING)
    order = json.load(sys.stdin)
    export = CONTENDERS[order["contender"]]
    export(order, FEW)
    print(json.dumps({"seconds": export(order, order["rows"])}))


if __name__ == "__main__":
    main()
