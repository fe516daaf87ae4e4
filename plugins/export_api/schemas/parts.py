"""What all answers have in common, and the problem that each may be instead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""A time, shown in UTC whatever the database session's zone is."""


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProblemField(Answer):
    """One thing that is wrong with a request."""

    pointer: str = Field(description="RFC 6901 pointer into the body, or the parameter's place.")
    detail: str


class Problem(Answer):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="For programs; it stays the same when the texts change.")
    retryable: bool = Field(description="Whether the same request may work later.")
    errors: list[ProblemField]
