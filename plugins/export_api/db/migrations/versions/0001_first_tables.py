"""Exports, tokens and the audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True)
_MOMENT = sa.DateTime(timezone=True)

# A migration is history: it says what it did then, whatever the models say today.
_APPEND_ONLY = (
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


def upgrade() -> None:
    _create_export()
    _create_token()
    _create_audit()


def _create_export() -> None:
    op.create_table(
        "waybill_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.Column("task_id", sa.String(250), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("exporter", sa.String(200)),
        sa.Column("format", sa.String(200)),
        sa.Column("name", sa.String(200)),
        sa.Column("request", _JSON, nullable=False),
        sa.Column("trigger", sa.String(20), nullable=False),
        sa.Column("requested_by", sa.String(512), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("settled_at", _MOMENT),
        sa.Column("status", sa.String(20)),
        sa.Column("started_at", _MOMENT),
        sa.Column("finished_at", _MOMENT),
        sa.Column("attempt", sa.Integer()),
        sa.Column("progress", _JSON),
        sa.Column("error", _JSON),
        sa.Column("manifest", _JSON),
        sa.Column("swept_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_waybill_export"),
        sa.UniqueConstraint(
            "dag_id", "run_id", "task_id", "map_index", name="uq_waybill_export_dag_id_run_id_task_id_map_index"
        ),
        sa.CheckConstraint(
            "(settled_at is null) = (status is null)", name=op.f("ck_waybill_export_settled_with_status")
        ),
    )
    op.create_index("ix_waybill_export_created_at_id", "waybill_export", ["created_at", "id"])
    op.create_index(
        "ix_waybill_export_requested_by_created_at_id", "waybill_export", ["requested_by", "created_at", "id"]
    )
    op.create_index(
        "ix_waybill_export_unsettled",
        "waybill_export",
        ["created_at", "id"],
        postgresql_where=sa.text("settled_at is null"),
    )
    op.create_index(
        "ix_waybill_export_failed",
        "waybill_export",
        ["settled_at"],
        postgresql_where=sa.text("status in ('failed', 'cancelled')"),
    )


def _create_token() -> None:
    op.create_table(
        "waybill_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(512), nullable=False),
        sa.Column("claims", _JSON, nullable=False),
        sa.Column("prefix", sa.String(20), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("revoked_at", _MOMENT),
        sa.Column("last_used_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_waybill_token"),
        sa.UniqueConstraint("prefix", name="uq_waybill_token_prefix"),
        sa.UniqueConstraint("sha256", name="uq_waybill_token_sha256"),
    )
    op.create_index("ix_waybill_token_account", "waybill_token", ["account"])


def _create_audit() -> None:
    op.create_table(
        "waybill_audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("caller", sa.String(512), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("export_id", sa.Uuid()),
        sa.Column("detail", _JSON),
        sa.PrimaryKeyConstraint("id", name="pk_waybill_audit"),
    )
    for column in ("at", "caller", "export_id"):
        op.create_index(f"ix_waybill_audit_{column}", "waybill_audit", [column])
    if op.get_bind().dialect.name == "postgresql":
        for statement in _APPEND_ONLY:
            op.execute(statement)


def downgrade() -> None:
    for table in ("waybill_audit", "waybill_token", "waybill_export"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("drop function waybill_audit_append_only()")
