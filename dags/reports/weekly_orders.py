"""A recurring report as code: each week's orders, from Monday 00:00 to Monday 00:00 in Berlin.

``CronDataIntervalTimetable`` gives each run the week that ended, and consecutive weeks meet exactly, also where
the clocks change and a week has 167 or 169 hours.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, CronDataIntervalTimetable

from operators.export import ExportOperator

with DAG(
    "weekly_orders",
    description="Orders of the last week, each Monday (Europe/Berlin).",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 0 * * 1", timezone="Europe/Berlin"),
    start_date=datetime(2025, 6, 2, tzinfo=ZoneInfo("Europe/Berlin")),
    catchup=False,
    max_active_runs=4,
    is_paused_upon_creation=False,
    tags=["waybill", "report"],
) as dag:
    ExportOperator(
        task_id="export",
        owner="admin",
        exporter="orders",
        arguments={"since": "{{ data_interval_start }}", "until": "{{ data_interval_end }}"},
        format="xlsx",
        columns=["code", "organizer", "event", "status", "created_at", "currency", "total"],
        order_by=["created_at"],
        filename="orders-{{ data_interval_start.in_timezone('Europe/Berlin') | ds }}",
        export_name="Orders of the week of {{ data_interval_start.in_timezone('Europe/Berlin') | ds }}",
    )
