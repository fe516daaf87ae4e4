"""Multipart uploads, bounded in memory.

Every part carries a CRC-32 that the store checks, and the object's CRC-32 is combined from those acknowledged, so it
says what the store holds and not what we meant to send.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from isal import isal_zlib

from include.artifacts._wire import answering, base64_crc32, check_acknowledged
from include.core.verify import combine_crc32

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.core.store import Follower

PARTS_IN_FLIGHT = 2
"""Parts being sent; the next one is not asked for before one of them has arrived, so no more are in memory."""

PARTS_PER_SIZE = 1_000
"""After so many parts the size doubles: 10,000 parts, the most that S3 takes, hold a thousand times as much as
parts of one size would."""


SMALLEST_PART_BYTES = 5 * 1024 * 1024
"""S3 refuses smaller parts, but for the last one."""

COPY_BYTES = 1024**3
"""The most that is copied by one request; S3 takes five times as much."""


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    length: int
    crc32: int
    etag: str

    def for_completion(self) -> dict[str, Any]:
        return _completion(self.number, self.etag, base64_crc32(self.crc32))


class Upload:
    """A multipart upload in progress.

    :param client: a boto3 S3 client
    :param address: the upload's ``Bucket``, ``Key`` and ``UploadId``
    """

    def __init__(self, client: Any, address: dict[str, str]) -> None:
        self._client = client
        self._address = address
        self._completed: list[dict[str, Any]] = []
        self._length = 0
        self._crc32 = 0

    def begin_with(self, source: dict[str, str], length: int, crc32: int) -> None:
        """Begin with the first bytes of an object, which the store copies by itself.

        :param length: how many, at least :data:`SMALLEST_PART_BYTES`
        :param crc32: their checksum
        """
        pieces = -(-length // COPY_BYTES)
        for number in range(1, pieces + 1):
            span = f"bytes={length * (number - 1) // pieces}-{length * number // pieces - 1}"
            with answering("write"):
                answer = self._client.upload_part_copy(
                    **self._address, PartNumber=number, CopySource=source, CopySourceRange=span
                )
            copied = answer["CopyPartResult"]
            self._completed.append(_completion(number, copied["ETag"], copied.get("ChecksumCRC32", "")))
        self._length, self._crc32 = length, crc32

    def send(self, parts: Iterator[bytes], trail: Follower | None = None) -> None:
        """Send the parts, at most :data:`PARTS_IN_FLIGHT` at a time."""
        waiting: deque[Future[_Part]] = deque()
        with ThreadPoolExecutor(PARTS_IN_FLIGHT + 1, thread_name_prefix="upload") as pool:  # and one for the trail
            told: Future[None] | None = None
            try:
                for number in count(1 + len(self._completed)):
                    self._settle(waiting, most=PARTS_IN_FLIGHT - 1)
                    if (body := next(parts, None)) is None:
                        break
                    self._settle(waiting, most=PARTS_IN_FLIGHT)
                    told = self._tell(pool, trail, told)
                    if not body and number > 1:
                        break  # nothing follows what was copied
                    waiting.append(pool.submit(self._send_part, number, body))
                    del body  # it is the sender's alone, and let go of when it has arrived
                self._settle(waiting, most=0)
                if told is not None:
                    told.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def complete(self) -> None:
        """Make an object of the parts."""
        self._client.complete_multipart_upload(
            **self._address,
            MultipartUpload={"Parts": self._completed},
        )

    def crc32(self) -> int:
        """Return the checksum of everything that the store acknowledged."""
        return self._crc32

    def abort_quietly(self) -> None:
        """Forget the parts, if the store answers."""
        with suppress(Exception):  # the first error matters; the sweep removes the upload later
            self._client.abort_multipart_upload(**self._address)

    def _checksums(self) -> list[str]:
        return [part.get("ChecksumCRC32", "") for part in self._completed]

    def _tell(self, pool: ThreadPoolExecutor, trail: Follower | None, told: Future[None] | None) -> Future[None] | None:
        """Have the trail hear what has arrived, unless it is still busy with what it heard before."""
        if trail is None or self._length < SMALLEST_PART_BYTES or (told is not None and not told.done()):
            return told
        if told is not None:
            told.result()
        return pool.submit(trail.acknowledged, self._address["UploadId"], self._checksums(), self._length)

    def _settle(self, waiting: deque[Future[_Part]], *, most: int) -> None:
        """Take the parts that have arrived, in their order, and wait until so few are left."""
        while waiting and (len(waiting) > most or waiting[0].done()):
            part = waiting.popleft().result()
            self._completed.append(part.for_completion())
            self._length += part.length
            self._crc32 = combine_crc32(self._crc32, part.crc32, part.length)

    def _send_part(self, number: int, body: bytes) -> _Part:
        crc32 = isal_zlib.crc32(body)
        with answering("write"):
            answer = self._client.upload_part(
                **self._address, PartNumber=number, Body=body, ChecksumCRC32=base64_crc32(crc32)
            )
        check_acknowledged(answer, crc32, f"part {number}")
        return _Part(number, len(body), crc32, answer["ETag"])


def complete_left(client: Any, address: dict[str, str], checksums: Sequence[str]) -> None:
    """Make an object of the first parts of an upload that somebody left; later ones are dropped.

    :param checksums: of these parts
    :raises NoSuchUpload: (the client's) when it was completed or aborted meanwhile.
    """
    etags: dict[int, str] = {}
    for page in client.get_paginator("list_parts").paginate(**address):
        # One that was sent twice may be there twice: the last one counts.
        etags.update({part["PartNumber"]: part["ETag"] for part in page.get("Parts", [])})
    parts = [_completion(number, etags.get(number, ""), checksum) for number, checksum in enumerate(checksums, 1)]
    client.complete_multipart_upload(**address, MultipartUpload={"Parts": parts})


def _completion(number: int, etag: str, checksum: str) -> dict[str, Any]:
    """Return what the store wants to hear of a part when an upload is completed."""
    return {"PartNumber": number, "ETag": etag, **({"ChecksumCRC32": checksum} if checksum else {})}


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
