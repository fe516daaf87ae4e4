"""The entry that Airflow loads; everything else is imported by name, and only where it is needed."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from export_api import MOUNT


class WaybillPlugin(AirflowPlugin):
    """Mounts the API and its dialects in the api-server.

    Plugins are loaded in every process, tasks included: nothing is imported before somebody asks for it.
    """

    name = "waybill"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The API's app and those of the dialects, and where each is mounted."""
        from export_api import dialects
        from export_api.app import create_app

        native = create_app()
        mounted = {MOUNT: native, **dialects.apps(native, native.state.service.airflow.settings)}
        return [{"name": "Waybill", "url_prefix": prefix, "app": app} for prefix, app in mounted.items()]

    @cached_property
    def global_operator_extra_links(self) -> list[Any]:  # type: ignore[override]
        """The buttons on a task in the UI."""
        from export_api.gateway.links import ExportLink, FileLink

        return [ExportLink(), FileLink()]
