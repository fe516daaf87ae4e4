"""One workbook by one writer, in a process of its own, from Arrow batches that are read beforehand.

Each peer gets what it takes best. Times lose their zone for those that have none; rustpy-xlsxwriter would leave
decimals out, so they become floats for it, as they do for the others in the file.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contender import Order, opener, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from include.core.resolve import ResolvedExport

Batches = list["pa.RecordBatch"]


def ours(path: Path, batches: Batches, export: ResolvedExport) -> None:
    """Encode as an export does."""
    from include.core.format import Encoding, Sheet

    sheet = Sheet("Rows", export.readings[0].selection.schema, batches[0].schema, iter(batches))
    with path.open("wb") as file:
        for chunk in export.format.encode([sheet], export.options, Encoding()):
            file.write(chunk)


def openpyxl(path: Path, batches: Batches, _: ResolvedExport) -> None:
    """Append rows to a write-only workbook."""
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Rows")
    sheet.append(batches[0].schema.names)
    for row in python_rows(batches):
        sheet.append(row)
    workbook.save(path)


def xlsxwriter(path: Path, batches: Batches, _: ResolvedExport) -> None:
    """Write rows in constant memory."""
    from xlsxwriter import Workbook

    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}
    with Workbook(str(path), options) as workbook:
        sheet = workbook.add_worksheet("Rows")
        sheet.write_row(0, 0, batches[0].schema.names)
        for number, row in enumerate(python_rows(batches), start=1):
            sheet.write_row(number, 0, row)


def rustpy(path: Path, batches: Batches, _: ResolvedExport) -> None:
    """Hand over Arrow, which this writer reads by itself."""
    import pyarrow as pa
    from rustpy_xlsxwriter import FastExcel

    table = pa.Table.from_batches(batches)
    floats = [pa.field(f.name, pa.float64() if pa.types.is_decimal(f.type) else f.type) for f in table.schema]
    FastExcel(str(path)).sheet("Rows", table.cast(pa.schema(floats))).save()


def python_rows(batches: Batches) -> Iterator[tuple[Any, ...]]:
    """Yield rows of Python values, times in UTC without their zone."""
    import pyarrow as pa

    for batch in batches:
        columns = [
            column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column
            for column in batch.columns
        ]
        yield from zip(*(column.to_pylist() for column in columns), strict=True)


WRITERS: dict[str, Callable[[Path, Batches, ResolvedExport], None]] = {
    "ours": ours,
    "openpyxl": openpyxl,
    "xlsxwriter": xlsxwriter,
    "rustpy": rustpy,
}


def read(order: Order, count: int) -> tuple[Batches, ResolvedExport]:
    """Return all batches of the export, as the source gives them."""
    from include.core.source import Sources

    export = resolved({**order, "contender": "ours", "format": "xlsx"}, count)
    reading = export.readings[0]
    with closing(Sources(opener(order))) as sources:
        return list(reading.table.batches(reading.params, reading.selection, sources).stream), export


def main() -> None:
    """Read the order, warm up, measure, answer."""
    order = json.load(sys.stdin)
    write = WRITERS[order["writer"]]
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        path = Path(folder) / "rows.xlsx"
        write(path, *read(order, 1_000))
        batches, export = read(order, order["rows"])
        started = time.monotonic()
        write(path, batches, export)
        print(json.dumps({"seconds": time.monotonic() - started, "bytes": path.stat().st_size}))


if __name__ == "__main__":
    main()
