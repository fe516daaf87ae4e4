"""Tokens are random, recognisable, and kept as a hash."""

from __future__ import annotations

import hashlib
import re

from export_api import tokens


def test_a_token_is_recognised_and_unguessable() -> None:
    made = {tokens.make().secret for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"wb_[A-Za-z0-9_-]{43}", secret) for secret in made)


def test_only_the_hash_is_kept() -> None:
    token = tokens.make()
    assert token.sha256 == hashlib.sha256(token.secret.encode()).hexdigest() == tokens.digest(token.secret)
    assert token.secret.startswith(token.prefix)
    assert len(token.prefix) == 11


def test_the_secret_does_not_show_in_logs() -> None:
    token = tokens.make()
    assert token.secret not in repr(token)
