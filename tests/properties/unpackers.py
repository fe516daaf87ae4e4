"""What is compressed, read by what shares nothing with the compressor, nor with its counter."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

UNPACKERS: dict[str, Callable[[bytes], list[bytes]]] = {}
"""By the compression's name: the files inside, in their order."""


def unpack_gzip(data: bytes) -> list[bytes]:
    """By the standard library."""
    return [gzip.decompress(data)]


UNPACKERS["gzip"] = unpack_gzip


def unpack_zip(data: bytes) -> list[bytes]:
    """By the standard library, from the directory at the end, at which the counter does not look."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return [archive.read(name) for name in archive.namelist()]


UNPACKERS["zip"] = unpack_zip


def unpack_zstd(data: bytes) -> list[bytes]:
    """By Apache Arrow, which brings along a library of its own."""
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        return [stream.read()]


UNPACKERS["zstd"] = unpack_zstd
