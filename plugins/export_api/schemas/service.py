"""The service itself: its public keys and its health."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from export_api.health import State
from export_api.schemas.parts import Answer


class KeyBody(Answer):
    """A public key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str = Field(description="The key's 32 bytes in base64url.")
    kid: str = Field(description="Its thumbprint (RFC 7638), a signature's `key_id`.")
    use: Literal["sig"]


class KeySet(Answer):
    """Public keys."""

    keys: list[KeyBody]


class CheckBody(Answer):
    """How one part is."""

    status: State
    message: str | None


class HealthBody(Answer):
    """Whether exports work; ``checks`` only for callers who are known."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, CheckBody] | None = None
