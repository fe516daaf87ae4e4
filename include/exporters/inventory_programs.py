"""Windows programs of the demo inventory, with their versions."""

from __future__ import annotations

from include.exporters._app_totals import VERSION, AppTotals, Part, Software

_SOFTWARE = Software(
    kind="program",
    app=(Part("name", "Name", "a.name"), Part("identifying_number", "Identifying number", "null::text")),
    version=(VERSION,),
    sought=("a.name",),
)


class InventoryPrograms(AppTotals):
    """By name; the demo knows of no identifying numbers."""

    title = "Programs"
    description = "How many machines have each program, in all and by version and source."
    columns = _SOFTWARE.columns
    sql = _SOFTWARE.sql
