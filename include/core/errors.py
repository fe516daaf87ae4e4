"""The errors of the domain, one tree ordered by what can be done about them.

Every error has a stable ``code`` for programs and a message for people: what is wrong, where, and what to do.
A message never holds a value from a row, a secret or a connection string.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with a request.

    ``pointer`` is an RFC 6901 JSON pointer into the request body, such as ``/where/0/op``.
    """

    pointer: str
    detail: str


class WaybillError(Exception):
    """Root of the tree; raise one of the branches below."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.errors = tuple(errors)


class InvalidRequest(WaybillError):  # noqa: N818 - named by recovery, as problems are
    """The request must be changed before it can work."""

    code = "invalid_request"


class NotAllowed(WaybillError):  # noqa: N818
    """The caller is known but lacks the right."""

    code = "not_allowed"


class NotFound(WaybillError):  # noqa: N818
    """Nothing of that name, or nothing that this caller may see."""

    code = "not_found"


class Conflict(WaybillError):  # noqa: N818
    """The request is right but comes at the wrong time, such as a download before the end."""

    code = "conflict"


class Gone(Conflict):
    """What was asked for will not come, or no longer exists."""

    code = "gone"


class Retriable(WaybillError):  # noqa: N818
    """The same request may work later: a lost connection, a store or database that does not answer."""

    code = "unavailable"
    retryable = True


class QuotaExceeded(Retriable):
    """The caller has as much as one caller may have at once; ``quota`` is how much that is."""

    code = "quota_exceeded"

    def __init__(self, message: str, *, quota: int) -> None:
        super().__init__(message)
        self.quota = quota


class Fatal(WaybillError):  # noqa: N818
    """The export cannot work as it is, and trying again changes nothing."""

    code = "failed"


class VerificationFailed(Fatal):
    """What was written is not what was read. Nothing was published."""

    code = "verification_failed"


def invalid(errors: Sequence[FieldError]) -> InvalidRequest:
    """Return one error for all that is wrong with a request, so that a caller can mend it in one go."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return InvalidRequest(f"{first.pointer or '/'}: {first.detail}{more}", errors=errors)
