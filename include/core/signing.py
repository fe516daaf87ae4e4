"""Signatures of manifests: Ed25519 (RFC 8032) over the canonical form of their JSON (RFC 8785)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.core.errors import Fatal
from include.core.exact import exact
from include.core.manifest import Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from include.core.manifest import Manifest

_PEM = re.compile(r"-----BEGIN PRIVATE KEY-----(.+)-----END PRIVATE KEY-----", re.DOTALL)
_LINE_END = re.compile(r"\s|\\[nr]")
"""Line ends, and what forms of one line and environment variables make of them."""

_SETTING = "The Airflow connection that the setting signing_connection names"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs manifests with one private key."""

    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of_password(cls, password: str | None) -> Signer:
        """Return the signer whose key is a connection's password; None where there is no connection.

        :raises Fatal: when it is no PEM of an Ed25519 private key in PKCS #8 (RFC 8410) without a passphrase.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_der_private_key

        if password is None:
            raise Fatal(f"{_SETTING} is missing, or it has no password.", code="signing_unconfigured")
        try:
            pem = _PEM.search(password)
            key = load_der_private_key(base64.b64decode(_LINE_END.sub("", pem[1])), None) if pem else None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise Fatal(
                f"{_SETTING} holds no Ed25519 private key: its password must be what "
                "`openssl genpkey -algorithm ed25519` writes.",
                code="signing_unconfigured",
            )
        return cls(key)

    @property
    def key_id(self) -> str:
        """The public key's thumbprint (RFC 7638, with the members of RFC 8037, appendix A.3)."""
        members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": self._x}, separators=(",", ":"))
        return _base64url(hashlib.sha256(members.encode()).digest())

    def public_key(self) -> dict[str, str]:
        """Return the public key as a JWK (RFC 8037)."""
        return {"kty": "OKP", "crv": "Ed25519", "x": self._x, "kid": self.key_id, "use": "sig"}

    def sign(self, manifest: Manifest) -> Manifest:
        """Return the manifest with a signature of everything else in it, as the API shows it."""
        import rfc8785

        content = exact(manifest.model_dump(mode="json", exclude={"signature"}))
        value = base64.b64encode(self._key.sign(rfc8785.dumps(content))).decode()
        signature = Signature(algorithm="Ed25519", key_id=self.key_id, value=value)
        return manifest.model_copy(update={"signature": signature})

    @property
    def _x(self) -> str:
        return _base64url(self._key.public_key().public_bytes_raw())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
