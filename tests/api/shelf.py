"""A bucket of a real store, filled by a client that knows nothing of the product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from botocore.config import Config

from include.artifacts.s3 import S3Store

if TYPE_CHECKING:
    from deploy.local.seaweedfs import Store
    from include.core.manifest import Manifest

PREFIX = "exports"


class Shelf:
    """Objects and uploads; ``store`` is the product's way to the same bucket."""

    def __init__(self, storage: Store) -> None:
        session = boto3.Session(storage.access_key, storage.secret_key, region_name=storage.region)
        self.name = f"b{uuid4().hex}"
        self.client: Any = session.client(
            "s3",
            endpoint_url=storage.endpoint,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )
        self.client.create_bucket(Bucket=self.name)
        options = {"endpoint_url": storage.endpoint, "bucket": self.name}
        self.store = S3Store.connect(session, options, prefix=PREFIX, part_bytes=5 << 20)

    def put(self, key: str, data: bytes = b"x") -> str:
        self.client.put_object(Bucket=self.name, Key=key, Body=data)
        return key

    def begin(self, key: str) -> str:
        """Begin an upload, and send it a part."""
        place = {"Bucket": self.name, "Key": key}
        upload = self.client.create_multipart_upload(**place)["UploadId"]
        self.client.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"x" * 1000)
        return f"upload of {key}"

    def publish(self, manifest: Manifest) -> set[str]:
        """Put a manifest there, and the files that it names."""
        keys = {self.put(f"{PREFIX}/{file.key}") for file in manifest.files}
        return keys | {self.put(f"{PREFIX}/{manifest.id}/manifest.json", manifest.to_bytes())}

    def lying(self) -> set[str]:
        objects = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        uploads = self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])
        return {item["Key"] for item in objects} | {f"upload of {item['Key']}" for item in uploads}

    def clear(self) -> None:
        for upload in self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", []):
            self.client.abort_multipart_upload(Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"])
        for item in self.client.list_objects_v2(Bucket=self.name).get("Contents", []):
            self.client.delete_object(Bucket=self.name, Key=item["Key"])
        self.client.delete_bucket(Bucket=self.name)
        self.client.close()
