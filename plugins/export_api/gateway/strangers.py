"""Tasks of our operator that are no exports yet, and how far Airflow's runs have been looked through."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from export_api.gateway.runs import is_active
from export_api.sources import names_of
from include.core.identity import RUN_PREFIX, export_id_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row, Select
    from sqlalchemy.orm import Session

OPERATOR = "ExportOperator"

_ACTIVE = ("queued", "running")
_NEVER_RAN = ("skipped", "upstream_failed", "removed")
_COMMITTED_SECONDS = 60
"""By then a run with a lower id than another one seen has been committed too."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Which runs need no second look: those up to ``newest`` that were not ``active`` when it was found."""

    newest: int = 0
    active: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A task instance of our operator that has no export yet."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    run_type: str
    triggered_by: str | None
    owner: str | None
    created_at: datetime
    request: dict[str, Any] | None


class Strangers:
    """What the API needs of Airflow to adopt what others started."""

    def strangers(self, session: Session, *, beyond: Horizon, limit: int) -> list[Stranger]:
        """Return task instances of our operator without an export, of runs beyond a horizon.

        Left for later are tasks that wait for their run to start: they have no state yet, and until then a mapped
        task is a placeholder that will become others. So are tasks of which it is not known yet what they export.
        """
        found = session.execute(_statement(beyond, limit))
        return [_stranger(row, session) for row in found]

    def at_work(self, session: Session) -> frozenset[str]:
        """Return the ids of all exports whose task has not ended, whether they have a row yet or not."""
        from airflow.models import TaskInstance
        from airflow.utils.state import State
        from sqlalchemy import select

        states = [state for state in State.unfinished if state is not None]
        task = TaskInstance
        coordinates = select(task.dag_id, task.run_id, task.task_id, task.map_index)
        found = session.execute(coordinates.where(task.state.in_(states), task.operator == OPERATOR))
        return frozenset(export_id_of(**row) for row in found.mappings())

    def horizon(self, session: Session, *, beyond: int, now: datetime) -> Horizon:
        """Return up to where Airflow's runs can be known today, as seen from an earlier horizon's key."""
        from datetime import timedelta

        from airflow.models import DagRun
        from sqlalchemy import func, select

        committed = func.coalesce(DagRun.created_at, DagRun.run_after) < now - timedelta(seconds=_COMMITTED_SECONDS)
        newest = session.scalar(select(func.max(DagRun.id)).where(DagRun.id > beyond, committed)) or beyond
        not_ours = ~DagRun.run_id.startswith(RUN_PREFIX, autoescape=True)
        active = select(DagRun.id).where(is_active(DagRun), DagRun.id <= newest, not_ours)
        return Horizon(newest, frozenset(session.scalars(active)))


def _statement(beyond: Horizon, limit: int) -> Select[Any]:
    """Return the query for tasks without an export of which it is known what they export."""
    from airflow.models import DagRun, TaskInstance
    from airflow.models.task_state_store import TaskStateStoreModel
    from sqlalchemy import and_, exists, or_

    from export_api.db.models import Export

    run, task, told = DagRun, TaskInstance, TaskStateStoreModel
    ours = and_(
        Export.dag_id == task.dag_id,
        Export.run_id == task.run_id,
        Export.task_id == task.task_id,
        Export.map_index == task.map_index,
    )
    is_known = (
        told.value.is_not(None),
        run.conf["exporter"].as_string().is_not(None),
        run.conf["sources"].as_string().is_not(None),
        run.state.not_in(_ACTIVE),
    )
    return (
        _tasks()
        .where(or_(run.id > beyond.newest, run.id.in_(beyond.active)))
        .where(task.operator == OPERATOR, ~exists().where(ours))
        .where(task.state.is_not(None), task.state.not_in(_NEVER_RAN), or_(*is_known))
        .order_by(run.id)
        .limit(limit)
    )


def _tasks() -> Select[Any]:
    """Return the query for all tasks: each with its run, its DAG's owners and the request that it wrote down."""
    from airflow.models import DagModel, DagRun, TaskInstance
    from airflow.models.task_state_store import TaskStateStoreModel
    from sqlalchemy import and_, func, select

    run, task, told = DagRun, TaskInstance, TaskStateStoreModel
    asked = and_(
        told.dag_run_id == run.id,
        told.task_id == task.task_id,
        told.map_index == task.map_index,
        told.key == "request",
    )
    return (
        select(
            task.dag_id,
            task.run_id,
            task.task_id,
            task.map_index,
            task.state.label("task_state"),
            run.state.label("run_state"),
            run.run_type,
            run.triggering_user_name,
            run.conf,
            func.coalesce(run.created_at, run.run_after).label("created_at"),
            DagModel.owners,
            told.value.label("request"),
        )
        .join(task, and_(task.dag_id == run.dag_id, task.run_id == run.run_id))
        .outerjoin(DagModel, DagModel.dag_id == run.dag_id)
        .outerjoin(told, asked)
    )


def _stranger(row: Row[Any], session: Session) -> Stranger:
    return Stranger(
        dag_id=row.dag_id,
        run_id=row.run_id,
        task_id=row.task_id,
        map_index=row.map_index,
        run_type=str(row.run_type),
        triggered_by=row.triggering_user_name,
        owner=_owner(session, row.dag_id, row.task_id, row.owners),
        created_at=row.created_at,
        request=json.loads(row.request) if row.request else _conf_request(row.conf),
    )


def _owner(session: Session, dag_id: str, task_id: str, owners: str | None) -> str | None:
    """Return whose task it is: the DAG's owner, and where tasks have different ones, this task's."""
    from airflow.models.dagbag import DBDagBag

    if not owners or "," not in owners:
        return owners or None
    dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
    task = dag.task_dict.get(task_id) if dag else None
    return task.owner if task else None


def _conf_request(conf: object) -> dict[str, Any] | None:
    """Return the request that a run was triggered with, as long as its task has not written down a better one."""
    if not isinstance(conf, dict) or not names_of(conf):
        return None
    return {name: value for name, value in conf.items() if value is not None}
