"""Webhooks, events, and the outbox that they are sent from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "waybill_webhook",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.String(512), nullable=False),
        sa.Column("scope", sa.String(10), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", JSON, nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("secrets", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_waybill_webhook"),
    )
    op.create_index("ix_waybill_webhook_owner", "waybill_webhook", ["owner"])
    op.create_table(
        "waybill_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waybill_event"),
    )
    op.create_index("ix_waybill_event_at", "waybill_event", ["at"])
    op.create_table(
        "waybill_notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("target", sa.String(300), nullable=False),
        sa.Column("lane", sa.String(60), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("owner", sa.String(512), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("log", JSON, nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=True),
        sa.Column("claimed_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_waybill_notification"),
        sa.UniqueConstraint("event_id", "target", name="uq_waybill_notification_event_id_target"),
    )
    op.create_index(
        "ix_waybill_notification_webhook_id_created_at_id", "waybill_notification", ["webhook_id", "created_at", "id"]
    )
    op.create_index(
        "ix_waybill_notification_due",
        "waybill_notification",
        ["next_attempt_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    for table in ("waybill_notification", "waybill_event", "waybill_webhook"):
        op.drop_table(table)
