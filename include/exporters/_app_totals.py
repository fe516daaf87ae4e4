"""How many machines have each app: one row for the app, then one for each of its versions and sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from include.core.exporter import Params, SqlExporter
from include.core.params import Integer, Moment, Reference, Text
from include.core.schema import Column, ColumnType, Schema
from include.exporters._versions import counted

if TYPE_CHECKING:
    from pydantic import BaseModel

SOURCE = "inventory"


class AppTotalsParams(Params):
    """Which apps, on which machines, in which order."""

    containing: Text | None = Field(None, description="part of what identifies the app, in any case")
    source_id: Annotated[Integer | None, Reference("select id as key from inventory.sources", SOURCE)] = Field(
        None, description="only machines that this source reported"
    )
    seen_since: Moment | None = Field(None, description="only machines seen at this moment or later")
    order: Literal["name", "-name", "machines", "-machines"] = Field(
        "name", description="of the apps, by name or by machines; a leading - sorts descending"
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A column of the file, and the expression of ``inventory.apps a`` that gives it."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """One kind of software: what identifies an app, what tells its versions apart, and where to look for a text."""

    kind: str
    app: tuple[Part, ...]
    version: tuple[Part, ...]
    sought: tuple[str, ...]

    @property
    def columns(self) -> Schema:
        """The columns of the file."""
        texts = (Column.of(part.name, ColumnType.STRING, part.label) for part in (*self.app, *self.version))
        return Schema.of(
            *texts,
            Column.of("source", ColumnType.STRING, "Source"),
            Column.of("machines", ColumnType.INTEGER, "Machines"),
            Column.of("place", ColumnType.INTEGER, "Place", description="in the order of the rows", on_request=True),
        )

    @property
    def sql(self) -> str:
        """The statement: totals and versions by grouping sets, numbered in their order."""
        app, version = [part.value for part in self.app], [part.value for part in self.version]
        names = [part.name for part in (*self.app, *self.version)]
        values = ", ".join(f"{part.value} as {part.name}" for part in (*self.app, *self.version))
        # A value that the kind does not have, such as null::text, is nothing to group by.
        ids = ", ".join(value for value in app if value.startswith("a."))
        whole = ", ".join(value for value in (*app, *version) if value.startswith("a."))
        sought = " or ".join(f"strpos(upper({value}), upper(:containing)) > 0" for value in self.sought)
        first = self.app[0].name
        own = ", ".join(part.name for part in self.app)
        versions = "".join(f"{counted(part.name)} desc nulls last, " for part in self.version)
        return f"""
select {", ".join(names)}, source, machines,
       row_number() over (
           order by case :order when 'machines' then total end,
                    case :order when '-machines' then total end desc,
                    case :order when '-name' then {first} end desc,
                    {own}, is_total desc, {versions}source, source_id, app_id
       ) as place
from (
    select {values}, a.id as app_id, s.id as source_id, s.name as source, count(*) as machines,
           grouping(s.id) as is_total, max(count(*)) over (partition by {ids}) as total
    from inventory.app_installs i
    join inventory.apps a on a.id = i.app_id
    join inventory.machines m on m.id = i.machine_id
    join inventory.sources s on s.id = m.source_id
    where a.kind = '{self.kind}'
      and (:containing::text is null or {sought})
      and (:source_id::bigint is null or s.id = :source_id)
      and (:seen_since::timestamptz is null or m.last_seen >= :seen_since::timestamptz)
    group by grouping sets (({ids}), ({whole}, a.id, s.id, s.name))
) counted"""  # noqa: S608 - put together from this file's own words


class AppTotals(SqlExporter[AppTotalsParams]):
    """Base of the exporters, one for each kind of software."""

    source = SOURCE
    params_type: ClassVar[type[BaseModel]] = AppTotalsParams
    key = ("place",)


VERSION = Part("version", "Version", "a.version")
