"""What pretix's clients may ask of the demo shop, and the same question in SQL of another make.

Days are compared as moments here, sums are asked for one by one, and nothing is shared with the exporters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

API = "/api/v1/organizers"
ORGANIZER = f"{API}/bigevents"
EVENT = f"{ORGANIZER}/events/sampleconf"
DEVDAYS = f"{ORGANIZER}/events/devdays"


@dataclass(frozen=True, slots=True)
class Case:
    """A run and what its file must hold: labels of columns, and the rows that the statement gives, in any order."""

    identifier: str
    labels: tuple[str, ...]
    sql: str
    base: str = EVENT
    body: dict[str, Any] = field(default_factory=dict)
    chosen: str = "default"


OF_SAMPLECONF = "o.event_id = 1"
OF_BIGEVENTS = "o.event_id in (1, 2, 3, 4, 5, 14)"
MARCH = (
    "o.created_at >= timestamp '2026-03-29 00:00' at time zone 'Europe/Berlin'"
    " and o.created_at < timestamp '2026-03-30 00:00' at time zone 'Europe/Berlin'"
)
MARCH_DAY = "2026-03-29/2026-03-29"

ORDER_LABELS = (
    *("Event slug", "Order code", "Order total", "Status", "Email", "Phone number", "Order date", "Order time"),
    *("Company", "Name", "Address", "ZIP code", "City", "Country", "State", "Custom address field", "VAT ID"),
    *("Date of last payment", "Fees", "Order locale", "Gross at 19.00 % tax", "Net at 19.00 % tax"),
    *("Tax value at 19.00 % tax", "Gross at 0.00 % tax", "Gross at 7.00 % tax", "Tax value at any other % tax"),
    *("Invoice numbers", "Sales channel", "Requires special attention", "Comment", "Follow-up date", "Positions"),
    *("Email address verified", "External customer ID", "Payment providers"),
)
ORDERS = """
    select 'sampleconf', o.code, o.total,
           (array['Paid', 'Pending', 'Expired', 'Canceled'])[array_position(array['paid', 'pending', 'expired', 'canceled'], o.status)],
           o.email, d.phone, to_char(o.created_at at time zone 'Europe/Berlin', 'YYYY-MM-DD'),
           to_char(o.created_at at time zone 'Europe/Berlin', 'HH24:MI:SS'),
           a.company, a.name, a.street, a.zipcode, a.city, a.country, a.state, a.custom_field, a.vat_id,
           (select to_char(max(p.paid_at) at time zone 'Europe/Berlin', 'YYYY-MM-DD') from shop.payments p where p.order_id = o.id),
           (select coalesce(sum(f.value), 0.00) from shop.fees f where f.order_id = o.id), o.locale,
           o.total - (select coalesce(sum(f.value), 0.00) from shop.fees f where f.order_id = o.id and f.kind = 'giftcard'),
           o.total - (select coalesce(sum(f.value), 0.00) from shop.fees f where f.order_id = o.id and f.kind = 'giftcard')
             - (select sum(p.tax_value) from shop.positions p where p.order_id = o.id)
             - (select coalesce(sum(f.tax_value), 0.00) from shop.fee_details f where f.order_id = o.id),
           (select sum(p.tax_value) from shop.positions p where p.order_id = o.id)
             + (select coalesce(sum(f.tax_value), 0.00) from shop.fee_details f where f.order_id = o.id),
           (select coalesce(sum(f.value), 0.00) from shop.fees f where f.order_id = o.id and f.kind = 'giftcard'), 0.00, 0.00,
           (select string_agg(i.number, ', ' order by i.number) from shop.invoices i where i.order_id = o.id),
           d.sales_channel, case d.checkin_attention when true then 'Yes' else 'No' end, o.comment, d.follow_up_on,
           (select count(*) from shop.positions p where p.order_id = o.id),
           case d.email_verified when true then 'Yes' else 'No' end,
           (select c.external_identifier from shop.customers c where c.id = d.customer_id),
           (select string_agg(provider, ', ' order by provider) from (
              select distinct p.provider from shop.payments p
              where p.order_id = o.id and p.state not in ('failed', 'canceled') and p.provider <> 'free') x)
    from shop.orders o
    join shop.order_details d on d.order_id = o.id
    left join shop.invoice_addresses a on a.order_id = o.id
    where o.event_id = 1
"""  # noqa: E501 - a question for each column


def codes(condition: str) -> str:
    return f"select o.code from shop.orders o join shop.order_details d on d.order_id = o.id where {condition}"


def paid_by(provider: str) -> str:
    return f"""
        (select coalesce(sum(p.amount), 0.00) from shop.payments p
         where p.order_id = o.id and p.state in ('confirmed', 'refunded') and p.provider = '{provider}')
        - (select coalesce(sum(r.amount), 0.00) from shop.refunds r
           join shop.refund_details d on d.order_id = r.order_id and d.local_id = r.local_id
           where r.order_id = o.id and r.state in ('done', 'transit') and d.provider = '{provider}')
    """


PAID_LABELS = tuple(
    f"Paid by {each}" for each in ("Bank transfer", "Box office", "Manual payment", "PayPal", "Stripe", "other means")
)
PAID = f"""
    select o.code, {", ".join(map(paid_by, ("banktransfer", "boxoffice", "manual", "paypal", "stripe")))}, 0.00
    from shop.orders o where o.event_id = 4
"""

POSITION_LABELS = (
    *("Order code", "Position ID", "Status", "Product", "Price", "Tax rate", "Tax value", "Attendee name"),
    *("Attendee email", "Voucher", "Pseudonymization ID", "How did you hear of us?", "Invoice address name"),
    "Check-in lists",
)
POSITIONS = """
    select o.code, p.position, initcap(o.status), (select name from shop.products r where r.id = p.product_id),
           p.price, p.tax_rate, p.tax_value, p.attendee_name, d.attendee_email, d.voucher_code, d.pseudonymization_id,
           (select a.answer from shop.answers a
              where a.order_id = o.id and a.position = p.position and a.question_id = 42),
           (select a.name from shop.invoice_addresses a where a.order_id = o.id),
           (select string_agg(name, ', ' order by name) from (
              select distinct l.name from shop.checkins c join shop.checkin_lists l on l.id = c.list_id
              where c.order_id = o.id and c.position = p.position and c.successful and c.kind = 'entry') x)
    from shop.orders o
    join shop.positions p on p.order_id = o.id
    join shop.position_details d on d.order_id = o.id and d.position = p.position
    where o.event_id = 4
"""
DIETS = {1: "vegetarian", 2: "vegan", 3: "halal", 4: "kosher", 5: "gluten-free"}
DIET_LABELS = tuple(f"What do you eat? – {diet}" for diet in DIETS.values())  # noqa: RUF001 - a dash is meant


def chose(number: int) -> str:
    """Whoever answered any question at all says Yes or No to each choice; who did not, nothing."""
    return f"""
        case when exists (select from shop.answers a where a.order_id = p.order_id and a.position = p.position)
             then case when (p.order_id, p.position, 41, {number}) in (
                         select order_id, position, question_id, number from shop.answers) then 'Yes' else 'No' end end
    """


DIET = f"""
    select o.code, p.position, {", ".join(map(chose, DIETS))}
    from shop.orders o join shop.positions p on p.order_id = o.id where o.event_id = 4
"""
GROUPED = """
    select o.code, p.position, (select string_agg(a.answer, ', ' order by a.number) from shop.answers a
      where a.order_id = o.id and a.position = p.position and a.question_id = 41)
    from shop.orders o join shop.positions p on p.order_id = o.id where o.event_id = 4
"""
FEE_LABELS = ("Order code", "Fee ID", "Fee type", "Description", "Price", "Tax rate", "Tax value", "Company")
FEES = """
    select o.code, f.local_id,
           case f.kind when 'payment' then 'Payment fee' when 'shipping' then 'Shipping fee' when 'service' then 'Service fee'
                       when 'insurance' then 'Insurance fee' else 'Gift card' end,
           d.description, f.value, d.tax_rate, d.tax_value, (select company from shop.invoice_addresses a where a.order_id = o.id)
    from shop.fees f natural join shop.fee_details d join shop.orders o on o.id = f.order_id where o.event_id = 4
"""  # noqa: E501 - as above

PAYMENT_LABELS = (
    *("Event slug", "Order", "Payment ID", "Creation date", "Completion date", "Status", "Status code", "Amount"),
    *("Payment method", "Comment"),
)
PAYMENTS = """
    select 'sampleconf', o.code, concat(o.code, '-P-', p.local_id), to_char(p.created_at at time zone 'Europe/Berlin', 'YYYY-MM-DD'),
           to_char(p.paid_at at time zone 'Europe/Berlin', 'YYYY-MM-DD'), initcap(p.state), p.state, p.amount, p.provider, null
    from shop.payments p join shop.orders o on o.id = p.order_id where o.event_id = 1
    union all
    select 'sampleconf', o.code, concat(o.code, '-R-', r.local_id), to_char(r.created_at at time zone 'Europe/Berlin', 'YYYY-MM-DD'),
           to_char(d.executed_at at time zone 'Europe/Berlin', 'YYYY-MM-DD'), initcap(r.state), r.state, 0 - r.amount, d.provider, d.comment
    from shop.refunds r natural join (select order_id, local_id, provider, executed_at, comment from shop.refund_details) d
    join shop.orders o on o.id = r.order_id where o.event_id = 1
"""  # noqa: E501 - as above


def payments(condition: str) -> str:
    return f"select id from ({PAYMENTS}) as x (event, code, id, begun, done, status, state, amount, provider, comment) where {condition}"  # noqa: E501


SALES_LABELS = (
    "Product ID",
    "Product",
    "Category",
    "Canceled",
    "Expired",
    "Pending",
    "Paid",
    "Gross",
    "Tax",
    "Currency",
)


def sales(within: str = "true", products: str = "r.event_id = 1") -> str:
    counts = ", ".join(
        f"(select count(*) from shop.positions p join shop.orders o on o.id = p.order_id"
        f" where p.product_id = r.id and o.status = '{status}' and {within})"
        for status in ("canceled", "expired", "pending", "paid")
    )
    sums = ", ".join(
        f"(select coalesce(sum(p.{column}), 0.00) from shop.positions p join shop.orders o on o.id = p.order_id"
        f" where p.product_id = r.id and o.status = 'paid' and {within})"
        for column in ("price", "tax_value")
    )
    return f"select r.id, r.name, r.category, {counts}, {sums}, 'EUR' from shop.products r where {products}"


CHECKIN_LABELS = (
    *("Order code", "Position ID", "Check-in list", "Attendee name", "Product", "Price", "Checked in", "Checked out"),
    *("Paid", "Email", "Phone number", "Company", "Voucher code", "Order date", "Requires special attention"),
)
CHECKINS = """
    select o.code, p.position, (select name from shop.checkin_lists where id = {list}), p.attendee_name, r.name, p.price,
           (select min(c.scanned_at) at time zone 'Europe/Berlin' from shop.checkins c where c.list_id = {list} and c.successful
              and c.kind = 'entry' and c.order_id = o.id and c.position = p.position),
           (select max(c.scanned_at) at time zone 'Europe/Berlin' from shop.checkins c where c.list_id = {list} and c.successful
              and c.kind = 'exit' and c.order_id = o.id and c.position = p.position),
           case o.status when 'paid' then 'Yes' else 'No' end,
           case when x.attendee_email <> '' then x.attendee_email else o.email end, d.phone,
           (select company from shop.invoice_addresses a where a.order_id = o.id), x.voucher_code,
           to_char(o.created_at at time zone 'Europe/Berlin', 'YYYY-MM-DD'),
           case d.checkin_attention when true then 'Yes' else 'No' end
    from shop.orders o join shop.order_details d on d.order_id = o.id
    join shop.positions p on p.order_id = o.id join shop.products r on r.id = p.product_id
    join shop.position_details x on x.order_id = p.order_id and x.position = p.position
    where o.event_id = 4 and {condition}
"""  # noqa: E501 - as above


def checkins(number: int, condition: str) -> str:
    return CHECKINS.format(list=number, condition=condition)


CAME = (
    "exists (select from shop.checkins c where c.list_id = 41 and c.successful and c.kind = 'entry'"
    " and c.order_id = o.id and c.position = p.position)"
)
CHECKIN_KEY = CHECKIN_LABELS[:2]


def expected_at(number: int, condition: str) -> str:
    return (
        f"select o.code, p.position from shop.orders o join shop.order_details d on d.order_id = o.id"
        f" join shop.positions p on p.order_id = o.id where o.event_id = {number // 10} and {condition}"
    )


LOG_LABELS = ("ID", "Date", "Time", "Scan type", "Order code", "Position ID", "Device", "Result", "Error reason")
LOG = """
    select c.id, to_char(c.scanned_at at time zone 'Europe/Berlin', 'YYYY-MM-DD'),
           to_char(c.scanned_at at time zone 'Europe/Berlin', 'HH24:MI:SS'),
           case c.kind when 'entry' then 'Entry' else 'Exit' end, o.code, c.position, c.device,
           case c.successful when true then 'OK' else 'Denied' end, c.reason
    from shop.checkins c join shop.orders o on o.id = c.order_id where o.event_id = 4
"""

INVOICE_LABELS = (
    *("Invoice number", "Date", "Order code", "Invoice type", "Cancellation of", "Invoice sender: Name"),
    *("Invoice recipient: Company", "Invoice recipient: Internal reference", "Total value (with taxes)"),
    *("Total value (without taxes)", "Currency", "Payment providers"),
)
INVOICES = """
    select i.number, i.issued_on, o.code, case when i.cancels_id > 0 then 'Cancellation' else 'Invoice' end,
           (select number from shop.invoices c where c.id = i.cancels_id), 'Big Events GmbH & Co. KG',
           (select company from shop.invoice_addresses a where a.order_id = o.id), i.reference,
           (select sum(l.gross) from shop.invoice_lines l where l.invoice_id = i.id),
           (select sum(l.gross) - sum(l.tax_value) from shop.invoice_lines l where l.invoice_id = i.id), 'EUR',
           (select string_agg(provider, ', ' order by provider) from (
              select distinct p.provider from shop.payments p
              where p.order_id = o.id and p.state not in ('failed', 'canceled') and p.provider <> 'free') x)
    from shop.invoices i join shop.orders o on o.id = i.order_id where i.event_id = 4
"""
LINE_LABELS = (
    *("Invoice number", "Line number", "Description", "Gross price", "Net price", "Tax value", "Tax rate"),
    *("Event start date", "Event end date", "Order code"),
)
LINES = """
    select i.number, l.position, l.description, l.gross, l.gross - l.tax_value, l.tax_value, l.tax_rate,
           date '2026-10-24', date '2026-10-26', o.code
    from shop.invoice_lines l join shop.invoices i on i.id = l.invoice_id join shop.orders o on o.id = i.order_id
    where i.event_id = 4
"""


def numbers(condition: str) -> str:
    return f"select i.number from shop.invoices i where i.event_id = 4 and {condition}"


CUSTOMER_LABELS = (
    *("Customer ID", "External identifier", "Email", "Phone number", "Full name", "Account active"),
    *("Verified email address", "Last login", "Registration date", "Language", "Orders", "Notes"),
)
CUSTOMERS = """
    select c.identifier, c.external_identifier, c.email, c.phone, c.name,
           case c.is_active when true then 'Yes' else 'No' end,
           case c.is_verified when true then 'Yes' else 'No' end, to_char(c.last_login_at, 'YYYY-MM-DD'),
           to_char(c.registered_at, 'YYYY-MM-DD'), c.locale,
           count(d.order_id), c.notes
    from shop.customers c left join shop.order_details d on d.customer_id = c.id where c.organizer_id = 1 group by c.id
"""
CARD_LABELS = (
    *("Gift card code", "Test mode card", "Creation date", "Expiry date", "Special terms and conditions", "Currency"),
    *("Current value", "Used in orders"),
)
MOMENT = "2026-06-01T00:00:00Z"


def cards(condition: str = "true", at: str = "now()") -> str:
    return f"""
        select * from (
            select g.code, case g.testmode when true then 'Yes' else 'No' end, g.issued_at, g.expires_at, g.conditions, g.currency,
                   (select sum(t.value) from shop.giftcard_transactions t where t.giftcard_id = g.id and t.at <= {at}),
                   (select string_agg(o.code, ', ' order by t.local_id) from shop.giftcard_transactions t
                      join shop.orders o on o.id = t.order_id where t.giftcard_id = g.id and t.at <= {at})
            from shop.giftcards g where g.organizer_id = 1 and g.issued_at <= {at}
        ) as x (code, testmode, issued_at, expires_at, conditions, currency, value, orders) where {condition}
    """  # noqa: E501 - as above


QUOTA_LABELS = (
    *("Quota ID", "Quota name", "Total quota", "Paid orders", "Pending orders", "Blocking vouchers", "Waiting list"),
    "Current availability",
)


def _sold(status: str) -> str:
    return f"""
        (select count(*) from shop.positions p join shop.orders o on o.id = p.order_id where o.status = '{status}'
           and p.product_id in (select product_id from shop.quota_products where quota_id = q.id))
    """


QUOTAS = f"""
    select id, name, size, paid, pending, vouchers, waiting,
           case when size - paid - pending - vouchers < 0 then 0 else size - paid - pending - vouchers end
    from (select q.id, q.name, q.size, {_sold("paid")} as paid, {_sold("pending")} as pending,
             (select count(*) from shop.waitinglist w where w.voucher_code <> '' and not w.voucher_redeemed
                and (w.voucher_valid_until is null or w.voucher_valid_until > now())
                and w.product_id in (select product_id from shop.quota_products where quota_id = q.id)) as vouchers,
             (select count(*) from shop.waitinglist w where w.voucher_code is null
                and w.product_id in (select product_id from shop.quota_products where quota_id = q.id)) as waiting
          from shop.quotas q where q.event_id = 1) x
"""
WAITING_LABELS = (
    "ID",
    "Date",
    "Name",
    "Email",
    "Phone number",
    "Product",
    "Event slug",
    "Start date",
    "Status",
    "Voucher code",
)
WAITING = """
    select w.id, date_trunc('second', w.created_at at time zone 'Europe/Berlin'), w.name, w.email, w.phone,
           (select name from shop.products r where r.id = w.product_id), 'sampleconf', timestamp '2026-11-12 09:00',
           case when w.voucher_code is null then 'Waiting for a voucher' when w.voucher_redeemed then 'Voucher redeemed'
                when w.voucher_valid_until <= now() then 'Voucher expired' else 'Voucher assigned' end, w.voucher_code
    from shop.waitinglist w where w.event_id = 1
"""


def waiting(condition: str) -> str:
    return f"select w.id from shop.waitinglist w where w.event_id = 1 and {condition}"


UNUSED = "w.voucher_code <> '' and not w.voucher_redeemed"
CODE, NUMBER = ("Order code",), ("Invoice number",)
ORDERS_ONLY = "orders:default"

CASES: dict[str, Case] = {
    "orderlist, orders": Case("orderlist", ORDER_LABELS, ORDERS, chosen=ORDERS_ONLY),
    "orderlist, paid_only": Case(
        "orderlist", CODE, codes(f"{OF_SAMPLECONF} and o.status = 'paid'"), body={"paid_only": True}, chosen=ORDERS_ONLY
    ),
    "orderlist, date_range": Case(
        "orderlist", CODE, codes(f"{OF_SAMPLECONF} and {MARCH}"), body={"date_range": MARCH_DAY}, chosen=ORDERS_ONLY
    ),
    "orderlist, date_from": Case(
        "orderlist",
        CODE,
        codes(f"{OF_SAMPLECONF} and o.created_at >= '2026-10-31T23:00Z'"),
        body={"date_from": "2026-11-01"},
        chosen=ORDERS_ONLY,
    ),
    "orderlist, all events": Case("orderlist", CODE, codes(OF_BIGEVENTS), ORGANIZER, {"all_events": True}, ORDERS_ONLY),
    "orderlist, events": Case(
        "orderlist",
        CODE,
        codes("o.event_id in (3, 14)"),
        ORGANIZER,
        {"events": ["lange-nacht", "spring-forward"]},
        ORDERS_ONLY,
    ),
    "orderlist, event_date_range": Case(
        "orderlist",
        CODE,
        codes("o.event_id in (4, 3)"),
        ORGANIZER,
        {"event_date_range": "2026-08-29/2026-10-24"},
        ORDERS_ONLY,
    ),
    "orderlist, include_payment_amounts": Case(
        "orderlist", CODE + PAID_LABELS, PAID, DEVDAYS, {"include_payment_amounts": True}, ORDERS_ONLY
    ),
    "orderlist, positions": Case("orderlist", POSITION_LABELS, POSITIONS, DEVDAYS, chosen="positions:default"),
    "orderlist, answers": Case(
        "orderlist", (*CODE, "Position ID", *DIET_LABELS), DIET, DEVDAYS, chosen="positions:default"
    ),
    "orderlist, group_multiple_choice": Case(
        "orderlist",
        (*CODE, "Position ID", "What do you eat?"),
        GROUPED,
        DEVDAYS,
        {"group_multiple_choice": True},
        "positions:default",
    ),
    "orderlist, fees": Case("orderlist", FEE_LABELS, FEES, DEVDAYS, chosen="fees:default"),
    "paymentlist": Case("paymentlist", PAYMENT_LABELS, PAYMENTS),
    "paymentlist, start_date_range": Case(
        "paymentlist",
        ("Payment ID",),
        payments("begun between '2026-10-01' and '2026-10-31'"),
        body={"start_date_range": "2026-10-01/2026-10-31"},
    ),
    "paymentlist, end_date_range": Case(
        "paymentlist", ("Payment ID",), payments("done <= '2025-12-31'"), body={"end_date_range": "/2025-12-31"}
    ),
    "paymentlist, states": Case(
        "paymentlist",
        ("Payment ID",),
        payments("(amount < 0 and state = 'failed') or (amount >= 0 and state in ('failed', 'pending'))"),
        body={"payment_states": ["pending", "failed"], "refund_states": ["failed"]},
    ),
    "productsales": Case("productsales", SALES_LABELS, sales()),
    "productsales, date_range": Case("productsales", SALES_LABELS, sales(MARCH), body={"date_range": MARCH_DAY}),
    "productsales, products": Case(
        "productsales", SALES_LABELS, sales(products="r.id in (14, 16)"), body={"products": [16, "14"]}
    ),
    "productsales, sold_only": Case(
        "productsales",
        ("Product ID",),
        "select id from shop.products where event_id in (1, 2, 3, 4, 14)",
        ORGANIZER,
        {"sold_only": True},
    ),
    "checkinlist": Case("checkinlist", CHECKIN_LABELS, checkins(41, "o.status = 'paid'"), DEVDAYS, {"list": 41}),
    "checkinlist, of some products": Case(
        "checkinlist", CHECKIN_KEY, expected_at(42, "o.status = 'paid' and p.product_id = 44"), DEVDAYS, {"list": "42"}
    ),
    "checkinlist, pending": Case(
        "checkinlist", CHECKIN_KEY, expected_at(43, "o.status in ('paid', 'pending')"), DEVDAYS, {"list": 43}
    ),
    "checkinlist, paid_only": Case(
        "checkinlist", CHECKIN_KEY, expected_at(43, "o.status = 'paid'"), DEVDAYS, {"list": 43, "paid_only": True}
    ),
    "checkinlist, attention_only": Case(
        "checkinlist",
        CHECKIN_KEY,
        expected_at(41, "o.status = 'paid' and d.checkin_attention"),
        ORGANIZER,
        {"list": 41, "attention_only": True},
    ),
    "checkinlist, checked_in": Case(
        "checkinlist",
        CHECKIN_KEY,
        expected_at(41, f"o.status = 'paid' and {CAME}"),
        DEVDAYS,
        {"list": 41, "status": "checked_in"},
    ),
    "checkinlist, missing": Case(
        "checkinlist",
        CHECKIN_KEY,
        expected_at(41, f"o.status = 'paid' and not {CAME}"),
        DEVDAYS,
        {"list": 41, "status": "missing"},
    ),
    "checkinlog": Case("checkinlog", LOG_LABELS, LOG, DEVDAYS),
    "checkinlog, list": Case(
        "checkinlog", ("ID",), "select id from shop.checkins where list_id in (11, 42)", ORGANIZER, {"list": [11, 42]}
    ),
    "checkinlog, date_range": Case(
        "checkinlog",
        ("ID",),
        "select id from shop.checkins where list_id / 10 = 11 and scanned_at >= '2025-12-31T11:00Z'",
        f"{API}/kiwi-trails/events/new-year",
        {"date_range": "2026-01-01/"},
    ),
    "checkinlog, successful_only": Case(
        "checkinlog",
        ("ID",),
        "select id from shop.checkins where list_id / 10 = 4 and reason is null",
        DEVDAYS,
        {"successful_only": True},
    ),
    "invoicedata, invoices": Case("invoicedata", INVOICE_LABELS, INVOICES, DEVDAYS, chosen="invoices:default"),
    "invoicedata, lines": Case("invoicedata", LINE_LABELS, LINES, DEVDAYS, chosen="lines:default"),
    "invoicedata, date_range": Case(
        "invoicedata",
        NUMBER,
        numbers("i.issued_on <= '2026-01-31'"),
        DEVDAYS,
        {"date_range": "/2026-01-31"},
        "invoices:default",
    ),
    "invoicedata, payment_provider": Case(
        "invoicedata",
        NUMBER,
        numbers("i.order_id in (select order_id from shop.payments where provider = 'paypal')"),
        DEVDAYS,
        {"payment_provider": "paypal"},
        "invoices:default",
    ),
    "customerlist": Case("customerlist", CUSTOMER_LABELS, CUSTOMERS, ORGANIZER),
    "giftcardlist": Case("giftcardlist", CARD_LABELS, cards(), ORGANIZER),
    "giftcardlist, date": Case(
        "giftcardlist", CARD_LABELS, cards(at=f"timestamptz '{MOMENT}'"), ORGANIZER, {"date": MOMENT}
    ),
    "giftcardlist, testmode": Case(
        "giftcardlist", CARD_LABELS, cards("testmode = 'Yes'"), ORGANIZER, {"testmode": "yes"}
    ),
    "giftcardlist, not testmode": Case(
        "giftcardlist", CARD_LABELS, cards("testmode = 'No'"), ORGANIZER, {"testmode": "no"}
    ),
    "giftcardlist, empty": Case("giftcardlist", CARD_LABELS, cards("value = 0"), ORGANIZER, {"state": "empty"}),
    "giftcardlist, valid": Case(
        "giftcardlist",
        CARD_LABELS,
        cards("value <> 0 and (expires_at >= now() or expires_at is null)"),
        ORGANIZER,
        {"state": "valid_value"},
    ),
    "giftcardlist, expired value": Case(
        "giftcardlist", CARD_LABELS, cards("value <> 0 and expires_at < now()"), ORGANIZER, {"state": "expired_value"}
    ),
    "giftcardlist, expired": Case(
        "giftcardlist", CARD_LABELS, cards("expires_at < now()"), ORGANIZER, {"state": "expired"}
    ),
    "giftcardtransactionlist": Case(
        "giftcardtransactionlist",
        ("Gift card code", "Number", "Date", "Amount", "Order", "Description"),
        "select (select code from shop.giftcards g where g.id = t.giftcard_id), t.local_id, t.at, t.value,"
        " (select code from shop.orders o where o.id = t.order_id), t.info from shop.giftcard_transactions t"
        " where t.giftcard_id in (select id from shop.giftcards where organizer_id = 1)",
        ORGANIZER,
    ),
    "giftcardtransactionlist, date_range": Case(
        "giftcardtransactionlist",
        ("Gift card code", "Number"),
        "select g.code, t.local_id from shop.giftcard_transactions t join shop.giftcards g on g.id = t.giftcard_id"
        " where g.organizer_id = 1 and t.at >= '2026-10-01T00:00Z' and t.at < '2026-11-01T00:00Z'",
        ORGANIZER,
        {"date_range": "2026-10-01/2026-10-31"},
    ),
    "quotalist": Case("quotalist", QUOTA_LABELS, QUOTAS),
    "waitinglist": Case("waitinglist", WAITING_LABELS, WAITING),
    "waitinglist, all": Case("waitinglist", ("ID",), waiting("true"), body={"status": "all"}),
    "waitinglist, awaiting-voucher": Case(
        "waitinglist", ("ID",), waiting("w.voucher_code is null"), body={"status": "awaiting-voucher"}
    ),
    "waitinglist, voucher-assigned": Case(
        "waitinglist", ("ID",), waiting("w.voucher_code <> ''"), body={"status": "voucher-assigned"}
    ),
    "waitinglist, awaiting-redemption": Case(
        "waitinglist",
        ("ID",),
        waiting(f"{UNUSED} and (w.voucher_valid_until is null or w.voucher_valid_until > now())"),
        body={"status": "awaiting-redemption"},
    ),
    "waitinglist, voucher-redeemed": Case(
        "waitinglist", ("ID",), waiting("w.voucher_redeemed"), body={"status": "voucher-redeemed"}
    ),
    "waitinglist, voucher-expired": Case(
        "waitinglist",
        ("ID",),
        waiting(f"{UNUSED} and w.voucher_valid_until <= now()"),
        body={"status": "voucher-expired"},
    ),
    "eventdata": Case(
        "eventdata",
        (
            "Event slug",
            "Event name",
            "Event currency",
            "Timezone",
            "Event start time",
            "Shop is live",
            "Products",
            "Orders",
        ),
        "select slug, name, currency, timezone, date_from, case live when true then 'Yes' else 'No' end, 8,"
        " (select count(*) from shop.orders o where o.event_id = e.id) from shop.events e where organizer_id = 1",
        ORGANIZER,
    ),
    "eventdata, events": Case("eventdata", ("Event slug",), "select 'devdays'", ORGANIZER, {"events": ["devdays"]}),
}
