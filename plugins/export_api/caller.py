"""Who is calling, as far as everything behind authentication knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from include.core.errors import NotAllowed


class Right(StrEnum):
    """What a caller may do."""

    READ = "read"
    CREATE = "create"
    READ_ALL = "read_all"


_REFUSALS = {
    Right.READ: "You may not read exports: ask an administrator for the permission 'can read on Exports'.",
    Right.CREATE: "You may not create exports: ask an administrator for the permission 'can create on Exports'.",
    Right.READ_ALL: "You may not see the exports of others.",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated principal. ``name`` is what exports and audit entries are kept under.

    ``email`` is a person's own address, where the auth manager knows it.
    """

    name: str
    display: str
    rights: frozenset[Right]
    email: str | None = None

    def may(self, right: Right) -> bool:
        """Return whether the caller has a right."""
        return right in self.rights

    def need(self, right: Right) -> None:
        """Insist on a right.

        :raises NotAllowed: when the caller lacks it.
        """
        if right not in self.rights:
            raise NotAllowed(_REFUSALS[right])

    def sees(self, owner: str) -> bool:
        """Return whether the caller may see an export of that owner."""
        return self.may(Right.READ_ALL) or (self.may(Right.READ) and self.name == owner)
