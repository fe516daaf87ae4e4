"""The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07), and what becomes of a repeated request."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from include.core.errors import Conflict, FieldError, InvalidRequest, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from include.core.request import ExportRequest

KEPT = timedelta(hours=24)
"""How long a key is kept."""

HEADER = "Idempotency-Key"

_LONGEST = 255
_QUOTED = re.compile(r'"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\])*+)"')
"""A string of RFC 9651, section 3.3.3, without spaces."""
_BARE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]++")
"""Visible ASCII without what would make it a list, a string or a parameter."""


class KeyReused(InvalidRequest):
    """The key belongs to another request."""

    code = "idempotency_key_reused"


class KeyInFlight(Conflict):
    """The first request with the key has no answer yet."""

    code = "idempotency_in_flight"
    retryable = True


@dataclass(frozen=True, slots=True)
class Key:
    """A client's name for one request to one route.

    ``fingerprint`` is what equal requests have in common, where the export's own request does not say: it holds days
    that were worked out from words such as "this month", which are others tomorrow.
    """

    route: str
    text: str
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A key that is known: what it was used for."""

    fingerprint: str
    export_id: UUID

    def require(self, fingerprint: str) -> None:
        """Insist that it is the same request again.

        :raises KeyReused: when it is another.
        """
        if self.fingerprint != fingerprint:
            raise KeyReused(
                "This Idempotency-Key was used for another request in the last 24 hours. Send the same body again, "
                "or take a new key."
            )


def key_of(route: str, lines: Sequence[str]) -> Key | None:
    """Return the key of a request to a route; None without the header.

    :raises InvalidRequest: when it cannot be read.
    """
    if not lines:
        return None
    value = ",".join(lines).strip(" \t")
    text = None
    if match := _QUOTED.fullmatch(value):
        text = re.sub(r"\\(.)", r"\1", match[1])
    elif _BARE.fullmatch(value):
        text = value
    if text is None or not 1 <= len(text) <= _LONGEST:
        example = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'
        detail = f"Send one key of 1 to {_LONGEST} visible ASCII characters, such as {example}."
        raise invalid([FieldError(f"/header/{HEADER}", detail)])
    return Key(route, text)


def fingerprint_of(request: ExportRequest) -> str:
    """Return what equal requests have in common, however they were written."""
    return fingerprint_of_json(request.model_dump(mode="json", by_alias=True))


def fingerprint_of_json(body: object) -> str:
    """Return what equal JSON has in common, in whatever order its names were written."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
