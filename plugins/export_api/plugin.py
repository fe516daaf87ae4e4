"""The entry that Airflow loads; everything else is imported by name, and only where it is needed."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from export_api import MOUNT


class WaybillPlugin(AirflowPlugin):
    """Mounts the API in the api-server.

    Plugins are loaded in every process, tasks included: nothing is imported before somebody asks for it.
    """

    name = "waybill"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The API's app and where it is mounted."""
        from export_api.app import create_app

        return [{"name": "Waybill", "url_prefix": MOUNT, "app": create_app()}]

    @cached_property
    def global_operator_extra_links(self) -> list[Any]:  # type: ignore[override]
        """The buttons on a task in the UI."""
        from export_api.gateway.links import ExportLink, FileLink

        return [ExportLink(), FileLink()]
