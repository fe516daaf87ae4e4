"""The DAGs that a request triggers: one task, its request in the run's conf.

There is one for all exporters, and one more for each exporter that limits how many of its exports run at once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param

from include.compressions import COMPRESSIONS
from include.core.fairness import INTERACTIVE_WEIGHT
from include.core.identity import DAG_ID, TASK_ID, dag_id_of
from include.core.request import ExportRequest
from include.exporters import catalog_of
from include.formats import FORMATS
from operators.export import ExportOperator
from operators.settings import airflow_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

DOC = """
### Export

Each run is one export: the API starts one for each request, and **Trigger** starts one from the form.
The task's log tells stage, rows, rows per second and bytes; the extra links on its Details tab lead to the export
and to the file.
"""

DRAFT_3 = "http://json-schema.org/draft-03/schema#"
"""Airflow checks each field's schema itself, in each run. These rules know all that is said here, and are the shortest:
it takes a sixth of the time that the latest ones take."""

CATALOG = catalog_of(airflow_settings())
FIELDS = ExportRequest.model_fields


def field(name: str, default: object, kind: str | list[str], **schema: Any) -> Param:
    """Return one field of the form, described as the API describes it."""
    schema["$schema"] = DRAFT_3
    return Param(default, type=kind, description=FIELDS[name].description or "", **schema)


def limited() -> Iterator[tuple[str, int]]:
    """Yield the exporters that have a limit of their own; one that is broken is told of when it is asked for."""
    for name, exporter in CATALOG.working():
        if exporter.max_running is not None:
            yield name, exporter.max_running


def export_dag(dag_id: str, exporter: str, *, most: int | None) -> None:
    """Make a DAG whose form proposes an exporter, and of whose runs at most so many run at once."""
    # Made outside the block: within it, each task of each run would get a copy of all the form's fields.
    task = ExportOperator(
        task_id=TASK_ID,
        do_xcom_push=False,  # the manifest says more, and nothing follows
        priority_weight=INTERACTIVE_WEIGHT,
        max_active_tis_per_dag=most,
    )
    with DAG(
        dag_id,
        description="One verified export for each run.",
        doc_md=DOC,
        schedule=None,
        catchup=False,
        is_paused_upon_creation=False,
        max_active_runs=100_000,  # those that wait for a user's pool count too, and must not keep others out
        max_active_tasks=1000,
        dagrun_timeout=timedelta(days=1),
        tags=["waybill"],
        render_template_as_native_obj=True,
        params={
            "exporter": field("exporter", exporter, ["null", "string"], examples=list(CATALOG.names)),
            "sources": field("sources", None, ["null", "array"], items={"type": "object"}),
            "params": field("params", {}, ["null", "object"]),
            "sheets": field("sheets", None, ["null", "array"]),
            "format": field("format", "csv", "string", enum=list(FORMATS.names)),
            "columns": field("columns", None, ["null", "array"]),
            "where": field("where", [], ["null", "array"], items={"type": "object"}),
            "order_by": field("order_by", [], ["null", "array"]),
            "limit": field("limit", None, ["null", "integer"], minimum=1),
            "options": field("options", {}, ["null", "object"]),
            "filename": field("filename", None, ["null", "string"], maxLength=200),
            "compression": field("compression", None, ["null", "string"], enum=[None, *COMPRESSIONS.names]),
            "split": field("split", None, ["null", "object"]),
            "verify": field("verify", "counts", "string", enum=["counts", "full"]),
            "expires_in": field("expires_in", None, ["null", "string"], maxLength=40),
            "notify": field("notify", [], ["null", "array"], items={"type": "object"}),
            "name": field("name", None, ["null", "string"], maxLength=200),
        },
    ) as dag:
        dag.add_task(task)


export_dag(DAG_ID, "machines", most=None)
for name, most in limited():
    export_dag(dag_id_of(name), name, most=most)
