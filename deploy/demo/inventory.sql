-- Demo data: the device inventory of an invented company. See README.md in this folder.
-- Deterministic: every "random" choice is a hash of a row number; no clock, no random(), no extension.
-- UTF-8, plain SQL without psql commands. Safe to run again.

set local client_min_messages = warning;
set local timezone = 'UTC';
set local datestyle = 'ISO, YMD';
set local standard_conforming_strings = on;
set local work_mem = '64MB';
set local maintenance_work_mem = '128MB';

drop schema if exists inventory cascade;
create schema inventory;
comment on schema inventory is 'Waybill demo: devices, their owners, tags and installed software';

-- pick(n, seed, m): a number from 0 to m-1 that depends on n and seed only.
create function inventory.pick(n bigint, seed bigint, m bigint) returns bigint
    language sql immutable parallel safe
    as 'select (hashint8extended(n, seed) & 9223372036854775807) % m';

-- Six characters that differ for any two n below 33^6 (a permutation, then base 33).
create function inventory.serial6(n bigint) returns text
    language sql immutable parallel safe
    as $$ select string_agg(substr('0123456789CDFGHJKLMNPQRTVWXYZABES', (x / p % 33)::int + 1, 1), '' order by p desc)
          from (select (n * 611953 + 73856093) % 1291467969 as x) as permuted,
               unnest(array[1, 33, 1089, 35937, 1185921, 39135393]::bigint[]) as p $$;

create table inventory.business_units (
    id         integer primary key,
    name       text not null unique,
    key        text unique,
    created_at timestamptz not null
);
comment on table inventory.business_units is 'Organisational units; key is the short name in the directory, if there is one';

create table inventory.sources (
    id     integer primary key,
    module text not null,
    name   text not null,
    unique (module, name)
);
comment on table inventory.sources is 'Systems that report machines. Two names differ in case only (jamf, Jamf)';

create table inventory.os_versions (
    id       integer primary key,
    platform text not null,
    name     text not null,
    version  text not null,
    build    text,
    unique nulls not distinct (name, version, build)
);
comment on table inventory.os_versions is 'Operating systems by name, version and build';

create table inventory.machines (
    id                    bigint not null,
    serial_number         text not null,
    name                  text,
    type                  text not null
        check (type in ('DESKTOP', 'EC2', 'LAPTOP', 'MOBILE', 'SERVER', 'TABLET', 'TV', 'VM')),
    platform              text not null
        check (platform in ('MACOS', 'WINDOWS', 'LINUX', 'IOS', 'IPADOS', 'ANDROID', 'TVOS')),
    hardware_model        text,
    os_version_id         integer,
    business_unit_id      integer,
    source_id             integer not null,
    principal_name        text,
    principal_email       text,
    memory_bytes          bigint,
    battery_health        double precision,
    compliant             boolean,
    max_incident_severity smallint check (max_incident_severity in (100, 200, 300)),
    first_seen            date,
    last_seen             timestamptz not null
);
comment on table inventory.machines is 'One row per device. The ids have 19 digits and come in pairs that differ by one';
comment on column inventory.machines.battery_health is 'Percent; a few devices report NaN, infinities and other nonsense';
comment on column inventory.machines.max_incident_severity is 'Highest open incident: 100 minor, 200 major, 300 critical';

create table inventory.tags (
    id    integer primary key,
    name  text not null unique,
    color text not null
);
comment on table inventory.tags is 'Labels that people put on machines';

create table inventory.machine_tags (
    machine_id bigint not null,
    tag_id     integer not null
);
comment on table inventory.machine_tags is 'Which machine carries which tag';

create table inventory.apps (
    id          bigint not null,
    kind        text not null check (kind in ('macos_app', 'ios_app', 'android_app', 'deb_package', 'program')),
    bundle_id   text,
    name        text not null,
    version     text,
    version_str text
);
comment on table inventory.apps is 'Software by version. bundle_id is null for packages and programs';

create table inventory.app_installs (
    machine_id   bigint not null,
    app_id       bigint not null,
    path         text,
    installed_at timestamptz
);
comment on table inventory.app_installs is 'Which machine has which app version, where and since when';

create table inventory.compliance_checks (
    id   integer primary key,
    name text not null unique
);
comment on table inventory.compliance_checks is 'What is asked of every machine';

create table inventory.machine_checks (
    machine_id bigint not null,
    check_id   integer not null,
    status     smallint not null check (status in (0, 100, 200, 300))
);
comment on table inventory.machine_checks is 'How a machine did: 0 ok, 100 pending, 200 unknown, 300 failed. compliant says the same in short';

create table inventory.network_interfaces (
    machine_id bigint not null,
    interface  text not null,
    mac        text not null
);
comment on table inventory.network_interfaces is 'One or two per machine';

create table inventory.ec2_instances (
    machine_id    bigint not null,
    account_id    text not null,
    instance_type text not null
);
comment on table inventory.ec2_instances is 'Machines of type EC2; an account id has 12 digits, and may begin with 0';

-- Hostile texts, numbered. Invisible characters are written as escapes so that a reader can see them.
create table inventory.stage_edge (k int primary key, v text not null);
insert into inventory.stage_edge (k, v) values
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

-- Instants around the Europe/Berlin clock changes, in UTC.
create table inventory.stage_instant (k int primary key, t timestamptz not null);
insert into inventory.stage_instant (k, t)
select (row_number() over (order by c, o))::int, c + o * interval '1 microsecond'
from unnest(array['2025-10-26 01:00+00', '2026-03-29 01:00+00', '2026-10-25 01:00+00']::timestamptz[]) as c,
     unnest(array[-3600000000, -1800000000, -1, 0, 1, 999, 1800000000, 3600000000]::bigint[]) as o
order by c, o;

insert into inventory.business_units (id, name, key, created_at)
select n, name, key, timestamptz '2019-01-07 08:00+00' + n * interval '611 hours 7 minutes 13 seconds'
from (values
    (1, 'Headquarters', 'hq'), (2, 'Engineering', 'eng'), (3, 'Vertrieb Süd', 'sales-s'), (4, 'Vertrieb Nord', 'sales-n'),
    (5, 'Büro München', 'muc'), (6, 'Oficina Málaga', 'agp'), (7, '東京オフィス', 'hnd'), (8, 'مكتب القاهرة', 'cai'),
    (9, 'משרד תל אביב', 'tlv'), (10, 'Київ', 'iev'), (11, 'R&D; Labs', 'rnd'), (12, 'Finance, Tax & Legal', 'fin'),
    (13, 'O''Connor "Special Projects"', 'osp'), (14, '=Facilities', 'fac'), (15, 'People + Culture', 'hr'),
    (16, 'Data Centre FRA1', 'fra1'), (17, 'Data Centre IAD2', 'iad2'), (18, 'Support 24/7', 'sup'),
    (19, 'Contractors ', null), (20, ' Contractors', null), (21, 'contractors', null), (22, 'NULL', ''),
    (23, E'Design \U0001F469\u200D\U0001F3A8', 'design'), (24, 'Retired | Lost', 'lost')
) as t (n, name, key) order by n;

insert into inventory.sources (id, module, name) values
    (1, 'zentral.contrib.munki', 'Munki'), (2, 'zentral.contrib.osquery', 'osquery'),
    (3, 'zentral.contrib.jamf', 'jamf'), (4, 'zentral.contrib.mdm', 'MDM'),
    (5, 'zentral.contrib.intune', 'Microsoft Intune'), (6, 'zentral.contrib.puppet', 'Puppet / EU'),
    (7, 'zentral.contrib.wsone', 'Workspace ONE – Geräte'), (8, 'waybill.import.csv', 'Jamf'),
    (9, 'waybill.import.csv', 'never reported');

-- platform, name, version, build, weight. 12.1, 12.10 and 24.04 lose digits when read as numbers.
create table inventory.stage_os (id int primary key, platform text, name text, version text, build text, weight int);
insert into inventory.stage_os values
    (1, 'MACOS', 'macOS', '10.15.7', '19H2026', 1), (2, 'MACOS', 'macOS', '11.7.10', '20G1427', 2),
    (3, 'MACOS', 'macOS', '12.7.6', '21H1320', 4), (4, 'MACOS', 'macOS', '13.7.8', '22H730', 6),
    (5, 'MACOS', 'macOS', '14.7.6', '23H626', 8), (6, 'MACOS', 'macOS', '14.8.1', '23J30', 12),
    (7, 'MACOS', 'macOS', '15.0', '24A335', 2), (8, 'MACOS', 'macOS', '15.6.1', '24G90', 14),
    (9, 'MACOS', 'macOS', '15.7.1', '24G231', 18), (10, 'MACOS', 'macOS', '26.0.1', '25A362', 13),
    (11, 'MACOS', 'macOS', '26.1', '25B78', 20),
    (12, 'WINDOWS', 'Windows 10 Pro', '10.0.19045', '19045.6456', 12), (13, 'WINDOWS', 'Windows 11 Pro', '10.0.22631', '22631.6060', 20),
    (14, 'WINDOWS', 'Windows 11 Pro', '10.0.26100', '26100.6899', 30), (15, 'WINDOWS', 'Windows 11 Pro', '10.0.26200', '26200.6899', 18),
    (16, 'WINDOWS', 'Windows 11 Enterprise „LTSC“', '10.0.26100', '26100.6584', 6),
    (17, 'WINDOWS', 'Windows Server 2019', '10.0.17763', '17763.7922', 4), (18, 'WINDOWS', 'Windows Server 2022', '10.0.20348', '20348.4297', 10),
    (19, 'LINUX', 'Ubuntu', '20.04', '', 6), (20, 'LINUX', 'Ubuntu', '22.04', '', 20), (21, 'LINUX', 'Ubuntu', '24.04', '', 34),
    (22, 'LINUX', 'Debian GNU/Linux', '12.1', null, 3), (23, 'LINUX', 'Debian GNU/Linux', '12.10', null, 10),
    (24, 'LINUX', 'Debian GNU/Linux', '13.1', null, 15), (25, 'LINUX', 'Amazon Linux', '2023.9.20251014', null, 12),
    (26, 'IOS', 'iOS', '16.7.12', '20H364', 4), (27, 'IOS', 'iOS', '18.7.1', '22H31', 30), (28, 'IOS', 'iOS', '26.0.1', '23A355', 30),
    (29, 'IOS', 'iOS', '26.1', '23B85', 36), (30, 'IPADOS', 'iPadOS', '17.7.10', '21H450', 20), (31, 'IPADOS', 'iPadOS', '26.1', '23B85', 80),
    (32, 'ANDROID', 'Android', '14', 'AP2A.240905.003', 30), (33, 'ANDROID', 'Android', '15', 'BP1A.250505.005', 40),
    (34, 'ANDROID', 'Android', '16', 'BP3A.250905.014', 30), (35, 'TVOS', 'tvOS', '18.6', '22M84', 40), (36, 'TVOS', 'tvOS', '26.1', '23J582', 60);
insert into inventory.os_versions (id, platform, name, version, build)
select id, platform, name, version, build from inventory.stage_os order by id;

-- Hardware: platform, type, model, weight, memory sizes in GiB, serial style.
create table inventory.stage_model (id int primary key, platform text, type text, model text, weight int, gib int[], style text);
insert into inventory.stage_model values
    (1, 'MACOS', 'LAPTOP', 'MacBookPro18,3', 14, '{16,32}', 'apple'), (2, 'MACOS', 'LAPTOP', 'MacBookAir10,1', 14, '{8,16}', 'apple12'),
    (3, 'MACOS', 'LAPTOP', 'Mac14,2', 12, '{8,16,24}', 'apple'), (4, 'MACOS', 'LAPTOP', 'Mac15,3', 12, '{8,16,24}', 'apple'),
    (5, 'MACOS', 'LAPTOP', 'Mac16,1', 16, '{16,24,32}', 'apple'), (6, 'MACOS', 'LAPTOP', 'MacBookPro16,1', 5, '{16,32,64}', 'apple12'),
    (7, 'MACOS', 'LAPTOP', 'Mac16,12', 9, '{16,24}', 'apple'), (8, 'MACOS', 'DESKTOP', 'iMac21,1', 5, '{8,16}', 'apple12'),
    (9, 'MACOS', 'DESKTOP', 'Macmini9,1', 5, '{8,16}', 'apple12'), (10, 'MACOS', 'DESKTOP', 'Mac13,2', 2, '{64,128}', 'apple'),
    (11, 'MACOS', 'DESKTOP', 'MacPro7,1', 1, '{96,192,1536}', 'apple12'), (12, 'MACOS', 'VM', 'VirtualMac2,1', 4, '{4,8}', 'vm'),
    (13, 'MACOS', 'EC2', 'mac2.metal', 1, '{16}', 'ec2'),
    (14, 'WINDOWS', 'LAPTOP', 'LENOVO ThinkPad X1 Carbon Gen 11', 20, '{16,32}', 'lenovo'), (15, 'WINDOWS', 'LAPTOP', 'Dell Inc. Latitude 7440', 20, '{16,32}', 'dell'),
    (16, 'WINDOWS', 'LAPTOP', 'HP EliteBook 840 14" G10', 16, '{16,32}', 'hp'), (17, 'WINDOWS', 'LAPTOP', 'Microsoft Surface Laptop 5, 13.5"', 8, '{8,16}', 'surface'),
    (18, 'WINDOWS', 'DESKTOP', 'Dell Inc. OptiPlex 7010', 12, '{8,16}', 'dell'), (19, 'WINDOWS', 'DESKTOP', 'LENOVO ThinkStation P3', 6, '{64,128}', 'lenovo'),
    (20, 'WINDOWS', 'SERVER', 'Dell Inc. PowerEdge R750', 5, '{256,512}', 'dell'), (21, 'WINDOWS', 'VM', 'VMware, Inc. VMware20,1', 10, '{8,16,32}', 'vmware'),
    (22, 'WINDOWS', 'TABLET', 'Microsoft Surface Pro 9', 3, '{8,16}', 'surface'),
    (23, 'LINUX', 'SERVER', 'Supermicro SYS-620P-TRT', 20, '{256,512,1024,2048}', 'super'), (24, 'LINUX', 'SERVER', 'HPE ProLiant DL380 Gen10', 15, '{128,256}', 'hp'),
    (25, 'LINUX', 'VM', 'QEMU Standard PC (Q35 + ICH9, 2009)', 25, '{2,4,8}', 'vm'), (26, 'LINUX', 'EC2', 'm6i.2xlarge', 14, '{32}', 'ec2'),
    (27, 'LINUX', 'EC2', 't3.micro', 8, '{1}', 'ec2'), (28, 'LINUX', 'LAPTOP', 'Framework Laptop 13 (AMD Ryzen 7040 Series)', 10, '{32,64}', 'super'),
    (29, 'LINUX', 'LAPTOP', 'LENOVO ThinkPad T14s Gen 4', 8, '{32}', 'lenovo'),
    (30, 'IOS', 'MOBILE', 'iPhone14,5', 30, '{4}', 'apple'), (31, 'IOS', 'MOBILE', 'iPhone15,4', 30, '{6}', 'apple'), (32, 'IOS', 'MOBILE', 'iPhone17,3', 40, '{8}', 'apple'),
    (33, 'IPADOS', 'TABLET', 'iPad13,18', 60, '{4}', 'apple'), (34, 'IPADOS', 'TABLET', 'iPad14,3', 40, '{8,16}', 'apple'),
    (35, 'ANDROID', 'MOBILE', 'Google Pixel 8', 40, '{8}', 'super'), (36, 'ANDROID', 'MOBILE', 'samsung SM-S921B', 40, '{8}', 'samsung'),
    (37, 'ANDROID', 'TABLET', 'samsung SM-X710', 20, '{8,12}', 'samsung'), (38, 'TVOS', 'TV', 'AppleTV14,1', 100, '{4}', 'apple');

create table inventory.stage_platform (platform text primary key, models int[], systems int[]);
insert into inventory.stage_platform
select p.platform,
       (select array_agg(m.id order by m.id, g) from inventory.stage_model m, generate_series(1, m.weight) g where m.platform = p.platform),
       (select array_agg(o.id order by o.id, g) from inventory.stage_os o, generate_series(1, o.weight) g where o.platform = p.platform)
from (values ('MACOS'), ('WINDOWS'), ('LINUX'), ('IOS'), ('IPADOS'), ('ANDROID'), ('TVOS')) as p (platform);

-- Employees. Each word is native|ascii, "_" stands for a space; lf writes the family name first.
create table inventory.stage_name (g int primary key, weight int, pattern text, firsts text[], lasts text[]);
insert into inventory.stage_name
select g, weight, pattern, string_to_array(firsts, ' '), string_to_array(lasts, ' ')
from (values
    (1, 34, 'f l', 'Jörg|joerg Anna|anna Käthe|kaethe Lukas|lukas Mia|mia Jürgen|juergen Sophie|sophie Björn|bjoern Hans-Peter|hans-peter Zoë|zoe Ayşe|ayse Felix|felix',
     'Müller|mueller Schäfer|schaefer Groß|gross von_der_Heydt|vonderheydt Weiß|weiss Krüger|krueger Özdemir|oezdemir Hofmann|hofmann Schmidt-Rottluff|schmidt-rottluff Böll|boell Yılmaz|yilmaz Jäger|jaeger'),
    (2, 26, 'f l', 'Emma|emma Liam|liam Siobhán|siobhan Noah|noah Grace|grace Oliver|oliver Amelia|amelia Aoife|aoife Jack|jack Chloë|chloe',
     'O''Brien|obrien Smith|smith D''Angelo|dangelo Walker|walker MacLeod|macleod Null|null Taylor|taylor Nguyễn|nguyen True|true Fitzgerald|fitzgerald'),
    (3, 14, 'f l', 'Łukasz|lukasz Małgorzata|malgorzata José|jose María_José|mariajose François|francois Zoltán|zoltan Jiří|jiri Søren|soeren Þórdís|thordis João|joao',
     'Wójcik|wojcik Brzęczyszczykiewicz|brzeczyszczykiewicz Núñez|nunez de_la_Cruz|delacruz Lefèvre|lefevre Szőke|szoke Dvořák|dvorak Ångström|angstroem Guðmundsdóttir|gudmundsdottir Gonçalves|goncalves'),
    (4, 6, 'f l', 'Олена|olena Дмитро|dmytro Юлія|yuliia Иван|ivan Наталья|natalya', 'Шевченко|shevchenko Коваленко|kovalenko Достоевский|dostoevsky Ґалаґан|galagan'),
    (5, 4, 'f l', 'Γιώργος|giorgos Ελένη|eleni Δημήτρης|dimitris', 'Παπαδόπουλος|papadopoulos Οικονόμου|oikonomou'),
    (6, 5, 'f l', 'محمد|mohamed فاطمة|fatima يوسف|youssef ليلى|layla', 'الخطيب|alkhatib حسن|hassan عبد_الله|abdullah'),
    (7, 3, 'f l', 'נועה|noa דוד|david יעל|yael', 'כהן|cohen לוי|levi בן־דוד|bendavid'),
    (8, 5, 'l f', '太郎|taro さくら|sakura 健一|kenichi 美咲|misaki', '山田|yamada 佐藤|sato 髙橋|takahashi 渡邊|watanabe'),
    (9, 3, 'lf', '伟|wei 秀英|xiuying 子涵|zihan', '王|wang 李|li 欧阳|ouyang')
) as t (g, weight, pattern, firsts, lasts);

create table inventory.stage_person (n int primary key, first text, full_name text, email text);
insert into inventory.stage_person
select n, replace(split_part(first, '|', 1), '_', ' '),
       replace(case pattern when 'f l' then split_part(first, '|', 1) || ' ' || split_part(last, '|', 1)
                            when 'l f' then split_part(last, '|', 1) || ' ' || split_part(first, '|', 1)
                            else split_part(last, '|', 1) || split_part(first, '|', 1) end, '_', ' '),
       split_part(first, '|', 2) || '.' || split_part(last, '|', 2) || n::text || '@corp.example'
from (select n, pattern, firsts[1 + inventory.pick(n, 2, cardinality(firsts))] as first, lasts[1 + inventory.pick(n, 3, cardinality(lasts))] as last
      from generate_series(1, 9000) as n
      join inventory.stage_name as s on s.g = (select (array_agg(w.g order by w.g, x))[1 + inventory.pick(n, 1, 100)]
                                               from inventory.stage_name as w, generate_series(1, w.weight) as x)) as p
order by n;

-- Machines, first the draw, then the rows.
create table inventory.stage_machine as
select i, (4217193846502718000 + (i / 2)::bigint * 1000003 + i % 2)::bigint as id,
       p.platform, m.type, m.model, m.style,
       p.systems[1 + inventory.pick(i, 12, cardinality(p.systems))] as os_id,
       m.gib[1 + inventory.pick(i, 13, cardinality(m.gib))]::bigint as gib,
       case when m.type in ('LAPTOP', 'MOBILE', 'TABLET', 'DESKTOP') and inventory.pick(i, 14, 100) < 93
            then 1 + inventory.pick(i, 15, 9000)::int end as person,
       timestamptz '2026-11-15 12:00+00' - interval '1 microsecond' * (case
            when inventory.pick(i, 16, 10) < 7 then inventory.pick(i, 17, 172800000000)
            when inventory.pick(i, 16, 10) < 9 then inventory.pick(i, 17, 2592000000000)
            else inventory.pick(i, 17, 43200000000000) end) as last_seen,
       inventory.serial6(i) as s6
from generate_series(1, 20000) as i
join inventory.stage_platform as p on p.platform = case
       when inventory.pick(i, 10, 100) < 55 then 'MACOS' when inventory.pick(i, 10, 100) < 75 then 'WINDOWS'
       when inventory.pick(i, 10, 100) < 87 then 'LINUX' when inventory.pick(i, 10, 100) < 92 then 'IOS'
       when inventory.pick(i, 10, 100) < 95 then 'IPADOS' when inventory.pick(i, 10, 100) < 99 then 'ANDROID' else 'TVOS' end
join inventory.stage_model as m on m.id = p.models[1 + inventory.pick(i, 11, cardinality(p.models))]
order by i;
update inventory.stage_machine set id = 9223372036854775807 where i = 20000;
create unique index on inventory.stage_machine (i);
analyze inventory.stage_machine, inventory.stage_person;

insert into inventory.machines
select m.id,
       coalesce((array['To Be Filled By O.E.M.', 'Default string', 'System Serial Number', 'None', 'NULL', '0', '0012345', '1E10',
                       '=VM0001', '-1', 'N/A', E'C02\u200BX', ' C02LEADING', 'C02TRAILING ', 'Not Specified', E'\\N'])
                    [case when m.i % 1250 = 666 then 1 + m.i / 1250 end],
                case m.style
                    when 'apple' then substr('CDFGHJKLM', 1 + inventory.pick(m.i, 20, 9)::int, 1) || substr('QRTVWXYZN', 1 + inventory.pick(m.i, 21, 9)::int, 1)
                                      || m.s6 || lpad(inventory.pick(m.i, 22, 100)::text, 2, '0')
                    when 'apple12' then 'C02' || m.s6 || (array['Q6L4', 'MD6R', 'ML85', '0DXQ'])[1 + inventory.pick(m.i, 22, 4)]
                    when 'dell' then m.s6 || '3' when 'lenovo' then 'PF' || m.s6 when 'hp' then '5CG' || m.s6 || 'X'
                    when 'surface' then '0' || lpad(m.i::text, 8, '0') || '953' when 'samsung' then 'R5CW' || m.s6 || 'K'
                    when 'ec2' then 'ec2' || substr(md5('ec2' || m.i), 1, 8) || '-' || substr(md5('ec2' || m.i), 9, 4) || '-' || substr(md5('ec2' || m.i), 13, 12)
                    when 'vmware' then 'VMware-42 ' || regexp_replace(substr(md5('vm' || m.i), 1, 14), '(..)(?=.)', '\1 ', 'g') || '-' || regexp_replace(substr(md5('vm' || m.i), 15, 16), '(..)(?=.)', '\1 ', 'g')
                    when 'vm' then 'Z' || upper(substr(md5('z' || m.i), 1, 9)) else 'S' || lpad(m.i::text, 6, '0') || m.s6 end),
       case when m.i % 250 = 17 then e_name.v
            when inventory.pick(m.i, 23, 200) = 0 then null when inventory.pick(m.i, 23, 200) = 1 then ''
            when p.first is not null and m.platform = 'MACOS' and inventory.pick(m.i, 24, 3) = 0
                 then p.first || E'\u2019s ' || case when m.type = 'LAPTOP' then 'MacBook' else 'Mac' end
                      || (array['', '', ' Pro', ' (2)', E' \U0001F680', ' – Büro'])[1 + inventory.pick(m.i, 25, 6)]
            when p.first is not null and m.platform in ('IOS', 'IPADOS') then (array['iPhone von ', 'iPhone de ', 'iPad – '])[1 + inventory.pick(m.i, 25, 3)] || p.first
            when m.type in ('SERVER', 'VM', 'EC2') then (array['web', 'db', 'ci', 'mail', 'k8s-node', 'batch'])[1 + inventory.pick(m.i, 24, 6)]
                 || '-' || lpad((m.i % 1000)::text, 3, '0') || '.' || (array['fra1', 'iad2', 'nrt1'])[1 + inventory.pick(m.i, 25, 3)] || '.corp.example'
            else (array['BER', 'MUC', 'AGP', 'HND', 'CAI', 'TLV'])[1 + inventory.pick(m.i, 24, 6)] || '-' || left(m.type, 2) || '-' || lpad(m.i::text, 5, '0') end,
       m.type, m.platform,
       case when inventory.pick(m.i, 26, 100) < 2 then null when inventory.pick(m.i, 26, 100) = 2 then '' else m.model end,
       case when inventory.pick(m.i, 27, 100) > 0 then m.os_id end,
       case when inventory.pick(m.i, 28, 20) > 0 then 1 + least(inventory.pick(m.i, 29, 24), inventory.pick(m.i, 30, 24))::int end,
       case m.platform
            when 'MACOS' then (array[1, 1, 1, 2, 3, 3, 4, 8])[1 + inventory.pick(m.i, 31, 8)]
            when 'WINDOWS' then (array[5, 5, 5, 7, 2])[1 + inventory.pick(m.i, 31, 5)]
            when 'LINUX' then (array[2, 2, 6])[1 + inventory.pick(m.i, 31, 3)]
            when 'ANDROID' then (array[5, 7])[1 + inventory.pick(m.i, 31, 2)] else (array[3, 4, 4])[1 + inventory.pick(m.i, 31, 3)] end,
       case when m.i % 250 = 117 then e_principal.v when m.person is null and inventory.pick(m.i, 32, 4) = 0 then '' else p.full_name end,
       case when m.i % 1000 = 444 then (array['jörg@büro.example', '"quoted, local;part"@corp.example', '=cmd@corp.example', '', ' spaces@corp.example ',
                 'very.long.' || repeat('x', 200) || '@corp.example', '@nobody', 'a''b@corp.example', '用户@例子.example', 'PLUS+tag@corp.example'])[1 + m.i / 1000 % 10]
            else p.email end,
       case when m.i % 1000 = 222 then (array[null, 0, -1, 9223372036854775807, 9007199254740993, 1])[1 + m.i / 1000 % 6] else m.gib * 1073741824 end,
       case when m.i % 1000 = 77 then (array['NaN', 'Infinity', '-Infinity', '-0', '5e-324', '1.7976931348623157e308', '0.30000000000000004',
                 '1e-7', '1e21', '100', '123456789.12345679', '-12.5']::double precision[])[1 + m.i / 1000 % 12]
            when m.type in ('LAPTOP', 'MOBILE', 'TABLET') and inventory.pick(m.i, 33, 20) > 0
                 then (100 - least(inventory.pick(m.i, 34, 400), inventory.pick(m.i, 35, 400)) / 10.0)::double precision end,
       case when inventory.pick(m.i, 36, 100) < 82 then true when inventory.pick(m.i, 36, 100) < 93 then false end,
       case when inventory.pick(m.i, 37, 100) < 4 then 100 when inventory.pick(m.i, 37, 100) < 6 then 200 when inventory.pick(m.i, 37, 100) = 6 then 300 end,
       case when m.i % 1000 = 88 then (array['0001-01-01', '1582-10-15', '1899-12-30', '1899-12-31', '1900-01-01', '1900-02-28', '1900-03-01', '1904-01-01',
                 '1969-12-31', '1970-01-01', '2000-02-29', '2038-01-19', '9999-12-31', null]::date[])[1 + m.i / 1000 % 14]
            when inventory.pick(m.i, 38, 100) = 0 then null
            else date '2026-11-14' - 540 - inventory.pick(m.i, 39, 2000)::int end,
       case when m.i % 800 = 5 then t.t when inventory.pick(m.i, 40, 10) = 0 then date_trunc('second', m.last_seen) else m.last_seen end
from inventory.stage_machine as m
left join inventory.stage_person as p on p.n = m.person
left join inventory.stage_edge as e_name on e_name.k = m.i / 250 % 70 + 1
left join inventory.stage_edge as e_principal on e_principal.k = (m.i / 250 + 35) % 70 + 1
left join inventory.stage_instant as t on t.k = m.i / 800 % 24 + 1
order by m.i;

insert into inventory.tags (id, name, color)
select n, name, lpad(to_hex(n * 650011 % 16777216), 6, '0')
from (values
    (1, 'vip'), (2, 'kiosk'), (3, 'loaner'), (4, 'beta'), (5, 'do-not-restart'), (6, 'Führungskreis'), (7, 'à réparer'),
    (8, 'テスト機'), (9, 'للإتلاف'), (10, 'a|b'), (11, 'a,b;c'), (12, '"quoted"'), (13, 'it''s old'), (14, '=tag()'), (15, '+1'),
    (16, '@work'), (17, ' padded '), (18, 'VIP'), (19, 'NULL'), (20, E'\\N'), (21, E'two\nlines'), (22, E'tab\there'),
    (23, E'\U0001F9D1\u200D\U0001F4BB remote'), (24, E'zero\u200Bwidth'), (25, '2026'), (26, '-'), (27, 'never used')
) as t (n, name) order by n;

insert into inventory.machine_tags (machine_id, tag_id)
select m.id, t.id
from inventory.stage_machine as m, inventory.tags as t
where inventory.pick(m.i::bigint * 100 + t.id, 50, 1000) < case when t.id <= 5 then 120 when t.id = 27 then 0 else 6 end
order by m.i, t.id;

-- Software: kind, bundle id, name, percent of the platform's machines, major version, number of versions.
create table inventory.stage_product (n int primary key, kind text, bundle_id text, name text, share int, major int, versions int);
insert into inventory.stage_product
select (row_number() over (order by o))::int, kind, bundle_id, name, share, major, versions
from (values
    (1, 'macos_app', 'com.apple.Safari', 'Safari', 100, 26, 14), (2, 'macos_app', 'com.microsoft.Word', 'Microsoft Word', 88, 16, 24),
    (3, 'macos_app', 'com.microsoft.Excel', 'Microsoft Excel', 90, 16, 24), (4, 'macos_app', 'com.microsoft.Powerpoint', 'Microsoft PowerPoint', 86, 16, 24),
    (5, 'macos_app', 'com.microsoft.Outlook', 'Microsoft Outlook', 80, 16, 24), (6, 'macos_app', 'com.microsoft.onenote.mac', 'Microsoft OneNote', 60, 16, 20),
    (7, 'macos_app', 'com.microsoft.teams2', 'Microsoft Teams', 78, 25, 18), (8, 'macos_app', 'com.microsoft.OneDrive', 'OneDrive', 70, 25, 18),
    (9, 'macos_app', 'com.microsoft.edgemac', 'Microsoft Edge', 45, 141, 12), (10, 'macos_app', 'com.microsoft.VSCode', 'Visual Studio Code', 38, 1, 30),
    (11, 'macos_app', 'com.google.Chrome', 'Google Chrome', 92, 141, 20), (12, 'macos_app', 'org.mozilla.firefox', 'Firefox', 55, 144, 16),
    (13, 'macos_app', 'us.zoom.xos', 'zoom.us', 66, 6, 16), (14, 'macos_app', 'com.tinyspeck.slackmacgap', 'Slack', 64, 4, 22),
    (15, 'macos_app', 'com.apple.dt.Xcode', 'Xcode', 14, 26, 10), (16, 'macos_app', 'com.apple.iWork.Pages', 'Pages', 58, 14, 8),
    (17, 'macos_app', 'com.apple.iWork.Numbers', 'Numbers', 57, 14, 8), (18, 'macos_app', 'com.apple.iWork.Keynote', 'Keynote', 59, 14, 8),
    (19, 'macos_app', 'com.apple.garageband10', 'GarageBand', 20, 10, 6), (20, 'macos_app', 'com.apple.iMovieApp', 'iMovie', 22, 10, 6),
    (21, 'macos_app', 'com.1password.1password', '1Password', 62, 8, 14), (22, 'macos_app', 'com.docker.docker', 'Docker', 24, 4, 16),
    (23, 'macos_app', 'com.googlecode.iterm2', 'iTerm', 20, 3, 9), (24, 'macos_app', 'com.jetbrains.pycharm', 'PyCharm', 9, 2025, 8),
    (25, 'macos_app', 'com.jetbrains.intellij', 'IntelliJ IDEA', 8, 2025, 8), (26, 'macos_app', 'com.figma.Desktop', 'Figma', 26, 125, 12),
    (27, 'macos_app', 'com.spotify.client', 'Spotify', 30, 1, 14), (28, 'macos_app', 'com.adobe.Photoshop', 'Adobe Photoshop 2026', 14, 27, 6),
    (29, 'macos_app', 'com.adobe.illustrator', 'Adobe Illustrator 2026', 11, 30, 6), (30, 'macos_app', 'com.adobe.Reader', 'Adobe Acrobat Reader', 44, 25, 10),
    (31, 'macos_app', 'com.googlecode.munki.ManagedSoftwareCenter', 'Managed Software Center', 84, 7, 6), (32, 'macos_app', 'org.videolan.vlc', 'VLC', 33, 3, 10),
    (33, 'macos_app', 'com.postmanlabs.mac', 'Postman', 12, 11, 12), (34, 'macos_app', 'notion.id', 'Notion', 21, 4, 12),
    (35, 'macos_app', 'com.cisco.secureclient.gui', 'Cisco Secure Client', 47, 5, 6), (36, 'macos_app', 'com.crowdstrike.falcon.App', 'Falcon', 71, 7, 9),
    (37, 'macos_app', 'com.sublimetext.4', 'Sublime Text', 7, 4, 5), (38, 'macos_app', 'net.whatsapp.WhatsApp', E'\u200EWhatsApp', 18, 25, 12),
    (39, 'macos_app', 'com.colliderli.iina', 'IINA', 4, 1, 5), (40, 'macos_app', 'de.example.zeiterfassung', 'Zeiterfassung für Büros', 40, 3, 11),
    (41, 'macos_app', 'de.example.groesse', 'Größe; "Maß" & Gewicht', 3, 2, 3), (42, 'macos_app', 'jp.example.jisho', '辞書', 3, 5, 3),
    (43, 'macos_app', 'com.example.calc', '=Calc', 3, 1, 3), (44, 'macos_app', 'com.example.tabs', E'Tabs\tand\nLines', 2, 1, 2),
    (45, 'macos_app', '', 'No Identifier', 2, 1, 2), (46, 'macos_app', null, 'Unbundled Tool', 2, 1, 2), (47, 'macos_app', 'com.example.party', E'Party \U0001F973', 2, 0, 12),
    (48, 'program', null, 'Microsoft 365 Apps for enterprise - de-de', 90, 16, 18), (49, 'program', null, 'Microsoft Edge', 100, 141, 16),
    (50, 'program', null, 'Google Chrome', 80, 141, 16), (51, 'program', null, 'Mozilla Firefox (x64 de)', 45, 144, 12),
    (52, 'program', null, 'Microsoft Visual C++ 2015-2022 Redistributable (x64) - 14.44.35211', 95, 14, 8), (53, 'program', null, '7-Zip 25.01 (x64)', 70, 25, 6),
    (54, 'program', null, 'Notepad++ (64-bit x64)', 40, 8, 12), (55, 'program', null, 'Microsoft Teams', 85, 25, 14), (56, 'program', null, 'Zoom Workplace (64-bit)', 60, 6, 14),
    (57, 'program', null, 'Adobe Acrobat (64-bit)', 55, 25, 10), (58, 'program', null, 'CrowdStrike Windows Sensor', 75, 7, 9), (59, 'program', null, 'Cisco Secure Client', 60, 5, 6),
    (60, 'program', null, 'Git', 30, 2, 12), (61, 'program', null, 'Python 3.13.1 (64-bit)', 18, 3, 9), (62, 'program', null, 'PuTTY release 0.83 (64-bit)', 22, 0, 5),
    (63, 'program', null, 'SAP GUI for Windows 8.00', 28, 8, 6), (64, 'program', null, 'DATEV Arbeitsplatz, „pro“', 12, 19, 4), (65, 'program', null, 'Microsoft OneDrive', 92, 25, 14),
    (66, 'program', null, 'Intel® Graphics Driver', 50, 32, 7), (67, 'program', null, 'Dell SupportAssist', 35, 4, 8), (68, 'program', null, 'Lenovo Vantage Service', 25, 4, 8),
    (69, 'program', null, 'Windows SDK AddOn', 20, 10, 3), (70, 'program', null, '-undefined-', 1, 1, 2), (71, 'program', null, ' Leading Space Suite', 1, 1, 2),
    (72, 'deb_package', null, 'openssl', 100, 3, 12), (73, 'deb_package', null, 'openssh-server', 96, 9, 9), (74, 'deb_package', null, 'libc6', 100, 2, 10), (75, 'deb_package', null, 'bash', 100, 5, 4),
    (76, 'deb_package', null, 'python3', 100, 3, 8), (77, 'deb_package', null, 'curl', 97, 8, 12), (78, 'deb_package', null, 'nginx', 40, 1, 9), (79, 'deb_package', null, 'postgresql-18', 16, 18, 3),
    (80, 'deb_package', null, 'docker-ce', 38, 28, 9), (81, 'deb_package', null, 'systemd', 100, 257, 9), (82, 'deb_package', null, 'linux-image-generic', 90, 6, 20), (83, 'deb_package', null, 'libstdc++6', 100, 14, 4),
    (84, 'deb_package', null, 'vim', 70, 9, 7), (85, 'deb_package', null, 'git', 65, 2, 9), (86, 'deb_package', null, 'osquery', 74, 5, 9), (87, 'deb_package', null, 'rsync', 80, 3, 4),
    (88, 'deb_package', null, 'ca-certificates', 100, 2025, 3), (89, 'deb_package', null, 'tzdata', 100, 2025, 5), (90, 'deb_package', null, 'g++', 25, 14, 4), (91, 'deb_package', null, 'valkey-server', 12, 8, 4),
    (92, 'ios_app', 'com.microsoft.Office.Outlook', 'Microsoft Outlook', 90, 5, 12), (93, 'ios_app', 'com.microsoft.skype.teams', 'Microsoft Teams', 88, 7, 12),
    (94, 'ios_app', 'com.tinyspeck.chatlyio', 'Slack', 60, 25, 12), (95, 'ios_app', 'us.zoom.videomeetings', 'Zoom Workplace', 55, 6, 9), (96, 'ios_app', 'com.agilebits.onepassword-ios', '1Password', 70, 8, 9),
    (97, 'ios_app', 'de.hafas.android.db', 'DB Navigator', 45, 25, 8), (98, 'ios_app', 'com.google.Maps', 'Google Maps – Transit & Essen', 75, 25, 10), (99, 'ios_app', 'net.whatsapp.WhatsApp', E'\u200EWhatsApp Messenger', 65, 25, 12),
    (100, 'android_app', 'com.microsoft.office.outlook', 'Outlook', 90, 5, 12), (101, 'android_app', 'com.microsoft.teams', 'Teams', 88, 1416, 12), (102, 'android_app', 'com.android.chrome', 'Chrome', 100, 141, 12),
    (103, 'android_app', 'com.whatsapp', 'WhatsApp', 70, 2, 12), (104, 'android_app', 'com.Slack', 'Slack', 60, 25, 10), (105, 'android_app', 'org.thoughtcrime.securesms', 'Signal', 40, 7, 9),
    (106, 'android_app', 'com.agilebits.onepassword', '1Password', 70, 8, 9), (107, 'android_app', 'de.hafas.android.db', 'DB Navigator', 45, 25, 8)
) as t (o, kind, bundle_id, name, share, major, versions)
order by o;

insert into inventory.apps (id, kind, bundle_id, name, version, version_str)
select 1990000000000000000 + p.n * 1000 + v, p.kind, p.bundle_id, p.name,
       case p.kind
            when 'macos_app' then case when p.n = 46 then null when p.n = 45 and v = 1 then ''
                 else p.major || '.' || v || case when p.n % 2 = 0 then '.' || (25000000 + v * 10911 + p.n * 7) else '' end end
            when 'deb_package' then case when p.n % 3 = 0 then '1:' else '' end || p.major || '.' || v || case v % 3 when 0 then '~rc1' when 1 then '' else '.' || p.n % 7 end
                 || case when p.n % 2 = 0 then '-' || v % 4 + 1 || 'ubuntu0.24.04.' || v else '-' || v % 4 + 1 || '+deb12u' || v end
            else p.major || '.' || v || '.' || (v * 317 + p.n) % 10000 || case when p.n % 4 = 0 then '.0' else '' end end,
       case when p.kind in ('deb_package', 'program') then null
            when v = 1 and p.n % 5 = 0 then '' when v = 2 and p.n % 5 = 0 then null
            else p.major || '.' || v || case when (p.n + v) % 3 = 0 then '' else '.' || (p.n + v) % 4 end end
from inventory.stage_product as p, generate_series(1, p.versions) as v
order by p.n, v;

-- Installations: each product on its share of the machines, newer versions more often.
insert into inventory.app_installs (machine_id, app_id, path, installed_at)
select d.id, 1990000000000000000 + d.n * 1000 + d.versions - least(d.h % d.versions, d.h / 1000 % d.versions),
       case when d.i % 250 = 33 then e.v
            when d.kind = 'macos_app' then case
                 when d.h / 7 % 200 = 0 then null when d.h / 7 % 200 = 1 then ''
                 when d.h / 7 % 20 = 2 then '/Users/' || lower(left(md5(d.i::text), 6)) || '/Applications/' || d.name || '.app'
                 when d.h / 7 % 200 = 3 then '/Volumes/Daten – Büro/' || d.name || ' (Kopie).app'
                 else '/Applications/' || d.name || '.app' end
            when d.kind = 'program' then case
                 when d.h / 7 % 25 = 0 then '' else E'C:\\Program Files' || case when d.h / 7 % 4 = 1 then ' (x86)' else '' end || E'\\' || d.name end
            when d.kind = 'deb_package' and d.h / 7 % 10 = 0 then '/opt/' || d.name end,
       case when d.h / 11 % 33 = 0 then null
            when d.i % 250 = 33 then t.t
            when d.h / 11 % 4 = 0 then date_trunc('second', d.last_seen) - d.h / 13 % 60000000 * interval '1 second'
            else d.last_seen - d.h / 13 % 60000000 * interval '1.000001 second' end
from (select m.i, m.id, m.last_seen, p.*, hashint8extended(m.i::bigint * 1000 + p.n, 61) & 9223372036854775807 as h
      from inventory.stage_machine as m
      join inventory.stage_product as p
        on p.kind = case m.platform when 'MACOS' then 'macos_app' when 'WINDOWS' then 'program' when 'LINUX' then 'deb_package'
                                    when 'ANDROID' then 'android_app' when 'TVOS' then null else 'ios_app' end
       and inventory.pick(m.i::bigint * 1000 + p.n, 60, 100) < p.share) as d
left join inventory.stage_edge as e on d.i % 250 = 33 and e.k = (d.i / 250 * 15 + d.n) % 70 + 1
left join inventory.stage_instant as t on d.i % 250 = 33 and t.k = (d.i / 250 + d.n) % 24 + 1
order by d.i, d.n;

insert into inventory.compliance_checks (id, name) values
    (1, 'Disk encryption'), (2, 'Firewall; "strict"'), (3, 'OS up to date'), (4, 'Passwörter > 12 Zeichen');

insert into inventory.machine_checks (machine_id, check_id, status)
select m.id, c.id,
       case when m.compliant or c.id <> 1 + inventory.pick(s.i, 70, 4) and inventory.pick(s.i * 10 + c.id, 71, 10) < 7 then 0
            when c.id = 1 + inventory.pick(s.i, 70, 4) then 300
            else (array[100, 200, 300])[1 + inventory.pick(s.i, 72, 3)] end
from inventory.machines as m
join inventory.stage_machine as s on s.id = m.id
cross join inventory.compliance_checks as c
where m.compliant is not null
order by s.i, c.id;

insert into inventory.network_interfaces (machine_id, interface, mac)
select m.id, case when m.platform in ('WINDOWS', 'LINUX') then 'eth' else 'en' end || k,
       case when m.platform in ('WINDOWS', 'LINUX') then '00:1B:44' else 'a4:83:e7' end
           || regexp_replace(lpad(to_hex(inventory.pick(m.i * 10 + k, 73, 16777216)), 6, '0'), '(..)', ':\1', 'g')
from inventory.stage_machine as m, generate_series(0, 1) as k
where k = 0 or inventory.pick(m.i, 74, 3) = 0
order by m.i, k;

insert into inventory.ec2_instances (machine_id, account_id, instance_type)
select m.id, (array['111122223333', '444455556666', '012345678901'])[1 + inventory.pick(m.i, 75, 3)], m.model
from inventory.stage_machine as m
where m.type = 'EC2'
order by m.i;

-- Keys and indexes after the rows: several times faster.
alter table inventory.machines
    add primary key (id),
    add constraint machines_serial_number_key unique (serial_number),
    add foreign key (os_version_id) references inventory.os_versions (id),
    add foreign key (business_unit_id) references inventory.business_units (id),
    add foreign key (source_id) references inventory.sources (id);
alter table inventory.machine_tags
    add primary key (machine_id, tag_id),
    add foreign key (machine_id) references inventory.machines (id),
    add foreign key (tag_id) references inventory.tags (id);
alter table inventory.apps
    add primary key (id),
    add constraint apps_version_key unique nulls not distinct (kind, bundle_id, name, version, version_str);
alter table inventory.app_installs
    add primary key (machine_id, app_id),
    add foreign key (machine_id) references inventory.machines (id),
    add foreign key (app_id) references inventory.apps (id);
alter table inventory.machine_checks
    add primary key (machine_id, check_id),
    add foreign key (machine_id) references inventory.machines (id),
    add foreign key (check_id) references inventory.compliance_checks (id);
alter table inventory.network_interfaces
    add primary key (machine_id, interface),
    add foreign key (machine_id) references inventory.machines (id);
alter table inventory.ec2_instances
    add primary key (machine_id),
    add foreign key (machine_id) references inventory.machines (id);
create index machines_last_seen_idx on inventory.machines (last_seen);
create index machines_source_id_idx on inventory.machines (source_id);
create index machines_business_unit_id_idx on inventory.machines (business_unit_id);
create index machines_os_version_id_idx on inventory.machines (os_version_id);
create index machine_tags_tag_id_idx on inventory.machine_tags (tag_id);
create index apps_bundle_id_idx on inventory.apps (bundle_id text_pattern_ops);
create index app_installs_app_id_idx on inventory.app_installs (app_id);

drop table inventory.stage_edge, inventory.stage_instant, inventory.stage_os, inventory.stage_model, inventory.stage_platform,
    inventory.stage_name, inventory.stage_person, inventory.stage_machine, inventory.stage_product;
drop function inventory.pick(bigint, bigint, bigint), inventory.serial6(bigint);

analyze inventory.business_units, inventory.sources, inventory.os_versions, inventory.machines, inventory.tags,
    inventory.machine_tags, inventory.apps, inventory.app_installs, inventory.compliance_checks, inventory.machine_checks,
    inventory.network_interfaces, inventory.ec2_instances;
