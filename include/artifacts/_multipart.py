"""Multipart uploads, bounded in memory.

Every part carries a CRC-32 that the store checks, and the object's CRC-32 is combined from those acknowledged, so it
says what the store holds and not what we meant to send.
"""

from __future__ import annotations

import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from include.artifacts._wire import answering, base64_crc32, check_acknowledged
from include.core.verify import combine_crc32

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS_IN_FLIGHT = 2
"""Parts being sent; the next one is not asked for before one of them has arrived, so no more are in memory."""

PARTS_PER_SIZE = 1_000
"""After so many parts the size doubles: 10,000 parts, the most that S3 takes, hold a thousand times as much as
parts of one size would."""


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    length: int
    crc32: int
    etag: str

    def for_completion(self) -> dict[str, Any]:
        return {"PartNumber": self.number, "ETag": self.etag, "ChecksumCRC32": base64_crc32(self.crc32)}


class Upload:
    """A multipart upload in progress.

    :param client: a boto3 S3 client
    :param address: the upload's ``Bucket``, ``Key`` and ``UploadId``
    """

    def __init__(self, client: Any, address: dict[str, str]) -> None:
        self._client = client
        self._address = address
        self._parts: list[_Part] = []

    def send(self, parts: Iterator[bytes]) -> None:
        """Send the parts, at most :data:`PARTS_IN_FLIGHT` at a time."""
        waiting: deque[Future[_Part]] = deque()
        with ThreadPoolExecutor(PARTS_IN_FLIGHT, thread_name_prefix="upload") as pool:
            try:
                for number in count(1):
                    if len(waiting) == PARTS_IN_FLIGHT:
                        self._parts.append(waiting.popleft().result())
                    if (body := next(parts, None)) is None:
                        break
                    waiting.append(pool.submit(self._send_part, number, body))
                    del body  # it is the sender's alone, and let go of when it has arrived
                self._parts.extend(part.result() for part in waiting)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def complete(self) -> None:
        """Make an object of the parts."""
        self._client.complete_multipart_upload(
            **self._address,
            MultipartUpload={"Parts": [part.for_completion() for part in self._parts]},
        )

    def crc32(self) -> int:
        """Return the checksum of everything that the store acknowledged."""
        crc32 = 0
        for part in self._parts:
            crc32 = combine_crc32(crc32, part.crc32, part.length)
        return crc32

    def abort_quietly(self) -> None:
        """Forget the parts, if the store answers."""
        with suppress(Exception):  # the first error matters; the sweep removes the upload later
            self._client.abort_multipart_upload(**self._address)

    def _send_part(self, number: int, body: bytes) -> _Part:
        crc32 = zlib.crc32(body)
        with answering("write"):
            answer = self._client.upload_part(
                **self._address, PartNumber=number, Body=body, ChecksumCRC32=base64_crc32(crc32)
            )
        check_acknowledged(answer, crc32, f"part {number}")
        return _Part(number, len(body), crc32, answer["ETag"])


def cut(chunks: Iterator[bytes], part_bytes: int) -> Iterator[bytes]:
    """Yield parts; an empty stream gives one empty part. The size doubles as parts grow many."""
    pieces: list[memoryview] = []
    gathered, number = 0, 1
    for chunk in chunks:
        rest = memoryview(chunk)
        while gathered + len(rest) >= (size := part_bytes << (number // PARTS_PER_SIZE)):
            pieces.append(rest[: size - gathered])
            rest = rest[size - gathered :]
            yield b"".join(pieces)
            pieces, gathered, number = [], 0, number + 1
        pieces.append(rest)
        gathered += len(rest)
    if gathered or number == 1:
        yield b"".join(pieces)
