"""Lists and the clock with a million exports of several users, against the same with a few."""

from __future__ import annotations

import base64
import json
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks import targets
from benchmarks.callers import Exports, Runs, finish
from benchmarks.records import Record, machine
from deploy.local import databases

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx
    import psycopg

    from benchmarks.bench import Bench

FEW = 5_000
_PATH = "/export-api/v1/exports"
_PAGE, _PAGES = 50, 1_000
_TIMES = 11
_FIRST: tuple[Mapping[str, str], ...] = (
    {},
    {"status": "succeeded"},
    {"status": "failed"},
    {"status": "cancelled"},
    {"exporter": "orders"},
    {"exporter": "exporter_20"},
    {"exporter": "seldom"},
    {"exporter": "orders", "status": "failed"},
)
"""Filters that many exports fit, some, and few."""
_LATER: tuple[Mapping[str, str], ...] = ({}, {"status": "succeeded"}, {"exporter": "orders"})
"""Those for which there is a 1,000th page, or in a quick run a last one."""

_SEED = """
    insert into waybill_export (
        id, dag_id, run_id, task_id, map_index, exporter, format, name, request, trigger, requested_by, created_at,
        cancelled_at, cancelled_by, settled_at, status, started_at, finished_at, attempt, progress, error, manifest,
        expires_at, expired_at, swept_at)
    select made.id, dag_id, 'export__' || made.id, task_id, map_index, made.exporter, format, name, request, trigger,
           made.requested_by, made.at, null, null, made.at + interval '5 s', made.status, made.at, made.at, 1, progress,
           case when made.status <> 'succeeded' then '{"code": "x", "detail": "x", "retryable": true}'::json end,
           case when made.status = 'succeeded'
                then replace(manifest::text, like_this.id::text, made.id::text)::json end,
           made.at + interval '7 d', case when made.at < now() - interval '7 d' then made.at + interval '7 d' end,
           case when made.status <> 'succeeded' then made.at + interval '5 min' end
    from waybill_export like_this, lateral (
        select gen_random_uuid() as id, now() - (%(most)s - i) * interval '30 s' as at,
               case when i %% 10 = 0 then like_this.requested_by else 'user_' || i %% 53 end as requested_by,
               case when i %% 9973 = 0 then 'cancelled' when i %% 97 < 5 then 'failed' else 'succeeded' end as status,
               case when i <= 20 then 'seldom' when i %% 31 < 20 then 'orders'
                    when i %% 31 < 30 then 'exporter_' || i %% 31 else 'orders, machines' end as exporter
        from generate_series(%(first)s::int, %(last)s::int) as i
        offset 0
    ) made
    where like_this.id = %(like_this)s
"""
"""The oldest first: the first ones are the only ones of an exporter that nobody uses any more."""


def run(bench: Bench) -> list[Record]:
    """Measure with few exports, then with many: first pages, 1,000th pages, and one tick of the clock."""
    bench.start_airflow()
    many, here = bench.scale.listed_exports, machine()
    exports = Exports(bench.stack)
    path = exports.start()
    finish(exports, path)
    like_this = exports.read(path)
    found: list[tuple[float, float, float]] = []
    with _database(bench) as connection:
        for first, last in ((1, FEW), (FEW + 1, many)):
            order = {"like_this": like_this["id"], "first": first, "last": last, "most": many}
            connection.execute(_SEED, order)
            connection.execute("vacuum analyze waybill_export")
            found.append((*_milliseconds(bench, connection, like_this["requested_by"]), _tick(bench)))
    (few_first, few_later, few_tick), (first_page, later_page, tick) = found
    return [
        Record(targets.LIST_FIRST, first_page, few_first, "ms", many, here),
        Record(targets.LIST_LATER, later_page, few_later, "ms", many, here),
        Record(targets.TICK, tick, few_tick, "ms", many, here),
    ]


def _database(bench: Bench) -> psycopg.Connection[Any]:
    import psycopg

    return psycopg.connect(databases.dsn(bench.stack.state, "airflow"), autocommit=True)


def _milliseconds(bench: Bench, connection: psycopg.Connection[Any], owner: str) -> tuple[float, float]:
    """Return how long the slowest first page and the slowest later page take, each the median of some requests."""
    exports, runs = Exports(bench.stack), Runs(bench.stack)
    slowest = []
    for kind, filters in (("first page", _FIRST), ("1,000th page", _LATER)):
        medians = {}
        for caller, http in ((owner, exports.http), (None, runs.http)):
            for wanted in filters:
                place = {} if kind == "first page" else _place(connection, wanted, caller)
                seconds = [_seconds(http, {**wanted, **place, "limit": str(_PAGE)}) for _ in range(_TIMES)]
                medians[f"{'own' if caller else 'all'} {dict(wanted) or ''}"] = statistics.median(seconds) * 1000
        print(f"  {kind}: {', '.join(f'{name} {figure:.1f} ms' for name, figure in medians.items())}", flush=True)
        slowest.append(max(medians.values()))
    return slowest[0], slowest[1]


def _seconds(http: httpx.Client, query: Mapping[str, str]) -> float:
    started = time.perf_counter()
    answer = http.get(_PATH, params=dict(query))
    seconds = time.perf_counter() - started
    answer.raise_for_status()
    return seconds


def _place(connection: psycopg.Connection[Any], wanted: Mapping[str, str], owner: str | None) -> dict[str, str]:
    """Return what leads to the 1,000th page, or where there are fewer to the last whole one.

    It is the token that the page before gives; walking there would take 999 requests.
    """
    conditions = {"requested_by": owner, "status": wanted.get("status")}
    fits = " and ".join([f"{name} = %({name})s" for name, value in conditions.items() if value is not None])
    among = "', ' || exporter || ', ' like '%%, ' || %(exporter)s || ', %%'" if "exporter" in wanted else "true"
    last = f"""
        select created_at, id from (
            select created_at, id, row_number() over (order by created_at desc, id desc) as place,
                   count(*) over () as many
            from waybill_export where {fits or "true"} and {among}
        ) fitting
        where place = least({_PAGES}, many / {_PAGE}) * {_PAGE} - {_PAGE}
    """  # noqa: S608 - of constants
    row = connection.execute(last.encode(), {**conditions, **wanted}).fetchone()
    if row is None:
        raise RuntimeError(f"There are too few exports for a second page of {wanted}.")
    token = json.dumps([row[0].isoformat(), str(row[1])], separators=(",", ":"))
    return {"page_token": base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")}


def _tick(bench: Bench) -> float:
    """Return how many milliseconds one tick of the clock takes, in a process of its own."""
    milliseconds = bench.run_python("benchmarks.ticking", {})["milliseconds"]
    print(f"  ticks: {', '.join(f'{figure:.1f}' for figure in milliseconds)} ms", flush=True)
    return float(statistics.median(milliseconds))
