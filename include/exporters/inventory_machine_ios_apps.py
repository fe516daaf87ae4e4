"""IOS apps on each machine of the demo inventory."""

from __future__ import annotations

from include.exporters._machine_apps import UNKNOWN, MachineApps, columns_of, sql_of

_VALUES = {
    "name": "a.name",
    "version": "a.version",
    "ad_hoc_signed": UNKNOWN,
    "app_store_vendable": UNKNOWN,
    "beta_app": UNKNOWN,
    "bundle_size": UNKNOWN,
    "device_based_vpp": UNKNOWN,
    "identifier": "a.bundle_id",
    "is_validated": UNKNOWN,
    "short_version": "a.version_str",
}


class InventoryMachineIosApps(MachineApps):
    """One row for each on each machine."""

    title = "Machines' iOS apps"
    description = "The demo inventory, one row for each of the iOS apps on each machine."
    columns = columns_of(_VALUES)
    sql = sql_of("ios_app", _VALUES)
