"""Idempotency keys: a repeated request does not start a second export."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "waybill_idempotency",
        sa.Column("caller", sa.String(512), nullable=False),
        sa.Column("route", sa.String(100), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "route", "key", name="pk_waybill_idempotency"),
    )
    op.create_index("ix_waybill_idempotency_created_at", "waybill_idempotency", ["created_at"])


def downgrade() -> None:
    op.drop_table("waybill_idempotency")
