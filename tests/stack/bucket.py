"""The bucket itself, seen past the product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from include.artifacts.s3 import S3Store

if TYPE_CHECKING:
    from deploy.local.seaweedfs import Store


class Bucket:
    """What lies in the store, objects and unfinished uploads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._session = boto3.Session(store.access_key, store.secret_key, region_name=store.region)
        self._client: Any = self._session.client(
            "s3",
            endpoint_url=store.endpoint,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def keys(self) -> set[str]:
        """Every key that there is."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._store.bucket)
        return {item["Key"] for page in pages for item in page.get("Contents", [])}

    def read(self, key: str) -> bytes:
        """The bytes of an object."""
        content: bytes = self._client.get_object(Bucket=self._store.bucket, Key=key)["Body"].read()
        return content

    def write(self, key: str, content: bytes) -> None:
        """Put an object there, over what there is."""
        self._client.put_object(Bucket=self._store.bucket, Key=key, Body=content)

    def uploads(self) -> list[str]:
        """The keys of all uploads that were begun and neither completed nor aborted."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._store.bucket)
        return [item["Key"] for page in pages for item in page.get("Uploads", [])]

    def left_of(self, export_id: str) -> list[str]:
        """Every key of an export, and every upload that was begun for it."""
        prefix = f"exports/{export_id}/"
        objects = self._client.list_objects_v2(Bucket=self._store.bucket, Prefix=prefix).get("Contents", [])
        uploads = self._client.list_multipart_uploads(Bucket=self._store.bucket, Prefix=prefix).get("Uploads", [])
        return [item["Key"] for item in objects] + [f"upload of {item['Key']}" for item in uploads]

    def plant(self, key: str) -> None:
        """Put an object there."""
        self._client.put_object(Bucket=self._store.bucket, Key=key, Body=b"x")

    def begin(self, key: str) -> None:
        """Begin an upload, send it a part, and let it be."""
        place = {"Bucket": self._store.bucket, "Key": key}
        upload = self._client.create_multipart_upload(**place)["UploadId"]
        self._client.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"x")

    def rules(self) -> list[dict[str, Any]]:
        """The bucket's lifecycle rules."""
        rules: list[dict[str, Any]] = self._client.get_bucket_lifecycle_configuration(Bucket=self._store.bucket)[
            "Rules"
        ]
        return rules

    def product_store(self, *, part_bytes: int = 5 * 1024 * 1024, **options: str) -> S3Store:
        """The product's store on the same bucket, with some connection options of its own."""
        chosen = {"endpoint_url": self._store.endpoint, "bucket": self._store.bucket, **options}
        return S3Store.connect(self._session, chosen, prefix="exports", part_bytes=part_bytes)
