"""Debian packages on each machine of the demo inventory."""

from __future__ import annotations

from include.exporters._machine_apps import UNKNOWN, MachineApps, columns_of, sql_of

_VALUES = {
    "name": "a.name",
    "version": "a.version",
    "source": UNKNOWN,
    "size": UNKNOWN,
    "arch": UNKNOWN,
    "revision": UNKNOWN,
    "status": UNKNOWN,
    "maintainer": UNKNOWN,
    "section": UNKNOWN,
    "priority": UNKNOWN,
}


class InventoryMachineDebPackages(MachineApps):
    """One row for each on each machine."""

    title = "Machines' Debian packages"
    description = "The demo inventory, one row for each of the Debian packages on each machine."
    columns = columns_of(_VALUES)
    sql = sql_of("deb_package", _VALUES)
