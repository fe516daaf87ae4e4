"""How long a file is kept: the request's wish, within the limits of exporters and installation."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.compressions import COMPRESSIONS
from include.core.catalog import Catalog
from include.core.errors import InvalidRequest
from include.core.expiry import lifetime
from include.core.request import parse_request
from include.core.resolve import resolve
from include.core.settings import Settings
from include.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

EXPORTER = """
title: Any
source: shop
columns: {id: {type: integer}}
sql: select 1 as id
"""
SETTINGS = Settings(expires_days=7, max_expires_days=30)


def kept(folder: Path, settings: Settings = SETTINGS, **body: Any) -> timedelta:
    (folder / "free.yaml").write_text(EXPORTER)
    (folder / "secret.yaml").write_text(EXPORTER + "max_expires_days: 2\n")
    request = parse_request({"exporter": "free", **body} if "sources" not in body else body)
    return lifetime(resolve(request, Catalog([folder]), FORMATS, COMPRESSIONS), settings)


@pytest.mark.parametrize(
    ("body", "days"),
    [
        ({}, 7),
        ({"expires_in": "P30D"}, 30),
        ({"expires_in": "PT12H"}, 0.5),
        ({"exporter": "secret"}, 2),
        ({"exporter": "secret", "expires_in": "P1D"}, 1),
        ({"sources": [{"exporter": "free"}, {"exporter": "secret"}], "compression": "zip"}, 2),
    ],
)
def test_the_shortest_of_wish_default_and_limits_counts(tmp_path: Path, body: dict[str, Any], days: float) -> None:
    assert kept(tmp_path, **body) == timedelta(days=days)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"expires_in": "P31D"}, "for 30 days at most"),
        ({"exporter": "secret", "expires_in": "P3D"}, "for 2 days at most"),
        ({"expires_in": "PT0S"}, "greater than or equal"),
        ({"expires_in": "-P1D"}, "no duration"),
        ({"expires_in": 3600}, "no duration"),
        ({"expires_in": "7 days"}, "no duration"),
        ({"expires_in": "P7X"}, "duration"),
        ({"expires_in": "P999999999999D"}, "duration"),
    ],
)
def test_a_wish_that_cannot_be_kept_is_refused_where_it_stands(tmp_path: Path, body: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        kept(tmp_path, **body)
    assert [error.pointer for error in caught.value.errors] == ["/expires_in"]
    assert said in caught.value.errors[0].detail


def test_a_default_beyond_the_limit_is_the_limit(tmp_path: Path) -> None:
    assert kept(tmp_path, Settings(expires_days=90, max_expires_days=10)) == timedelta(days=10)


def test_the_frozen_request_says_it_as_it_was_written() -> None:
    assert parse_request({"exporter": "free", "expires_in": "P7D"}).to_conf()["expires_in"] == "P7D"
