"""The three witnesses: the seal on batches, the transcript of bytes, and CRC-32s put together."""

from __future__ import annotations

import hashlib
import random
import zlib

import pytest

from include.core.format import RowCounter
from include.core.verify import Seal, Transcript, combine_crc32
from tests.unit.stand_ins import COLUMNS, Row, batch_of, batches_of, some_rows


def seal_of(rows: list[Row], *, size: int = 10) -> Seal:
    seal = Seal()
    assert sum(batch.num_rows for batch in seal.over(iter(batches_of(COLUMNS, rows, size=size)))) == len(rows)
    return seal


def test_a_seal_counts_rows_and_is_the_same_for_the_same_content() -> None:
    assert seal_of(some_rows(25)) == seal_of(some_rows(25))
    assert seal_of(some_rows(25)).rows == 25


def changed(index: int, column: int, value: object) -> list[Row]:
    rows = [list(row) for row in some_rows(25)]
    rows[index][column] = value
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    "rows",
    [
        some_rows(24),
        [*some_rows(25), some_rows(25)[-1]],
        [some_rows(25)[1], some_rows(25)[0], *some_rows(25)[2:]],
        changed(24, 0, 26),
        changed(3, 1, "name 4 "),
        changed(3, 1, None),
        changed(3, 1, ""),
    ],
    ids=["dropped", "doubled", "swapped", "altered number", "altered text", "null", "empty"],
)
def test_a_seal_differs_when_anything_does(rows: list[Row]) -> None:
    assert seal_of(rows).crc32 != seal_of(some_rows(25)).crc32


def test_a_null_and_an_empty_text_are_not_the_same_to_a_seal() -> None:
    assert seal_of(changed(3, 1, None)).crc32 != seal_of(changed(3, 1, "")).crc32


def test_a_seal_is_the_same_on_both_sides_of_a_slice() -> None:
    whole = batch_of(COLUMNS, some_rows(50))
    first, second = Seal(), Seal()
    for _ in second.over(first.over(iter([whole.slice(3, 7), whole.slice(13, 1)]))):
        pass
    assert first == second
    assert first.rows == 8


class Lines(RowCounter):
    def __init__(self) -> None:
        self.data = b""

    def feed(self, chunk: bytes) -> None:
        self.data += chunk

    def rows(self) -> int:
        return self.data.count(b"\n")


def test_a_transcript_says_what_the_standard_library_says_of_the_whole() -> None:
    random_bytes = random.Random(7).randbytes(100_000)
    pieces = [random_bytes[start : start + 999] for start in range(0, len(random_bytes), 999)] + [b""]
    transcript = Transcript(Lines())
    assert b"".join(transcript.over(iter(pieces))) == random_bytes
    assert transcript.length == 100_000
    assert transcript.crc32 == zlib.crc32(random_bytes)
    assert transcript.sha256 == hashlib.sha256(random_bytes).hexdigest()
    assert transcript.counter.rows() == random_bytes.count(b"\n")


def test_crc32s_of_random_splits_put_together_are_zlibs_of_the_whole() -> None:
    chance = random.Random(11)
    for _ in range(300):
        first, second = chance.randbytes(chance.randrange(200)), chance.randbytes(chance.choice([0, 1, 2, 255, 4096]))
        assert combine_crc32(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


def test_many_parts_put_together_one_by_one_are_zlibs_of_the_whole() -> None:
    chance = random.Random(13)
    parts = [chance.randbytes(chance.randrange(70_000)) for _ in range(20)]
    crc32 = 0
    for part in parts:
        crc32 = combine_crc32(crc32, zlib.crc32(part), len(part))
    assert crc32 == zlib.crc32(b"".join(parts))


def test_a_part_longer_than_32_bits_is_put_together_right() -> None:
    block, first = bytes(1 << 24), zlib.crc32(b"the first part")
    second, whole = 0, first
    for _ in range(257):  # 4 GiB and 16 MiB
        second, whole = zlib.crc32(block, second), zlib.crc32(block, whole)
    assert combine_crc32(first, second, 257 << 24) == whole
