"""macOS apps of the demo inventory, with their versions."""

from __future__ import annotations

from include.exporters._app_totals import AppTotals, Part, Software

_SOFTWARE = Software(
    kind="macos_app",
    app=(Part("bundle", "Bundle", "a.name"), Part("bundle_id", "Bundle ID", "a.bundle_id")),
    version=(
        Part("bundle_version", "Bundle version", "a.version"),
        Part("bundle_version_str", "Bundle version str", "a.version_str"),
    ),
    sought=("a.bundle_id", "a.name"),
)


class InventoryMacosApps(AppTotals):
    """By name and bundle id."""

    title = "macOS apps"
    description = "How many machines have each macOS app, in all and by version and source."
    columns = _SOFTWARE.columns
    sql = _SOFTWARE.sql
