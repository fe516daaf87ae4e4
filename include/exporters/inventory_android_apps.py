"""Android apps of the demo inventory, with their versions."""

from __future__ import annotations

from include.exporters._app_totals import AppTotals, Part, Software

_SOFTWARE = Software(
    kind="android_app",
    app=(Part("display_name", "Name", "a.name"),),
    version=(
        Part("version_name", "Version name", "a.version"),
        Part("version_code", "Version code", "a.version_str"),
    ),
    sought=("a.name",),
)


class InventoryAndroidApps(AppTotals):
    """By name."""

    title = "Android apps"
    description = "How many machines have each Android app, in all and by version and source."
    columns = _SOFTWARE.columns
    sql = _SOFTWARE.sql
