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

from include.artifacts.s3 import S3Store
from include.core.errors import Retriable
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
