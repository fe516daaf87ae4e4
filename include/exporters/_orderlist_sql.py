"""The statements behind ``orderlist``: all three begin with the same choice of orders."""

from __future__ import annotations

OTHER = "other"
RATES = {"0": "0.00", "7": "7.00", "8_88": "8.88", "10": "10.00", "15": "15.00", "19": "19.00", "23": "23.00"}
"""The shop's tax rates in percent, by what their columns are called."""

_LISTED = ", ".join(RATES.values())
RATES |= {OTHER: "any other"}

DIETS = {
    "vegetarian": "vegetarian",
    "vegan": "vegan",
    "halal": "halal",
    "kosher": "kosher",
    "gluten_free": "gluten-free",
}
"""Answers to the question ``diet``, by what their columns are called."""

_PROVIDERS = ("banktransfer", "boxoffice", "manual", "paypal", "stripe")

# Nothing below comes from a request: it is put together from the constants of this module alone.
# ruff: noqa: S608

_PICKED = """
    with picked as (
        select o.id, e.slug as event, o.code, o.total, initcap(o.status) as status, o.email, d.phone,
               (o.created_at at time zone e.timezone)::date as order_date,
               date_trunc('second', o.created_at at time zone e.timezone)::time as order_time,
               o.locale, o.comment, d.sales_channel, d.follow_up_on, e.timezone, c.external_identifier as customer,
               case when d.checkin_attention then 'Yes' else 'No' end as attention,
               case when d.email_verified then 'Yes' else 'No' end as email_verified,
               a.company, a.name, a.street, a.zipcode, a.city, a.country, a.state, a.custom_field, a.vat_id
        from shop.orders o
        join shop.events e on e.id = o.event_id
        join shop.organizers org on org.id = e.organizer_id
        join shop.order_details d on d.order_id = o.id
        left join shop.invoice_addresses a on a.order_id = o.id
        left join shop.customers c on c.id = d.customer_id
        where org.slug = :organizer
          and (:events::text[] is null or e.slug = any(:events::text[]))
          and (not :paid_only::boolean or o.status = 'paid')
          and (:date_range_first::date is null
               or (o.created_at at time zone e.timezone)::date >= :date_range_first::date)
          and (:date_range_last::date is null
               or (o.created_at at time zone e.timezone)::date <= :date_range_last::date)
          and (:event_date_range_first::date is null
               or (e.date_from at time zone e.timezone)::date >= :event_date_range_first::date)
          and (:event_date_range_last::date is null
               or (e.date_from at time zone e.timezone)::date <= :event_date_range_last::date)
    ), paid as (
        select y.order_id, max(y.paid_at) filter (where y.state in ('confirmed', 'refunded')) as paid_at,
               string_agg(distinct y.provider, ', ' order by y.provider)
                   filter (where y.provider <> 'free') as providers
        from shop.payments y
        join picked k on k.id = y.order_id
        where y.state in ('created', 'pending', 'confirmed', 'refunded')
        group by y.order_id
    )"""


def _at_rates() -> str:
    """Return the sums for each rate."""
    lines = []
    for name, rate in RATES.items():
        of = f"filter (where tax_rate {f'not in ({_LISTED})' if name == OTHER else f'= {rate}'})"
        lines += [
            f"coalesce(sum(gross) {of}, 0.00) as gross_{name}",
            f"coalesce(sum(gross - tax_value) {of}, 0.00) as net_{name}",
            f"coalesce(sum(tax_value) {of}, 0.00) as tax_{name}",
        ]
    return ",\n               ".join(lines)


def _by_provider() -> str:
    """Return the sums for each way of payment."""
    listed = ", ".join(f"'{name}'" for name in _PROVIDERS)
    conditions = {name: f"= '{name}'" for name in _PROVIDERS} | {OTHER: f"not in ({listed})"}
    return ",\n               ".join(
        f"coalesce(sum(amount) filter (where provider {condition}), 0.00) as paid_by_{name}"
        for name, condition in conditions.items()
    )


def _columns(prefix: str, source: str) -> str:
    return ", ".join(f"coalesce({source}.{prefix}_{name}, 0.00) as {prefix}_{name}" for name in RATES)


_AMOUNTS = ", ".join(f"coalesce(y.paid_by_{name}, 0.00) as paid_by_{name}" for name in (*_PROVIDERS, OTHER))

ORDERS = f"""{_PICKED}, charged as (
        select p.order_id, p.tax_rate, p.price as gross, p.tax_value, 0.00 as fee, 1 as position
        from shop.positions p
        join picked k on k.id = p.order_id
        union all
        select f.order_id, d.tax_rate, f.value, d.tax_value, f.value, 0
        from shop.fees f
        join shop.fee_details d on d.order_id = f.order_id and d.local_id = f.local_id
        join picked k on k.id = f.order_id
    ), taxed as (
        select order_id, sum(fee) as fees, sum(position) as positions,
               {_at_rates()}
        from charged
        group by order_id
    ), moved as (
        select y.order_id, y.provider, y.amount
        from shop.payments y
        join picked k on k.id = y.order_id
        where y.state in ('confirmed', 'refunded') and y.provider <> 'free'
        union all
        select r.order_id, d.provider, -r.amount
        from shop.refunds r
        join shop.refund_details d on d.order_id = r.order_id and d.local_id = r.local_id
        join picked k on k.id = r.order_id
        where r.state in ('done', 'transit')
    ), amounts as (
        select order_id,
               {_by_provider()}
        from moved
        group by order_id
    ), invoiced as (
        select i.order_id, string_agg(i.number, ', ' order by i.id) as invoices
        from shop.invoices i
        join picked k on k.id = i.order_id
        group by i.order_id
    )
    select k.event, k.code, k.total, k.status, k.email, k.phone, k.order_date, k.order_time, k.company, k.name,
           k.street, k.zipcode, k.city, k.country, k.state, k.custom_field, k.vat_id,
           (paid.paid_at at time zone k.timezone)::date as paid_on, t.fees, k.locale,
           {_columns("gross", "t")},
           {_columns("net", "t")},
           {_columns("tax", "t")},
           i.invoices, k.sales_channel, k.attention, k.comment, k.follow_up_on, t.positions, k.email_verified,
           k.customer, paid.providers, {_AMOUNTS}
    from picked k
    join taxed t on t.order_id = k.id
    left join paid on paid.order_id = k.id
    left join invoiced i on i.order_id = k.id
    left join amounts y on y.order_id = k.id"""

_CHOSEN = ",\n               ".join(
    f"case when bool_or(q.identifier = 'diet' and a.answer = '{choice}') then 'Yes' else 'No' end as answer_diet_{name}"
    for name, choice in DIETS.items()
)
_ANSWERED = ", ".join(f"a.answer_diet_{name}" for name in DIETS)

POSITIONS = f"""{_PICKED}, answered as (
        select a.order_id, a.position,
               string_agg(a.answer, ', ' order by a.number) filter (where q.identifier = 'diet') as answer_diet,
               {_CHOSEN},
               max(a.answer) filter (where q.identifier = 'source') as answer_source
        from shop.answers a
        join shop.questions q on q.id = a.question_id
        join picked k on k.id = a.order_id
        group by a.order_id, a.position
    ), scanned as (
        select s.order_id, s.position, string_agg(distinct l.name, ', ' order by l.name) as checkin_lists
        from shop.checkins s
        join shop.checkin_lists l on l.id = s.list_id
        join picked k on k.id = s.order_id
        where s.successful and s.kind = 'entry'
        group by s.order_id, s.position
    )
    select k.event, k.code, p.position, k.status, k.email, k.phone, k.order_date, k.order_time, r.name as product,
           p.price, p.tax_rate, p.tax_value, p.attendee_name, d.attendee_email, d.voucher_code, d.pseudonymization_id,
           a.answer_diet, {_ANSWERED}, a.answer_source,
           k.company, k.name, k.street, k.zipcode, k.city, k.country, k.state, k.vat_id, k.sales_channel, k.locale,
           k.email_verified, k.customer, s.checkin_lists, paid.providers
    from picked k
    join shop.positions p on p.order_id = k.id
    join shop.position_details d on d.order_id = p.order_id and d.position = p.position
    join shop.products r on r.id = p.product_id
    left join answered a on a.order_id = p.order_id and a.position = p.position
    left join scanned s on s.order_id = p.order_id and s.position = p.position
    left join paid on paid.order_id = k.id"""

FEES = f"""{_PICKED}
    select k.event, k.code, f.local_id as number, k.status, k.email, k.phone, k.order_date, k.order_time,
           case f.kind when 'giftcard' then 'Gift card' else initcap(f.kind) || ' fee' end as kind,
           d.description, f.value as price, d.tax_rate, d.tax_value,
           k.company, k.name, k.street, k.zipcode, k.city, k.country, k.state, k.vat_id, k.customer, paid.providers
    from picked k
    join shop.fees f on f.order_id = k.id
    join shop.fee_details d on d.order_id = f.order_id and d.local_id = f.local_id
    left join paid on paid.order_id = k.id"""
