"""Every setting of the product, in one frozen model.

Filled from Airflow's ``[waybill]`` configuration section by those who know Airflow (the plugin's gateway and the
operators); nobody else reads configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping


class Settings(BaseModel):
    """The ``[waybill]`` section; every field has a default that works."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_connection: str = Field(default="waybill_store", description="Airflow connection of the artifact store.")
    store_prefix: str = Field(default="exports", description="Folder of the bucket below which exports lie.")
    link_seconds: int = Field(default=300, ge=1, le=604_800, description="Life of a presigned link.")
    statement_timeout_seconds: int = Field(
        default=3_600, ge=1, description="The longest that one query of an export may run."
    )
    part_bytes: int = Field(default=8 * 1024 * 1024, ge=5 * 1024 * 1024, description="Smallest part of an upload.")
    clock_seconds: float = Field(
        default=5.0, gt=0, description="How often the API settles finished runs and sweeps what failed ones left."
    )
    exporters_folder: str | None = Field(
        default=None, description="A further folder of exporter files, beside include/exporters."
    )

    @classmethod
    def from_section(cls, section: Mapping[str, object] | None) -> Settings:
        """Read a configuration section, ignoring nothing: an unknown key is an error.

        :raises pydantic.ValidationError: when a key is unknown or a value does not fit.
        """
        return cls.model_validate(dict(section or {}))
