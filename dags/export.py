"""The DAG that a request triggers: one task, its request in the run's conf."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param

from include.compressions import COMPRESSIONS
from include.core.identity import DAG_ID, TASK_ID
from include.core.request import ExportRequest
from include.exporters import catalog_of
from include.formats import FORMATS
from operators.export import ExportOperator
from operators.settings import airflow_settings

DOC = """
### Export

Each run is one export: the API starts one for each request, and **Trigger** starts one from the form.
The task's log tells stage, rows, rows per second and bytes; the extra links on its Details tab lead to the export
and to the file.
"""

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
"""Airflow checks each field's schema itself with each run; that takes a third of the time with draft 7's rules."""

CATALOG = catalog_of(airflow_settings())
FIELDS = ExportRequest.model_fields


def field(name: str, default: object, kind: str | list[str], **schema: Any) -> Param:
    """Return one field of the form, described as the API describes it."""
    schema["$schema"] = DRAFT_7
    return Param(default, type=kind, description=FIELDS[name].description or "", **schema)


with DAG(
    DAG_ID,
    description="One verified export for each run.",
    doc_md=DOC,
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1000,
    max_active_tasks=1000,
    dagrun_timeout=timedelta(days=1),
    tags=["waybill"],
    render_template_as_native_obj=True,
    params={
        "exporter": field("exporter", "machines", ["null", "string"], examples=list(CATALOG.names)),
        "sources": field("sources", None, ["null", "array"], items={"type": "object"}),
        "params": field("params", {}, ["null", "object"]),
        "format": field("format", "csv", "string", enum=list(FORMATS.names)),
        "columns": field("columns", None, ["null", "array"]),
        "where": field("where", [], ["null", "array"], items={"type": "object"}),
        "order_by": field("order_by", [], ["null", "array"]),
        "limit": field("limit", None, ["null", "integer"], minimum=1),
        "options": field("options", {}, ["null", "object"]),
        "filename": field("filename", None, ["null", "string"], maxLength=200),
        "compression": field("compression", None, ["null", "string"], enum=[None, *COMPRESSIONS.names]),
        "split": field("split", None, ["null", "object"]),
        "expires_in": field("expires_in", None, ["null", "string"], maxLength=40),
        "name": field("name", None, ["null", "string"], maxLength=200),
    },
) as dag:
    ExportOperator(task_id=TASK_ID, do_xcom_push=False)  # the manifest says more, and nothing follows
