"""API tokens: made here, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

MARK = "wb_"
"""What tells an API token from a JWT, and what secret scanners look for."""

_PREFIX_LENGTH = len(MARK) + 8
_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at the only moment when its secret is known."""

    secret: str = field(repr=False)

    @property
    def prefix(self) -> str:
        """The part by which people name it."""
        return self.secret[:_PREFIX_LENGTH]

    @property
    def sha256(self) -> str:
        """What is kept of it."""
        return digest(self.secret)


def make() -> NewToken:
    """Return a new token with 256 random bits, so that a plain hash of it is enough."""
    return NewToken(MARK + secrets.token_urlsafe(_BYTES))


def digest(secret: str) -> str:
    """Return the hash under which a token is looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()
