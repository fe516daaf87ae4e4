"""What people call tags, compliance checks and apps that are known by their ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from include.core.query import Filter, Query, Selection
from include.core.references import LOOKUP_SECONDS
from include.core.request import Op
from include.core.schema import Column, ColumnType
from include.exporters._machine_counts import SOURCE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from include.core.source import Sources

_NAME = Column.of("name", ColumnType.STRING)
_ID, _BUNDLE_ID = (Column.of("key", kind) for kind in (ColumnType.INTEGER, ColumnType.STRING))
_TAGS = "select id as key, name from inventory.tags"
_CHECKS = "select id as key, name from inventory.compliance_checks"
_APPS = """
    select bundle_id as key, min(name) as name from inventory.apps
    where kind = 'macos_app' and bundle_id is not null group by bundle_id
"""


@dataclass(frozen=True, slots=True)
class Titles:
    """Names by ids; what the inventory does not have is not among them."""

    tags: Mapping[int, str] = field(default_factory=dict)
    checks: Mapping[int, str] = field(default_factory=dict)
    bundle_ids: Mapping[str, str] = field(default_factory=dict)


def find_titles(
    sources: Sources, *, tags: Collection[int], checks: Collection[int], bundle_ids: Collection[str]
) -> Titles:
    """Look up names.

    :raises Retriable: when the inventory does not answer.
    """
    return Titles(
        tags=_names(sources, _TAGS, _ID, tags),
        checks=_names(sources, _CHECKS, _ID, checks),
        bundle_ids=_names(sources, _APPS, _BUNDLE_ID, bundle_ids),
    )


def _names(sources: Sources, sql: str, key: Column, keys: Collection[Any]) -> dict[Any, str]:
    if not keys:
        return {}
    query = Query(
        sql=sql,
        arguments={},
        selection=Selection((key, _NAME), (Filter(key, Op.IN, tuple(keys)),)),
        timeout_seconds=LOOKUP_SECONDS,
    )
    batches = sources.look_up(SOURCE, query)
    return {row["key"]: row["name"] for batch in batches for row in batch.to_pylist()}
