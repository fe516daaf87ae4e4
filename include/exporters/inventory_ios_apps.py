"""iOS apps of the demo inventory, with their versions."""

from __future__ import annotations

from include.exporters._app_totals import VERSION, AppTotals, Part, Software

_SOFTWARE = Software(
    kind="ios_app",
    app=(Part("name", "Name", "a.name"), Part("identifier", "Identifier", "a.bundle_id")),
    version=(VERSION, Part("short_version", "Short version", "a.version_str")),
    sought=("a.name",),
)


class InventoryIosApps(AppTotals):
    """By name and identifier."""

    title = "iOS apps"
    description = "How many machines have each iOS app, in all and by version and source."
    columns = _SOFTWARE.columns
    sql = _SOFTWARE.sql
