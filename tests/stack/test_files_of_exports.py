"""Files that are compressed, hold several exporters, or are split: the same rows, read by independent means."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
import zstandard
from openpyxl import load_workbook

from deploy.local.client import Client
from tests.stack.client import wait_for
from tests.stack.reading import READERS, assert_same
from tests.stack.test_exports import MACHINES, ORDERS, headings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deploy.local.stack import Stack
    from tests.stack.bucket import Bucket
    from tests.stack.client import ExportsClient


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def only_entry(data: bytes) -> bytes:
    [content] = entries(data).values()
    return content


def unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


# Compression


@pytest.mark.parametrize(
    ("file_format", "compression", "name", "media_type", "unpack"),
    [
        ("csv", "gzip", "m.csv.gz", "application/gzip", gzip.decompress),
        ("jsonl", "zstd", "m.jsonl.zst", "application/zstd", unzstd),
        ("xlsx", "zip", "m.zip", "application/zip", only_entry),
        ("csv", "zip", "m.zip", "application/zip", only_entry),
    ],
)
def test_a_compressed_file_holds_the_databases_rows(
    exports: ExportsClient,
    demo: psycopg.Connection,
    file_format: str,
    compression: str,
    name: str,
    media_type: str,
    unpack: Callable[[bytes], bytes],
) -> None:
    export = exports.run(exporter="machines", format=file_format, compression=compression, filename="m")
    data = exports.download(export)
    rows = demo.execute(MACHINES).fetchall()
    assert_same(unpack(data), file_format, headings(exports, "machines", file_format), rows)
    [file] = export["result"]["files"]
    assert (file["name"], file["media_type"], file["format"]) == (name, media_type, file_format)
    assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert file["contents"] == [{"name": f"m.{file_format}", "rows": len(rows)}]
    assert export["result"]["rows"] == file["rows"] == len(rows)
    through_the_api = exports.get(f"/exports/{export['id']}/content")
    assert through_the_api.content == data
    assert through_the_api.headers["Content-Type"] == media_type


def test_the_same_request_gives_the_same_compressed_bytes(exports: ExportsClient) -> None:
    for compression in ("gzip", "zstd", "zip"):
        body: dict[str, Any] = {"exporter": "orders", "limit": 999, "filename": "o", "compression": compression}
        first, second = (exports.run(**body)["result"]["files"][0]["sha256"] for _ in range(2))
        assert first == second


# Several exporters

MACS = {"exporter": "machines", "params": {"platform": "MACOS"}, "name": "Macs"}
PCS = {"exporter": "machines", "params": {"platform": "WINDOWS"}, "name": "PCs: all/any"}
CHEAP = {"exporter": "orders", "columns": ["code", "total"], "order_by": ["total"], "limit": 70}
PLATFORM = MACHINES.replace("order by m.id", "where m.platform = %s order by m.id")
CHEAPEST = "select code, total from shop.orders order by total, id limit 70"


def platform(demo: psycopg.Connection, name: str) -> list[tuple[Any, ...]]:
    return demo.execute(PLATFORM, (name,)).fetchall()


def test_several_exporters_are_sheets_of_one_workbook(exports: ExportsClient, demo: psycopg.Connection) -> None:
    export = exports.run(sources=[MACS, CHEAP, PCS], format="xlsx", filename="all")
    macs, pcs = platform(demo, "MACOS"), platform(demo, "WINDOWS")
    cheap = demo.execute(CHEAPEST).fetchall()
    [file] = export["result"]["files"]
    assert (file["name"], file["rows"], file["contents"]) == ("all.xlsx", len(macs) + len(pcs) + 70, None)
    book = load_workbook(io.BytesIO(exports.download(export)), read_only=True)
    assert book.sheetnames[:2] == ["Macs", "Orders"]
    sheets = [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]
    assert [row[1] for row in sheets[0][1:]] == [row[1] for row in macs]
    assert [row[0] for row in sheets[1][1:]] == [row[0] for row in cheap]
    assert [row[1] for row in sheets[2][1:]] == [row[1] for row in pcs]
    assert export["result"]["truncated"] is True


def test_several_exporters_are_files_of_one_zip(exports: ExportsClient, demo: psycopg.Connection) -> None:
    export = exports.run(sources=[MACS, CHEAP, PCS], format="csv", filename="inventory")
    wanted = {
        "Macs.csv": (headings(exports, "machines", "csv"), platform(demo, "MACOS")),
        "orders.csv": (["code", "total"], demo.execute(CHEAPEST).fetchall()),
        "PCs_ all_any.csv": (headings(exports, "machines", "csv"), platform(demo, "WINDOWS")),
    }
    found = entries(exports.download(export))
    assert list(found) == list(wanted)
    for name, (names, rows) in wanted.items():
        assert_same(found[name], "csv", names, rows)
    counts = [len(rows) for _, rows in wanted.values()]
    [file] = export["result"]["files"]
    assert file["name"] == "inventory.zip"
    contents = [{"name": name, "rows": count} for name, count in zip(wanted, counts, strict=True)]
    assert file["contents"] == contents
    assert export["result"]["consistency"] == "per_source"
    manifest = exports.get(f"/exports/{export['id']}/manifest").json()
    assert manifest["files"][0]["contents"] == contents
    told = [("machines", counts[0]), ("orders", counts[1]), ("machines", counts[2])]
    assert [(source["exporter"], source["rows"]) for source in manifest["sources"]] == told
    assert [(source["exporter"], source["rows"]) for source in export["sources"]] == told


def test_an_export_of_several_exporters_is_shown_and_found_by_each(exports: ExportsClient) -> None:
    sources = [{"exporter": "order_taxes", "limit": 3}, {"exporter": "machines", "limit": 4}]
    created = exports.submit(sources=sources, format="jsonl", name="Both")
    assert (created["exporter"], created["params"]) == (None, {})
    assert [(source["exporter"], source["rows"]) for source in created["sources"]] == [
        ("order_taxes", None),
        ("machines", None),
    ]
    done = exports.finish(created["id"])
    assert [(source["status"], source["rows"]) for source in done["sources"]] == [("succeeded", 3), ("succeeded", 4)]
    for exporter in ("order_taxes", "machines"):
        items = exports.get("/exports", exporter=exporter, name="Both").json()["items"]
        assert [item["id"] for item in items] == [done["id"]]
    assert exports.get("/exports", exporter="orders", name="Both").json()["items"] == []


def test_one_exporter_twice_without_names_makes_two_files(exports: ExportsClient) -> None:
    sources = [{"exporter": "orders", "limit": 1}, {"exporter": "orders", "limit": 2}]
    export = exports.run(sources=sources, format="json", compression="zip")
    found = entries(exports.download(export))
    assert [(name, len(READERS["json"](data)[1])) for name, data in found.items()] == [
        ("orders.json", 1),
        ("orders-2.json", 2),
    ]


BROKEN = """
title: Broken
source: shop
columns: {id: {type: integer}}
sql: select 1 / (g - 5000) as id from generate_series(1, 10000) as g
"""


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_a_failure_in_the_second_of_two_exporters_leaves_nothing(
    exports: ExportsClient, bucket: Bucket, workshop: Path, file_format: str
) -> None:
    (workshop / "exporters" / "broken_second.yaml").write_text(BROKEN)
    sources = [{"exporter": "orders"}, {"exporter": "broken_second"}]
    export = exports.finish(exports.submit(sources=sources, format=file_format)["id"])
    assert (export["status"], export["result"], export["download_url"]) == ("failed", None, None)
    assert "DivisionByZero" in export["error"]["detail"]
    wait_for("the removal of what was left", lambda: True if not bucket.left_of(export["id"]) else None)
    assert exports.get(f"/exports/{export['id']}/download").status_code == 410
    assert exports.get(f"/exports/{export['id']}/content", file="orders.csv").status_code == 410


# Split


@pytest.fixture(scope="module")
def split(exports: ExportsClient) -> dict[str, Any]:
    """50,000 orders in files of 12,000."""
    return exports.run(exporter="orders", format="csv", split={"rows": 12_000}, filename="o")


@pytest.fixture(scope="module")
def parts(exports: ExportsClient, split: dict[str, Any]) -> list[bytes]:
    return [exports.download(file) for file in split["result"]["files"]]


def test_split_by_rows_every_file_is_whole_and_together_they_are_all(
    exports: ExportsClient, demo: psycopg.Connection, split: dict[str, Any], parts: list[bytes]
) -> None:
    files = split["result"]["files"]
    assert [(file["name"], file["rows"]) for file in files] == [
        *((f"o-{number:04}.csv", 12_000) for number in range(1, 5)),
        ("o-0005.csv", 2_000),
    ]
    assert split["result"]["rows"] == 50_000
    rows = demo.execute(ORDERS).fetchall()
    for part, wanted in zip(parts, chunked(rows, 12_000), strict=True):
        assert_same(part, "csv", headings(exports, "orders", "csv"), wanted)
    whole = READERS["csv"](exports.download(exports.run(exporter="orders", format="csv")))
    assert [row for part in parts for row in READERS["csv"](part)[1]] == whole[1]


def chunked(rows: list[Any], size: int) -> list[list[Any]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def test_split_by_bytes_every_file_but_the_last_has_as_many(exports: ExportsClient, demo: psycopg.Connection) -> None:
    export = exports.run(exporter="orders", format="jsonl", split={"bytes": 4_000_000}, compression="gzip")
    files = export["result"]["files"]
    assert len(files) > 2
    assert [file["name"].rpartition("-")[2] for file in files] == [
        f"{number:04}.jsonl.gz" for number in range(1, len(files) + 1)
    ]
    unpacked = [gzip.decompress(exports.download(file)) for file in files]
    assert all(4_000_000 <= len(data) < 4_600_000 for data in unpacked[:-1])
    assert 0 < len(unpacked[-1]) < 4_600_000
    assert [file["contents"][0]["rows"] for file in files] == [data.count(b"\n") for data in unpacked]
    names = headings(exports, "orders", "jsonl")
    assert_same(b"".join(unpacked), "jsonl", names, demo.execute(ORDERS).fetchall())


def test_split_workbooks_each_open_alone(exports: ExportsClient) -> None:
    export = exports.run(exporter="machines", format="xlsx", split={"rows": 40}, limit=100, filename="m.xlsx")
    files = export["result"]["files"]
    assert [(file["name"], file["rows"]) for file in files] == [
        ("m-0001.xlsx", 40),
        ("m-0002.xlsx", 40),
        ("m-0003.xlsx", 20),
    ]
    for file in files:
        sheet = load_workbook(io.BytesIO(exports.download(file)))["Machines"]
        assert sheet.max_row == file["rows"] + 1


def test_no_rows_are_one_file_with_its_header(exports: ExportsClient) -> None:
    export = exports.run(exporter="orders", params={"event": "never-sold"}, split={"rows": 10}, filename="none")
    [file] = export["result"]["files"]
    assert (file["name"], file["rows"]) == ("none-0001.csv", 0)
    assert_same(exports.download(export), "csv", headings(exports, "orders", "csv"), [])


def test_a_split_into_one_zip_is_one_file(exports: ExportsClient) -> None:
    export = exports.run(exporter="orders", split={"rows": 400}, limit=1000, compression="zip", filename="z")
    [file] = export["result"]["files"]
    assert file["contents"] == [
        {"name": f"z-000{number}.csv", "rows": rows} for number, rows in ((1, 400), (2, 400), (3, 200))
    ]
    assert list(entries(exports.download(export))) == ["z-0001.csv", "z-0002.csv", "z-0003.csv"]


# Several files and their ways out


def test_one_of_several_files_has_a_link_and_streams_by_its_name(
    exports: ExportsClient, split: dict[str, Any], parts: list[bytes]
) -> None:
    path = f"/exports/{split['id']}"
    link = exports.get(f"{path}/download", file="o-0002.csv", redirect="false").json()
    assert set(link) == {"url", "expires_at"}
    assert httpx.get(link["url"]).content == parts[1]
    content = exports.get(f"{path}/content", file="o-0002.csv")
    assert content.content == parts[1]
    assert 'filename="o-0002.csv"' in content.headers["Content-Disposition"]
    assert content.headers["ETag"] == f'"{hashlib.sha256(parts[1]).hexdigest()}"'
    assert content.headers["Repr-Digest"]
    part = exports.request("GET", f"{path}/content", params={"file": "o-0002.csv"}, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, parts[1][5:10])
    head = exports.request("HEAD", f"{path}/content", params={"file": "o-0005.csv"})
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(parts[4])))
    for way in ("download", "content"):
        unknown = exports.get(f"{path}/{way}", file="o-0006.csv")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "file_not_found")
        assert "o-0001.csv, o-0002.csv, o-0003.csv, o-0004.csv, o-0005.csv" in unknown.json()["detail"]


def test_all_files_come_in_one_zip_whose_length_is_told(
    exports: ExportsClient, split: dict[str, Any], parts: list[bytes], tmp_path: Path
) -> None:
    answer = exports.http.get(split["download_url"])
    assert (answer.status_code, answer.headers["Location"]) == (302, "content")
    answer = exports.http.get(split["download_url"], follow_redirects=True)
    assert answer.status_code == 200
    assert answer.url.path.endswith(f"/{split['id']}/content")
    names = [file["name"] for file in split["result"]["files"]]
    assert entries(answer.content) == dict(zip(names, parts, strict=True))
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["Content-Type"] == "application/zip"
    assert 'filename="o.zip"' in answer.headers["Content-Disposition"]
    assert "Repr-Digest" not in answer.headers
    if shutil.which("unzip"):
        (tmp_path / "o.zip").write_bytes(answer.content)
        subprocess.run(["unzip", "-tq", "o.zip"], cwd=tmp_path, check=True)
    path = f"/exports/{split['id']}/content"
    head = exports.request("HEAD", path)
    for name in ("Content-Length", "ETag", "Content-Type", "Content-Disposition"):
        assert head.headers[name] == answer.headers[name]
    middle = {"Range": f"bytes={len(parts[0]) - 7}-{len(parts[0]) + 500}", "If-Range": answer.headers["ETag"]}
    part = exports.request("GET", path, headers=middle)
    assert (part.status_code, part.content) == (206, answer.content[len(parts[0]) - 7 : len(parts[0]) + 501])
    refused = exports.get(f"/exports/{split['id']}/download", redirect="false")
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/query/file"]


def test_a_small_client_gets_one_file_or_all(
    stack: Stack, exports: ExportsClient, split: dict[str, Any], parts: list[bytes], tmp_path: Path
) -> None:
    client = Client(stack.url, stack.token)
    fetched = client.download(split["result"]["files"][2]["download_url"], tmp_path / "third.csv")
    assert fetched.sha256 == hashlib.sha256(parts[2]).hexdigest()
    client.download(split["download_url"], tmp_path / "all.zip")
    assert list(entries((tmp_path / "all.zip").read_bytes()).values()) == parts
    assert exports.read(split["id"])["download_url"] == split["download_url"]


def test_downloads_are_audited_by_the_files_name(stack: Stack, exports: ExportsClient) -> None:
    export = exports.run(exporter="orders", limit=3, split={"rows": 2}, filename="a")
    exports.download(export["result"]["files"][1])
    exports.http.get(export["download_url"], follow_redirects=True)
    with psycopg.connect(stack.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]) as connection:
        statement = """
            select detail ->> 'file', detail ->> 'via' from waybill_audit
            where export_id = %s and action = 'download' order by id
        """
        found = connection.execute(statement, (export["id"],)).fetchall()
    assert found == [("a-0002.csv", "link"), ("a.zip", "content")]


# Refusals

TWO = [{"exporter": "orders"}, {"exporter": "machines"}]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"sources": TWO, "format": "csv", "compression": "gzip"}, {"/compression"}),
        ({"sources": TWO, "format": "xlsx", "split": {"rows": 5}}, {"/split"}),
        ({"exporter": "orders", "sources": TWO, "format": "xlsx"}, {"/exporter"}),
        ({"sources": TWO, "format": "xlsx", "limit": 5, "params": {}}, {"/limit", "/params"}),
        ({"format": "csv"}, {"/exporter"}),
        ({"sources": []}, {"/sources"}),
        ({"sources": [{"name": "x"}]}, {"/sources/0/exporter"}),
        ({"sources": [{"exporter": "orders"}, {"exporter": "nothing"}]}, {"/sources/1/exporter"}),
        (
            {
                "sources": [
                    {"exporter": "orders", "params": {"status": "lost"}, "columns": ["nothing"]},
                    {"exporter": "machines", "where": [{"column": "id", "op": "contains", "value": "1"}]},
                ]
            },
            {"/sources/0/params/status", "/sources/0/columns/0", "/sources/1/where/0/op"},
        ),
        ({"exporter": "orders", "compression": "rar"}, {"/compression"}),
        ({"exporter": "orders", "split": {}}, {"/split"}),
        ({"exporter": "orders", "split": {"rows": 1, "bytes": 100_000}}, {"/split"}),
        ({"exporter": "orders", "split": {"rows": 0}}, {"/split/rows"}),
        ({"exporter": "orders", "split": {"rows": True}}, {"/split/rows"}),
        ({"exporter": "orders", "split": {"bytes": 10}}, {"/split/bytes"}),
        ({"exporter": "orders", "split": {"files": 3}}, {"/split/files"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:60],
)
def test_what_does_not_go_together_is_refused_with_a_pointer(
    exports: ExportsClient, body: dict[str, Any], pointers: set[str]
) -> None:
    refused = exports.post(body)
    assert refused.status_code == 422, refused.text
    problem = refused.json()
    assert problem["code"] == "invalid_request"
    assert {error["pointer"] for error in problem["errors"]} == pointers
    assert all(error["detail"] for error in problem["errors"])
