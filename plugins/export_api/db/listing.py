"""Lists of exports, page by page: whichever filter, a page is found without looking at all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Text, cast, func, literal_column, select, tuple_

from export_api.db.models import FIRST_NAME, NAMES, SEVERAL, Export

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from export_api.status import Status

_NEAR = 2_000
"""How many exports are looked through, one after the other, before all of an exporter are sorted."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which exports are wanted, in which order, from where on; ``status`` is a final one.

    Deleted ones, of which only their place is left, are among them where ``deleted``.
    """

    status: Status | None = None
    unsettled: bool = False
    deleted: bool = False
    exporter: str | None = None
    name: str | None = None
    requested_by: str | None = None
    created_after: datetime | None = None
    descending: bool = True
    after: Cursor | None = None

    def conditions(self, of: type[Export] = Export) -> list[ColumnElement[bool]]:
        """Return the filter in SQL, apart from the exporter."""
        found: list[ColumnElement[bool]] = []
        for column, value in ((of.name, self.name), (of.requested_by, self.requested_by), (of.status, self.status)):
            if value is not None:
                found.append(column == value)
        if not self.deleted:
            found.append(of.deleted_at.is_(None))
        if self.unsettled:
            found.append(of.settled_at.is_(None))
        if self.created_after is not None:
            found.append(of.created_at > self.created_after)
        return [*found, *self.behind(of)]

    def behind(self, of: type[Export] = Export) -> list[ColumnElement[bool]]:
        """Return the condition for what comes behind the last page."""
        if self.after is None:
            return []
        place, row = (self.after.created_at, self.after.id), tuple_(of.created_at, of.id)
        return [row < place if self.descending else row > place]

    def order(self, of: type[Export] = Export) -> list[ColumnElement[Any]]:
        """Return the order of the list."""
        keys = (of.created_at, of.id)
        return [key.desc() if self.descending else key.asc() for key in keys]

    def parts(self) -> list[list[ColumnElement[bool]]]:
        """Return the filter as filters of which exactly one fits each export: each has an index."""
        if self.exporter is None:
            return [self.conditions()]
        first: ColumnElement[str] = literal_column(str(FIRST_NAME))
        return [
            [*self.conditions(), first == self.exporter],
            [*self.conditions(), self.among(), _SEVERAL],
        ]

    def among(self) -> ColumnElement[bool]:
        """Return the condition for exports that read the exporter, alone or among others."""
        names: ColumnElement[Any] = literal_column(str(NAMES))
        return names.op("@>", is_comparison=True)(cast([self.exporter], ARRAY(Text)))


_SEVERAL: ColumnElement[bool] = literal_column(str(SEVERAL))
"""Whether an export reads several exporters."""


def page(session: Session, wanted: Filter, limit: int) -> list[Export]:
    """Return the next exports that a filter names."""
    *parts, last = wanted.parts()
    found = [] if wanted.exporter is None else _near(session, wanted, limit)
    if len(found) < limit:
        found = _first(session, wanted, last, limit)
    found += [export for part in parts for export in _first(session, wanted, part, limit)]
    return sorted(found, key=lambda export: (export.created_at, export.id), reverse=wanted.descending)[:limit]


def _first(session: Session, wanted: Filter, part: list[ColumnElement[bool]], limit: int) -> list[Export]:
    return list(session.scalars(select(Export).where(*part).order_by(*wanted.order()).limit(limit)))


def _near(session: Session, wanted: Filter, limit: int) -> list[Export]:
    """Return the next exports that read an exporter among others, as far as they are among the next that read several.

    Where many read it, that is enough, and all of them need not be sorted; where few do, the index by names has them.
    """
    from sqlalchemy.orm import aliased

    walk = select(Export).where(_SEVERAL, *wanted.behind()).order_by(*wanted.order()).limit(_NEAR)
    near = aliased(Export, walk.subquery())
    fitting = select(near).where(*wanted.conditions(near), wanted.among())
    return list(session.scalars(fitting.order_by(*wanted.order(near)).limit(limit)))


def count(session: Session, wanted: Filter) -> int:
    """Return how many exports a filter names, wherever it stands."""
    everywhere = replace(wanted, after=None)
    counted = (session.scalar(select(func.count()).select_from(Export).where(*part)) for part in everywhere.parts())
    return sum(count or 0 for count in counted)
