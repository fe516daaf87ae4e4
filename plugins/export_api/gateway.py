"""Airflow's runs, connections and configuration: the only file that knows Airflow's models."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from export_api.status import GONE, Observation
from include.core.errors import Fatal, Retriable
from include.core.identity import DAG_ID, RUN_PREFIX
from include.core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from include.artifacts.s3 import S3Store

OPERATOR = "ExportOperator"

_TOLD = ("progress", "error", "request")
_ACTIVE = ("queued", "running")
_NEVER_RAN = ("skipped", "upstream_failed", "removed")
_COMMITTED_SECONDS = 60
"""By then a run with a lower id than another one seen has been committed too."""

_STORE_SECONDS = 30
"""How long a change of the store's connection may go unnoticed."""

_LOCK = 0x57617962696C6C
"""Number of the clock's advisory lock."""


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


class Gateway:
    """What the API needs of Airflow."""

    @cached_property
    def settings(self) -> Settings:
        """The ``[waybill]`` section."""
        from airflow.configuration import conf

        return Settings.of_airflow(conf)

    @cached_property
    def base_url(self) -> str:
        """The address of Airflow without a trailing slash; empty when it is not configured."""
        from airflow.configuration import conf

        return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session that is ours alone: committed at the end, rolled back on an error.

        With the scoped default, code of Airflow's that opens a session of its own would commit ours.
        """
        from airflow.utils.session import create_session

        with create_session(scoped=False) as session:
            yield session

    @contextmanager
    def only_one(self) -> Iterator[bool]:
        """Say whether no other process is in here; on databases without advisory locks everybody may."""
        from sqlalchemy import func, select

        with self.session() as session:
            if session.get_bind().dialect.name != "postgresql":
                yield True
                return
            yield bool(session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))))

    # The store

    def store(self) -> S3Store:
        """Return the artifact store of the configured connection.

        :raises Retriable: when there is no such connection, or it names no bucket.
        """
        settings = self.settings
        moment = int(time.monotonic() / _STORE_SECONDS)
        return _connect(settings.store_connection, settings.store_prefix, settings.part_bytes, moment)

    # Runs

    def require_dag(self, session: Session) -> None:
        """Insist that a run of the export DAG would start.

        :raises Retriable: when the DAG is not parsed, cannot be imported or is paused.
        """
        from airflow.models import DagModel
        from sqlalchemy import select

        columns = (DagModel.is_stale, DagModel.has_import_errors, DagModel.is_paused)
        dag = session.execute(select(*columns).where(DagModel.dag_id == DAG_ID)).one_or_none()
        if dag is None or dag.is_stale:
            raise Retriable(
                f"The DAG {DAG_ID!r} is not there yet: Airflow's dag-processor has not parsed dags/export.py.",
                code="dag_missing",
            )
        if dag.has_import_errors:
            raise Retriable(f"The DAG {DAG_ID!r} cannot be imported: see Airflow's import errors.", code="dag_broken")
        if dag.is_paused:
            raise Retriable(f"The DAG {DAG_ID!r} is paused: unpause it in Airflow.", code="dag_paused")

    def trigger(self, session: Session, *, run_id: str, conf: dict[str, Any], caller: str) -> None:
        """Create a run of the export DAG in the session's transaction.

        :raises Retriable: when the DAG vanished meanwhile.
        :raises Fatal: when the DAG's own schema refuses what we accepted.
        """
        from airflow.api.common.trigger_dag import trigger_dag
        from airflow.exceptions import DagNotFound, ParamValidationError
        from airflow.utils.types import DagRunTriggeredByType

        try:
            trigger_dag(
                DAG_ID,
                run_id=run_id,
                conf=conf,
                triggered_by=DagRunTriggeredByType.REST_API,
                triggering_user_name=caller,
                session=session,
            )
        except DagNotFound:
            raise Retriable(f"The DAG {DAG_ID!r} is not there.", code="dag_missing") from None
        except ParamValidationError as error:
            raise Fatal(f"The DAG {DAG_ID!r} refuses the request: {error}", code="dag_refused") from error

    def observe(self, session: Session, ids: Collection[UUID]) -> Mapping[UUID, Observation]:
        """Return what Airflow knows of exports, in one query.

        What tasks wrote down is read from the table of the default state store.
        """
        from airflow.models import DagRun, TaskInstance
        from airflow.models.task_state_store import TaskStateStoreModel
        from sqlalchemy import and_, select

        from export_api.db.models import Export

        if not ids:
            return {}
        run, task, told = DagRun, TaskInstance, TaskStateStoreModel
        statement = (
            select(
                Export.id,
                run.state.label("run_state"),
                task.id.label("task"),
                task.state.label("task_state"),
                task.try_number,
                task.start_date,
                task.end_date,
                told.key,
                told.value,
            )
            .join(run, and_(run.dag_id == Export.dag_id, run.run_id == Export.run_id))
            .outerjoin(
                task,
                and_(
                    task.dag_id == Export.dag_id,
                    task.run_id == Export.run_id,
                    task.task_id == Export.task_id,
                    task.map_index == Export.map_index,
                ),
            )
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
        seen: dict[UUID, Observation] = {}
        for row in session.execute(statement):
            before = seen.get(row.id)
            told_before = before.told if before else {}
            seen[row.id] = Observation(
                run_state=row.run_state,
                task_state=row.task_state,
                task_exists=row.task is not None,
                attempt=max(row.try_number or 1, 1),
                started_at=row.start_date,
                ended_at=row.end_date,
                told={**told_before, row.key: json.loads(row.value)} if row.key else told_before,
            )
        return {export_id: seen.get(export_id, GONE) for export_id in ids}

    # Adoption

    def strangers(self, session: Session, *, beyond: Horizon, limit: int) -> list[Stranger]:
        """Return task instances of our operator without an export, of runs beyond a horizon.

        Left for later are tasks that wait for their run to start: they have no state yet, and until then a mapped
        task is a placeholder that will become others. So are tasks of which it is not known yet what they export.
        """
        from airflow.models import DagModel, DagRun, TaskInstance
        from airflow.models.task_state_store import TaskStateStoreModel
        from sqlalchemy import and_, exists, func, or_, select

        from export_api.db.models import Export

        run, task, told = DagRun, TaskInstance, TaskStateStoreModel
        ours = and_(
            Export.dag_id == task.dag_id,
            Export.run_id == task.run_id,
            Export.task_id == task.task_id,
            Export.map_index == task.map_index,
        )
        asked = and_(
            told.dag_run_id == run.id,
            told.task_id == task.task_id,
            told.map_index == task.map_index,
            told.key == "request",
        )
        is_known = (
            told.value.is_not(None),
            run.conf["exporter"].as_string().is_not(None),
            run.state.not_in(_ACTIVE),
        )
        statement = (
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
            .where(or_(run.id > beyond.newest, run.id.in_(beyond.active)))
            .where(task.operator == OPERATOR, ~exists().where(ours))
            .where(task.state.is_not(None), task.state.not_in(_NEVER_RAN), or_(*is_known))
            .order_by(run.id)
            .limit(limit)
        )
        return [
            Stranger(
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
            for row in session.execute(statement)
        ]

    def horizon(self, session: Session, *, beyond: int, now: datetime) -> Horizon:
        """Return up to where Airflow's runs can be known today, as seen from an earlier horizon's key."""
        from datetime import timedelta

        from airflow.models import DagRun
        from sqlalchemy import func, select

        committed = func.coalesce(DagRun.created_at, DagRun.run_after) < now - timedelta(seconds=_COMMITTED_SECONDS)
        newest = session.scalar(select(func.max(DagRun.id)).where(DagRun.id > beyond, committed)) or beyond
        not_ours = ~DagRun.run_id.startswith(RUN_PREFIX, autoescape=True)
        active = select(DagRun.id).where(DagRun.state.in_(_ACTIVE), DagRun.id <= newest, not_ours)
        return Horizon(newest, frozenset(session.scalars(active)))

    # Health

    def require_scheduler(self, session: Session) -> None:
        """Insist that a scheduler is alive.

        :raises Retriable: when none is.
        """
        from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

        job = SchedulerJobRunner.most_recent_job(session=session)
        if job is None or not job.is_alive():
            raise Retriable("No Airflow scheduler is alive: runs are accepted but do not start.", code="scheduler_down")


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
    if not isinstance(conf, dict) or not isinstance(conf.get("exporter"), str):
        return None
    return {name: value for name, value in conf.items() if value is not None}


@lru_cache(maxsize=1)
def _connect(conn_id: str, prefix: str, part_bytes: int, _moment: int) -> S3Store:
    """Connect to the store; made anew now and then, for somebody may edit the connection."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from include.artifacts.s3 import S3Store

    try:
        hook = S3Hook(aws_conn_id=conn_id)
        options = hook.get_connection(conn_id).extra_dejson
    except AirflowNotFoundException:
        raise Retriable(
            f"The Airflow connection {conn_id!r} of the artifact store is missing.", code="store_unconfigured"
        ) from None
    return S3Store.connect(hook.get_session(), options, prefix=prefix, part_bytes=part_bytes)
