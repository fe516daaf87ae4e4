"""Runs of the export DAG, and what Airflow knows of a task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from export_api.status import ENDED, GONE, Observation, runs_again
from include.core.errors import Fatal, Retriable
from include.core.identity import is_of_the_api

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.orm import Session

    from export_api.db.models import Export

_TOLD = ("progress", "error", "request", "released")


class Runs:
    """What the API needs of Airflow's runs."""

    def require_dag(self, session: Session, dag_id: str) -> None:
        """Insist that a run of a DAG would start.

        :raises Retriable: when the DAG is not parsed, cannot be imported or is paused.
        """
        from airflow.models import DagModel
        from sqlalchemy import select

        columns = (DagModel.is_stale, DagModel.has_import_errors, DagModel.is_paused)
        dag = session.execute(select(*columns).where(DagModel.dag_id == dag_id)).one_or_none()
        if dag is None or dag.is_stale:
            raise Retriable(
                f"The DAG {dag_id!r} is not there yet: Airflow's dag-processor has not parsed dags/export.py.",
                code="dag_missing",
            )
        if dag.has_import_errors:
            raise Retriable(f"The DAG {dag_id!r} cannot be imported: see Airflow's import errors.", code="dag_broken")
        if dag.is_paused:
            raise Retriable(f"The DAG {dag_id!r} is paused: unpause it in Airflow.", code="dag_paused")

    def trigger(self, session: Session, export: Export, *, conf: dict[str, Any], caller: str) -> None:
        """Create an export's run in the session's transaction.

        :raises Retriable: when the DAG vanished meanwhile.
        :raises Fatal: when the DAG's own schema refuses what we accepted.
        """
        from airflow.api.common.trigger_dag import trigger_dag
        from airflow.exceptions import DagNotFound, ParamValidationError
        from airflow.utils.types import DagRunTriggeredByType

        try:
            trigger_dag(
                export.dag_id,
                run_id=export.run_id,
                conf=conf,
                triggered_by=DagRunTriggeredByType.REST_API,
                triggering_user_name=caller,
                session=session,
            )
        except DagNotFound:
            raise Retriable(f"The DAG {export.dag_id!r} is not there.", code="dag_missing") from None
        except ParamValidationError as error:
            raise Fatal(f"The DAG {export.dag_id!r} refuses the request: {error}", code="dag_refused") from error

    def stop(self, session: Session, export: Export) -> None:
        """Stop an export in the session's transaction, whether its task runs or waits.

        A run that the API started is stopped as a whole, as Airflow's UI does it; of any other DAG's run only the task
        instance that the export is. The worker hears of it with its next heartbeat.
        """
        from airflow.api.common.mark_tasks import set_dag_run_state_to_failed
        from airflow.models import DagRun, TaskInstance
        from airflow.models.dagbag import DBDagBag
        from airflow.utils.state import TaskInstanceState
        from sqlalchemy import select

        run = session.scalar(select(DagRun).where(DagRun.dag_id == export.dag_id, DagRun.run_id == export.run_id))
        if run is None:
            return
        dag = DBDagBag().get_dag_for_run(run, session=session)
        if is_of_the_api(export.dag_id) and dag is not None:
            set_dag_run_state_to_failed(dag=dag, run_id=run.run_id, commit=True, session=session)
            return
        found = session.scalar(select(TaskInstance).where(_is_of(TaskInstance, export)))
        if found is not None and found.state not in ENDED:
            found.set_state(TaskInstanceState.FAILED, session=session)

    def revived(self, session: Session, among: Collection[UUID], limit: int) -> list[Export]:
        """Return exports without a file that run again, or have: somebody cleared their run in Airflow.

        :param among: of which exports to find out whether they have; those whose run goes on are found anyway
        """
        from airflow.models import DagRun, TaskInstance
        from sqlalchemy import and_, select

        from export_api.db.models import Export

        failed = and_(Export.status.in_(["failed", "cancelled"]), Export.deleted_at.is_(None))
        of_run = and_(DagRun.dag_id == Export.dag_id, DagRun.run_id == Export.run_id)
        goes_on = select(Export).join(DagRun, of_run).where(is_active(DagRun), failed).limit(limit)
        later = and_(_is_of(TaskInstance, Export), TaskInstance.start_date > Export.settled_at)
        has_gone_on = select(Export).join(TaskInstance, later).where(Export.id.in_(among), failed)
        found = {export.id: export for wanted in (goes_on, has_gone_on) for export in session.scalars(wanted)}
        seen = self.observe(session, found)
        return [export for export in found.values() if runs_again(seen[export.id], export.settled_at)]

    def observe(self, session: Session, ids: Collection[UUID]) -> Mapping[UUID, Observation]:
        """Return what Airflow knows of exports, in one query.

        What tasks wrote down is read from the table of the default state store.
        """
        if not ids:
            return {}
        seen = _observations(session.execute(_statement(ids)))
        return {export_id: seen.get(export_id, GONE) for export_id in ids}

    def marks(self, session: Session, ids: Collection[UUID]) -> list[tuple[Row[Any], Observation]]:
        """Return what may change of exports, without those that are deleted, in one query.

        Each is a row with id, version, requested_by, settled_at and expires_at, beside what Airflow knows of it as long
        as it is not settled.
        """
        from export_api.db.models import Export

        columns = (Export.version, Export.requested_by, Export.settled_at, Export.expires_at)
        open_ones = _statement(ids, Export.settled_at.is_(None)).add_columns(*columns)
        rows = session.execute(open_ones.where(Export.deleted_at.is_(None))).all()
        seen = _observations(rows)
        return [(row, seen[export_id]) for export_id, row in {row.id: row for row in rows}.items()]


def is_active(run: Any) -> ColumnElement[bool]:
    """Whether a run waits or goes on; Airflow has an index for each of both, which needs the very word."""
    from sqlalchemy import literal_column, or_

    return or_(*(run.state == literal_column(f"'{state}'") for state in ("queued", "running")))


def _is_of(task: Any, export: Any) -> ColumnElement[bool]:
    """Whether a task instance is an export's."""
    from sqlalchemy import and_

    return and_(
        task.dag_id == export.dag_id,
        task.run_id == export.run_id,
        task.task_id == export.task_id,
        task.map_index == export.map_index,
    )


def _statement(ids: Collection[UUID], *looked_up: ColumnElement[bool]) -> Select[Any]:
    """Return the query for exports' runs and tasks, with a row for each thing that a task wrote down.

    :param looked_up: of which exports the run is looked up, if not of all
    """
    from airflow.models import DagRun, TaskInstance
    from airflow.models.task_state_store import TaskStateStoreModel
    from sqlalchemy import and_, select

    from export_api.db.models import Export

    run, task, told = DagRun, TaskInstance, TaskStateStoreModel
    return (
        select(
            Export.id,
            run.state.label("run_state"),
            task.id.label("task"),
            task.state.label("task_state"),
            task.try_number,
            task.pid,
            task.start_date,
            task.end_date,
            told.key,
            told.value,
        )
        .outerjoin(run, and_(run.dag_id == Export.dag_id, run.run_id == Export.run_id, *looked_up))
        .outerjoin(task, and_(run.id.is_not(None), _is_of(task, Export)))
        .outerjoin(
            told,
            and_(
                told.dag_run_id == run.id,
                told.task_id == Export.task_id,
                told.map_index == Export.map_index,
                told.key.in_(_TOLD),
            ),
        )
        .where(Export.id.in_(ids))
    )


def _observations(rows: Iterable[Row[Any]]) -> dict[UUID, Observation]:
    """Make one observation of each export's rows."""
    seen: dict[UUID, Observation] = {}
    for row in rows:
        before = seen.get(row.id)
        told_before = before.told if before else {}
        seen[row.id] = Observation(
            run_state=row.run_state,
            task_state=row.task_state,
            task_exists=row.task is not None,
            attempt=max(row.try_number or 1, 1),
            started_at=None if row.pid is None else row.start_date,  # one that never ran and is skipped gets a date too
            ended_at=row.end_date,
            told={**told_before, row.key: json.loads(row.value)} if row.key else told_before,
        )
    return seen
