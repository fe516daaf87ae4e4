"""Buttons on a task in Airflow's UI: to the export that it is and to its file.

They belong to the plugin and not to the operator, whose links Airflow would have each task write down, two requests for
every export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from airflow.sdk import BaseOperatorLink

from export_api import MOUNT, VERSION
from export_api.gateway.strangers import OPERATOR
from include.core.identity import export_id_of

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


def export_path(operator: BaseOperator, ti_key: TaskInstanceKey) -> str:
    """Return the path of the export that a task instance is; nothing for a task of any other operator."""
    if operator.task_type != OPERATOR:
        return ""
    export_id = export_id_of(
        dag_id=ti_key.dag_id, run_id=ti_key.run_id, task_id=ti_key.task_id, map_index=ti_key.map_index
    )
    return f"{MOUNT}{VERSION}/exports/{export_id}"


@attrs.define()
class ExportLink(BaseOperatorLink):
    """To the export, as the API shows it."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Export"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the path; the browser's cookie is its authentication."""
        return export_path(operator, ti_key)


@attrs.define()
class FileLink(BaseOperatorLink):
    """To the file, once there is one."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "File"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the path of the download, which answers with a fresh link to the store."""
        path = export_path(operator, ti_key)
        return path and f"{path}/download"
