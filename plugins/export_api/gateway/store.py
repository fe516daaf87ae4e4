"""The artifact store of Airflow's connection."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from include.core.errors import Retriable

if TYPE_CHECKING:
    from include.artifacts.s3 import S3Store
    from include.core.settings import Settings

_STORE_SECONDS = 30
"""How long a change of the store's connection may go unnoticed."""


def store_of(settings: Settings) -> S3Store:
    """Return the store behind the settings' connection."""
    moment = int(time.monotonic() / _STORE_SECONDS)
    return _connect(settings.store_connection, settings.store_prefix, settings.part_bytes, moment)


@lru_cache(maxsize=1)
def _connect(conn_id: str, prefix: str, part_bytes: int, _moment: int) -> S3Store:
    """Connect to the store; made anew now and then, for somebody may edit the connection."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from include.artifacts.s3 import S3Store

    try:
        hook = S3Hook(aws_conn_id=conn_id)
        options = hook.get_connection(conn_id).extra_dejson
    except AirflowNotFoundException:
        raise Retriable(
            f"The Airflow connection {conn_id!r} of the artifact store is missing.", code="store_unconfigured"
        ) from None
    return S3Store.connect(hook.get_session(), options, prefix=prefix, part_bytes=part_bytes)
