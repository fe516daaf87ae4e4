"""The demo ticket shop's order positions with their net price: an exporter that transforms with pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import AwareDatetime, BaseModel, Field

from include.core.exporter import PandasExporter, Params
from include.core.schema import Column, ColumnType, Schema

if TYPE_CHECKING:
    import pandas as pd


class OrderTaxesParams(Params):
    """Which orders."""

    since: AwareDatetime | None = Field(None, description="first moment included")
    until: AwareDatetime | None = Field(None, description="first moment no longer included")


class OrderTaxes(PandasExporter[OrderTaxesParams]):
    """Positions of paid orders; ``net`` is computed in pandas, in exact decimals."""

    title = "Order taxes"
    description = "The demo ticket shop, one row a position of a paid order, with its net price."
    source = "shop"
    params_type: ClassVar[type[BaseModel]] = OrderTaxesParams
    columns = Schema.of(
        Column.of("order_id", ColumnType.INTEGER, "Order ID"),
        Column.of("position", ColumnType.INTEGER, "Position"),
        Column.of("code", ColumnType.STRING, "Order code"),
        Column.of("created_at", ColumnType.DATETIME, "Ordered at"),
        Column.of("price", ColumnType.DECIMAL, "Price"),
        Column.of("tax_rate", ColumnType.DECIMAL, "Tax rate (%)"),
        Column.of("tax_value", ColumnType.DECIMAL, "Tax"),
        Column.of("net", ColumnType.DECIMAL, "Net price", precision=15, scale=2, derived=True),
    )
    key = ("order_id", "position")
    sql = """
        select p.order_id, p.position, o.code, o.created_at, p.price, p.tax_rate, p.tax_value
        from shop.positions p
        join shop.orders o on o.id = p.order_id
        where o.status = 'paid'
          and (:since::timestamptz is null or o.created_at >= :since::timestamptz)
          and (:until::timestamptz is null or o.created_at < :until::timestamptz)
    """

    def transform(self, df: pd.DataFrame, params: OrderTaxesParams) -> pd.DataFrame:  # noqa: ARG002
        """Add the net price."""
        return df.assign(net=df["price"] - df["tax_value"])
