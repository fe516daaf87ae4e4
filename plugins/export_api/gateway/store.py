"""The artifact store of Airflow's connection."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from include.core.errors import Retriable

if TYPE_CHECKING:
    from include.artifacts.s3 import S3Store
    from include.core.settings import Settings

_STORE_SECONDS = 30.0
"""How long a change of the store's connection may go unnoticed."""


class StoreOfConnection:
    """Connects to the store when it is first asked for, and again when somebody has edited the connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._store: S3Store | None = None
        self._made_of: object = None
        self._checked = float("-inf")

    def get(self, settings: Settings) -> S3Store:
        """Return the store behind the settings' connection.

        :raises Retriable: when there is no such connection, or it names no bucket.
        """
        with self._lock:
            if self._store is None or time.monotonic() - self._checked > _STORE_SECONDS:
                self._store = self._current(settings)
                self._checked = time.monotonic()
            return self._store

    def _current(self, settings: Settings) -> S3Store:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook
        from airflow.sdk.exceptions import AirflowNotFoundException

        from include.artifacts.s3 import S3Store

        conn_id = settings.store_connection
        try:
            hook = S3Hook(aws_conn_id=conn_id)
            connection = hook.get_connection(conn_id)
        except AirflowNotFoundException:
            raise Retriable(
                f"The Airflow connection {conn_id!r} of the artifact store is missing.", code="store_unconfigured"
            ) from None
        made_of = (connection.login, connection.password, connection.extra, settings)
        if self._store is not None and made_of == self._made_of:
            return self._store
        store = S3Store.connect(
            hook.get_session(),
            connection.extra_dejson,
            prefix=settings.store_prefix,
            part_bytes=settings.part_bytes,
        )
        self._made_of = made_of
        return store
