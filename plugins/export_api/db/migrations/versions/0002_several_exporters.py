"""Exports of several exporters: the names of all of them, however many."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("waybill_export") as table:
        table.alter_column("exporter", type_=sa.Text(), existing_type=sa.String(200), existing_nullable=True)


def downgrade() -> None:
    with op.batch_alter_table("waybill_export") as table:
        table.alter_column(
            "exporter",
            type_=sa.String(200),
            existing_type=sa.Text(),
            existing_nullable=True,
            postgresql_using="left(exporter, 200)",
        )
