"""What every kind of source promises; a new file in include/sources is tested here without being told."""

from __future__ import annotations

import inspect
import re
import sys
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from include.core.errors import WaybillError
from include.core.manifest import Consistency
from include.core.source import Reading, Source, SourceConnection
from include.sources import FALLBACK, SOURCES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=SOURCES.names)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_there_is_a_kind_for_every_other_connection_type() -> None:
    assert FALLBACK in SOURCES


def test_it_is_a_source_named_as_its_file(kind: str) -> None:
    found = SOURCES.load(kind)
    assert issubclass(found, Source)
    assert not inspect.isabstract(found)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kind)
    assert found.__module__ == f"include.sources.{kind}"
    assert found.__doc__
    assert sys.modules[found.__module__].__doc__


def test_it_says_what_it_promises_of_consistency(kind: str) -> None:
    assert isinstance(SOURCES.load(kind).consistency, Consistency)


def test_it_is_opened_as_every_source_is(kind: str) -> None:
    wanted = inspect.signature(Source.__init__).parameters
    found = inspect.signature(SOURCES.load(kind).__init__).parameters
    assert {name: part.kind for name, part in found.items()} == {name: part.kind for name, part in wanted.items()}


@pytest.mark.parametrize("asked", ["read", "read_text", "estimate"])
def test_it_is_asked_as_every_source_is(kind: str, asked: str) -> None:
    wanted, found = (inspect.signature(getattr(of, asked)).parameters for of in (Source, SOURCES.load(kind)))
    assert {name: part.kind for name, part in found.items()} == {name: part.kind for name, part in wanted.items()}


def test_its_readings_count_and_stream(kind: str) -> None:
    module = sys.modules[SOURCES.load(kind).__module__]
    readings = [
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Reading) and found.__module__ == module.__name__
    ]
    assert readings
    assert all(inspect.isgeneratorfunction(found.batches) for found in readings)


def test_a_system_that_does_not_answer_is_one_of_our_errors_and_no_secret_is_told(kind: str, tmp_path: Path) -> None:
    def engine() -> sa.Engine:
        return sa.create_engine(f"sqlite:///{tmp_path}/hunter2/missing.db", poolclass=NullPool)

    connection = SourceConnection(
        conn_id="warehouse",
        conn_type=kind,
        host="127.0.0.1",
        port=1,
        login="anna",
        password="hunter2",
        database="hunter2",
        engine=engine,
    )
    with pytest.raises(WaybillError, match="'warehouse'") as caught:
        SOURCES.load(kind)(connection, application="test", timeout_seconds=1)
    assert "hunter2" not in str(caught.value)
