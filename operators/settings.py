"""The product's settings, read once for a process and for those forked from it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.core.settings import Settings


@cache
def airflow_settings() -> Settings:
    """Return Airflow's section ``[waybill]``.

    :raises Fatal: when it is wrong.
    """
    from airflow.sdk.configuration import conf

    from include.core.settings import Settings

    return Settings.of_airflow(conf)


def preload() -> None:
    """Read the settings, what there is of each kind, and the exporters.

    Those in Python of a further folder are left out: they could start threads.
    """
    from include.compressions import COMPRESSIONS
    from include.exporters import FOLDER, catalog_of
    from include.formats import FORMATS
    from include.sources import SOURCES

    for registry in (COMPRESSIONS, FORMATS, SOURCES):
        registry.names  # noqa: B018 - it is remembered
    for _ in catalog_of(airflow_settings()).working(python_in=[FOLDER]):
        pass
