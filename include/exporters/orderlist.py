"""The demo ticket shop's orders as a workbook: orders, their positions and their fees.

Some columns depend on the parameters, which YAML cannot say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BaseModel, Field

from include.core.date_frames import DateFrameText
from include.core.exporter import Book, Params
from include.core.params import Reference
from include.core.schema import Column, ColumnType, Schema
from include.core.table import StatementTable
from include.exporters import _orderlist_sql as statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.core.table import Table

SOURCE = "shop"
PROVIDERS = {"banktransfer": "Bank transfer", "boxoffice": "Box office", "manual": "Manual payment", "paypal": "PayPal"}
PROVIDERS |= {"stripe": "Stripe", statements.OTHER: "other means"}

_ORGANIZERS = "select slug as key from shop.organizers"
_EVENTS = """
    select e.slug as key
    from shop.events e
    join shop.organizers org on org.id = e.organizer_id
    where org.slug = :organizer
"""


class OrderListParams(Params):
    """Which orders, and what is told of them."""

    organizer: Annotated[str, Reference(_ORGANIZERS, SOURCE)] = Field(
        max_length=200, description="whose data, by its slug"
    )
    events: Annotated[list[str] | None, Reference(_EVENTS, SOURCE)] = Field(
        None, max_length=1_000, description="only these of its events, by their slugs; all when left out"
    )
    paid_only: bool = Field(default=False, description="only paid orders")
    include_payment_amounts: bool = Field(default=False, description="a column for each way of payment")
    group_multiple_choice: bool = Field(
        default=False, description="all answers to a question in one column, not a column for each"
    )
    date_range: DateFrameText | None = Field(None, description="days of the orders, in the event's time zone")
    event_date_range: DateFrameText | None = Field(None, description="days on which the event begins, in its time zone")


def _text(name: str, label: str, *, sensitive: bool = False) -> Column:
    return Column.of(name, ColumnType.STRING, label, sensitive=sensitive)


def _money(name: str, label: str) -> Column:
    return Column.of(name, ColumnType.DECIMAL, label, precision=15, scale=2)


_ORDER = (
    _text("status", "Status"),
    _text("email", "Email", sensitive=True),
    _text("phone", "Phone number", sensitive=True),
    Column.of("order_date", ColumnType.DATE, "Order date", description="day in the event's time zone"),
    Column.of("order_time", ColumnType.TIME, "Order time", description="time of that day, in seconds"),
)
_ADDRESS = (
    _text("street", "Address", sensitive=True),
    _text("zipcode", "ZIP code"),
    _text("city", "City"),
    _text("country", "Country"),
    _text("state", "State"),
)
_NAME = _text("name", "Name", sensitive=True)
_INVOICE_NAME = _text("name", "Invoice address name", sensitive=True)
_COMPANY, _VAT_ID, _PROVIDERS = (
    _text("company", "Company"),
    _text("vat_id", "VAT ID"),
    _text("providers", "Payment providers"),
)
_EVENT, _CODE, _CHANNEL = (
    _text("event", "Event slug"),
    _text("code", "Order code"),
    _text("sales_channel", "Sales channel"),
)
_LOCALE, _VERIFIED = _text("locale", "Order locale"), _text("email_verified", "Email address verified")
_CUSTOMER = _text("customer", "External customer ID")
_TAX = (
    Column.of("tax_rate", ColumnType.DECIMAL, "Tax rate"),
    Column.of("tax_value", ColumnType.DECIMAL, "Tax value"),
)


def _tax_columns() -> tuple[Column, ...]:
    """Return three columns for each rate of the shop, and for all others together."""
    found: list[Column] = []
    for name, rate in statements.RATES.items():
        at = f"{rate} % tax"
        found += [_money(f"gross_{name}", f"Gross at {at}"), _money(f"net_{name}", f"Net at {at}")]
        found += [_money(f"tax_{name}", f"Tax value at {at}")]
    return tuple(found)


_PAID_BY = tuple(_money(f"paid_by_{name}", f"Paid by {label}") for name, label in PROVIDERS.items())
_ORDERS = (
    _EVENT,
    _CODE,
    Column.of("total", ColumnType.DECIMAL, "Order total"),
    *_ORDER,
    _COMPANY,
    _NAME,
    *_ADDRESS,
    _text("custom_field", "Custom address field"),
    _VAT_ID,
    Column.of("paid_on", ColumnType.DATE, "Date of last payment", description="day in the event's time zone"),
    _money("fees", "Fees"),
    _LOCALE,
    *_tax_columns(),
    _text("invoices", "Invoice numbers"),
    _CHANNEL,
    _text("attention", "Requires special attention"),
    _text("comment", "Comment"),
    Column.of("follow_up_on", ColumnType.DATE, "Follow-up date"),
    Column.of("positions", ColumnType.INTEGER, "Positions"),
    _VERIFIED,
    _CUSTOMER,
    _PROVIDERS,
)
_TOGETHER = (_text("answer_diet", "What do you eat?"),)
_EACH = tuple(
    _text(f"answer_diet_{name}", f"What do you eat? – {choice}")  # noqa: RUF001 - a dash is meant
    for name, choice in statements.DIETS.items()
)
_POSITIONS_HEAD = (
    _EVENT,
    _CODE,
    Column.of("position", ColumnType.INTEGER, "Position ID"),
    *_ORDER,
    _text("product", "Product"),
    Column.of("price", ColumnType.DECIMAL, "Price"),
    *_TAX,
    _text("attendee_name", "Attendee name", sensitive=True),
    _text("attendee_email", "Attendee email", sensitive=True),
    _text("voucher_code", "Voucher"),
    _text("pseudonymization_id", "Pseudonymization ID"),
)
_POSITIONS_TAIL = (
    _text("answer_source", "How did you hear of us?"),
    _COMPANY,
    _INVOICE_NAME,
    *_ADDRESS,
    _VAT_ID,
    _CHANNEL,
    _LOCALE,
    _VERIFIED,
    _CUSTOMER,
    _text("checkin_lists", "Check-in lists"),
    _PROVIDERS,
)
_FEES = (
    _EVENT,
    _CODE,
    Column.of("number", ColumnType.INTEGER, "Fee ID"),
    *_ORDER,
    _text("kind", "Fee type"),
    _text("description", "Description"),
    Column.of("price", ColumnType.DECIMAL, "Price"),
    *_TAX,
    _COMPANY,
    _INVOICE_NAME,
    *_ADDRESS,
    _VAT_ID,
    _CUSTOMER,
    _PROVIDERS,
)


def _table(title: str, sql: str, columns: tuple[Column, ...], *key: str) -> StatementTable[OrderListParams]:
    return StatementTable(title=title, source=SOURCE, sql=sql, columns=Schema(columns), key=key)


class OrderList(Book[OrderListParams]):
    """Three tables about the same orders."""

    title = "Order data"
    description = "The demo ticket shop's orders with addresses and taxes, their positions and their fees."
    params_type: ClassVar[type[BaseModel]] = OrderListParams

    def declared(self) -> Mapping[str, Table[OrderListParams]]:
        """Return the tables with every column that there can be."""
        return _tables(_PAID_BY, (*_TOGETHER, *_EACH))

    def tables(self, params: OrderListParams) -> Mapping[str, Table[OrderListParams]]:
        """Return the tables with the columns that the parameters ask for."""
        return _tables(
            _PAID_BY if params.include_payment_amounts else (), _TOGETHER if params.group_multiple_choice else _EACH
        )


def _tables(amounts: tuple[Column, ...], answers: tuple[Column, ...]) -> Mapping[str, Table[OrderListParams]]:
    positions = (*_POSITIONS_HEAD, *answers, *_POSITIONS_TAIL)
    return {
        "orders": _table("Orders", statements.ORDERS, (*_ORDERS, *amounts), "code"),
        "positions": _table("Order positions", statements.POSITIONS, positions, "code", "position"),
        "fees": _table("Order fees", statements.FEES, _FEES, "code", "number"),
    }
