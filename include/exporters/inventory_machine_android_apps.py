"""Android apps on each machine of the demo inventory."""

from __future__ import annotations

from include.exporters._machine_apps import UNKNOWN, MachineApps, columns_of, sql_of

_VALUES = {
    "display_name": "a.name",
    "version_name": "a.version",
    "version_code": "a.version_str",
    "package_name": "a.bundle_id",
    "installer_package_name": UNKNOWN,
}


class InventoryMachineAndroidApps(MachineApps):
    """One row for each on each machine."""

    title = "Machines' Android apps"
    description = "The demo inventory, one row for each of the Android apps on each machine."
    columns = columns_of(_VALUES)
    sql = sql_of("android_app", _VALUES)
