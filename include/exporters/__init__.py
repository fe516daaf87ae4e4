"""The exporters that come with this installation: one YAML or Python file each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from include.core.catalog import Catalog

if TYPE_CHECKING:
    from include.core.settings import Settings

FOLDER = Path(__file__).parent


def catalog_of(settings: Settings) -> Catalog:
    """Return the catalog that the settings name: this folder, and a further one where they name it."""
    further = [Path(settings.exporters_folder)] if settings.exporters_folder else []
    return Catalog([FOLDER, *further])
