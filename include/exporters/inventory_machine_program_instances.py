"""Programs on each machine of the demo inventory."""

from __future__ import annotations

from include.exporters._machine_apps import UNKNOWN, MachineApps, columns_of, sql_of

_VALUES = {
    "name": "a.name",
    "version": "a.version",
    "language": UNKNOWN,
    "publisher": UNKNOWN,
    "identifying_number": UNKNOWN,
    "install_location": "i.path",
    "install_source": UNKNOWN,
    "uninstall_string": UNKNOWN,
    "install_date": "i.installed_at::date::text",
}


class InventoryMachineProgramInstances(MachineApps):
    """One row for each on each machine."""

    title = "Machines' programs"
    description = "The demo inventory, one row for each of the programs on each machine."
    columns = columns_of(_VALUES)
    sql = sql_of("program", _VALUES)
