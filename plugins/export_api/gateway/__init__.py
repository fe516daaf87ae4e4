"""Airflow's runs, connections and configuration: the only package that knows Airflow's models."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from export_api.gateway import mail
from export_api.gateway.runs import Runs
from export_api.gateway.signing import SignerOfConnection
from export_api.gateway.store import StoreOfConnection
from export_api.gateway.strangers import Horizon, Stranger, Strangers
from include.core.errors import Fatal, Retriable
from include.core.fairness import pool_of
from include.core.settings import Settings
from include.core.source import SourceConnection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from sqlalchemy.orm import Session

    from include.artifacts.s3 import S3Store
    from include.core.signing import Signer

__all__ = ["Gateway", "Horizon", "Stranger"]

_LOCK = 0x57617962696C6C
"""Number of the clock's advisory lock."""


class Gateway(Runs, Strangers):
    """What the API needs of Airflow."""

    def __init__(self) -> None:
        self._store = StoreOfConnection()
        self._signer = SignerOfConnection()

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
    def statements(self) -> Iterator[Session]:
        """Open a session in which each statement is a transaction: no trips to the database to begin and end one."""
        with self.session() as session:
            session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
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

    def store(self) -> S3Store:
        """Return the artifact store of the configured connection.

        :raises Retriable: when there is no such connection, or it names no bucket.
        """
        return self._store.get(self.settings)

    def signer(self) -> Signer | None:
        """Return who signs manifests, or None where they are not signed.

        :raises Retriable: when there is no such connection, or it holds no key.
        """
        return self._signer.get(self.settings)

    def seal(self, secret: str) -> str:
        """Encrypt a secret with Airflow's Fernet key."""
        from airflow.models.crypto import get_fernet

        return get_fernet().encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Decrypt what :meth:`seal` made, by any of Airflow's Fernet keys."""
        from airflow.models.crypto import get_fernet

        return get_fernet().decrypt(sealed.encode()).decode()

    def send_mail(self, message: EmailMessage) -> None:
        """Send a message by the configured connection; errors as of :func:`export_api.gateway.mail.send`."""
        if self.settings.smtp_connection is None:
            raise Fatal("The setting smtp_connection is empty.", code="mail_unconfigured")
        mail.send(self.settings.smtp_connection, message)

    def connection(self, conn_id: str) -> SourceConnection:
        """Return the facts of a connection that an exporter reads.

        :raises Fatal: when there is none of that id.
        """
        from airflow.sdk import Connection
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            found = Connection.get(conn_id)
        except AirflowNotFoundException:
            raise SourceConnection.missing(conn_id) from None
        return SourceConnection.of_airflow(found)

    def require_pool(self, session: Session, caller: str) -> None:
        """Make a user's pool unless it is there, in the session's transaction; its size is the administrator's then."""
        from airflow.models import Pool
        from sqlalchemy import select
        from sqlalchemy.exc import IntegrityError

        name = pool_of(caller)
        if session.scalar(select(Pool.id).where(Pool.pool == name)) is not None:
            return
        slots, description = self.settings.running_per_user, f"Exports of {caller} that run at once"
        with suppress(IntegrityError), session.begin_nested():  # another request of theirs made it meanwhile
            session.add(Pool(pool=name, slots=slots, description=description, include_deferred=True))

    def require_scheduler(self, session: Session) -> None:
        """Insist that a scheduler is alive.

        :raises Retriable: when none is.
        """
        from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

        job = SchedulerJobRunner.most_recent_job(session=session)
        if job is None or not job.is_alive():
            raise Retriable("No Airflow scheduler is alive: runs are accepted but do not start.", code="scheduler_down")
