"""Who hears of an export's end: webhooks and e-mail addresses that a request names."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class EventType(StrEnum):
    """What can be told of an export; the words after the dot are its status, but for ``expired``."""

    SUCCEEDED = "export.succeeded"
    FAILED = "export.failed"
    CANCELLED = "export.cancelled"
    EXPIRED = "export.expired"


def _address(value: str) -> str:
    """Return an address in ASCII, as every mail server takes it; a name beside it or a line break is refused."""
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(value, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(f"This is no e-mail address: {error}") from None
    return found.ascii_email or found.normalized


EmailAddress = Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"}), AfterValidator(_address)]


class Notify(BaseModel):
    """One who is told when the export ends: a webhook of one's own, or an e-mail address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    webhook: UUID | None = Field(None, description="Id of a webhook; it gets every event of this export, once.")
    email: EmailAddress | None = Field(None, description="Gets one e-mail when the export ends.")

    @model_validator(mode="after")
    def _one(self) -> Notify:
        if (self.webhook is None) is (self.email is None):
            raise ValueError("Give either webhook or email.")
        return self
