"""The tool for those who receive a file: what is right passes, and whatever is not is named."""

from __future__ import annotations

import ast
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import tracemalloc
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from export_api.bundle import Bundle
from export_api.responses import WaybillJSON
from include import waybill
from include.compressions import COMPRESSIONS
from include.core.request import parse_request
from include.waybill import DIFFERENT, UNCHECKED, VERIFIED, main
from tests.unit.stand_ins import COLUMNS, ListSource, MemoryStore, batches_of, export_run, resolved_export, some_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.core.manifest import Manifest

    Run = Callable[..., tuple[int, str]]

TOOL = Path(waybill.__file__)


class Received(NamedTuple):
    """What a recipient has: the manifest as the API answers it, and the files."""

    said: Manifest
    manifest: Path
    files: list[Path]

    @property
    def file(self) -> Path:
        [file] = self.files
        return file


def received(folder: Path, file_format: str = "csv", *, rows: int = 35, **body: Any) -> Received:
    """Run a real export, and put what it left into a folder."""
    request = parse_request({"exporter": "rows", "format": file_format, "filename": "r", **body})
    compression = COMPRESSIONS.load(request.compression)() if request.compression else None
    resolved = replace(resolved_export(file_format), request=request, compression=compression)
    store = MemoryStore()
    source = ListSource(batches_of(COLUMNS, some_rows(rows)), arrow=COLUMNS.arrow())
    said = export_run(resolved, source, store).execute()
    manifest = folder / "manifest.json"
    manifest.write_bytes(bytes(WaybillJSON(said.model_dump(mode="json")).body))
    for file in said.files:
        (folder / file.name).write_bytes(store.objects[file.key])
    return Received(said, manifest, [folder / file.name for file in said.files])


@pytest.fixture
def csv(tmp_path: Path) -> Received:
    return received(tmp_path)


@pytest.fixture
def split(tmp_path: Path) -> Received:
    """Three files."""
    return received(tmp_path, split={"rows": 15})


def bundle(got: Received) -> bytes:
    """All files in one zip, as the API sends them."""
    made = Bundle(got.said.id, got.said.files)
    contents = {file.key: path.read_bytes() for file, path in zip(got.said.files, got.files, strict=True)}

    def open_file(key: str, *, start: int, end: int) -> Iterator[bytes]:
        yield contents[key][start:end]

    return b"".join(made.open(open_file, start=0, end=made.bytes))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The tool in this process: exit code and what it said of the files; tests/unit/test_signing.py has the rest."""

    def run(*arguments: object) -> tuple[int, str]:
        code = main(["verify", *map(str, arguments)])
        said = capsys.readouterr().out
        return code, said.replace("Manifest: not signed\n", "")

    return run


# What is right


@pytest.mark.parametrize(
    ("file_format", "compression"),
    [("csv", None), ("jsonl", None), ("xlsx", None), ("parquet", None), ("csv", "gzip"), ("csv", "zip")],
)
def test_a_file_as_it_was_exported_is_verified(
    run: Run, tmp_path: Path, file_format: str, compression: str | None
) -> None:
    got = received(tmp_path, file_format, compression=compression)
    record = got.said.files[0]
    line = f"{got.file}: verified: {record.bytes} bytes, sha256 {record.sha256}\n"
    assert run(got.file, got.manifest) == (VERIFIED, line)


def test_the_manifest_of_the_store_says_the_same(run: Run, csv: Received, tmp_path: Path) -> None:
    (tmp_path / "stored.json").write_bytes(csv.said.to_bytes())
    assert run(csv.file, tmp_path / "stored.json")[0] == VERIFIED


def test_a_file_without_a_byte_is_verified_where_it_was_exported_so(run: Run, tmp_path: Path) -> None:
    got = received(tmp_path, "jsonl", rows=0)
    assert got.file.read_bytes() == b""
    assert run(got.file, got.manifest)[0] == VERIFIED


def test_a_renamed_file_is_known_by_its_content(run: Run, csv: Received, tmp_path: Path) -> None:
    renamed = csv.file.rename(tmp_path / "r (1).csv")
    code, said = run(renamed, csv.manifest)
    assert (code, " verified as r.csv: " in said) == (VERIFIED, True)


def test_one_of_several_files_is_enough_and_the_others_are_named(run: Run, split: Received, tmp_path: Path) -> None:
    renamed = split.files[1].rename(tmp_path / "second.csv")
    code, said = run(renamed, split.manifest)
    assert code == VERIFIED
    assert said.splitlines()[0].startswith(f"{renamed}: verified as r-0002.csv: ")
    assert said.splitlines()[1] == "Not given, so not checked: r-0001.csv, r-0003.csv"
    code, said = run(split.files[0], renamed, split.files[2], split.manifest)
    assert (code, len(said.splitlines())) == (VERIFIED, 3)


def test_the_zip_of_all_files_is_verified_file_by_file(run: Run, split: Received, tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(bundle(split))
    code, said = run(tmp_path / "all.zip", split.manifest)
    assert code == VERIFIED
    assert [line.partition(" bytes")[0] for line in said.splitlines()] == [
        f"{tmp_path}/all.zip: {file.name}: verified: {file.bytes}" for file in split.said.files
    ]


def test_names_beyond_ascii_are_found_however_a_file_system_keeps_them(run: Run, tmp_path: Path) -> None:
    got = received(tmp_path, filename="Größe", split={"rows": 30})
    (tmp_path / "all.zip").write_bytes(bundle(got))
    assert run(tmp_path / "all.zip", got.manifest)[0] == VERIFIED
    other = got.files[0].rename(tmp_path / "Gro\N{COMBINING DIAERESIS}ße-0001.csv")
    other.write_bytes(b"")
    code, said = run(other, got.manifest)
    assert (code, "bytes: expected" in said) == (DIFFERENT, True)


def test_it_is_read_once_from_what_cannot_be_read_again(run: Run, csv: Received, tmp_path: Path) -> None:
    data = csv.file.read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    writer.start()
    code, _ = run(tmp_path / "pipe", csv.manifest)
    writer.join()
    assert code == VERIFIED


def test_memory_does_not_grow_with_the_file(run: Run, csv: Received, tmp_path: Path) -> None:
    with (tmp_path / "long").open("wb") as file:
        file.truncate(32 * 1024 * 1024)
    tracemalloc.start()
    code, _ = run(tmp_path / "long", csv.manifest)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert code == DIFFERENT
    assert peak < 8 * 1024 * 1024


# What is not


@pytest.mark.parametrize(
    ("damage", "differing"),
    [
        (lambda data: data[:-1], ["bytes", "sha256", "crc32"]),
        (lambda data: data + b"\n", ["bytes", "sha256", "crc32"]),
        (lambda _: b"", ["bytes", "sha256", "crc32"]),
        (lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:], ["sha256", "crc32"]),
        (lambda data: data.replace(b"name 1,", b"name 2,", 1), ["sha256", "crc32"]),
        (lambda data: data.replace(b"\r\n", b"\n"), ["bytes", "sha256", "crc32"]),
    ],
    ids=["cut off", "longer", "empty", "one bit", "another value", "other line ends"],
)
def test_a_file_that_was_changed_is_not_verified(
    run: Run, csv: Received, damage: Callable[[bytes], bytes], differing: list[str]
) -> None:
    csv.file.write_bytes(damage(csv.file.read_bytes()))
    code, said = run(csv.file, csv.manifest)
    assert code == DIFFERENT
    assert said.startswith(f"{csv.file}: NOT VERIFIED: {differing[0]}: expected ")
    told = json.loads(run("--json", csv.file, csv.manifest)[1])
    assert [each["what"] for each in told["files"][0]["differences"]] == differing
    assert all(each["expected"] != each["found"] for each in told["files"][0]["differences"])


def test_every_byte_counts(run: Run, csv: Received) -> None:
    data = csv.file.read_bytes()
    for place in range(0, len(data), 7):
        csv.file.write_bytes(data[:place] + bytes([data[place] ^ 0x80]) + data[place + 1 :])
        assert run(csv.file, csv.manifest)[0] == DIFFERENT


def test_a_crc32_that_agrees_does_not_save_a_file(run: Run, csv: Received) -> None:
    manifest = json.loads(csv.manifest.read_text())
    data = csv.file.read_bytes()
    csv.file.write_bytes(data[:-1] + b"!")
    manifest["files"][0]["crc32"] = f"{zlib.crc32(csv.file.read_bytes()):08x}"
    csv.manifest.write_text(json.dumps(manifest))
    code, said = run(csv.file, csv.manifest)
    assert (code, "sha256: expected" in said, "crc32: expected" in said) == (DIFFERENT, True, False)


def test_the_manifest_of_another_export_verifies_nothing(
    run: Run, csv: Received, split: Received, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = received(tmp_path / "other", rows=34)
    assert run(csv.file, other.manifest)[0] == DIFFERENT
    code, said = run(other.file, split.manifest)
    assert code == DIFFERENT
    assert "file: expected one of r-0001.csv, r-0002.csv, r-0003.csv, or the zip of them, found another" in said


def test_two_files_that_changed_names_are_not_verified(run: Run, split: Received) -> None:
    first, second, _ = split.files
    first_data, second_data = first.read_bytes(), second.read_bytes()
    first.write_bytes(second_data)
    second.write_bytes(first_data)
    assert run(first, second, split.manifest)[0] == DIFFERENT


def test_of_many_names_a_line_shows_a_few(run: Run, tmp_path: Path) -> None:
    got = received(tmp_path, split={"rows": 3})
    (tmp_path / "x").write_bytes(b"x")
    assert "r-0005.csv and 7 more, or the zip of them" in run(tmp_path / "x", got.manifest)[1]
    assert run(got.files[0], got.manifest)[1].endswith(
        ": r-0002.csv, r-0003.csv, r-0004.csv, r-0005.csv, r-0006.csv and 6 more\n"
    )


# Zips


def rezipped(data: bytes, change: Callable[[dict[str, bytes]], list[tuple[str, bytes]]], method: int = 0) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in change(entries):
            archive.writestr(name, content)
    return made.getvalue()


def flipped(entries: dict[str, bytes]) -> list[tuple[str, bytes]]:
    changed = entries["r-0002.csv"][:-3] + b"X" + entries["r-0002.csv"][-2:]
    return list((entries | {"r-0002.csv": changed}).items())


ZIPS: list[tuple[Callable[[dict[str, bytes]], list[tuple[str, bytes]]], str, str]] = [
    (lambda files: list(files.items())[1:], "r-0001.csv", "entry: expected in the zip, found missing"),
    (lambda files: [*files.items(), ("x.csv", b"x")], "x.csv", "entry: expected only files of the manifest"),
    (lambda files: [*files.items(), ("r/", b"")], "r/", "entry: expected only files of the manifest"),
    (flipped, "r-0002.csv", "sha256: expected "),
    (lambda files: list((files | {"r-0003.csv": b""}).items()), "r-0003.csv", "bytes: expected "),
]


@pytest.mark.parametrize(("change", "name", "difference"), ZIPS)
def test_what_is_wrong_in_a_zip_is_named(
    run: Run,
    split: Received,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], list[tuple[str, bytes]]],
    name: str,
    difference: str,
) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(rezipped(bundle(split), change))
    code, said = run(path, split.manifest)
    assert code == DIFFERENT
    wrong = [line for line in said.splitlines() if "NOT VERIFIED" in line]
    assert len(wrong) == 1
    assert wrong[0].startswith(f"{path}: {name}: NOT VERIFIED: {difference}")


def test_one_byte_anywhere_in_the_files_of_a_zip_counts(run: Run, split: Received, tmp_path: Path) -> None:
    data = bundle(split)
    for place in range(0, len(data), 11):
        changed = data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]
        (tmp_path / "all.zip").write_bytes(changed)
        code, said = run(tmp_path / "all.zip", split.manifest)
        contents = [file.read_bytes() for file in split.files]
        assert code == DIFFERENT or all(content in changed for content in contents), (place, said)


def test_a_file_that_is_there_twice_is_not_verified(run: Run, split: Received, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = rezipped(bundle(split), lambda files: [*files.items(), ("r-0001.csv", b"something else")])
    (tmp_path / "all.zip").write_bytes(data)
    code, said = run(tmp_path / "all.zip", split.manifest)
    assert (code, "r-0001.csv: NOT VERIFIED: entry: expected each file once" in said) == (DIFFERENT, True)


@pytest.mark.parametrize("length", [1, 21, 22, 300])
def test_a_zip_that_was_cut_off_is_not_verified(run: Run, split: Received, tmp_path: Path, length: int) -> None:
    (tmp_path / "all.zip").write_bytes(bundle(split)[:-length])
    code, said = run(tmp_path / "all.zip", split.manifest)
    assert (code, "found a zip that was cut off or damaged, sha256" in said) == (DIFFERENT, True)


def hidden(data: bytes) -> bytes:
    """Another first file before the zip: programs that read zips as they come unpack it, others do not see it."""
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("r-0001.csv", b"something else")
    return other.getvalue()[: other.getvalue().index(b"PK\x01\x02")] + data


def renamed(data: bytes) -> bytes:
    """The local header says another name than the directory."""
    return data.replace(b"r-0002.csv", b"r-0009.csv", 1)


@pytest.mark.parametrize(
    "change",
    [hidden, renamed, lambda data: rezipped(data, lambda files: list(files.items()), zipfile.ZIP_DEFLATED)],
    ids=["hidden", "renamed", "compressed"],
)
def test_a_zip_that_others_may_read_differently_is_to_be_unpacked_first(
    run: Run, split: Received, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "all.zip").write_bytes(change(bundle(split)))
    code, said = run(tmp_path / "all.zip", split.manifest)
    assert code == DIFFERENT
    assert said.startswith(f"{tmp_path}/all.zip: NOT VERIFIED: zip: expected files as they are, one after the other")
    assert "unpack it and check its files" in said


def test_a_renamed_file_that_is_itself_a_zip_is_known_by_its_content(run: Run, tmp_path: Path) -> None:
    got = received(tmp_path, "xlsx", split={"rows": 20})
    renamed = got.files[1].rename(tmp_path / "b.xlsx")
    code, said = run(renamed, got.manifest)
    assert (code, "verified as r-0002.xlsx" in said) == (VERIFIED, True)


# What cannot be checked


def changed(**members: Any) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), **members}).encode()


def with_file(**members: Any) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        manifest = json.loads(data)
        manifest["files"][0] |= members
        return json.dumps(manifest).encode()

    return change


PROBLEM = {"type": "urn:waybill:problem:not_found", "status": 404, "detail": "There is no export 'x'."}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda _: b"", "not JSON"),
        (lambda data: data[:-1], "not JSON"),
        (lambda data: data[: len(data) // 2], "not JSON"),
        (lambda data: data.replace(b"{", b"{\xff", 1), "not JSON"),
        (lambda data: data.replace(b'"rows":35', b'"rows":NaN', 1), "NaN is no number of JSON"),
        (lambda data: data.replace(b"{", b'{"version":1,', 1), "a member is there twice"),
        (lambda _: b"[" * 100_000, "not JSON"),
        (lambda _: b"[]", "not a JSON object"),
        (lambda _: b"{}", "no manifest of an export"),
        (lambda _: b"id,name\r\n1,x\r\n", "not JSON"),
        (lambda _: b" " * (64 * 1024 * 1024 + 1), "too long for a manifest, which is the last argument"),
        (lambda _: json.dumps(PROBLEM).encode(), "an answer of the API, not a manifest: There is no export 'x'."),
        (changed(version=2), "is of version 2, and this tool knows 1: use a newer waybill.py."),
        (changed(version=0), "no manifest of an export"),
        (changed(version="1"), "no manifest of an export"),
        (changed(verification={"verdict": "failed"}), "no manifest of an export"),
        (changed(files=None), "no manifest of an export"),
        (changed(files="r.csv"), "no manifest of an export"),
        (changed(files=[]), "it has no files"),
        (lambda data: changed(files=json.loads(data)["files"] * 2)(data), "two of one name"),
        (with_file(bytes=-1), "no manifest of an export"),
        (with_file(bytes=True), "no manifest of an export"),
        (with_file(bytes="35"), "no manifest of an export"),
        (with_file(sha256="ab"), "no manifest of an export"),
        (with_file(sha256=None), "no manifest of an export"),
        (with_file(crc32="0" * 9), "no manifest of an export"),
        (with_file(name=""), "no manifest of an export"),
    ],
)
def test_a_manifest_that_is_none_is_said_to_be(
    run: Run, csv: Received, damage: Callable[[bytes], bytes], said: str
) -> None:
    csv.manifest.write_bytes(damage(csv.manifest.read_bytes()))
    code, line = run(csv.file, csv.manifest)
    assert code == UNCHECKED
    assert line.startswith(str(csv.manifest))
    assert said in line
    assert line.count("\n") == 1


def test_what_later_manifests_say_besides_does_not_disturb(run: Run, csv: Received) -> None:
    csv.manifest.write_bytes(b"\xef\xbb\xbf" + changed(more={"a": [1]})(csv.manifest.read_bytes()))
    assert run(csv.file, csv.manifest)[0] == VERIFIED


def test_files_and_manifests_that_cannot_be_read_are_named(run: Run, csv: Received, tmp_path: Path) -> None:
    missing = tmp_path / "nothing.csv"
    assert run(missing, csv.manifest) == (UNCHECKED, f"{missing} cannot be read: No such file or directory.\n")
    assert run(tmp_path, csv.manifest) == (UNCHECKED, f"{tmp_path} cannot be read: Is a directory.\n")
    assert run(csv.file, missing) == (UNCHECKED, f"{missing} cannot be read: No such file or directory.\n")
    assert run(csv.file, tmp_path) == (UNCHECKED, f"{tmp_path} cannot be read: Is a directory.\n")
    assert run(csv.file, missing, csv.manifest)[0] == UNCHECKED
    csv.file.write_bytes(b"")
    code, said = run(missing, csv.file, csv.manifest)
    assert (code, len(said.splitlines())) == (DIFFERENT, 2)


@pytest.mark.parametrize(
    "arguments", [[], ["verify"], ["verify", "x"], ["check", "x", "y"], ["verify", "-x", "a", "b"]]
)
def test_wrong_use_is_explained(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == UNCHECKED
    assert "usage: waybill" in capsys.readouterr().err


# What programs and terminals are told


def test_programs_are_told_all_of_it(run: Run, split: Received, tmp_path: Path) -> None:
    split.files[1].write_bytes(b"")
    missing = tmp_path / "nothing.csv"
    code, said = run("--json", *split.files[:2], missing, split.manifest)
    told = json.loads(said)
    assert code == DIFFERENT
    assert (told["verified"], told["export"], told["not_given"]) == (False, split.said.id, ["r-0003.csv"])
    assert told["errors"] == [f"{missing} cannot be read: No such file or directory."]
    good, bad = told["files"]
    assert good == {
        "file": str(split.files[0]),
        "entry": None,
        "name": "r-0001.csv",
        "verified": True,
        "differences": [],
    }
    assert bad["verified"] is False
    assert bad["differences"][0] == {"what": "bytes", "expected": split.said.files[1].bytes, "found": 0}
    split.manifest.write_bytes(b"")
    code, said = run("--json", split.files[0], split.manifest)
    assert (code, json.loads(said)["files"], len(json.loads(said)["errors"])) == (UNCHECKED, [], 1)


def test_a_name_does_not_steer_the_terminal(run: Run, csv: Received, tmp_path: Path) -> None:
    path = csv.file.rename(tmp_path / "a\x1b[2K\nr.csv: verified.csv")
    path.write_bytes(b"")
    code, said = run(path, csv.manifest)
    assert (code, said.count("\n"), "\x1b" in said) == (DIFFERENT, 1, False)


# By itself


def tool(*arguments: object, cwd: Path, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONIOENCODING": encoding, "PATH": os.environ["PATH"]}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_a_copy_of_the_one_file_works_without_any_package(csv: Received, tmp_path: Path) -> None:
    shutil.copy(TOOL, tmp_path / "copied.py")
    done = tool("-I", "-S", "copied.py", "verify", csv.file.name, csv.manifest.name, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (VERIFIED, "")
    csv.file.write_bytes(b"")
    assert tool("-I", "-S", "copied.py", "verify", "r.csv", "manifest.json", cwd=tmp_path).returncode == DIFFERENT


def test_both_ways_to_call_it_work(csv: Received) -> None:
    root = TOOL.parents[1]
    for way in (["include/waybill.py"], ["-m", "include.waybill"]):
        done = tool(*way, "verify", csv.file, csv.manifest, cwd=root)
        assert (done.returncode, done.stderr) == (VERIFIED, "")
        assert tool(*way, "verify", cwd=root).returncode == UNCHECKED


def test_a_terminal_without_a_letter_of_the_name_shows_its_number(tmp_path: Path) -> None:
    got = received(tmp_path, filename="Größe")
    done = tool(TOOL, "verify", got.file, got.manifest, cwd=tmp_path, encoding="ascii")
    assert (done.returncode, "Gr\\xf6\\xdfe.csv: verified" in done.stdout) == (VERIFIED, True)


def test_old_pythons_can_read_it_and_it_imports_nothing_but_python() -> None:
    tree = ast.parse(TOOL.read_text(encoding="utf-8"), feature_version=(3, 9))
    named = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert named <= sys.stdlib_module_names
