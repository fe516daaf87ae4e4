"""Several files as one zip that is never whole anywhere: every part of it is what it would be."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from export_api.bundle import Bundle
from include.core.manifest import FileRecord
from tests.api.stand_in import make_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ID = UUID("0d4f7f0e-5b1c-4a39-9d0e-6c1f3f0c2b7a")
CONTENTS = {
    "Größe-0001.csv": b"id\r\n" + b"1\r\n" * 400,
    "Größe-0002.csv": b"",
    "Größe-0003.csv": b"PK\x03\x04PK\x01\x02",
    "Größe-0004.csv": b"x",
}


def bundle(contents: dict[str, bytes]) -> Bundle:
    files = [FileRecord.model_validate(make_file(ID, name, content)) for name, content in contents.items()]
    return Bundle(str(ID), files)


def span(made: Bundle, start: int, end: int) -> bytes:
    def open_file(key: str, *, start: int, end: int) -> Iterator[bytes]:
        assert 0 <= start < end
        yield CONTENTS[key.rpartition("/")[2]][start:end]

    return b"".join(made.open(open_file, start=start, end=end))


def test_the_zip_has_the_length_that_was_told_and_holds_every_file() -> None:
    made = bundle(CONTENTS)
    data = span(made, 0, made.bytes)
    assert len(data) == made.bytes
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == CONTENTS
        assert all(info.external_attr >> 16 & 0o444 == 0o444 for info in archive.infolist())


def test_every_part_of_it_is_what_it_would_be_in_the_whole() -> None:
    made = bundle(CONTENTS)
    whole = span(made, 0, made.bytes)
    for size in (1, 7, 100, len(whole)):
        parts = [span(made, start, min(start + size, len(whole))) for start in range(0, len(whole), size)]
        assert b"".join(parts) == whole


@pytest.mark.skipif(not shutil.which("unzip"), reason="needs unzip")
def test_another_program_finds_nothing_wrong(tmp_path: Path) -> None:
    made = bundle(CONTENTS)
    (tmp_path / "all.zip").write_bytes(span(made, 0, made.bytes))
    tested = subprocess.run(["unzip", "-t", "all.zip"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout


def test_the_same_files_have_one_tag_and_others_another() -> None:
    renamed = {name.replace("1", "5"): content for name, content in CONTENTS.items()}
    changed = {**CONTENTS, "Größe-0004.csv": b"y"}
    assert bundle(CONTENTS).etag == bundle(CONTENTS).etag
    assert len({bundle(contents).etag for contents in (CONTENTS, renamed, changed)}) == 3


def test_its_name_is_what_the_names_have_in_common() -> None:
    assert bundle(CONTENTS).name == "Größe.zip"
    assert bundle({"a-0001-0001.csv.gz": b"", "a-0001-0002.csv.gz": b""}).name == "a-0001.zip"
    assert bundle({"one.csv": b"", "two.csv": b""}).name == f"{ID}.zip"


def test_files_beyond_4_gib_are_found_by_a_reader(tmp_path: Path) -> None:
    large = 5 * 2**30
    first = FileRecord.model_validate({**make_file(ID, "a-0001.csv", b""), "bytes": large})
    made = Bundle(str(ID), [first, first.model_copy(update={"name": "a-0002.csv"})])
    path = tmp_path / "a.zip"
    with path.open("wb") as file:  # its long runs of nothing take no room on the disk
        for piece in made._pieces:
            if isinstance(piece, bytes):
                file.write(piece)
            else:
                file.seek(piece.bytes, io.SEEK_CUR)
    assert path.stat().st_size == made.bytes
    with zipfile.ZipFile(path) as archive:
        assert [(info.filename, info.file_size) for info in archive.infolist()] == [
            ("a-0001.csv", large),
            ("a-0002.csv", large),
        ]
        with archive.open("a-0002.csv") as entry:
            assert entry.read(10) == bytes(10)
