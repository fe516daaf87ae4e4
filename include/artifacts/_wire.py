"""How one talks to S3: its errors made ours, and its spelling of a checksum."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from include.core.errors import Retriable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def answering(doing: str) -> Iterator[None]:
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


def base64_crc32(crc32: int) -> str:
    """Return a CRC-32 as S3 spells it."""
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def check_acknowledged(answer: Mapping[str, Any], crc32: int, what: str) -> None:
    """Insist that the store computed the checksum that was sent.

    :raises Retriable: when it did not.
    """
    if answer.get("ChecksumCRC32") != base64_crc32(crc32):
        raise Retriable(
            f"The artifact store did not acknowledge the checksum of {what}: it was damaged on its way, or the store "
            "does not check CRC-32.",
            code="store_unsafe",
        )
