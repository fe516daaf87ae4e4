-- Demo data: an invented ticket shop. See README.md in this folder.
-- Deterministic: every "random" choice is a hash of a row number; no clock, no random(), no extension.
-- UTF-8, plain SQL without psql commands. Safe to run again.

set local client_min_messages = warning;
set local timezone = 'UTC';
set local datestyle = 'ISO, YMD';
set local standard_conforming_strings = on;
set local work_mem = '64MB';
set local maintenance_work_mem = '128MB';
set local jit = off;

drop schema if exists shop cascade;
create schema shop;
comment on schema shop is 'Waybill demo: organizers, events, products and about 50,000 orders';

-- pick(n, seed, m): a number from 0 to m-1 that depends on n and seed only.
create function shop.pick(n bigint, seed bigint, m bigint) returns bigint
    language sql immutable parallel safe
    as 'select (hashint8extended(n, seed) & 9223372036854775807) % m';

create table shop.organizers (
    id   integer primary key,
    slug text not null unique,
    name text not null
);
comment on table shop.organizers is 'Who sells';

create table shop.events (
    id           integer primary key,
    organizer_id integer not null references shop.organizers (id),
    slug         text not null,
    name         text not null,
    currency     text not null check (length(currency) = 3),
    timezone     text not null,
    date_from    timestamptz not null,
    date_to      timestamptz,
    live         boolean not null,
    unique (organizer_id, slug)
);
comment on table shop.events is 'What is sold. bigevents/sampleconf is the largest, bigevents/never-sold has no orders';
comment on column shop.events.timezone is 'IANA name';

create table shop.products (
    id            integer primary key,
    event_id      integer not null references shop.events (id),
    name          text not null,
    category      text,
    admission     boolean not null,
    default_price numeric(13,2) not null,
    tax_rate      numeric(7,2) not null
);
comment on table shop.products is 'Tickets and extras of an event';

create table shop.orders (
    id             bigint not null,
    code           text not null,
    event_id       integer not null,
    status         text not null check (status in ('paid', 'pending', 'expired', 'canceled')),
    email          text,
    locale         text not null,
    created_at     timestamptz not null,
    expires_at     timestamptz,
    total          numeric(13,2) not null,
    exchange_total numeric(38,8),
    comment        text,
    testmode       boolean not null,
    external_id    bigint
);
comment on table shop.orders is 'Ids follow created_at; total is the sum of the positions and the fees';
comment on column shop.orders.exchange_total is 'The total in the reporting currency; some values have 30 and more digits';
comment on column shop.orders.external_id is 'Number in the accounting system, 19 digits';

create table shop.positions (
    order_id      bigint not null,
    position      integer not null,
    product_id    integer not null,
    attendee_name text,
    price         numeric(13,2) not null,
    tax_rate      numeric(7,2) not null,
    tax_value     numeric(13,2) not null
);
comment on table shop.positions is 'What an order consists of; tax is included in price';

create table shop.fees (
    order_id bigint not null,
    local_id integer not null,
    kind     text not null check (kind in ('payment', 'shipping', 'service', 'insurance', 'giftcard')),
    value    numeric(13,2) not null
);
comment on table shop.fees is 'Surcharges and, negative, gift cards';

create table shop.refunds (
    order_id   bigint not null,
    local_id   integer not null,
    amount     numeric(13,2) not null,
    state      text not null check (state in ('created', 'transit', 'done', 'failed', 'canceled', 'external')),
    created_at timestamptz not null
);
comment on table shop.refunds is 'Money given back; a failed attempt is followed by another';

-- Hostile texts, numbered. Invisible characters are written as escapes so that a reader can see them.
create table shop.stage_edge (k int primary key, v text not null);
insert into shop.stage_edge (k, v) values
    (1, ''), (2, ' '), (3, '  two leading spaces'), (4, 'two trailing spaces  '),
    (5, E'\u00A0no-break spaces\u00A0'),
    (6, 'Größenübermaß, Äpfel & Öl, Straße'),
    (7, E'Cafe\u0301 (e + U+0301)'), (8, E'Caf\u00E9 (U+00E9)'),
    (9, E'family \U0001F468\u200D\U0001F469\u200D\U0001F467\u200D\U0001F466 of four'),
    (10, E'\U0001F469\U0001F3FD\u200D\U0001F680 \U0001F3F3\uFE0F\u200D\U0001F308 \U0001F1E9\U0001F1EA'),
    (11, 'مرحبا بالعالم، كيف الحال؟'), (12, 'שלום world 123 (עברית)'),
    (13, E'photo_\u202Egnp.exe\u202C'), (14, E'\u200Fright-to-left mark\u200F'),
    (15, 'She said "yes"'), (16, '"'), (17, '""'), (18, 'O''Brien''s'), (19, ''''''),
    (20, 'a,b,c'), (21, 'a;b;c'), (22, 'a|b|c'), (23, E'a\tb\tc'),
    (24, E'line one\nline two'), (25, E'line one\r\nline two'), (26, E'lone\rcarriage return'),
    (27, E'ends with a line break\n'), (28, E'"quoted",\n;''mixed''\r\n\tend'),
    (29, E'C:\\Temp\\new\\table'), (30, E'\\'), (31, E'ends with a backslash\\'), (32, E'quote after backslash \\"'),
    (33, E'\\N'), (34, E'\\.'), (35, 'NULL'), (36, 'null'), (37, 'None'), (38, 'nan'), (39, 'N/A'), (40, '#N/A'),
    (41, E'\u2400'),
    (42, '=1+1'), (43, '=HYPERLINK("https://example.org/?q="&A1,"click")'), (44, '+49 30 1234567'),
    (45, '-5 % discount'), (46, '-42'), (47, '@home'), (48, E'\t=1+1'), (49, E'\r=1+1'), (50, E'\uFF1D1+1'),
    (51, E'zero\u200Bwidth space'), (52, E'\uFEFFbyte order mark first'), (53, E'line\u2028separator\u2029s'),
    (54, E'controls \u0001 \u000B \u001B \u007F here'), (55, E'noncharacter \uFFFF here'),
    (56, '_x000D_ and _x0041_'), (57, '<b>bold &amp; ]]></b> <!-- x -->'), (58, '{{ ds }} {% raw %}'),
    (59, '%s %(name)s :name $1 ${HOME}'), (60, '007'), (61, '1E5'), (62, '1234567890123456789'), (63, 'TRUE'),
    (64, '2026-03-29'), (65, '1,5'), (66, E'\U00020BB7\u91CE\u5BB6 \U0001D518\U0001D52B\U0001D526'),
    (67, E'\uFB01 \u0130\u0131 \u00DF\u1E9E \u01C5'), (68, E'Z\u0351\u036B\u0343a\u0340\u0351l\u0342g\u0361o\u0322'),
    (69, 'Robert''); drop table students; --'), (70, E'\u0E44\u0E17\u0E22 \u0939\u093F\u0928\u094D\u0926\u0940 \u10E5\u10D0\u10E0\u10D7');

insert into shop.organizers (id, slug, name) values
    (1, 'bigevents', 'Big Events GmbH & Co. KG'), (2, 'harbour-jazz', 'Associação Harbour Jazz'), (3, 'tokyo-dev', '東京開発者会'),
    (4, 'cairo-books', 'معرض الكتاب'), (5, 'kiwi-trails', 'Kiwi Trails "Ltd"'), (6, 'empire-arts', 'Empire Arts, Inc.'), (7, 'newcomer', '');

-- home: the preferred group of names; weight: percent of the orders; scale: price level in the currency.
create table shop.stage_event (id int primary key, home int, weight int, scale numeric, tax numeric, locales text[]);
insert into shop.stage_event values
    (1, 1, 30, 1, 19, '{de,de,de,de-informal,en,en,fr}'), (2, 1, 10, 0.3, 7, '{de,de,de-informal,en}'), (3, 1, 8, 0.2, 7, '{de,de,en}'),
    (4, 1, 8, 1.5, 19, '{de,en,en}'), (5, 1, 0, 1, 19, '{de}'), (6, 3, 6, 0.5, 23, '{pt-pt,pt-pt,en,es}'), (7, 3, 8, 0.6, 23, '{pt-pt,pt-pt,en,es}'),
    (8, 7, 7, 100, 10, '{ja,ja,ja,en}'), (9, 5, 6, 5, 0, '{ar,ar,ar,en,fr}'), (10, 2, 3, 1.2, 15, '{en}'), (11, 2, 3, 0.8, 15, '{en,en,zh-hans}'),
    (12, 2, 5, 3, 8.88, '{en,en,es}'), (13, 2, 4, 2, 8.88, '{en}'), (14, 1, 2, 0.4, 19, '{de,en}');
insert into shop.events (id, organizer_id, slug, name, currency, timezone, date_from, date_to, live) values
    (1, 1, 'sampleconf', 'SampleConf 2026', 'EUR', 'Europe/Berlin', '2026-11-12 08:00+00', '2026-11-14 17:00+00', true),
    (2, 1, 'winterfest-2025', 'Winterfest „Über den Dächern“ 2025', 'EUR', 'Europe/Berlin', '2025-11-28 16:00+00', '2025-12-21 21:00+00', true),
    (3, 1, 'lange-nacht', 'Lange Nacht der Museen; "Edition 7"', 'EUR', 'Europe/Berlin', '2026-08-29 16:00+00', '2026-08-30 00:00+00', true),
    (4, 1, 'devdays', E'DevDays \U0001F468\u200D\U0001F4BB: Zeitumstellung', 'EUR', 'Europe/Berlin', '2026-10-24 07:00+00', '2026-10-26 16:00+00', true),
    (5, 1, 'never-sold', 'Never Sold', 'EUR', 'Europe/Berlin', '2026-12-01 18:00+00', null, false),
    (6, 2, 'jazz-2025', 'Jazz no Cais 2025', 'EUR', 'Europe/Lisbon', '2025-07-18 19:00+00', '2025-07-20 23:00+00', true),
    (7, 2, 'jazz-2026', 'Jazz no Cais 2026', 'EUR', 'Europe/Lisbon', '2026-07-17 19:00+00', '2026-07-19 23:00+00', true),
    (8, 3, 'kaigi-2026', '開発者会議 2026', 'JPY', 'Asia/Tokyo', '2026-04-18 00:00+00', '2026-04-19 09:00+00', true),
    (9, 4, 'fair-2026', 'معرض القاهرة الدولي للكتاب', 'EGP', 'Africa/Cairo', '2026-01-22 08:00+00', '2026-02-03 19:00+00', true),
    (10, 5, 'chatham-run', 'Chatham Islands Run', 'NZD', 'Pacific/Chatham', '2026-03-06 19:15+00', '2026-03-07 05:15+00', true),
    (11, 5, 'new-year', '=New Year @ Auckland', 'NZD', 'Pacific/Auckland', '2025-12-31 07:00+00', '2025-12-31 14:00+00', true),
    (12, 6, 'gala', 'The Governor''s Gala', 'USD', 'America/New_York', '2026-05-02 22:00+00', '2026-05-03 03:00+00', true),
    (13, 6, 'open-date', 'Members, Friends; Open Date', 'USD', 'America/New_York', '2026-11-30 15:00+00', null, true),
    (14, 1, 'spring-forward', E'Spring Forward\t– die kurze Nacht', 'EUR', 'Europe/Berlin', '2026-03-28 20:00+00', '2026-03-29 04:00+00', true);

create table shop.stage_product (k int primary key, name text, ja text, ar text, category text, admission boolean, price numeric);
insert into shop.stage_product values
    (1, 'Regular ticket', '一般チケット', 'تذكرة عادية', 'Tickets', true, 149.00), (2, 'Frühbucher / Early bird', '早割', 'تذكرة مبكرة', 'Tickets', true, 99.90),
    (3, 'Student; Schüler, Azubi', '学生', 'طالب', 'Tickets', true, 49.50), (4, 'VIP "Backstage"', 'VIP', 'كبار الزوار', 'Tickets', true, 399.99),
    (5, 'Free ticket', '無料', 'مجاني', '', true, 0.00), (6, 'Workshop ½ day', 'ワークショップ', 'ورشة', 'Extras', false, 75.05),
    (7, 'T-Shirt (S–3XL)', 'Tシャツ', 'قميص', 'Extras', false, 19.99), (8, '+1 Dinner', 'ディナー', 'عشاء', null, false, 33.33);
insert into shop.products (id, event_id, name, category, admission, default_price, tax_rate)
select e.id * 10 + p.k, e.id, case s.home when 7 then p.ja when 5 then p.ar else p.name end, p.category, p.admission,
       round(p.price * s.scale, case when e.currency = 'JPY' then 0 else 2 end), s.tax
from shop.events as e join shop.stage_event as s on s.id = e.id, shop.stage_product as p
order by e.id, p.k;

-- People. Each word is native|ascii, "_" stands for a space; lf writes the family name first.
create table shop.stage_name (g int primary key, pattern text, firsts text[], lasts text[], slots int);
insert into shop.stage_name
select g, pattern, string_to_array(firsts, ' '), string_to_array(lasts, ' '), slots
from (values
    (1, 'f l', 'Jörg|joerg Anke|anke Käthe|kaethe Ben|ben Mia|mia Jürgen|juergen Lena|lena Björn|bjoern Karl-Heinz|karl-heinz Noémie|noemie Ayşe|ayse Götz|goetz Ida|ida Uwe|uwe',
     'Müller|mueller Schäfer|schaefer Groß|gross von_und_zu_Weiß|weiss Krüger|krueger Öztürk|oeztuerk Hofmann|hofmann Leutheusser-Schnarrenberger|leutheusser Böhm|boehm Yıldız|yildiz Jäger|jaeger Vogt|vogt', 9),
    (2, 'f l', 'Olivia|olivia Liam|liam Siobhán|siobhan Noah|noah Aroha|aroha Oliver|oliver Zoë|zoe Wiremu|wiremu Jack|jack Renée|renee Bobby|bobby',
     'O''Neill|oneill Smith|smith D''Arcy|darcy Walker|walker McDonald|mcdonald Null|null Taylor|taylor Ngata|ngata Tables|tables Featherstonehaugh|featherstonehaugh', 4),
    (3, 'f l', 'Inês|ines João|joao María_José|mariajose François|francois Conceição|conceicao Łukasz|lukasz Jiří|jiri Søren|soeren Þór|thor Ștefan|stefan',
     'Gonçalves|goncalves Núñez|nunez de_la_Cruz|delacruz Lefèvre|lefevre Simões|simoes Wójcik|wojcik Dvořák|dvorak Ångström|angstroem Guðmundsson|gudmundsson Țepeș|tepes', 3),
    (4, 'f l', 'Олена|olena Дмитро|dmytro Юлія|yuliia Иван|ivan Ђорђе|djordje', 'Шевченко|shevchenko Коваленко|kovalenko Чайковский|tchaikovsky Ґалаґан|galagan Његош|njegos', 1),
    (5, 'f l', 'محمد|mohamed فاطمة|fatima يوسف|youssef ليلى|layla عُمَر|omar', 'الخطيب|alkhatib حسن|hassan عبد_الرحمن|abdelrahman محفوظ|mahfouz', 1),
    (6, 'f l', 'נועה|noa דוד|david יעל|yael', 'כהן|cohen לוי|levi ז״ל|zal', 1),
    (7, 'l f', '太郎|taro さくら|sakura 健一|kenichi 美咲|misaki ジョン|john', '山田|yamada 佐藤|sato 髙橋|takahashi 渡邊|watanabe 𠮷田|yoshida', 1),
    (8, 'lf', '伟|wei 秀英|xiuying 子涵|zihan', '王|wang 李|li 欧阳|ouyang', 1),
    (9, 'lf', '민준|minjun 서연|seoyeon 지우|jiwoo', '김|kim 이|lee 남궁|namgung', 1),
    (10, 'f l', 'प्रिया|priya अर्जुन|arjun लक्ष्मी|lakshmi', 'शर्मा|sharma कृष्णमूर्ति|krishnamurthy', 1),
    (11, 'f l', 'Γιώργος|giorgos Ελένη|eleni', 'Παπαδόπουλος|papadopoulos Οικονόμου|oikonomou', 1),
    (12, 'f l', 'สมชาย|somchai Nguyễn_Thị|nguyenthi გიორგი|giorgi', 'ใจดี|jaidee Ánh|anh ბერიძე|beridze', 1)
) as t (g, pattern, firsts, lasts, slots);
create table shop.stage_slot (slot int primary key, g int);
insert into shop.stage_slot
select (row_number() over (order by g, x))::int - 1, g from shop.stage_name, generate_series(1, slots) as x order by g, x;

-- Exact instants that decide which day, week or month an order belongs to.
create table shop.stage_instant (k int primary key, t timestamptz not null);
insert into shop.stage_instant (k, t)
select (row_number() over (order by o))::int, t
from unnest(array[
    -- 2025-10-26, clocks go back: Monday before, Sunday, 02:30 twice, the change, Monday after
    '2025-10-19 21:59:59.999999+00', '2025-10-19 22:00+00', '2025-10-25 21:59:59.999999+00', '2025-10-25 22:00+00', '2025-10-26 00:00+00', '2025-10-26 00:30+00',
    '2025-10-26 00:59:59.999999+00', '2025-10-26 01:00+00', '2025-10-26 01:00:00.000001+00', '2025-10-26 01:30+00', '2025-10-26 02:00+00',
    '2025-10-26 22:59:59.999999+00', '2025-10-26 23:00+00', '2025-10-27 00:00+00',
    -- 2026-03-29, clocks go forward: 02:30 does not exist
    '2026-03-22 22:59:59.999999+00', '2026-03-22 23:00+00', '2026-03-28 22:59:59.999999+00', '2026-03-28 23:00+00', '2026-03-29 00:00+00', '2026-03-29 00:30+00',
    '2026-03-29 00:59:59.999999+00', '2026-03-29 01:00+00', '2026-03-29 01:00:00.000001+00', '2026-03-29 01:30+00', '2026-03-29 02:00+00',
    '2026-03-29 21:59:59.999999+00', '2026-03-29 22:00+00', '2026-03-30 00:00+00',
    -- 2026-10-25, clocks go back
    '2026-10-18 21:59:59.999999+00', '2026-10-18 22:00+00', '2026-10-24 21:59:59.999999+00', '2026-10-24 22:00+00', '2026-10-25 00:00+00', '2026-10-25 00:30+00',
    '2026-10-25 00:59:59.999999+00', '2026-10-25 01:00+00', '2026-10-25 01:00:00.000001+00', '2026-10-25 01:30+00', '2026-10-25 02:00+00',
    '2026-10-25 22:59:59.999999+00', '2026-10-25 23:00+00', '2026-10-26 00:00+00',
    -- first and last instants, month and year boundaries of Berlin and UTC
    '2025-06-01 00:00+00', '2025-12-31 22:59:59.999999+00', '2025-12-31 23:00+00', '2025-12-31 23:59:59.999999+00', '2026-01-01 00:00+00',
    '2026-02-28 23:00+00', '2026-03-31 22:00+00', '2026-11-15 23:59:59.999999+00'
]::timestamptz[]) with ordinality as u (t, o)
order by o;

-- Orders, first the draw: 49,000 by event, denser towards the event; 200 at exact instants; 800 within six hours of a clock change.
create table shop.stage_draw (n int, event_id int, created_at timestamptz);
insert into shop.stage_draw
select n, e.id,
       date_trunc('day', s.till - s.span * (shop.pick(n, 2, 1000000) * shop.pick(n, 2, 1000000) / 1000000) / 1000000 * interval '1 second', 'UTC')
       + interval '1 microsecond' * case when shop.pick(n, 5, 10) = 0 then (shop.pick(n, 3, 86400) + shop.pick(n, 4, 86400)) / 2 * 1000000
                                         when shop.pick(n, 5, 10) = 1 then (shop.pick(n, 3, 86400000) + shop.pick(n, 4, 86400000)) / 2 * 1000
                                         else (shop.pick(n, 3, 86400000000) + shop.pick(n, 4, 86400000000)) / 2 end
from generate_series(1, 49000) as n
join (select (row_number() over (order by id, x))::int - 1 as slot, id from shop.stage_event, generate_series(1, weight) as x) as e
  on e.slot = shop.pick(n, 1, 100)
join (select id, till, least(extract(epoch from till - timestamptz '2025-06-01 00:00+00')::bigint, 46224000) as span
      from (select id, least(date_from, '2026-11-15 00:00+00') as till from shop.events) as x) as s on s.id = e.id
order by n;
insert into shop.stage_draw
select n, case when n <= 49100 or shop.pick(n, 6, 10) < 6 or t.t > '2026-11-01' or t.t < '2025-09-01' then 1
               when t.t < '2025-12-01' then 2 when t.t < '2026-03-29' then 14 else 4 end, t.t
from generate_series(49001, 49200) as n join shop.stage_instant as t on t.k = (n - 49001) % 50 + 1
order by n;
insert into shop.stage_draw
select n, case when shop.pick(n, 6, 10) < 6 then 1 else (array[2, 14, 4])[1 + n % 3] end,
       (array['2025-10-25 19:00+00', '2026-03-28 19:00+00', '2026-10-24 19:00+00']::timestamptz[])[1 + n % 3] + shop.pick(n, 7, 43200000000) * interval '1 microsecond'
from generate_series(49201, 50000) as n
order by n;

create table shop.stage_order as
select d.*, x.currency, s.scale, s.home, s.tax, s.locales[1 + shop.pick(d.id, 20, cardinality(s.locales))] as locale,
       case when d.id = 25001 then 1 else 1 + least(shop.pick(d.id, 21, 5), shop.pick(d.id, 22, 5))::int end as size
from (select row_number() over (order by created_at, n) as id, event_id, created_at from shop.stage_draw) as d
join shop.events as x on x.id = d.event_id
join shop.stage_event as s on s.id = d.event_id
order by d.id;
create unique index on shop.stage_order (id);
analyze shop.stage_order;

-- Positions: the first is a ticket, later ones may be extras (which have no attendee).
create table shop.stage_position as
select p.order_id, p.position, p.event_id, p.currency, p.tax, p.k,
       replace(case n.pattern when 'f l' then split_part(first, '|', 1) || ' ' || split_part(last, '|', 1)
                              when 'l f' then split_part(last, '|', 1) || ' ' || split_part(first, '|', 1)
                              else split_part(last, '|', 1) || split_part(first, '|', 1) end, '_', ' ') as name,
       split_part(first, '|', 2) || '.' || split_part(last, '|', 2) as ascii,
       case when p.order_id = 25001 then 99999999999.99 else r.default_price end as price
from (select o.id as order_id, pos as position, o.event_id, o.currency, o.tax,
             case when pos = 1 then (array[1, 1, 1, 2, 2, 2, 3, 3, 4, 5])[1 + shop.pick(o.id, 30, 10)]
                  else (array[1, 1, 2, 2, 3, 6, 6, 7, 7, 8])[1 + shop.pick(o.id * 8 + pos, 31, 10)] end as k,
             case when shop.pick(o.id * 8 + pos, 32, 10) < 6 then o.home
                  else (select g from shop.stage_slot where slot = shop.pick(o.id * 8 + pos, 33, 25)) end as g
      from shop.stage_order as o, generate_series(1, o.size) as pos) as p
join shop.stage_name as n on n.g = p.g
join shop.products as r on r.id = p.event_id * 10 + p.k,
lateral (select n.firsts[1 + shop.pick(p.order_id * 8 + p.position, 34, cardinality(n.firsts))] as first,
                n.lasts[1 + shop.pick(p.order_id * 8 + p.position, 35, cardinality(n.lasts))] as last) as w
order by p.order_id, p.position;

insert into shop.positions (order_id, position, product_id, attendee_name, price, tax_rate, tax_value)
select p.order_id, p.position, p.event_id * 10 + p.k,
       case when p.order_id % 100 = 57 and p.position = 1 then e.v
            when p.k > 5 then null when shop.pick(p.order_id * 8 + p.position, 36, 100) = 0 then '' else p.name end,
       p.price, p.tax, round(p.price * p.tax / (100 + p.tax), case when p.currency = 'JPY' then 0 else 2 end)
from shop.stage_position as p
left join shop.stage_edge as e on p.order_id % 100 = 57 and e.k = p.order_id / 100 % 70 + 1
order by p.order_id, p.position;

-- Fees: payment and shipping, and gift cards, which are negative and in ten orders exceed the rest.
insert into shop.fees (order_id, local_id, kind, value)
select order_id, row_number() over (partition by order_id order by sort), kind, round(value, digits)
from (select o.id as order_id, f.sort, f.kind, f.value, case when o.currency = 'JPY' then 0 else 2 end as digits
      from shop.stage_order as o
      join (select order_id, sum(price) as price from shop.stage_position group by order_id) as p on p.order_id = o.id,
      lateral (values
          (1, 'payment', 0.25 * o.scale + p.price * 0.0249, p.price > 0 and shop.pick(o.id, 40, 100) < 35),
          (2, 'shipping', 4.90 * o.scale, shop.pick(o.id, 41, 100) < 12),
          (3, 'service', 1.00 * o.scale, shop.pick(o.id, 42, 100) < 8),
          (4, 'insurance', p.price * 0.055, p.price > 0 and shop.pick(o.id, 43, 100) < 4),
          (5, 'giftcard', -least(p.price, 25 * o.scale), p.price > 0 and shop.pick(o.id, 44, 100) < 5),
          (6, 'giftcard', -p.price - 12.34, o.id % 5000 = 30)) as f (sort, kind, value, wanted)
      where f.wanted and o.id <> 25001 and (f.sort = 6 or o.id % 5000 <> 30)) as x
order by order_id, sort;

insert into shop.orders (id, code, event_id, status, email, locale, created_at, expires_at, total, exchange_total, comment, testmode, external_id)
select o.id,
       case when o.id % 10000 = 40 then (array['00042', '1E100', '0X1F0', '10E10', '00000'])[1 + o.id / 10000]
            else substr(c.abc, (c.x % 28)::int + 1, 1) || substr(c.abc, (c.x / 28 % 28)::int + 1, 1) || substr(c.abc, (c.x / 784 % 28)::int + 1, 1)
                 || substr(c.abc, (c.x / 21952 % 28)::int + 1, 1) || substr(c.abc, (c.x / 614656 % 28)::int + 1, 1) end,
       o.event_id,
       case when t.total <= 0 then 'paid' when shop.pick(o.id, 50, 100) < 78 then 'paid' when shop.pick(o.id, 50, 100) < 84 then 'pending'
            when shop.pick(o.id, 50, 100) < 91 then 'expired' else 'canceled' end,
       case when o.id % 1000 = 333 then (array[null, '', 'jörg@büro.example', '"odd, local;part"@mail.example', '=cmd@mail.example', '+tag@mail.example',
                 '-dash@mail.example', '@mail.example', ' spaces@mail.example ', '用户@例子.example', 'o''neill@mail.example',
                 repeat('x', 64) || '@' || repeat('y', 180) || '.example'])[1 + o.id / 1000 % 12]
            when shop.pick(o.id, 51, 200) = 0 then null when shop.pick(o.id, 51, 200) = 1 then ''
            else p.ascii || case when shop.pick(o.id, 52, 3) > 0 then shop.pick(o.id, 53, 100)::text else '' end || '@'
                 || (array['mail.example', 'post.example', 'example.org', 'example.com', 'büro.example'])[1 + least(shop.pick(o.id, 54, 5), shop.pick(o.id, 55, 5))] end,
       o.locale, o.created_at,
       case when t.total > 0 then date_trunc('day', o.created_at, 'UTC') + interval '15 days' - interval '1 second' end,
       t.total,
       case when o.id % 500 = 9
            then (10::numeric ^ 29 + shop.pick(o.id, 56, 800000000000000000)::numeric * 10::numeric ^ 12 + shop.pick(o.id, 57, 1000000000000))
                 * 0.00000001 * case when o.id % 1000 = 9 then 1 else -1 end
            when o.id % 5000 = 10
            then (array['0.00000001', '-0.00000001', '999999999999999999999999999999.99999999', '-999999999999999999999999999999.99999999',
                        '1234567890123456789012.12345678', '0', '100000000000000000000.00000000', '0.30000000', '-123456789.98765432',
                        '9007199254740993.00000000']::numeric[])[1 + o.id / 5000]
            when shop.pick(o.id, 58, 20) = 0 then null
            else t.total * case o.currency when 'JPY' then 0.00561798 when 'EGP' then 0.01823154 when 'USD' then 0.86206897 when 'NZD' then 0.48899756 else 1 end end,
       case when o.id = 12345 then rpad('This comment has exactly 32,767 characters. ', 32767, 'abcdefghijklmnopqrstuvwxyz ')
            when o.id % 100 = 7 then e.v
            when shop.pick(o.id, 59, 100) < 4 then ''
            when shop.pick(o.id, 59, 100) < 12 then (array['Bitte Rechnung an die Buchhaltung.', 'Vegetarian, no nuts please', 'Rollstuhlplatz benötigt', 'Paid at box office',
                 'Kunde rief an; Namen geändert', 'ご確認をお願いします', 'يرجى التأكيد', 'Will arrive late (train)', 'Duplicate of another order?', 'Merci de m''envoyer la facture',
                 'PO #4500017234', 'Sponsor “Gold”', 'Presse', 'Crew', 'n/a', 'Tel. +49 30 901820'])[1 + shop.pick(o.id, 60, 16)] end,
       o.id = 25001 or shop.pick(o.id, 61, 100) = 0,
       case when o.id % 5000 = 20 then (array[9223372036854775807, -9223372036854775808, 9007199254740993, 0, -1, 1000000000000000000,
                 9223372036854775806, 9007199254740992, 999999999999999, 1])[1 + o.id / 5000]
            when shop.pick(o.id, 62, 10) < 7 then 1000000000000000000 + shop.pick(o.id, 63, 8223372036854775807) end
from shop.stage_order as o
join shop.stage_position as p on p.order_id = o.id and p.position = 1
join (select order_id, sum(amount) as total
      from (select order_id, price as amount from shop.positions union all select order_id, value from shop.fees) as a
      group by order_id) as t on t.order_id = o.id
left join shop.stage_edge as e on o.id % 100 = 7 and e.k = o.id / 100 % 70 + 1,
lateral (select 'ABCDEFGHJKLMNPQRSTUVWXYZ3789' as abc, (o.id * 7368787 + 1234567) % 17210368 as x) as c
order by o.id;

-- Refunds: most canceled orders in full, a few paid ones in part, sometimes after a failed attempt.
insert into shop.refunds (order_id, local_id, amount, state, created_at)
select o.id, r.local_id, r.amount, r.state, o.created_at + (shop.pick(o.id, 70, 1209600) + r.local_id * 3600) * interval '1 second'
from shop.orders as o join shop.events as e on e.id = o.event_id,
lateral (select case when o.status = 'canceled' then o.total else round(o.total / 3, case when e.currency = 'JPY' then 0 else 2 end) end as amount,
                shop.pick(o.id, 71, 12) = 0 as retried) as a,
lateral (values
    (1, a.amount, case when a.retried then 'failed'
                       else (array['done', 'done', 'done', 'done', 'done', 'created', 'transit', 'external', 'canceled'])[1 + shop.pick(o.id, 72, 9)] end, true),
    (2, a.amount, 'done', a.retried)) as r (local_id, amount, state, wanted)
where r.wanted and a.amount > 0 and o.id <> 25001
  and shop.pick(o.id, 73, 100) < case o.status when 'canceled' then 65 when 'paid' then 2 else 0 end
order by o.id, r.local_id;

-- Keys and indexes after the rows: several times faster.
alter table shop.orders
    add primary key (id),
    add constraint orders_code_key unique (code),
    add foreign key (event_id) references shop.events (id);
alter table shop.positions
    add primary key (order_id, position),
    add foreign key (order_id) references shop.orders (id),
    add foreign key (product_id) references shop.products (id);
alter table shop.fees
    add primary key (order_id, local_id),
    add foreign key (order_id) references shop.orders (id);
alter table shop.refunds
    add primary key (order_id, local_id),
    add foreign key (order_id) references shop.orders (id);
create index orders_created_at_idx on shop.orders (created_at);
create index orders_event_id_created_at_idx on shop.orders (event_id, created_at);
create index orders_status_idx on shop.orders (status);
create index products_event_id_idx on shop.products (event_id);
create index positions_product_id_idx on shop.positions (product_id);

-- The back office: who ordered, how it was paid, what was invoiced, who came. The tables above know nothing of it.
analyze shop.events, shop.products, shop.orders, shop.positions, shop.fees, shop.refunds;

create table shop.customers (
    id                  integer primary key,
    organizer_id        integer not null references shop.organizers (id),
    identifier          text not null unique,
    external_identifier text,
    email               text,
    phone               text,
    name                text,
    locale              text not null,
    is_active           boolean not null,
    is_verified         boolean not null,
    registered_at       timestamptz not null,
    last_login_at       timestamptz,
    notes               text
);
comment on table shop.customers is 'Accounts with an organizer';

create table shop.order_details (
    order_id          bigint not null,
    customer_id       integer,
    phone             text,
    sales_channel     text not null check (sales_channel in ('web', 'boxoffice', 'api')),
    checkin_attention boolean not null,
    follow_up_on      date,
    email_verified    boolean not null
);
comment on table shop.order_details is 'What else is known of an order; one row for each';

create table shop.invoice_addresses (
    order_id     bigint not null,
    company      text,
    name         text,
    street       text,
    zipcode      text,
    city         text,
    country      text check (length(country) = 2),
    state        text,
    custom_field text,
    vat_id       text
);
comment on table shop.invoice_addresses is 'Of the orders that gave one';

create table shop.position_details (
    order_id            bigint not null,
    position            integer not null,
    attendee_email      text,
    voucher_code        text,
    pseudonymization_id text not null
);
comment on table shop.position_details is 'What else is known of a position; one row for each';

create table shop.fee_details (
    order_id    bigint not null,
    local_id    integer not null,
    description text not null,
    tax_rate    numeric(7,2) not null,
    tax_value   numeric(13,2) not null
);
comment on table shop.fee_details is 'What else is known of a fee; one row for each. Gift cards are not taxed';

create table shop.questions (
    id         integer primary key,
    event_id   integer not null references shop.events (id),
    identifier text not null,
    question   text not null,
    kind       text not null check (kind in ('multiple', 'text')),
    unique (event_id, identifier)
);
comment on table shop.questions is 'What attendees are asked';

create table shop.answers (
    order_id    bigint not null,
    position    integer not null,
    question_id integer not null,
    number      integer not null,
    answer      text not null
);
comment on table shop.answers is 'What attendees said; a row for each choice of several';

create table shop.payments (
    order_id   bigint not null,
    local_id   integer not null,
    provider   text not null,
    state      text not null check (state in ('created', 'pending', 'confirmed', 'canceled', 'failed', 'refunded')),
    amount     numeric(13,2) not null,
    created_at timestamptz not null,
    paid_at    timestamptz
);
comment on table shop.payments is 'How orders were paid, failed attempts too';

create table shop.refund_details (
    order_id    bigint not null,
    local_id    integer not null,
    provider    text not null,
    executed_at timestamptz,
    comment     text
);
comment on table shop.refund_details is 'What else is known of a refund; one row for each';

create table shop.invoices (
    id           integer not null,
    event_id     integer not null,
    order_id     bigint not null,
    number       text not null,
    cancels_id   integer,
    issued_on    date not null,
    locale       text not null,
    reference    text
);
comment on table shop.invoices is 'Numbered documents; one that cancels another has its lines with the opposite sign';

create table shop.invoice_lines (
    invoice_id  integer not null,
    position    integer not null,
    description text not null,
    gross       numeric(13,2) not null,
    tax_rate    numeric(7,2) not null,
    tax_value   numeric(13,2) not null
);
comment on table shop.invoice_lines is 'What an invoice consists of; tax is included in gross';

create table shop.checkin_lists (
    id              integer primary key,
    event_id        integer not null references shop.events (id),
    name            text not null,
    all_products    boolean not null,
    include_pending boolean not null
);
comment on table shop.checkin_lists is 'Who may enter: positions of all products, or of those that are named';

create table shop.checkin_list_products (
    list_id    integer not null references shop.checkin_lists (id),
    product_id integer not null references shop.products (id),
    primary key (list_id, product_id)
);

create table shop.checkins (
    id         integer not null,
    list_id    integer not null,
    order_id   bigint not null,
    position   integer not null,
    kind       text not null check (kind in ('entry', 'exit')),
    successful boolean not null,
    reason     text,
    device     text,
    scanned_at timestamptz not null
);
comment on table shop.checkins is 'Scans at the door, refused ones too';

create table shop.giftcards (
    id           integer not null,
    organizer_id integer not null,
    code         text not null,
    currency     text not null check (length(currency) = 3),
    testmode     boolean not null,
    issued_at    timestamptz not null,
    expires_at   timestamptz,
    conditions   text
);
comment on table shop.giftcards is 'Vouchers of money; what is left is the sum of the transactions';

create table shop.giftcard_transactions (
    giftcard_id integer not null,
    local_id    integer not null,
    at          timestamptz not null,
    value       numeric(13,2) not null,
    order_id    bigint,
    info        text
);
comment on table shop.giftcard_transactions is 'Issued: positive. Redeemed by an order: negative';

create table shop.quotas (
    id       integer primary key,
    event_id integer not null references shop.events (id),
    name     text not null,
    size     integer
);
comment on table shop.quotas is 'How much of some products is for sale; without a size there is no limit';

create table shop.quota_products (
    quota_id   integer not null references shop.quotas (id),
    product_id integer not null references shop.products (id),
    primary key (quota_id, product_id)
);

create table shop.waitinglist (
    id                  integer primary key,
    event_id            integer not null references shop.events (id),
    product_id          integer not null references shop.products (id),
    name                text,
    email               text not null,
    phone               text,
    locale              text not null,
    priority            integer not null,
    created_at          timestamptz not null,
    voucher_code        text unique,
    voucher_valid_until timestamptz,
    voucher_redeemed    boolean not null
);
comment on table shop.waitinglist is 'Who wants what is sold out; some were sent a voucher';

create table shop.stage_person as
select p.n,
       replace(case n.pattern when 'f l' then split_part(first, '|', 1) || ' ' || split_part(last, '|', 1)
                              when 'l f' then split_part(last, '|', 1) || ' ' || split_part(first, '|', 1)
                              else split_part(last, '|', 1) || split_part(first, '|', 1) end, '_', ' ') as name,
       split_part(first, '|', 2) || '.' || split_part(last, '|', 2) as ascii
from (select n, s.g from generate_series(1, 5500) as n join shop.stage_slot as s on s.slot = shop.pick(n, 100, 25)) as p
join shop.stage_name as n on n.g = p.g,
lateral (select n.firsts[1 + shop.pick(p.n, 101, cardinality(n.firsts))] as first,
                n.lasts[1 + shop.pick(p.n, 102, cardinality(n.lasts))] as last) as w
order by p.n;

-- Where an organizer's customers live.
create table shop.stage_place (organizer_id int, k int, street text, zipcode text, city text, country text, state text, dial text);
insert into shop.stage_place values
    (1, 0, 'Straße des 17. Juni 135', '10623', 'Berlin', 'DE', null, '+49 30'), (1, 1, 'Gänsemarkt 36', '01067', 'Dresden', 'DE', null, '+49 351'),
    (1, 2, E'Hinterhaus; 2. OG\nÄußere Kanalstraße 7', '50823', 'Köln', 'DE', null, '+49 221'), (1, 3, '12, rue de l''Église', '67000', 'Straßburg', 'FR', null, '+33'),
    (2, 0, 'Rua da Conceição, 5 – 3.º Esq.', '1100-153', 'Lisboa', 'PT', null, '+351 21'), (2, 1, 'Cais da Ribeira "B"', '4050-510', 'Porto', 'PT', null, '+351 22'),
    (3, 0, '千代田1-1', '100-0001', '東京', 'JP', '13', '+81 3'), (3, 1, '梅田3丁目', '530-0001', '大阪', 'JP', '27', '+81 6'),
    (4, 0, '١٢ شارع التحرير', '11511', 'القاهرة', 'EG', 'C', '+20 2'), (4, 1, 'طريق الحرية', '21500', 'الإسكندرية', 'EG', 'ALX', '+20 3'),
    (5, 0, '1/7 Te Aro Lane', '6011', 'Te Whanganui-a-Tara', 'NZ', null, '+64 4'), (5, 1, '=2 Waitangi Wharf', '8942', 'Chatham Islands', 'NZ', null, '+64 3'),
    (6, 0, '350 5th Ave, Fl 21', '10118', 'New York', 'US', 'NY', '+1 212'), (6, 1, '1 Main St', '02108', 'Boston', 'US', 'MA', '+1 617');
create table shop.stage_home as
select o.id as order_id, o.event_id, e.organizer_id, o.status, o.total, o.created_at, o.locale, e.currency,
       case when e.currency = 'JPY' then 0 else 2 end as digits, p.street, p.zipcode, p.city, p.country, p.state, p.dial
from shop.orders as o join shop.events as e on e.id = o.event_id
join (select organizer_id, count(*) as places from shop.stage_place group by organizer_id) as c on c.organizer_id = e.organizer_id
join shop.stage_place as p on p.organizer_id = e.organizer_id and p.k = shop.pick(o.id, 110, c.places)
order by o.id;
analyze shop.stage_person, shop.stage_home;

insert into shop.customers
select p.n, (array[1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 5, 6])[1 + shop.pick(p.n, 120, 12)],
       lpad(upper(to_hex(p.n * 40503123::bigint % 268435456)), 7, '0'),
       case when shop.pick(p.n, 121, 10) < 2 then 'crm-' || lpad(p.n::text, 6, '0') end,
       case when p.n % 400 = 7 then '' when p.n % 400 = 8 then null when p.n % 400 = 9 then '=cmd@mail.example'
            else p.ascii || p.n || '@' || (array['mail.example', 'post.example', 'example.org', 'büro.example'])[1 + shop.pick(p.n, 122, 4)] end,
       case when shop.pick(p.n, 123, 10) < 3 then '+49 30 ' || 1000000 + shop.pick(p.n, 124, 8999999) end,
       case when p.n % 50 = 3 then e.v else p.name end,
       (array['de', 'de', 'en', 'fr', 'ja', 'ar', 'pt-pt'])[1 + shop.pick(p.n, 125, 7)],
       shop.pick(p.n, 126, 100) < 95, shop.pick(p.n, 127, 100) < 80,
       r.at, case when shop.pick(p.n, 129, 10) < 7 then r.at + shop.pick(p.n, 130, 8640000) * interval '1 second' end,
       case when p.n % 50 = 4 then e.v when shop.pick(p.n, 131, 20) = 0 then 'Stammkunde; Rabatt nur nach Rücksprache' end
from shop.stage_person as p
left join shop.stage_edge as e on p.n % 50 in (3, 4) and e.k = p.n / 50 % 70 + 1,
lateral (select timestamptz '2025-06-01 00:00+00' + shop.pick(p.n, 128, 45000000) * interval '1 second' as at) as r
where p.n <= 4000
order by p.n;

insert into shop.order_details
select h.order_id, case when shop.pick(h.order_id, 140, 100) < 30 then c.ids[1 + shop.pick(h.order_id, 141, cardinality(c.ids))] end,
       case when h.order_id % 1000 = 71 then (array['', '0049/30-1234', '=1+1', '+1 (555) 010-9999;ext=5', '٠١٢٣٤٥٦', 'n/a'])[1 + h.order_id / 1000 % 6]
            when shop.pick(h.order_id, 142, 100) < 40 then h.dial || ' ' || 1000000 + shop.pick(h.order_id, 143, 8999999) end,
       (array['web', 'web', 'web', 'web', 'web', 'web', 'web', 'web', 'boxoffice', 'api'])[1 + shop.pick(h.order_id, 144, 10)],
       shop.pick(h.order_id, 145, 50) = 0,
       case when shop.pick(h.order_id, 146, 40) = 0 then h.created_at::date + 14 end,
       shop.pick(h.order_id, 147, 100) < 70
from shop.stage_home as h
join (select organizer_id, array_agg(id order by id) as ids from shop.customers group by organizer_id) as c on c.organizer_id = h.organizer_id
order by h.order_id;

insert into shop.invoice_addresses
select h.order_id, case when b.business then case when h.order_id % 250 = 31 then e.v
                        else (array['Müller & Söhne GmbH', 'ACME, Inc.', '株式会社サンプル', 'شركة المثال', 'Foo; Bar "Holding"', 'O''Brien Ltd'])[1 + shop.pick(h.order_id, 151, 6)] end end,
       case when h.order_id % 250 = 32 then e.v else p.name end,
       h.street, case when h.order_id % 500 = 33 then '00042' else h.zipcode end, h.city, h.country, h.state,
       case when shop.pick(h.order_id, 152, 25) = 0 then 'Kostenstelle ' || shop.pick(h.order_id, 153, 9000) + 1000 end,
       case when b.business and shop.pick(h.order_id, 154, 4) > 0 then h.country || 100000000 + shop.pick(h.order_id, 155, 899999999) end
from shop.stage_home as h
join shop.stage_person as p on p.n = 1 + shop.pick(h.order_id, 156, 5000)
left join shop.stage_edge as e on h.order_id % 250 in (31, 32) and e.k = h.order_id / 250 % 70 + 1,
lateral (select shop.pick(h.order_id, 157, 100) < 35 or h.order_id % 250 = 31 as business) as b
where shop.pick(h.order_id, 150, 100) < 45 or h.order_id % 250 in (31, 32)
order by h.order_id;

insert into shop.position_details
select p.order_id, p.position,
       case when p.k <= 5 and shop.pick(p.order_id * 8 + p.position, 160, 10) < 3 then p.ascii || '@example.org' end,
       case when shop.pick(p.order_id * 8 + p.position, 161, 50) = 0
            then upper(to_hex(1048576 + shop.pick(p.order_id * 8 + p.position, 162, 15728639))) end,
       lpad(upper(to_hex((p.order_id * 8 + p.position) * 1048583 % 1099511627776)), 10, '0')
from shop.stage_position as p
order by p.order_id, p.position;

insert into shop.fee_details
select f.order_id, f.local_id,
       case f.kind when 'payment' then 'Zahlungsgebühr' when 'shipping' then 'Versand; "Einschreiben"' when 'service' then 'Service fee'
                   when 'insurance' then 'Ticket insurance' else '' end,
       case f.kind when 'giftcard' then 0 else s.tax end,
       case f.kind when 'giftcard' then 0 else round(f.value * s.tax / (100 + s.tax), h.digits) end
from shop.fees as f join shop.stage_home as h on h.order_id = f.order_id join shop.stage_event as s on s.id = h.event_id
order by f.order_id, f.local_id;

insert into shop.questions
select e.id * 10 + q.k, e.id, q.identifier, q.question, q.kind
from shop.events as e,
     (values (1, 'diet', 'What do you eat?', 'multiple'), (2, 'source', 'How did you hear of us; "who" told you?', 'text')) as q (k, identifier, question, kind)
where e.id in (1, 4, 8, 12)
order by 1;
insert into shop.answers
select p.order_id, p.position, p.event_id * 10 + 1, c.k, c.choice
from shop.stage_position as p,
     (values (1, 'vegetarian'), (2, 'vegan'), (3, 'halal'), (4, 'kosher'), (5, 'gluten-free')) as c (k, choice)
where p.event_id in (1, 4, 8, 12) and p.k <= 5 and shop.pick(p.order_id * 8 + p.position, 170, 3) = 0
  and shop.pick((p.order_id * 8 + p.position) * 8 + c.k, 171, 10) < 4
order by 1, 2, 3, 4;
insert into shop.answers
select p.order_id, p.position, p.event_id * 10 + 2, 1, case when p.order_id % 100 = 83 then e.v else (array['Poster', 'Freunde', 'Newsletter', '検索'])[1 + shop.pick(p.order_id, 173, 4)] end
from shop.stage_position as p left join shop.stage_edge as e on p.order_id % 100 = 83 and e.k = p.order_id / 100 % 70 + 1
where p.event_id in (1, 4, 8, 12) and p.k <= 5 and p.position = 1 and (shop.pick(p.order_id, 172, 10) < 2 or p.order_id % 100 = 83)
order by 1, 2;

insert into shop.payments
select h.order_id, row_number() over (partition by h.order_id order by w.sort), w.provider, w.state, w.amount,
       h.created_at + w.sort * interval '1 minute',
       case when w.state in ('confirmed', 'refunded') then h.created_at + w.sort * interval '1 minute' + shop.pick(h.order_id, 183, 604800) * interval '1 second' end
from shop.stage_home as h,
lateral (select (array['banktransfer', 'stripe', 'stripe', 'stripe', 'paypal', 'paypal', 'boxoffice', 'manual'])[1 + shop.pick(h.order_id, 180, 8)] as provider,
                shop.pick(h.order_id, 181, 100) as draw, round(h.total * 0.4, h.digits) as part) as d,
lateral (values
    (1, 'free', 'confirmed', h.total, h.total = 0),
    (2, d.provider, 'failed', h.total, h.total > 0 and d.draw < 7),
    (3, d.provider, case h.status when 'paid' then 'confirmed' when 'canceled' then 'refunded' when 'pending' then case when d.draw < 40 then 'created' else 'pending' end
                    else 'canceled' end, h.total - case when h.status = 'paid' and d.draw >= 97 then d.part else 0 end, h.total > 0),
    (4, 'manual', 'confirmed', d.part, h.total > 0 and h.status = 'paid' and d.draw >= 97)) as w (sort, provider, state, amount, wanted)
where w.wanted
order by h.order_id, w.sort;

insert into shop.refund_details
select r.order_id, r.local_id, case when shop.pick(r.order_id, 190, 6) = 0 then 'manual' else p.provider end,
       case when r.state in ('done', 'external') then r.created_at + shop.pick(r.order_id, 191, 259200) * interval '1 second' end,
       case when shop.pick(r.order_id, 192, 8) = 0 then 'Kulanz; siehe "Ticket" #' || r.order_id end
from shop.refunds as r
join (select distinct on (order_id) order_id, provider from shop.payments order by order_id, local_id) as p on p.order_id = r.order_id
order by r.order_id, r.local_id;

-- Invoices, numbered by event in the order of time; a canceled order's is followed by the one that cancels it.
create table shop.stage_invoice as
select row_number() over (order by d.issued_at, h.order_id, d.cancels)::int as id, h.event_id, h.order_id, d.cancels, h.locale,
       (d.issued_at at time zone v.timezone)::date as issued_on, d.issued_at
from shop.stage_home as h join shop.events as v on v.id = h.event_id join shop.invoice_addresses as a on a.order_id = h.order_id,
lateral (values (false, h.created_at + interval '2 minutes'), (true, h.created_at + interval '15 days')) as d (cancels, issued_at)
where h.total > 0 and (h.status = 'paid' and not d.cancels or h.status = 'canceled');
insert into shop.invoices
select i.id, i.event_id, i.order_id,
       upper(v.slug) || '-' || lpad((row_number() over (partition by i.event_id order by i.id))::text, 5, '0'),
       case when i.cancels then o.id end, i.issued_on, i.locale,
       case when i.order_id % 250 = 31 then e.v when shop.pick(i.order_id, 200, 10) = 0 then 'PO ' || 4500000000 + shop.pick(i.order_id, 201, 99999) end
from shop.stage_invoice as i
join shop.events as v on v.id = i.event_id
join shop.stage_invoice as o on o.order_id = i.order_id and not o.cancels
left join shop.stage_edge as e on i.order_id % 250 = 31 and e.k = i.order_id / 250 % 70 + 1
order by i.id;
insert into shop.invoice_lines
select i.id, row_number() over (partition by i.id order by l.sort, l.number), l.description, i.sign * l.gross, l.tax_rate, i.sign * l.tax_value
from (select id, order_id, case when cancels then -1 else 1 end as sign from shop.stage_invoice) as i
join (select p.order_id, 1 as sort, p.position as number, r.name as description, p.price as gross, p.tax_rate, p.tax_value
      from shop.positions as p join shop.products as r on r.id = p.product_id
      union all
      select f.order_id, 2, f.local_id, coalesce(nullif(d.description, ''), 'Gift card'), f.value, d.tax_rate, d.tax_value
      from shop.fees as f join shop.fee_details as d on d.order_id = f.order_id and d.local_id = f.local_id) as l on l.order_id = i.order_id
order by i.id, l.sort, l.number;

insert into shop.checkin_lists
select e.id * 10 + l.k, e.id, l.name, l.k <> 2, l.k = 3
from shop.events as e, (values (1, 'Eingang / Entrance'), (2, 'VIP "Backstage"; Treppe 2'), (3, '=Box office')) as l (k, name)
order by 1;
insert into shop.checkin_list_products select l.id, l.event_id * 10 + 4 from shop.checkin_lists as l where not l.all_products order by 1;
insert into shop.checkins
select (row_number() over (order by s.at, p.order_id, p.position, s.k))::int, p.event_id * 10 + s.list, p.order_id, p.position, s.kind, s.reason is null, s.reason,
       case when shop.pick(p.order_id, 210, 30) = 0 then null else 'Scanner ' || 1 + shop.pick(p.order_id, 211, 9) end, s.at
from shop.stage_position as p
join shop.stage_home as h on h.order_id = p.order_id
join shop.events as e on e.id = p.event_id and e.date_from < '2026-11-15 00:00+00',
lateral (select e.date_from + shop.pick(p.order_id * 8 + p.position, 213, 10800) * interval '1 second' as at, shop.pick(p.order_id * 8 + p.position, 212, 100) as draw) as d,
lateral (values (1, 1, 'entry', case when h.status <> 'paid' then 'unpaid' end, d.at, d.draw < 40), (2, 1, 'entry', 'already_redeemed', d.at + interval '90 seconds', d.draw < 1),
                (3, 1, 'exit', null, d.at + interval '2 hours', h.status = 'paid' and d.draw < 4), (4, 1, 'entry', null, d.at + interval '3 hours', h.status = 'paid' and d.draw < 2),
                (5, 2, 'entry', null, d.at + interval '1 hour', h.status = 'paid' and p.k = 4 and d.draw < 50)) as s (k, list, kind, reason, at, wanted)
where p.k <= 5 and d.draw < 50 and s.wanted and (h.status = 'paid' or d.draw < 3)
order by 1;

-- Gift cards: one for each that an order used, and some that nobody has used yet.
create table shop.stage_giftcard as
select (row_number() over (order by f.order_id, f.local_id))::int as id, h.organizer_id, h.currency, h.order_id, h.created_at, f.value,
       ceil(-f.value / 25) * 25 as issued
from shop.fees as f join shop.stage_home as h on h.order_id = f.order_id
where f.kind = 'giftcard';
insert into shop.stage_giftcard
select 100000 + n, g.organizer_id, g.currency, null, timestamptz '2026-01-01 00:00+00' + shop.pick(n, 220, 27000000) * interval '1 second', null, 25 * (1 + shop.pick(n, 221, 8))
from generate_series(1, 300) as n
join (select distinct organizer_id, currency from shop.events) as g on g.organizer_id = (array[1, 1, 1, 2, 3, 4, 5, 6])[1 + shop.pick(n, 222, 8)];
insert into shop.giftcards
select g.id, g.organizer_id, lpad(upper(to_hex(g.id * 67280421310721 % 1152921504606846976)), 15, '0'), g.currency, shop.pick(g.id, 223, 100) = 0,
       g.created_at - interval '30 days', case when shop.pick(g.id, 224, 3) = 0 then g.created_at + interval '365 days' end,
       case when g.id % 35 = 2 then e.v when shop.pick(g.id, 225, 10) = 0 then 'Nicht bar auszahlbar' end
from shop.stage_giftcard as g left join shop.stage_edge as e on g.id % 35 = 2 and e.k = g.id / 35 % 70 + 1
order by g.id;
insert into shop.giftcard_transactions
select g.id, t.local_id, g.created_at - t.ago, t.value, t.order_id, t.info
from shop.stage_giftcard as g,
lateral (values (1, g.issued, interval '30 days', null::bigint, 'Issued, by hand'), (2, g.value, interval '0', g.order_id, null)) as t (local_id, value, ago, order_id, info)
where t.value is not null
order by g.id, t.local_id;

insert into shop.quotas
select e.id * 10 + q.k, e.id, q.name, case when q.k = 4 or e.id = 13 then null else q.size * case when e.id = 1 then 10 else 3 end end
from shop.events as e,
     (values (1, 'Tickets', 3000), (2, 'VIP; nur "Backstage"', 300), (3, 'Workshops', 1500), (4, '=Merch', 0)) as q (k, name, size)
order by 1;
insert into shop.quota_products
select e.id * 10 + q.k, e.id * 10 + q.p
from shop.events as e, (values (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 4), (3, 6), (4, 7), (4, 8)) as q (k, p)
order by 1, 2;

insert into shop.waitinglist
select w.n, e.event_id, e.event_id * 10 + 1 + shop.pick(w.n, 230, 8), case when w.n % 20 = 6 then x.v else p.name end,
       case when w.n % 200 = 9 then '=cmd@mail.example' else p.ascii || w.n || '@mail.example' end,
       case when shop.pick(w.n, 231, 10) < 4 then '+49 40 ' || 100000 + shop.pick(w.n, 232, 899999) end,
       (array['de', 'en', 'pt-pt'])[1 + shop.pick(w.n, 233, 3)], shop.pick(w.n, 234, 3)::int, c.at,
       case when v.sent then lpad(upper(to_hex(w.n * 1048583::bigint % 268435456)), 8, '0') end,
       case when v.sent and shop.pick(w.n, 236, 4) > 0 then c.at + interval '9 days' + shop.pick(w.n, 237, 2) * interval '10 years' end,
       v.sent and shop.pick(w.n, 238, 2) = 0
from generate_series(1, 1500) as w (n)
join shop.stage_person as p on p.n = 4000 + w.n
left join shop.stage_edge as x on w.n % 20 = 6 and x.k = w.n / 20 % 70 + 1,
lateral (select (array[1, 1, 1, 4, 7, 12])[1 + shop.pick(w.n, 239, 6)] as event_id) as e,
lateral (select timestamptz '2026-01-01 00:00+00' + shop.pick(w.n, 240, 20000000) * interval '1 second' as at) as c,
lateral (select shop.pick(w.n, 235, 10) < 5 as sent) as v
order by w.n;

alter table shop.order_details add primary key (order_id), add foreign key (order_id) references shop.orders (id), add foreign key (customer_id) references shop.customers (id);
alter table shop.invoice_addresses add primary key (order_id), add foreign key (order_id) references shop.orders (id);
alter table shop.position_details add primary key (order_id, position), add foreign key (order_id, position) references shop.positions (order_id, position);
alter table shop.fee_details add primary key (order_id, local_id), add foreign key (order_id, local_id) references shop.fees (order_id, local_id);
alter table shop.answers
    add primary key (order_id, position, question_id, number),
    add foreign key (order_id, position) references shop.positions (order_id, position),
    add foreign key (question_id) references shop.questions (id);
alter table shop.payments add primary key (order_id, local_id), add foreign key (order_id) references shop.orders (id);
alter table shop.refund_details add primary key (order_id, local_id), add foreign key (order_id, local_id) references shop.refunds (order_id, local_id);
alter table shop.invoices
    add primary key (id),
    add unique (number),
    add foreign key (order_id) references shop.orders (id),
    add foreign key (event_id) references shop.events (id),
    add foreign key (cancels_id) references shop.invoices (id);
alter table shop.invoice_lines add primary key (invoice_id, position), add foreign key (invoice_id) references shop.invoices (id);
alter table shop.checkins
    add primary key (id),
    add foreign key (list_id) references shop.checkin_lists (id),
    add foreign key (order_id, position) references shop.positions (order_id, position);
alter table shop.giftcards add primary key (id), add unique (code), add foreign key (organizer_id) references shop.organizers (id);
alter table shop.giftcard_transactions
    add primary key (giftcard_id, local_id),
    add foreign key (giftcard_id) references shop.giftcards (id),
    add foreign key (order_id) references shop.orders (id);
create index invoices_order_id_idx on shop.invoices (order_id);
create index checkins_position_idx on shop.checkins (order_id, position);

drop table shop.stage_edge, shop.stage_event, shop.stage_product, shop.stage_name, shop.stage_slot, shop.stage_instant,
    shop.stage_draw, shop.stage_order, shop.stage_position, shop.stage_person, shop.stage_place, shop.stage_home, shop.stage_invoice,
    shop.stage_giftcard;
drop function shop.pick(bigint, bigint, bigint);

analyze shop.organizers, shop.customers, shop.order_details,
    shop.invoice_addresses, shop.position_details, shop.fee_details, shop.questions, shop.answers, shop.payments, shop.refund_details, shop.invoices,
    shop.invoice_lines, shop.checkin_lists, shop.checkin_list_products, shop.checkins, shop.giftcards, shop.giftcard_transactions, shop.quotas,
    shop.quota_products, shop.waitinglist;
