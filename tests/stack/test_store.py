"""The artifact store on a real S3 server: links, checksums, publishing once, cleaning."""

from __future__ import annotations

import itertools
import string
import zlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import boto3
import httpx
import pytest

from include.artifacts._multipart import SMALLEST_PART_BYTES, Upload
from include.artifacts._wire import base64_crc32
from include.artifacts.s3 import S3Store
from include.core.errors import Retriable
from include.core.store import LeftUpload
from tests.stack.client import wait_for

if TYPE_CHECKING:
    from deploy.local.stack import Stack
    from include.core.store import Stored
    from tests.stack.bucket import Bucket

DATA = b"a,b\r\n1,2\r\n"


def put(store: S3Store, key: str, *chunks: bytes) -> Stored:
    return store.put(key, iter(chunks), media_type="text/csv", filename="Größe.csv")


def link_to(store: S3Store, key: str, seconds: int = 60) -> str:
    return store.presign(key, filename="Größe.csv", media_type="text/csv", seconds=seconds)


def left_upload(store: S3Store, key: str, size: int, *, wanted: int) -> LeftUpload:
    """Leave an upload of one part, of which so many bytes are to be taken over."""
    body, place = bytes(size), {"Bucket": store._bucket, "Key": f"exports/{key}"}
    client = store._client
    upload_id = client.create_multipart_upload(**place, ChecksumAlgorithm="CRC32")["UploadId"]
    checksum = base64_crc32(zlib.crc32(body))
    client.upload_part(**place, UploadId=upload_id, PartNumber=1, Body=body, ChecksumCRC32=checksum)
    return LeftUpload(key, upload_id, (checksum,), wanted, zlib.crc32(body[:wanted]))


@pytest.mark.parametrize(("wanted", "taken"), [(SMALLEST_PART_BYTES - 1, False), (SMALLEST_PART_BYTES, True)])
def test_an_upload_is_taken_over_when_it_can_begin_another(bucket: Bucket, wanted: int, *, taken: bool) -> None:
    store, export_id = bucket.product_store(), uuid4()
    left = left_upload(store, f"{export_id}/one/a.csv", 6 * 1024 * 1024, wanted=wanted)
    assert store.take_over(left) is taken
    if taken:
        upload_id = store._client.create_multipart_upload(
            Bucket=store._bucket, Key=f"exports/{export_id}/two/a.csv", ChecksumAlgorithm="CRC32"
        )["UploadId"]
        upload = Upload(
            store._client, {"Bucket": store._bucket, "Key": f"exports/{export_id}/two/a.csv", "UploadId": upload_id}
        )
        upload.begin_with({"Bucket": store._bucket, "Key": f"exports/{left.key}"}, left.bytes, left.crc32)
        upload.send(iter([DATA]))
        upload.complete()
        assert b"".join(store.open(f"{export_id}/two/a.csv")) == bytes(wanted) + DATA
    store.remove(str(export_id))


def test_a_link_works_without_credentials_and_names_the_file(bucket: Bucket) -> None:
    store, key = bucket.product_store(), f"{uuid4()}/a.csv"
    put(store, key, DATA)
    answer = httpx.get(link_to(store, key))
    assert answer.content == DATA
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe.csv" in answer.headers["Content-Disposition"]


def test_a_link_is_refused_after_its_expiry(bucket: Bucket) -> None:
    store, key = bucket.product_store(), f"{uuid4()}/a.csv"
    put(store, key, DATA)
    link = link_to(store, key, seconds=1)
    wait_for("the link's expiry", lambda: True if httpx.get(link).status_code == 403 else None, seconds=10)


def test_a_link_is_refused_when_any_character_of_its_signature_is_changed(bucket: Bucket) -> None:
    store, key = bucket.product_store(), f"{uuid4()}/a.csv"
    put(store, key, DATA)
    link = link_to(store, key)
    signature = parse_qs(urlsplit(link).query)["X-Amz-Signature"][0]
    with httpx.Client() as client:
        for place, character in enumerate(signature):
            other = next(c for c in string.hexdigits if c != character)
            changed = signature[:place] + other + signature[place + 1 :]
            assert client.get(link.replace(signature, changed)).status_code == 403
        assert client.get(link).status_code == 200


def test_links_are_presigned_for_the_public_endpoint(bucket: Bucket, stack: Stack) -> None:
    public = stack.store.endpoint.replace("127.0.0.1", "localhost")
    store, key = bucket.product_store(public_endpoint_url=public), f"{uuid4()}/a.csv"
    put(store, key, DATA)
    link = link_to(store, key)
    assert link.startswith(public)
    assert httpx.get(link).content == DATA
    assert httpx.get(link.replace("localhost", "127.0.0.1")).status_code == 403


@pytest.mark.parametrize("sizes", [[0], [1], [5 << 20], [(5 << 20) + 1], [3 << 20, 3 << 20, 3 << 20], [16 << 20, 7]])
def test_what_is_acknowledged_is_what_was_sent(bucket: Bucket, sizes: list[int]) -> None:
    store, key = bucket.product_store(), f"{uuid4()}/a.bin"
    pattern = itertools.cycle(range(251))
    chunks = [bytes(itertools.islice(pattern, size)) for size in sizes]
    stored = put(store, key, *chunks)
    whole = b"".join(chunks)
    assert (stored.bytes, stored.crc32) == (len(whole), zlib.crc32(whole))
    if whole:
        assert b"".join(store.open(key)) == whole
        assert b"".join(store.open(key, start=len(whole) // 2, end=len(whole))) == whole[len(whole) // 2 :]


def test_a_manifest_is_published_once(bucket: Bucket) -> None:
    store, key = bucket.product_store(), f"{uuid4()}/manifest.json"
    assert store.read(key) is None
    assert store.publish(key, b"first") is True
    assert store.publish(key, b"second") is False
    assert store.read(key) == b"first"


def test_an_upload_that_breaks_off_leaves_nothing(bucket: Bucket) -> None:
    store, export_id = bucket.product_store(), str(uuid4())

    def broken() -> itertools.chain[bytes]:
        def fail() -> bytes:
            raise RuntimeError("the source broke")

        return itertools.chain([b"x" * (12 << 20)], (fail() for _ in range(1)))

    with pytest.raises(RuntimeError, match="the source broke"):
        store.put(f"{export_id}/attempt/a.csv", broken(), media_type="text/csv", filename="a.csv")
    assert bucket.left_of(export_id) == []


def test_removing_takes_objects_and_uploads_of_one_export_only(bucket: Bucket) -> None:
    store, export_id = bucket.product_store(), str(uuid4())
    put(store, f"{export_id}/attempt/a.csv", DATA)
    store._client.create_multipart_upload(Bucket="exports", Key=f"exports/{export_id}/attempt/b.csv")
    put(store, f"{export_id}0/attempt/a.csv", DATA)
    assert len(bucket.left_of(export_id)) == 2
    store.remove(f"{export_id}/")
    assert bucket.left_of(export_id) == []
    assert len(bucket.left_of(f"{export_id}0")) == 1


def test_the_probe_is_content_with_this_store_and_leaves_nothing(bucket: Bucket) -> None:
    bucket.product_store().probe()
    assert bucket.left_of("_probe") == []


def test_a_store_that_refuses_says_so_without_its_keys(stack: Stack) -> None:
    session = boto3.Session(stack.store.access_key, "wrong-secret", region_name="us-east-1")
    options = {"endpoint_url": stack.store.endpoint, "bucket": "exports"}
    store = S3Store.connect(session, options, prefix="exports", part_bytes=5 << 20)
    with pytest.raises(Retriable, match="refused to write") as caught:
        put(store, f"{uuid4()}/a.csv", DATA)
    assert caught.value.error_code == "store_refused"
    assert "wrong-secret" not in str(caught.value)


def test_a_store_that_does_not_answer_says_so(bucket: Bucket) -> None:
    with pytest.raises(Retriable, match="does not answer") as caught:
        bucket.product_store(endpoint_url="http://127.0.0.1:9").read("a")
    assert caught.value.error_code == "store_unreachable"
