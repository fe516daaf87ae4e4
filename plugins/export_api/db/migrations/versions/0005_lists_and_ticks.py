"""Indexes: lists by status and by exporter, and a clock whose ticks cost little, whatever the number of exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLE = "waybill_export"
_FIRST_NAME = sa.text("left(exporter, 200)")
_IS_SEVERAL = sa.text("(strpos(exporter, ',') > 0)")
_SEVERAL = sa.text("(strpos(exporter, ',') > 0) is true")
_NAMES = sa.text("string_to_array(exporter, ', ')")
_UNSWEPT = sa.text("swept_at is null and (status in ('failed', 'cancelled') or deleted_at is not null)")

_NEW = (
    ("ix_waybill_export_status_created_at_id", ["status", "created_at", "id"], None),
    ("ix_waybill_export_requested_by_status_created_at_id", ["requested_by", "status", "created_at", "id"], None),
    ("ix_waybill_export_alone", [_FIRST_NAME, "created_at", "id"], None),
    ("ix_waybill_export_alone_of", ["requested_by", _FIRST_NAME, "created_at", "id"], None),
    ("ix_waybill_export_several", [_IS_SEVERAL, "created_at", "id"], None),
    ("ix_waybill_export_unswept", ["settled_at"], _UNSWEPT),
)


def upgrade() -> None:
    for name, columns, where in _NEW:
        op.create_index(name, _TABLE, columns, postgresql_where=where)
    op.create_index("ix_waybill_export_among", _TABLE, [_NAMES], postgresql_using="gin", postgresql_where=_SEVERAL)
    _keep("expired_at is null and deleted_at is null")


def downgrade() -> None:
    _keep("expired_at is null")
    op.drop_index("ix_waybill_export_among", table_name=_TABLE)
    for name, _columns, _where in reversed(_NEW):
        op.drop_index(name, table_name=_TABLE)


def _keep(where: str) -> None:
    """Make the index of what may expire, of those rows."""
    op.drop_index("ix_waybill_export_kept", table_name=_TABLE)
    op.create_index("ix_waybill_export_kept", _TABLE, ["expires_at"], postgresql_where=sa.text(where))
