"""Debian packages of the demo inventory, with their versions."""

from __future__ import annotations

from include.exporters._app_totals import VERSION, AppTotals, Part, Software

_SOFTWARE = Software(
    kind="deb_package",
    app=(Part("name", "Package", "a.name"),),
    version=(VERSION,),
    sought=("a.name",),
)


class InventoryDebPackages(AppTotals):
    """By name."""

    title = "Debian packages"
    description = "How many machines have each Debian package, in all and by version and source."
    columns = _SOFTWARE.columns
    sql = _SOFTWARE.sql
