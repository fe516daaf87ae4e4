"""What every registered compression promises; a new file in include/compressions is tested here without being told."""

from __future__ import annotations

import hashlib
import io
import random
import re
import tracemalloc
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from include.compressions import COMPRESSIONS
from include.core.errors import VerificationFailed
from include.core.format import RowCounter
from include.core.reader import DAMAGE
from tests.properties.unpackers import UNPACKERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.core.compression import Compression

CHUNK = 10_000


@pytest.fixture(params=COMPRESSIONS.names)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def made(name: str) -> Compression:
    return COMPRESSIONS.load(name)()


class Lines(RowCounter):
    """Counts line ends, and remembers what it saw."""

    def __init__(self) -> None:
        self.seen = hashlib.sha256()
        self._lines = 0

    def feed(self, chunk: bytes) -> None:
        self.seen.update(chunk)
        self._lines += chunk.count(b"\n")

    def rows(self) -> int:
        return self._lines


@dataclass(slots=True)
class File:
    name: str
    chunks: Iterator[bytes]


def files(*contents: bytes) -> list[File]:
    cut = ([content[at : at + CHUNK] for at in range(0, len(content), CHUNK)] for content in contents)
    return [File(f"Größe {number}.csv", iter(pieces)) for number, pieces in enumerate(cut, start=1)]


def compressed(made: Compression, *contents: bytes) -> bytes:
    return b"".join(made.compress(files(*contents)))


def feed(counter: RowCounter, data: bytes, size: int) -> None:
    for at in range(0, len(data), size):
        counter.feed(data[at : at + size])


def counted(made: Compression, data: bytes, counters: Sequence[RowCounter], size: int = 1000) -> int:
    counter = made.counter(counters)
    feed(counter, data, size)
    return counter.rows()


def unpacked(made: Compression, data: bytes) -> list[bytes]:
    with io.BufferedReader(io.BytesIO(data)) as file:
        return [b"".join(iter(partial(opened.read, 1_000), b"")) for opened in made.unpack(file)]


def lines(count: int) -> bytes:
    return b"".join(
        b"%d;%s\r\n" % (number, hashlib.md5(b"%d" % number).hexdigest().encode()) for number in range(count)
    )


CONTENTS = [b"", b"\n", lines(1), lines(5_000), random.Random(7).randbytes(100_000), b"PK\x03\x04PK\x01\x02" * 3_000]


def test_it_says_what_it_is(name: str, made: Compression) -> None:
    assert re.fullmatch(r"application/[a-z0-9.+-]+", made.media_type)
    assert re.fullmatch(r"\.[a-z0-9]+", made.suffix)
    assert made.__doc__
    assert __import__(type(made).__module__, fromlist=["_"]).__doc__
    assert name in UNPACKERS, "It needs an independent reader in tests/properties/unpackers.py."


def test_no_two_compressions_share_a_suffix_or_a_media_type() -> None:
    classes = [COMPRESSIONS.load(name) for name in COMPRESSIONS]
    assert len({made.suffix for made in classes}) == len(classes)
    assert len({made.media_type for made in classes}) == len(classes)


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_an_independent_reader_finds_what_was_there(name: str, made: Compression, content: bytes) -> None:
    assert UNPACKERS[name](compressed(made, content)) == [content]


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_what_the_store_has_can_be_unpacked_in_pieces(made: Compression, content: bytes) -> None:
    contents = [content, b"another"] if made.bundles else [content]
    data = compressed(made, *contents)
    assert unpacked(made, data) == contents
    for damaged in (data[: len(data) // 2], data[:-1]):
        with pytest.raises(DAMAGE):
            unpacked(made, damaged)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 1 << 20])
def test_its_counter_gives_the_file_s_bytes_to_the_file_s_counter(made: Compression, size: int) -> None:
    for content in CONTENTS if size > 7 else CONTENTS[:3]:
        inside = Lines()
        assert counted(made, compressed(made, content), [inside], size) == content.count(b"\n")
        assert inside.seen.digest() == hashlib.sha256(content).digest()


def test_equal_files_make_equal_bytes(made: Compression) -> None:
    assert compressed(made, lines(5_000)) == compressed(made, lines(5_000))


def test_what_can_be_compressed_gets_smaller(made: Compression) -> None:
    content = lines(5_000)
    assert len(compressed(made, content)) < len(content) * 0.7


def noticed(made: Compression, data: bytes, wanted: bytes) -> bool:
    inside = Lines()
    try:
        rows = counted(made, data, [inside])
    except VerificationFailed as error:
        return error.message.endswith("Nothing was published.")
    return rows != wanted.count(b"\n") or inside.seen.digest() != hashlib.sha256(wanted).digest()


def test_its_counter_notices_an_end_that_comes_too_early(made: Compression) -> None:
    content = lines(2_000)
    data = compressed(made, content)
    for length in {*range(0, len(data), 997), *range(len(data) - 30, len(data))}:
        assert noticed(made, data[:length], content), f"cut at {length} of {len(data)}"


def test_its_counter_notices_bytes_that_are_lost_or_doubled(made: Compression) -> None:
    content = lines(2_000)
    data = compressed(made, content)
    middle = range(100, len(data) - 200, 1_499)
    assert len(middle) > 10
    for at in middle:
        assert noticed(made, data[:at] + data[at + 1 :], content), f"lost at {at}"
        assert noticed(made, data[:at] + data[at - 50 :], content), f"doubled at {at}"


def test_several_files_are_one_archive_where_it_bundles(name: str, made: Compression) -> None:
    if not made.bundles:
        return
    contents = [lines(number * 3) for number in range(300)]
    counters: list[RowCounter] = []

    def coming() -> Iterator[File]:
        for file in files(*contents):
            counters.append(Lines())
            yield file

    chunks = made.compress(coming())
    counter = made.counter(counters)
    data = b""
    for chunk in chunks:  # the counters come as the files do
        counter.feed(chunk)
        data += chunk
    assert counter.rows() == sum(content.count(b"\n") for content in contents)
    assert [inside.rows() for inside in counters] == [content.count(b"\n") for content in contents]
    assert UNPACKERS[name](data) == contents
    with pytest.raises(VerificationFailed, match="Nothing was published"):
        counted(made, data, [*counters, Lines()])


def test_bytes_leave_before_the_last_came_and_memory_stays_flat(made: Compression) -> None:
    noise, count, taken = random.Random(1), 640, [0]

    def chunks() -> Iterator[bytes]:
        for _ in range(count):
            block = noise.randbytes(1 << 16)
            taken[0] += 1
            yield block

    counter, size = made.counter([Lines()]), 0
    tracemalloc.start()
    try:
        for chunk in made.compress([File("long.csv", chunks())]):
            size += len(chunk)
            if size > 1 << 20:  # more than a window of any
                assert taken[0] < (size >> 16) + 200
            counter.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counter.rows() > 0
    assert size > count << 15
    assert peak < 16 << 20, f"{peak >> 20} MiB for {size >> 20} MiB"


def test_an_error_in_the_file_is_the_error_that_leaves(made: Compression) -> None:
    def failing() -> Iterator[bytes]:
        yield b"a"
        raise LookupError("the source broke")

    with pytest.raises(LookupError, match="the source broke"):
        list(made.compress([File("a.csv", failing())]))
