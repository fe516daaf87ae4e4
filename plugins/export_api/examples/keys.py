"""Public keys."""

from __future__ import annotations

from typing import Any

from export_api.examples.places import KEY_ID

KEY_SET: dict[str, Any] = {
    "keys": [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": KEY_ID,
            "use": "sig",
        }
    ]
}
"""The key of RFC 8037, appendix A."""
