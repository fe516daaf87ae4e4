"""The signing key of Airflow's connection."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from include.core.errors import Fatal, Retriable
from include.core.signing import Signer

if TYPE_CHECKING:
    from include.core.settings import Settings

_KEPT_SECONDS = 5.0
"""How long a change of the connection may go unnoticed, good or bad: strangers may ask as often as they like."""


class SignerOfConnection:
    """Reads the connection's key when it is first asked for, and now and then again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Signer | Fatal | None = None
        self._checked = float("-inf")

    def get(self, settings: Settings) -> Signer | None:
        """Return who signs manifests, or None where the settings name no connection.

        :raises Retriable: when there is no such connection, or it holds no key.
        """
        if settings.signing_connection is None:
            return None
        with self._lock:
            if time.monotonic() - self._checked > _KEPT_SECONDS:
                self._found = _read(settings.signing_connection)
                self._checked = time.monotonic()
            found = self._found
        if isinstance(found, Fatal):
            raise Retriable(found.message, code=found.error_code)
        return found


def _read(conn_id: str) -> Signer | Fatal:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        password = BaseHook.get_connection(conn_id).password
    except AirflowNotFoundException:
        password = None
    try:
        return Signer.of_password(password)
    except Fatal as error:
        return error
