"""Clients of the store."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from include.artifacts._multipart import PARTS_IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping


def make_client(session: Any, options: Mapping[str, Any], *, endpoint: str | None) -> Any:
    """Return an S3 client of a boto3 session that signs with SigV4.

    Descriptions of S3 are read once for all clients of a process, and of those forked from it: reading them takes
    longer than a small export.
    """
    from botocore.config import Config

    session._session.register_component("data_loader", _loader())  # noqa: SLF001 - boto3 has no way to share one
    client = session.client(
        "s3",
        endpoint_url=endpoint,
        region_name=options.get("region_name"),
        verify=options.get("verify"),
        config=Config(
            signature_version="s3v4",  # boto3 would presign with SigV2 in us-east-1
            s3={"addressing_style": "path" if options.get("endpoint_url") else "auto"},
            retries={"mode": "standard", "total_max_attempts": 4},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=PARTS_IN_FLIGHT + 4,
        ),
    )
    client.meta.events.register("before-call.s3.UploadPart", _say_what_a_part_is)
    return client


def preload() -> None:
    """Read what every client needs; nothing is connected, and no thread started."""
    import boto3

    nobody = boto3.session.Session(aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106 - nobody's
    make_client(nobody, {"region_name": "us-east-1"}, endpoint=None)


def _say_what_a_part_is(params: dict[str, Any], **_: Any) -> None:
    """Call a part's bytes bytes; the object's type was told when its upload began, and S3 looks at no part's.

    SeaweedFS does: it compresses parts without a type that look like text, and takes longer for it than for all else.
    """
    params["headers"]["Content-Type"] = "binary/octet-stream"


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()
