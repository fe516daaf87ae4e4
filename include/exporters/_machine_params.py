"""Which machines of the demo inventory are wanted, and what they are grouped by."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from include.core.exporter import Params
from include.core.params import Integer, Moment, Text

Group = Literal[
    "meta-business-units",
    "incidents-severities",
    "types",
    "platforms",
    "hardware-models",
    "os",
    "compliance-status",
    "aws-account",
    "ec2-instance-type",
]
"""Sheets of counts, each by the name that it has among the sheets."""

DEFAULT_GROUPS: tuple[Group, ...] = (
    "meta-business-units",
    "incidents-severities",
    "types",
    "platforms",
    "hardware-models",
    "os",
)

Platform = Literal["LINUX", "MACOS", "WINDOWS", "ANDROID", "IOS", "IPADOS", "TVOS"]
MachineType = Literal["DESKTOP", "EC2", "LAPTOP", "MOBILE", "SERVER", "TABLET", "TV", "VM"]
Severity = Literal[100, 200, 300]
Status = Literal[0, 100, 200, 300]
Missing = Literal[
    "source",
    "business_unit",
    "severity",
    "type",
    "platform",
    "hardware_model",
    "os_version",
    "compliance_status",
    "aws_account",
    "ec2_type",
    "name",
    "principal",
]

_MANY = 20
"""The most tags, apps and checks that one request may ask for: each is a further sheet."""


class TagFilter(Params):
    """A sheet of tags; with one tag, or none, only the machines that carry it, or carry none, are exported."""

    tag: Integer | Literal["any", "none"] = Field("any", description="id of a tag, `any` or `none`")
    title: Text | None = Field(None, description="what the sheet calls the tag")


class AppFilter(Params):
    """A sheet of an app's versions; with one version, or none, only the machines that have it, or have none."""

    kind: Literal["macos_app", "android_app", "deb_package", "ios_app", "program"] = Field(
        description="kind of software; of a macos_app the machines' sheet has the lowest and the highest version"
    )
    by: Literal["name", "bundle_id"] = Field("name", description="what identifies the app")
    called: Text = Field(min_length=1, description="its name or its bundle id")
    title: Text | None = Field(None, description="what its sheet and columns are called; otherwise as the app is")
    version: Integer | Literal["any", "none"] = Field("any", description="id of one version, `any` or `none`")

    @property
    def heading(self) -> str:
        """What its sheet and columns are called."""
        return self.title or self.called


class CheckFilter(Params):
    """A compliance check: a sheet of its statuses, and two columns of the machines."""

    check: Integer = Field(description="id of a compliance check")
    title: Text | None = Field(None, description="what its sheet and columns are called; otherwise by the id")
    status: Status | Literal["any", "none"] = Field(
        "any", description="only machines of this status: 0 ok, 100 pending, 200 unknown, 300 failed, `any` or `none`"
    )

    @property
    def heading(self) -> str:
        """What its sheet and columns are called."""
        return self.title or f"Check {self.check}"


class MachinesParams(Params):
    """Conditions, ANDed, and groups."""

    groups: list[Group] = Field(
        list(DEFAULT_GROUPS), max_length=_MANY, description="a sheet of counts, and the machines' own columns, for each"
    )
    tags: list[TagFilter] = Field(
        [TagFilter(tag="any")], max_length=_MANY, description="a sheet of counts for each; all conditions hold together"
    )
    apps: list[AppFilter] = Field([], max_length=_MANY, description="software to look at, a sheet for each")
    checks: list[CheckFilter] = Field([], max_length=_MANY, description="compliance checks, a sheet for each")
    without: list[Missing] = Field([], max_length=_MANY, description="what the machines must not have")
    source_id: Integer | None = Field(None, description="only machines that this source reported")
    business_unit_id: Integer | None = Field(None, description="only machines of this business unit")
    os_version_id: Integer | None = Field(None, description="only machines with this operating system, by its row")
    severity: Severity | None = Field(
        None, description="only machines whose worst open incident is minor (100), major (200) or critical (300)"
    )
    type: MachineType | None = Field(None, description="only machines of this type")
    platform: Platform | None = Field(None, description="only machines of this platform")
    hardware_model: Text | None = Field(None, description="only this hardware model")
    compliance_status: Status | None = Field(None, description="only this worst status: 0 ok to 300 failed")
    aws_account: Text | None = Field(None, description="only EC2 instances of this AWS account")
    ec2_type: Text | None = Field(None, description="only EC2 instances of this type")
    serial_number: Text | None = Field(None, description="part of the serial number, in any case")
    name: Text | None = Field(None, description="part of the name, in any case")
    principal: Text | None = Field(None, description="part of the principal user's names, in any case")
    mac: Text | None = Field(None, description="beginning of a network interface's address, in any case")
    seen_since: Moment | None = Field(None, description="only machines seen at this moment or later")
    known_before: Moment | None = Field(None, description="only machines first seen on a day before this moment")
