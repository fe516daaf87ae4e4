"""Python exporters that transform with pandas: types stay exact, and what they change is what is written."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from include.core.exporter import PandasExporter, Params
from include.core.query import Selection
from include.core.schema import Column, ColumnType, Schema
from include.core.settings import Settings
from include.core.source import Sources
from include.exporters import catalog_of
from tests.unit.stand_ins import ListSource, batches_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from include.core.schema import Column as ColumnOf

READ = Schema.of(
    Column.of("id", ColumnType.INTEGER),
    Column.of("name", ColumnType.STRING),
    Column.of("price", ColumnType.DECIMAL, precision=12, scale=2),
    Column.of("at", ColumnType.DATETIME),
)
AT = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
ROWS = [
    (1, "a", Decimal("1.50"), AT),
    (9_007_199_254_740_993, "", Decimal("-0.01"), AT),
    (None, None, None, None),
    (4, "=1+1", Decimal("9999999999.99"), AT),
]


class Doubled(PandasExporter[Params]):
    """Prices twice as high; rows without an id are left out."""

    title = "Doubled"
    source = "warehouse"
    sql = "select id, name, price, at from rows"
    params_type = Params
    columns = Schema((*READ, Column.of("twice", ColumnType.DECIMAL, precision=14, scale=2, derived=True)))
    key: tuple[str, ...] = ("id",)

    def transform(self, df: pd.DataFrame, params: Params) -> pd.DataFrame:  # noqa: ARG002
        kept = df[df["id"].notna()]
        return kept.assign(twice=kept["price"] * 2)


def exported(
    exporter: PandasExporter[Any], source: ListSource, columns: Sequence[ColumnOf], params: Any = None
) -> list[list[Any]]:
    with closing(Sources(lambda _: ("list", source))) as sources:
        batches = exporter.batches(params or Params(), Selection(tuple(columns)), sources)
        rows = []
        for batch in batches.stream:
            assert batch.schema == batches.arrow
            rows += [list(row.values()) for row in batch.to_pylist()]
        return rows


def test_values_pass_pandas_exactly_and_null_stays_null() -> None:
    rows = exported(Doubled(), ListSource(batches_of(READ, ROWS)), tuple(Doubled.columns))
    assert rows == [
        [1, "a", Decimal("1.50"), AT, Decimal("3.00")],
        [9_007_199_254_740_993, "", Decimal("-0.01"), AT, Decimal("-0.02")],
        [4, "=1+1", Decimal("9999999999.99"), AT, Decimal("19999999999.98")],
    ]


def test_only_columns_of_the_source_are_read_whatever_is_chosen() -> None:
    source = ListSource(batches_of(READ, ROWS))
    exported(Doubled(), source, [Doubled.columns["twice"]])
    assert [column.name for column in source.queries[0].selection.columns] == list(READ.names)


def test_columns_are_chosen_ordered_and_renamed_after_the_transformation() -> None:
    twice, name = Doubled.columns["twice"], Doubled.columns["name"]
    rows = exported(
        Doubled(), ListSource(batches_of(READ, ROWS)), [twice.renamed("2x"), name, twice, name.renamed("n")]
    )
    assert rows[0] == [Decimal("3.00"), "a", Decimal("3.00"), "a"]


def test_a_batch_of_which_nothing_is_left_is_no_batch() -> None:
    assert exported(Doubled(), ListSource(batches_of(READ, ROWS[2:3])), tuple(Doubled.columns)) == []


@pytest.mark.parametrize("size", [1, 3])
def test_the_demo_exporter_computes_net_prices_in_exact_decimals(size: int) -> None:
    exporter = catalog_of(Settings()).load("order_taxes")
    assert isinstance(exporter, PandasExporter)
    exact = {"price": (13, 2), "tax_rate": (7, 2), "tax_value": (13, 2)}
    read = Schema.of(
        *(
            Column.of(column.name, column.type, precision=exact[column.name][0], scale=exact[column.name][1])
            if column.name in exact
            else column
            for column in exporter.columns
            if not column.derived
        )
    )
    rows = [
        (1, 1, "ABC", AT, Decimal("23.00"), Decimal("19.00"), Decimal("3.67")),
        (1, 2, "ABC", AT, Decimal("0.10"), Decimal("7.00"), Decimal("0.01")),
        (2, 1, "ABD", AT, Decimal("99999999999.99"), Decimal("0.00"), Decimal("0.00")),
    ]
    found = exported(
        exporter, ListSource(batches_of(read, rows, size=size)), tuple(exporter.columns), exporter.params_type()
    )
    assert [row[-1] for row in found] == [Decimal("19.33"), Decimal("0.09"), Decimal("99999999999.99")]
