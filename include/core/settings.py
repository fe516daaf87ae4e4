"""Every setting of the product, in one frozen model.

Filled from Airflow's ``[waybill]`` configuration section by those who know Airflow (the plugin's gateway and the
operators); nobody else reads configuration.
"""

from __future__ import annotations

import os
import re
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.core.errors import Fatal

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = "AIRFLOW__WAYBILL__"

_MARGIN_DAYS = 7


class Configuration(Protocol):
    """What is used of Airflow's ``conf``."""

    def get(self, section: str, key: str, *, fallback: None) -> str | None:
        """Return an option, or the fallback."""

    def getsection(self, section: str) -> Mapping[str, Any] | None:
        """Return what the file says, or None."""


class Settings(BaseModel):
    """The ``[waybill]`` section; every field has a default that works."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_connection: str = Field(default="waybill_store", description="Airflow connection of the artifact store.")
    store_prefix: str = Field(default="exports", description="Folder of the bucket below which exports lie.")
    link_seconds: int = Field(default=300, ge=1, le=604_800, description="Life of a presigned link.")
    statement_timeout_seconds: int = Field(
        default=3_600, ge=1, description="The longest that one query of an export may run."
    )
    time_limit_seconds: int = Field(
        default=21_600, ge=1, description="The longest that one attempt at an export may take, reading and writing."
    )
    part_bytes: int = Field(default=5 * 1024 * 1024, ge=5 * 1024 * 1024, description="Smallest part of an upload.")
    expires_days: float = Field(default=7, gt=0, description="Days that a file is kept where nobody says otherwise.")
    max_expires_days: float = Field(default=90, gt=0, description="The most days that a request may ask for.")
    queue_limit: int = Field(
        default=500, ge=1, description="How many unfinished exports one user may have; a further one answers 429."
    )
    running_per_user: int = Field(
        default=2, ge=1, description="How many exports of one user run at once; further ones wait, others do not."
    )
    clock_seconds: float = Field(
        default=5.0, gt=0, description="How often the API settles finished runs and sweeps what failed ones left."
    )
    sweep_minutes: float = Field(
        default=60, gt=0, description="How often the API looks through the store for what belongs to no export."
    )
    exporters_folder: str | None = Field(
        default=None, description="A further folder of exporter files, beside include/exporters."
    )
    dialects: str | None = Field(
        default=None,
        description="Other products' APIs that are served beside the own, with commas; `*` is all; see docs/dialects.",
    )
    signing_connection: str | None = Field(
        default=None, description="Airflow connection with the key that signs manifests; see docs/verify.md."
    )
    webhook_allowed_targets: str | None = Field(
        default=None,
        description="Hosts and networks, with commas, that webhooks may reach although they are private, by http too.",
    )
    smtp_connection: str | None = Field(
        default=None, description="Airflow connection (SMTP) that e-mail is sent by; without it there is none."
    )
    email_domains: str | None = Field(
        default=None,
        description="Domains, with commas, that e-mail may go to; `*` is any. A user's own address always may.",
    )

    @property
    def keep_days(self) -> int:
        """Days after which the bucket itself may remove a file: no export keeps one as long."""
        return ceil(self.max_expires_days) + _MARGIN_DAYS

    @classmethod
    def of_airflow(cls, configuration: Configuration, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the section from Airflow's configuration: file, environment, commands and secrets.

        Options are asked for one by one, for Airflow does not show a section that only the environment makes.

        :raises Fatal: when an option is unknown or its value does not fit; the message names it, not its value.
        """
        given = {name: configuration.get("waybill", name, fallback=None) for name in cls.model_fields}
        named = set(configuration.getsection("waybill") or {}) | {
            re.sub("_(cmd|secret)$", "", name.removeprefix(_VARIABLE).lower())
            for name in environment
            if name.startswith(_VARIABLE)
        }
        unknown = dict.fromkeys(named - given.keys())
        try:
            return cls.model_validate({name: value for name, value in given.items() if value is not None} | unknown)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
            raise Fatal(f"The configuration's section [waybill] is wrong: {wrong}.", code="misconfigured") from None
