"""The demo inventory as a workbook: the machines that fulfil some conditions, and how many there are of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, get_args

from include.core.exporter import Book
from include.exporters._machine_counts import MACHINES, counts
from include.exporters._machine_params import Group, MachinesParams
from include.exporters._machine_rows import machines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from include.core.table import Table


class InventoryMachines(Book[MachinesParams]):
    """One row a machine, and a sheet of counts for each group."""

    title = "Inventory"
    description = "The demo inventory: the machines that fulfil all conditions, and a sheet of counts for each group."
    params_type: ClassVar[type[BaseModel]] = MachinesParams

    def declared(self) -> Mapping[str, Table[MachinesParams]]:
        """Return every sheet that has its name already; apps, checks and further tags get theirs from parameters."""
        return self.tables(MachinesParams(groups=list(get_args(Group))))

    def tables(self, params: MachinesParams) -> Mapping[str, Table[MachinesParams]]:
        """Return the machines first, then what is counted."""
        return {MACHINES: machines(params), **counts(params)}
