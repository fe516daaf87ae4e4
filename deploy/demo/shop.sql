-- Demo data: an invented ticket shop. See README.md in this folder.
-- Deterministic: every "random" choice is a hash of a row number; no clock, no random(), no extension.
-- UTF-8, plain SQL without psql commands. Safe to run again.

set local client_min_messages = warning;
set local timezone = 'UTC';
set local datestyle = 'ISO, YMD';
set local standard_conforming_strings = on;
set local work_mem = '64MB';
set local maintenance_work_mem = '128MB';

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

drop table shop.stage_edge, shop.stage_event, shop.stage_product, shop.stage_name, shop.stage_slot, shop.stage_instant,
    shop.stage_draw, shop.stage_order, shop.stage_position;
drop function shop.pick(bigint, bigint, bigint);

analyze shop.organizers, shop.events, shop.products, shop.orders, shop.positions, shop.fees, shop.refunds;
