"""The tables, in a metadata of their own and without foreign keys to Airflow's tables."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the annotations
from typing import Any
from uuid import UUID  # noqa: TC003 - as above

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    FetchedValue,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column  # noqa: TID253 - tables are what this module is

Json = JSON(none_as_null=True)
"""Kept as text: nothing is searched inside, and the order of fields stays."""

Moment = DateTime(timezone=True)
Key = String(250)
"""As long as Airflow's own ids."""


FIRST_NAME = text("left(exporter, 200)")
IS_SEVERAL, NAMES = text("(strpos(exporter, ',') > 0)"), text("string_to_array(exporter, ', ')")
SEVERAL = text("(strpos(exporter, ',') > 0) is true")
"""What of the exporters is indexed, for names of many may be longer than an index takes.

Statements say it in these very words, for which PostgreSQL keeps statistics, so that the right index is used.
"""


class Base(DeclarativeBase):
    """Names every constraint, so that models and migrations can be compared."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Export(Base):
    """One export: what was asked for and, once it is settled, how it ended.

    Until then its state is Airflow's. After that it is read without the store, and outlives the run in Airflow's
    tables. A row with a file changes only by being expired, swept and deleted; one without, when its run is cleared in
    Airflow, is open again.
    """

    __tablename__ = "waybill_export"

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)

    # The transaction that wrote the row last, a column that PostgreSQL gives to every table: any change changes it.
    version: Mapped[str] = mapped_column("xmin", String, FetchedValue(), system=True)

    # Which task instance it is.
    dag_id: Mapped[str] = mapped_column(Key)
    run_id: Mapped[str] = mapped_column(Key)
    task_id: Mapped[str] = mapped_column(Key)
    map_index: Mapped[int] = mapped_column(Integer)

    # What was asked for, and by whom. A run that died before it had read its request has no exporter; several
    # are there with commas between them.
    exporter: Mapped[str | None] = mapped_column(Text)
    format: Mapped[str | None] = mapped_column(String(200))
    name: Mapped[str | None] = mapped_column(String(200))
    request: Mapped[dict[str, Any]] = mapped_column(Json)
    trigger: Mapped[str] = mapped_column(String(20))
    requested_by: Mapped[str] = mapped_column(String(512))
    created_at: Mapped[datetime] = mapped_column(Moment)

    # Who asked to end it before its time, and when.
    cancelled_at: Mapped[datetime | None] = mapped_column(Moment)
    cancelled_by: Mapped[str | None] = mapped_column(String(512))

    # How it ended; all of it is written at once.
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    status: Mapped[str | None] = mapped_column(String(20))
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    attempt: Mapped[int | None] = mapped_column(Integer)
    progress: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    manifest: Mapped[dict[str, Any] | None] = mapped_column(Json)

    # Until when its files are kept, and when they were removed.
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    expired_at: Mapped[datetime | None] = mapped_column(Moment)

    # When what a failed or deleted one left in the store was removed.
    swept_at: Mapped[datetime | None] = mapped_column(Moment)

    # When somebody deleted it: from then on nobody sees it.
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        UniqueConstraint("dag_id", "run_id", "task_id", "map_index"),
        CheckConstraint("(settled_at is null) = (status is null)", name="settled_with_status"),
        Index(None, "created_at", "id"),
        Index(None, "requested_by", "created_at", "id"),
        Index(None, "status", "created_at", "id"),
        Index(None, "requested_by", "status", "created_at", "id"),
        Index("ix_waybill_export_alone", FIRST_NAME, "created_at", "id"),
        Index("ix_waybill_export_alone_of", "requested_by", FIRST_NAME, "created_at", "id"),
        Index("ix_waybill_export_several", IS_SEVERAL, "created_at", "id"),
        Index("ix_waybill_export_among", NAMES, postgresql_using="gin", postgresql_where=SEVERAL),
        Index("ix_waybill_export_unsettled", "created_at", "id", postgresql_where=text("settled_at is null")),
        Index("ix_waybill_export_deleted", "settled_at", postgresql_where=text("deleted_at is not null")),
        Index(
            "ix_waybill_export_kept", "expires_at", postgresql_where=text("expired_at is null and deleted_at is null")
        ),
        Index(
            "ix_waybill_export_unswept",
            "settled_at",
            postgresql_where=text("swept_at is null and (status in ('failed', 'cancelled') or deleted_at is not null)"),
        ),
        Index("ix_waybill_export_failed", "settled_at", postgresql_where=text("status in ('failed', 'cancelled')")),
    )


class Token(Base):
    """An API token. Only its hash is kept; ``claims`` say to the auth manager whose it is."""

    __tablename__ = "waybill_token"

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)
    account: Mapped[str] = mapped_column(String(512), index=True)
    claims: Mapped[dict[str, Any]] = mapped_column(Json)
    prefix: Mapped[str] = mapped_column(String(20), unique=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)


class IdempotencyKey(Base):
    """A key that a client gave to a request, in the transaction that started the export: the key decides who starts."""

    __tablename__ = "waybill_idempotency"

    caller: Mapped[str] = mapped_column(String(512), primary_key=True)
    route: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    export_id: Mapped[UUID] = mapped_column(Uuid())
    created_at: Mapped[datetime] = mapped_column(Moment, index=True)


class Webhook(Base):
    """Where somebody wants to be told of exports. Its secrets are sealed; of several, one is new, the others end."""

    __tablename__ = "waybill_webhook"

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)
    owner: Mapped[str] = mapped_column(String(512), index=True)
    scope: Mapped[str] = mapped_column(String(10))
    url: Mapped[str] = mapped_column(Text)
    types: Mapped[list[str]] = mapped_column(Json)
    description: Mapped[str] = mapped_column(String(200))
    secrets: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)
    disabled_at: Mapped[datetime | None] = mapped_column(Moment)
    disabled_reason: Mapped[str | None] = mapped_column(Text)


class Event(Base):
    """What became of an export, written in the transaction that made it so, if somebody wants to be told."""

    __tablename__ = "waybill_event"

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)
    export_id: Mapped[UUID] = mapped_column(Uuid())
    type: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Moment, index=True)


class Notification(Base):
    """The outbox: one event on its way to one target. Of one lane, one is being sent at a time."""

    __tablename__ = "waybill_notification"

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(Uuid())
    target: Mapped[str] = mapped_column(String(300))
    lane: Mapped[str] = mapped_column(String(60))
    webhook_id: Mapped[UUID | None] = mapped_column(Uuid())
    email: Mapped[str | None] = mapped_column(String(254))
    owner: Mapped[str] = mapped_column(String(512))
    created_at: Mapped[datetime] = mapped_column(Moment)

    # How it went so far. Attempts are counted when they begin, each attempt's outcome is in the log.
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(Integer)
    log: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    next_attempt_at: Mapped[datetime | None] = mapped_column(Moment)
    claimed_until: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        UniqueConstraint("event_id", "target"),
        Index(None, "webhook_id", "created_at", "id"),
        Index("ix_waybill_notification_due", "next_attempt_at", postgresql_where=text("state = 'pending'")),
    )


class Audit(Base):
    """Who did what. Rows are added and read, never changed: a trigger refuses the rest."""

    __tablename__ = "waybill_audit"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    caller: Mapped[str] = mapped_column(String(512), index=True)
    action: Mapped[str] = mapped_column(String(40))
    export_id: Mapped[UUID | None] = mapped_column(Uuid(), index=True)
    detail: Mapped[dict[str, Any] | None] = mapped_column(Json)


APPEND_ONLY = (
    """
    create function waybill_audit_append_only() returns trigger language plpgsql as $$
    begin
        raise exception 'waybill_audit is append-only';
    end $$
    """,
    """
    create trigger waybill_audit_append_only before update or delete or truncate on waybill_audit
    for each statement execute function waybill_audit_append_only()
    """,
)
"""What makes the audit table append-only on PostgreSQL; the first migration runs the same statements."""

_NO_LONGER_APPEND_ONLY = "drop function if exists waybill_audit_append_only()"

for _moment, _statement in (*(("after_create", s) for s in APPEND_ONLY), ("after_drop", _NO_LONGER_APPEND_ONLY)):
    _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
    event.listen(Audit.__table__, _moment, _ddl.execute_if(dialect="postgresql"))
