"""The least that Airflow runs: one task that does nothing. An EmptyOperator would not even reach a worker."""  # noqa: INP001 - loaded by path

from __future__ import annotations

from airflow.sdk import DAG, BaseOperator, Context


class Nothing(BaseOperator):
    """A task of its own process, and nothing in it."""

    def execute(self, context: Context) -> None:
        """Do nothing."""


with DAG("empty", schedule=None, catchup=False, max_active_runs=1000, max_active_tasks=1000) as dag:
    Nothing(task_id="nothing")
