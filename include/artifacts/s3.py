"""The artifact store on S3 or anything that speaks its protocol."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote
from uuid import uuid4

from isal import isal_zlib

from include.artifacts import _lifecycle, _listing
from include.artifacts._multipart import SMALLEST_PART_BYTES, Upload, complete_left, cut
from include.artifacts._wire import answering, base64_crc32, check_acknowledged
from include.artifacts.client import make_client
from include.core.errors import Retriable
from include.core.store import Place, Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from include.core.store import Follower, LeftUpload, Listed, Lying

_PAGE = 1_000

PROBES = "_probe/"
"""Below it lie objects that were written to try the store, for the blink of an eye."""


class S3Store:
    """Objects below one prefix of one bucket.

    :param client: a boto3 S3 client that signs with SigV4, as the data's way in.
    :param public: makes one for the endpoint that people can reach, which is used for presigning only.
    """

    def __init__(self, client: Any, public: Callable[[], Any], *, bucket: str, prefix: str, part_bytes: int) -> None:
        self._client = client
        self._public = public
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._part_bytes = part_bytes

    @cached_property
    def _public_client(self) -> Any:
        return self._public()

    @classmethod
    def connect(cls, session: Any, options: Mapping[str, Any], *, prefix: str, part_bytes: int) -> S3Store:
        """Make a store from a boto3 session and an Airflow connection's extra.

        ``options`` holds ``bucket`` and optionally ``endpoint_url``, ``public_endpoint_url``, ``region_name`` and
        ``verify``.

        :raises Retriable: when the connection names no bucket.
        """
        if not options.get("bucket"):
            raise Retriable(
                'The store\'s connection names no bucket: add {"bucket": "…"} to its extra.',
                code="store_unconfigured",
            )
        endpoint, public = options.get("endpoint_url"), options.get("public_endpoint_url")
        client = make_client(session, options, endpoint=endpoint)
        return cls(
            client,
            lambda: make_client(session, options, endpoint=public) if public and public != endpoint else client,
            bucket=options["bucket"],
            prefix=prefix,
            part_bytes=part_bytes,
        )

    def prepare(self) -> None:
        """Do what the first request of its kind takes longer for, as far as that needs no network.

        The client remembers it, and so do processes that are forked afterwards.
        """
        for operation in ("put_object", "head_object"):
            self._client.generate_presigned_url(operation, Params={"Bucket": self._bucket, "Key": self._full(PROBES)})

    def put(
        self, key: str, chunks: Iterator[bytes], *, media_type: str, filename: str, trail: Follower | None = None
    ) -> Stored:
        """Stream an object up; on any error the upload is aborted, and what cannot be is left to ``remove``.

        What fits into one part is written by one request. With a trail, an upload that may be taken over stays.
        """
        place = {"Bucket": self._bucket, "Key": self._full(key)}
        about = {"ContentType": media_type, "ContentDisposition": content_disposition(filename)}
        parts = cut(chunks, self._part_bytes)
        begun = list(islice(parts, 2))
        if len(begun) == 1 and (trail is None or trail.behind is None):
            return self._put_at_once(begun[0], place, about)
        return self._put_in_parts(_handed_over(begun, parts), place, about, trail)

    def _put_at_once(self, body: bytes, place: dict[str, str], about: dict[str, str]) -> Stored:
        """Write a small object; its size and its checksum are what the store says of them."""
        crc32 = isal_zlib.crc32(body)
        with answering("write"):
            answer = self._client.put_object(**place, **about, Body=body, ChecksumCRC32=base64_crc32(crc32))
            head = self._client.head_object(**place)
        check_acknowledged(answer, crc32, "the file")
        return Stored(bytes=head["ContentLength"], crc32=crc32)

    def _put_in_parts(
        self, parts: Iterator[bytes], place: dict[str, str], about: dict[str, str], trail: Follower | None
    ) -> Stored:
        """Write a large object part by part."""
        with answering("write"):
            created = self._client.create_multipart_upload(**place, **about, ChecksumAlgorithm="CRC32")
        upload = Upload(self._client, {**place, "UploadId": created["UploadId"]})
        try:
            if trail is not None and (left := trail.behind) is not None:
                upload.begin_with({"Bucket": self._bucket, "Key": self._full(left.key)}, left.bytes, left.crc32)
            upload.send(parts, trail)
            with answering("write"):
                upload.complete()
                head = self._client.head_object(**place)
        except BaseException as error:
            if trail is None or not isinstance(error, Retriable):
                upload.abort_quietly()
            raise
        return Stored(bytes=head["ContentLength"], crc32=upload.crc32())

    def take_over(self, left: LeftUpload) -> bool:
        """Complete an upload that was left with the parts that it has; return whether its bytes are there.

        Less than S3 takes as a part is no beginning of another upload: that export begins anew.
        """
        from botocore.exceptions import ClientError

        if left.bytes < SMALLEST_PART_BYTES:
            return False
        place = {"Bucket": self._bucket, "Key": self._full(left.key)}
        with answering("write"):
            with suppress(self._client.exceptions.NoSuchUpload):  # it was completed, or aborted
                complete_left(self._client, {**place, "UploadId": left.upload_id}, left.checksums)
            try:
                return bool(self._client.head_object(**place)["ContentLength"] >= left.bytes)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:  # noqa: PLR2004 - Not Found
                    raise
                return False

    def write(self, key: str, data: bytes) -> None:
        """Write a small object, whether there is one or not."""
        with answering("write"):
            self._put_json(key, data)

    def publish(self, key: str, data: bytes) -> bool:
        """Write a small object unless one is there; return whether this call wrote it."""
        from botocore.exceptions import ClientError

        with answering("write"):
            try:
                self._put_json(key, data, IfNoneMatch="*")
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 412:  # noqa: PLR2004 - Precondition Failed
                    raise
                return False
        return True

    def _put_json(self, key: str, data: bytes, **condition: str) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=self._full(key),
            Body=data,
            ContentType="application/json",
            ChecksumCRC32=base64_crc32(isal_zlib.crc32(data)),
            **condition,
        )

    def read(self, key: str) -> bytes | None:
        """Return a small object, or None when there is none."""
        with answering("read"):
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
        with answering("read"):
            body = self._client.get_object(Bucket=self._bucket, Key=self._full(key), Range=span)["Body"]

        def chunks() -> Iterator[bytes]:
            try:
                with answering("read"):
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

    def remove(self, folder: str, *, keep: Collection[str] = ()) -> None:
        """Delete every object and abort every upload below a folder, save for keys that start as ``keep`` says."""
        prefix, kept = self._full(folder).rstrip("/") + "/", tuple(map(self._full, keep))
        with answering("clean"):
            for page in self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=prefix
            ):
                for upload in page.get("Uploads", []):
                    if not upload["Key"].startswith(kept):
                        self._client.abort_multipart_upload(
                            Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": _PAGE}
            ):
                for item in page.get("Contents", []):
                    if not item["Key"].startswith(kept):
                        self._client.delete_object(Bucket=self._bucket, Key=item["Key"])

    def discard(self, key: str) -> None:
        """Delete an object, whether it is there or not."""
        with answering("clean"):
            self._client.delete_object(Bucket=self._bucket, Key=self._full(key))

    def listed(self, place: Place = Place(), *, limit: int = _PAGE) -> Listed:  # noqa: B008 - it is frozen
        """Return a page of all that lies below the prefix, ours or not: objects, and uploads never completed."""
        with answering("list"):
            return _listing.listed(self._client, self._bucket, self._full(""), place=place, limit=limit)

    def drop(self, lying: Lying) -> None:
        """Delete an object or abort an upload; what is gone already is none to complain of."""
        place = {"Bucket": self._bucket, "Key": self._full(lying.key)}
        with answering("clean"):
            if lying.upload_id is None:
                self._client.delete_object(**place)
                return
            try:
                self._client.abort_multipart_upload(**place, UploadId=lying.upload_id)
            except self._client.exceptions.NoSuchUpload:
                return

    def protect(self, *, keep_days: int) -> bool:
        """Have the bucket itself remove what is older than anything of ours; return whether it did not yet."""
        with answering("change its lifecycle rules"):
            return _lifecycle.protect(self._client, self._bucket, self._full(""), keep_days=keep_days)

    def is_protected(self, *, keep_days: int) -> bool:
        """Return whether the bucket has the rule that :meth:`protect` puts there."""
        with answering("tell its lifecycle rules"):
            return not _lifecycle.lacks(self._client, self._bucket, self._full(""), keep_days=keep_days)

    def probe(self) -> None:
        """Check that the store can be written and honours If-None-Match, on which publishing once rests.

        :raises Retriable: with what is wrong.
        """
        key = f"{PROBES}{uuid4().hex}"
        self.publish(key, b"{}")
        twice = self.publish(key, b"{}")
        with answering("clean"):
            self._client.delete_object(Bucket=self._bucket, Key=self._full(key))
        if twice:
            raise Retriable(
                "The artifact store ignores If-None-Match, so two attempts could publish twice. Use a store that "
                "honours conditional writes.",
                code="store_unsafe",
            )

    def _full(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key


def _handed_over(begun: list[bytes], parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield those that were begun with, then all others, holding on to none of them."""
    while begun:
        yield begun.pop(0)
    yield from parts


def content_disposition(filename: str, *, kind: Literal["attachment", "inline"] = "attachment") -> str:
    """Return the header for any file name (RFC 6266, with RFC 8187 for what is not ASCII)."""
    plain = filename.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_").replace("\\", "_")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
