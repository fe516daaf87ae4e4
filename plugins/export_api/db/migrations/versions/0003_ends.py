"""Exports that end otherwise: cancelled, deleted, or kept only until a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("waybill_export") as table:
        table.add_column(sa.Column("cancelled_at", _MOMENT))
        table.add_column(sa.Column("cancelled_by", sa.String(512)))
        for name in ("expires_at", "expired_at", "deleted_at"):
            table.add_column(sa.Column(name, _MOMENT))
    op.create_index(
        "ix_waybill_export_deleted",
        "waybill_export",
        ["settled_at"],
        postgresql_where=sa.text("deleted_at is not null"),
    )
    op.create_index(
        "ix_waybill_export_kept",
        "waybill_export",
        ["expires_at"],
        postgresql_where=sa.text("expired_at is null"),
    )


def downgrade() -> None:
    for name in ("ix_waybill_export_kept", "ix_waybill_export_deleted"):
        op.drop_index(name, table_name="waybill_export")
    with op.batch_alter_table("waybill_export") as table:
        for name in ("deleted_at", "expired_at", "expires_at", "cancelled_by", "cancelled_at"):
            table.drop_column(name)
