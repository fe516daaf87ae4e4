"""Which export of Zentral's is which exporter, and how the two name things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of export.

    ``path`` is below ``/api/inventory``, ``task`` the name that a result bears, ``prefix`` what its files' names begin
    with.
    """

    path: str
    exporter: str
    task: str
    prefix: str

    def filename(self, moment: datetime) -> str:
        """Return the template of a file's name; the id is what no other file has, even of the same second."""
        return f"{self.prefix}_{moment:%Y-%m-%d_%H-%M-%S}_{{id}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Apps(Kind):
    """Apps by the number of their machines.

    ``sought`` are the keys under which a text is looked for, the first that is there; ``by_name`` orders by name.
    """

    sought: tuple[str, ...] = ("name",)
    by_name: str = "n"


MACHINES = Kind(
    path="/machines/export/", exporter="inventory_machines", task="export_inventory", prefix="inventory_export"
)


def _apps(name: str, *, sought: tuple[str, ...] = ("name",), by_name: str = "n") -> Apps:
    return Apps(
        path=f"/{name}/export/",
        exporter=f"inventory_{name}",
        task=f"export_{name}",
        prefix=f"{name}_export",
        sought=sought,
        by_name=by_name,
    )


APPS = (
    # Zentral's documentation says bundle_name, its code bundle.
    _apps("macos_apps", sought=("bundle", "bundle_name"), by_name="bn"),
    _apps("ios_apps"),
    _apps("android_apps", sought=("display_name",), by_name="dn"),
    _apps("deb_packages"),
    _apps("programs"),
)

INSTALLED = tuple(
    Kind(
        path=f"/machines/export_{name}/",
        exporter=f"inventory_machine_{name}",
        task=f"export_machine_{name}",
        prefix=f"inventory_machine_{name}_export",
    )
    for name in ("android_apps", "deb_packages", "ios_apps", "macos_app_instances", "program_instances")
)

SNAPSHOTS = Kind(
    path="/machines/export_snapshots/",
    exporter="inventory_machine_snapshots",
    task="export_machine_snapshots",
    prefix="machine_snapshots",
)

_TASKS: Mapping[str, str] = {kind.exporter: kind.task for kind in (MACHINES, *APPS, *INSTALLED, SNAPSHOTS)}


def task_name(exporter: str | None) -> str:
    """Return the name of the task that an export is in Zentral; others, of our own API, have their exporter's."""
    task = _TASKS.get(exporter or "")
    return f"waybill.{exporter or 'export'}" if task is None else f"zentral.contrib.inventory.tasks.{task}"
