"""MacOS apps on each machine of the demo inventory."""

from __future__ import annotations

from include.exporters._machine_apps import UNKNOWN, MachineApps, columns_of, sql_of

_VALUES = {
    "bundle_id": "a.bundle_id",
    "bundle_name": "a.name",
    "bundle_display_name": UNKNOWN,
    "bundle_version": "a.version",
    "bundle_version_str": "a.version_str",
    "bundle_path": "i.path",
    "path": UNKNOWN,
}


class InventoryMachineMacosAppInstances(MachineApps):
    """One row for each on each machine."""

    title = "Machines' macOS apps"
    description = "The demo inventory, one row for each of the macOS apps on each machine."
    columns = columns_of(_VALUES)
    sql = sql_of("macos_app", _VALUES)
