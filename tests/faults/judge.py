"""The judge: what became of an export, read back by readers that share nothing with the writers."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import time
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import zstandard
from openpyxl import load_workbook

from tests.faults.exporting import COLUMNS, sources_of
from tests.stack.client import FINAL
from tests.stack.reading import READERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tests.faults.rig import Rig
    from tests.stack.client import ExportsClient

END_SECONDS = 300.0
"""An export that has not ended by then is stuck: three repetitions with their pauses take less than half of it."""
CLEAN_SECONDS = 60.0
_POLL = 0.2


@dataclass(slots=True)
class Judgement:
    """What was found; every list is empty where the promise was kept."""

    status: str = "unfinished"
    code: str = ""
    attempts: int = 0
    stuck: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Every key that may be in the bucket for good."""

    @property
    def broken(self) -> bool:
        """Whether the promise was broken."""
        return bool(self.stuck or self.wrong or self.doubles or self.orphans)


def judge(rig: Rig, export_id: str, request: Mapping[str, Any], *, clean_seconds: float = CLEAN_SECONDS) -> Judgement:
    """Wait for the end and for a clean bucket, and compare what there is with what was promised."""
    found = Judgement()
    export = _await_end(rig, export_id)
    found.attempts = export.get("attempt", 0)
    if export.get("status") not in FINAL:
        found.stuck.append(f"{export.get('status', 'unknown')} after {END_SECONDS:.0f} s")
        return found
    found.status = export["status"]
    if found.status == "succeeded":
        _judge_file(rig, export, request, found)
    else:
        _judge_failure(rig, export, found)
    _judge_bucket(rig, export_id, found, clean_seconds)
    return found


def _await_end(rig: Rig, export_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + END_SECONDS
    export: dict[str, Any] = {}
    while export.get("status") not in FINAL and time.monotonic() < deadline:
        time.sleep(_POLL)
        export = rig.look(export_id) or export
    return export


def _judge_failure(rig: Rig, export: Mapping[str, Any], found: Judgement) -> None:
    error = export["error"] or {}
    found.code = error.get("code", "")
    if not error.get("code") or not error.get("detail"):
        found.wrong.append("it failed without a reason")
    if export["result"] is not None or export["download_url"] is not None:
        found.wrong.append("it failed and shows a result")
    answer = rig.exports.get(f"/exports/{export['id']}/download")
    if answer.status_code != 410:
        found.wrong.append(f"its download answers {answer.status_code} instead of 410")


def _judge_file(rig: Rig, export: Mapping[str, Any], request: Mapping[str, Any], found: Judgement) -> None:
    answer = rig.exports.get(f"/exports/{export['id']}/manifest")
    if answer.status_code != 200:
        found.wrong.append(f"the manifest answers {answer.status_code}")
        return
    manifest = answer.json()
    found.named = {f"exports/{file['key']}" for file in manifest["files"]}
    found.named.add(f"exports/{export['id']}/manifest.json")
    contents = []
    for file, shown in zip(manifest["files"], export["result"]["files"], strict=True):
        content = rig.exports.download(shown)
        contents.append((file["name"], content))
        if (len(content), hashlib.sha256(content).hexdigest()) != (file["bytes"], file["sha256"]):
            found.wrong.append(f"{file['name']} is not what its manifest says")
    documents = list(_documents(contents, request["format"]))
    wanted = sources_of(request)
    if manifest["rows"] != sum(rows for _, rows in wanted) or manifest["verification"]["verdict"] != "verified":
        found.wrong.append(f"the manifest says {manifest['rows']} rows, {manifest['verification']['verdict']}")
    if len(wanted) == 1:  # several files are one table, cut
        documents = [(documents[0][0], [row for _, rows in documents for row in rows])]
    for (exporter, rows), (header, cells) in zip(wanted, documents, strict=True):
        if [name.lower().replace(" ", "_") for name in header] != list(COLUMNS[exporter]):  # a workbook has labels
            found.wrong.append(f"the columns are {header}")
        elif _digest(COLUMNS[exporter], cells, request["format"]) != _truth(rig, exporter, rows, request["format"]):
            found.wrong.append(f"the {len(cells)} rows are not those of {exporter}, which are {rows}")


def _judge_bucket(rig: Rig, export_id: str, found: Judgement, seconds: float) -> None:
    """Wait until nothing is left but what the manifest names."""
    deadline = time.monotonic() + seconds
    while (left := left_over(rig, found.named, export_id)) and time.monotonic() < deadline:
        time.sleep(_POLL)
    found.orphans += left
    missing = found.named - rig.bucket.keys()
    found.wrong += [f"{key} is missing" for key in sorted(missing)]
    written = rig.gate.published[f"/exports/exports/{export_id}/manifest.json"]
    if written > 1:
        found.doubles.append(f"the store acknowledged {written} manifests")


def left_over(rig: Rig, named: set[str], export_id: str = "") -> list[str]:
    """Return every object and upload of one export, or of the whole bucket, that nobody names."""
    keys = rig.bucket.keys() - named
    uploads = {f"upload of {key}" for key in rig.bucket.uploads()}
    return sorted(key for key in keys | uploads if export_id in key)


def named_by(admin: ExportsClient, manifest: str) -> set[str]:
    """Return what a manifest in the bucket names, itself included, if its export has succeeded."""
    export_id = manifest.split("/")[1]
    answer = admin.get(f"/exports/{export_id}")
    if answer.status_code != 200 or answer.json()["status"] != "succeeded":
        return set()
    return {manifest} | {
        f"exports/{file['key']}" for file in admin.get(f"/exports/{export_id}/manifest").json()["files"]
    }


def _documents(contents: Iterable[tuple[str, bytes]], file_format: str) -> Iterator[tuple[list[str], list[Any]]]:
    """Yield header and rows of every table in some files."""
    for name, content in contents:
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                yield from _documents([(each, archive.read(each)) for each in archive.namelist()], file_format)
        elif name.endswith(".gz"):
            yield from _documents([(name[:-3], gzip.decompress(content))], file_format)
        elif name.endswith(".zst"):
            with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as reader:
                yield from _documents([(name[:-4], reader.read())], file_format)
        elif file_format == "xlsx":
            book = load_workbook(io.BytesIO(content), read_only=True)
            for sheet in book.worksheets:
                header, *rows = sheet.iter_rows(values_only=True)
                yield list(header), rows
        else:
            yield READERS[file_format](content)


def _truth(rig: Rig, exporter: str, rows: int, file_format: str) -> str:
    """Return the digest of a table as psycopg reads it."""
    names = COLUMNS[exporter]
    statement = f"select {', '.join(names)} from ledger where id <= {rows} order by id"
    with psycopg.connect(rig.source.dsn, options="-c TimeZone=UTC") as connection, connection.cursor("truth") as cursor:
        cursor.itersize = 20_000
        cursor.execute(statement)
        return _digest(names, cursor, file_format)


def _digest(names: Iterable[str], rows: Iterable[Iterable[Any]], file_format: str) -> str:
    """Return a hash of all rows in their order, each value in one form whoever has read it."""
    forms = [_FORMS[name] for name in names]
    absent = {None, ""} if file_format == "xlsx" else {None}  # a workbook's reader knows no empty text
    whole = hashlib.blake2b()
    for row in rows:
        cells = [None if value in absent else form(value) for form, value in zip(forms, row, strict=True)]
        whole.update(json.dumps(cells).encode())
    return whole.hexdigest()


def _whole(value: Any) -> str:
    return str(int(value))


def _exact(value: Any) -> str:
    # A workbook's reader gives a double, of which the shortest text is what was written.
    return f"{Decimal(str(value)):.2f}"


def _flag(value: Any) -> str:
    return str(value).lower()


def _day(value: Any) -> str:
    return value.isoformat()[:10] if isinstance(value, date) else str(value)


def _moment(value: Any) -> str:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return str(round(utc.timestamp()))


def _float(value: Any) -> str:
    return repr(float(value))


_FORMS: Mapping[str, Callable[[Any], str]] = {
    "id": _whole,
    "code": str,
    "amount": _exact,
    "weight": _float,
    "paid": _flag,
    "booked_on": _day,
    "booked_at": _moment,
    "note": str,
}
