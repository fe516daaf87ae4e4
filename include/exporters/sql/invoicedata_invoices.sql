select i.number, i.issued_on, o.code as order_code, o.email,
       case when i.cancels_id is null then 'Invoice' else 'Cancellation' end as kind, c.number as cancels,
       i.locale, org.name as sender, a.company, a.name, a.street, a.zipcode, a.city, a.country, a.state, a.vat_id,
       i.reference, t.gross, t.net, e.currency, p.providers
from shop.invoices i
join shop.orders o on o.id = i.order_id
join shop.events e on e.id = i.event_id
join shop.organizers org on org.id = e.organizer_id
left join shop.invoices c on c.id = i.cancels_id
left join shop.invoice_addresses a on a.order_id = i.order_id
join (
    select invoice_id, sum(gross) as gross, sum(gross - tax_value) as net from shop.invoice_lines group by invoice_id
) t on t.invoice_id = i.id
left join (
    select order_id, string_agg(distinct provider, ', ' order by provider) as providers
    from shop.payments
    where state in ('created', 'pending', 'confirmed', 'refunded') and provider <> 'free'
    group by order_id
) p on p.order_id = i.order_id
where org.slug = :organizer
  and (:events::text[] is null or e.slug = any(:events::text[]))
  and (:date_range_first::date is null or i.issued_on >= :date_range_first::date)
  and (:date_range_last::date is null or i.issued_on <= :date_range_last::date)
  and (:payment_provider::text is null or exists (
        select from shop.payments x where x.order_id = i.order_id and x.provider = :payment_provider))
