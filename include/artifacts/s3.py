"""The artifact store on S3 or anything that speaks its protocol.

Uploads are multipart and bounded in memory; every part carries a CRC-32 that the store checks, and the object's
CRC-32 is combined from those acknowledged, so it says what the store holds and not what we meant to send.
"""

from __future__ import annotations

import base64
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from include.core.errors import Retriable
from include.core.store import Stored
from include.core.verify import combine_crc32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PARTS_IN_FLIGHT = 2
"""Parts being sent while the next one fills: peak memory is this plus one, times the part's size."""

MAX_PARTS = 10_000
"""Parts of one upload (S3's limit)."""

PARTS_PER_SIZE = 1_000
"""After so many parts the size doubles, so that 10,000 parts reach S3's largest object."""

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    length: int
    crc32: int
    etag: str

    def for_completion(self) -> dict[str, Any]:
        return {"PartNumber": self.number, "ETag": self.etag, "ChecksumCRC32": _base64_crc32(self.crc32)}


@dataclass(slots=True)
class _Upload:
    """A multipart upload in progress."""

    key: str
    upload_id: str
    parts: list[_Part] = field(default_factory=list)


class S3Store:
    """Objects below one prefix of one bucket.

    :param client: a boto3 S3 client that signs with SigV4, as the data's way in.
    :param public_client: one for the endpoint that people can reach; used for presigning only.
    """

    def __init__(self, client: Any, public_client: Any, *, bucket: str, prefix: str, part_bytes: int) -> None:
        self._client = client
        self._public_client = public_client
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._part_bytes = part_bytes

    @classmethod
    def connect(cls, session: Any, options: Mapping[str, Any], *, prefix: str, part_bytes: int) -> S3Store:
        """Make a store from a boto3 session and an Airflow connection's extra.

        ``options`` holds ``bucket`` and optionally ``endpoint_url``, ``public_endpoint_url``, ``region_name`` and
        ``verify``.

        :raises Retriable: when the connection names no bucket.
        """
        from botocore.config import Config

        if not options.get("bucket"):
            raise Retriable(
                'The store\'s connection names no bucket: add {"bucket": "…"} to its extra.',
                code="store_unconfigured",
            )
        config = Config(
            signature_version="s3v4",  # boto3 would presign with SigV2 in us-east-1
            s3={"addressing_style": "path" if options.get("endpoint_url") else "auto"},
            retries={"mode": "standard", "total_max_attempts": 4},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=PARTS_IN_FLIGHT + 4,
        )
        arguments = {
            "region_name": options.get("region_name"),
            "verify": options.get("verify"),
            "config": config,
        }
        endpoint = options.get("endpoint_url")
        return cls(
            session.client("s3", endpoint_url=endpoint, **arguments),
            session.client("s3", endpoint_url=options.get("public_endpoint_url") or endpoint, **arguments),
            bucket=options["bucket"],
            prefix=prefix,
            part_bytes=part_bytes,
        )

    def put(self, key: str, chunks: Iterator[bytes], *, media_type: str, filename: str) -> Stored:
        """Stream an object up; on any error the upload is aborted, and what cannot be is left to ``remove``."""
        with self._answering("write"):
            created = self._client.create_multipart_upload(
                Bucket=self._bucket,
                Key=self._full(key),
                ContentType=media_type,
                ContentDisposition=content_disposition(filename),
                ChecksumAlgorithm="CRC32",
            )
        upload = _Upload(self._full(key), created["UploadId"])
        try:
            self._send(upload, chunks)
            with self._answering("write"):
                self._client.complete_multipart_upload(
                    **self._of(upload),
                    MultipartUpload={"Parts": [part.for_completion() for part in upload.parts]},
                )
                head = self._client.head_object(Bucket=self._bucket, Key=upload.key)
        except BaseException:
            self._abort_quietly(upload)
            raise
        crc32 = 0
        for part in upload.parts:
            crc32 = combine_crc32(crc32, part.crc32, part.length)
        return Stored(bytes=head["ContentLength"], crc32=crc32)

    def publish(self, key: str, data: bytes) -> bool:
        """Write a small object unless one is there; return whether this call wrote it."""
        from botocore.exceptions import ClientError

        with self._answering("write"):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=self._full(key),
                    Body=data,
                    ContentType="application/json",
                    IfNoneMatch="*",
                    ChecksumCRC32=_base64_crc32(zlib.crc32(data)),
                )
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 412:  # noqa: PLR2004 - Precondition Failed
                    raise
                return False
        return True

    def read(self, key: str) -> bytes | None:
        """Return a small object, or None when there is none."""
        with self._answering("read"):
            try:
                body: bytes = self._client.get_object(Bucket=self._bucket, Key=self._full(key))["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None
        return body

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of an object from ``start`` up to and without ``end``.

        The request is made before this returns, so that a missing object is an error and not a short answer.
        """
        span = f"bytes={start}-{'' if end is None else end - 1}"
        with self._answering("read"):
            body = self._client.get_object(Bucket=self._bucket, Key=self._full(key), Range=span)["Body"]

        def chunks() -> Iterator[bytes]:
            try:
                yield from body.iter_chunks(256 * 1024)
            finally:
                body.close()

        return chunks()

    def presign(self, key: str, *, filename: str, media_type: str, seconds: int) -> str:
        """Return a link to an object for somebody without credentials, valid for so many seconds."""
        url: str = self._public_client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": self._full(key),
                "ResponseContentDisposition": content_disposition(filename),
                "ResponseContentType": media_type,
            },
            ExpiresIn=seconds,
        )
        return url

    def remove(self, folder: str) -> None:
        """Delete every object and abort every upload below a folder."""
        prefix = self._full(folder).rstrip("/") + "/"
        with self._answering("clean"):
            for page in self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=prefix
            ):
                for upload in page.get("Uploads", []):
                    self._client.abort_multipart_upload(
                        Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": _PAGE}
            ):
                for item in page.get("Contents", []):
                    self._client.delete_object(Bucket=self._bucket, Key=item["Key"])

    def probe(self) -> None:
        """Check that the store can be written and honours If-None-Match, on which publishing once rests.

        :raises Retriable: with what is wrong.
        """
        key = f"_probe/{uuid4().hex}"
        self.publish(key, b"{}")
        twice = self.publish(key, b"{}")
        with self._answering("clean"):
            self._client.delete_object(Bucket=self._bucket, Key=self._full(key))
        if twice:
            raise Retriable(
                "The artifact store ignores If-None-Match, so two attempts could publish twice. Use a store that "
                "honours conditional writes.",
                code="store_unsafe",
            )

    def _send(self, upload: _Upload, chunks: Iterator[bytes]) -> None:
        """Cut the stream into parts and send them, at most :data:`PARTS_IN_FLIGHT` at a time."""
        waiting: deque[Future[_Part]] = deque()
        with ThreadPoolExecutor(PARTS_IN_FLIGHT, thread_name_prefix="upload") as pool:
            try:
                for number, body in enumerate(self._cut(chunks), start=1):
                    while len(waiting) >= PARTS_IN_FLIGHT:
                        upload.parts.append(waiting.popleft().result())
                    waiting.append(pool.submit(self._send_part, upload, number, body))
                upload.parts.extend(part.result() for part in waiting)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _cut(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield parts; an empty stream gives one empty part. The size doubles as parts grow many."""
        pieces: list[memoryview] = []
        gathered, number = 0, 1
        for chunk in chunks:
            rest = memoryview(chunk)
            while gathered + len(rest) >= (size := self._part_bytes << (number // PARTS_PER_SIZE)):
                pieces.append(rest[: size - gathered])
                rest = rest[size - gathered :]
                yield b"".join(pieces)
                pieces, gathered, number = [], 0, number + 1
            pieces.append(rest)
            gathered += len(rest)
        if gathered or number == 1:
            yield b"".join(pieces)

    def _send_part(self, upload: _Upload, number: int, body: bytes) -> _Part:
        crc32 = zlib.crc32(body)
        with self._answering("write"):
            answer = self._client.upload_part(
                **self._of(upload), PartNumber=number, Body=body, ChecksumCRC32=_base64_crc32(crc32)
            )
        if answer.get("ChecksumCRC32") != _base64_crc32(crc32):
            raise Retriable(
                f"The artifact store did not acknowledge the checksum of part {number}: it was damaged on its way, or "
                "the store does not check CRC-32.",
                code="store_unsafe",
            )
        return _Part(number, len(body), crc32, answer["ETag"])

    def _abort_quietly(self, upload: _Upload) -> None:
        with suppress(Exception):  # the first error matters; the sweep removes the upload later
            self._client.abort_multipart_upload(**self._of(upload))

    def _of(self, upload: _Upload) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": upload.key, "UploadId": upload.upload_id}

    def _full(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    @contextmanager
    def _answering(self, doing: str) -> Iterator[None]:
        """Turn the library's errors into ours; the message names no key, secret or host."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")
            raise Retriable(
                f"The artifact store refused to {doing} ({code}). Check the store's connection, its bucket and rights.",
                code="store_refused",
            ) from error
        except (HTTPClientError, BotoCoreError) as error:
            raise Retriable(
                f"The artifact store does not answer ({type(error).__name__}). Check that it runs and can be reached.",
                code="store_unreachable",
            ) from error


def content_disposition(filename: str) -> str:
    """Return an attachment header for any file name (RFC 6266, with RFC 8187 for what is not ASCII)."""
    plain = filename.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_").replace("\\", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _base64_crc32(crc32: int) -> str:
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()
