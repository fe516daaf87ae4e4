"""Airflow's API for tasks is built before a task waits for it, with the library that Airflow builds it by."""

from __future__ import annotations

import sys
from datetime import date
from types import SimpleNamespace

import anyio
import pytest
from cadwyn import Cadwyn, Version, VersionBundle, VersionedAPIRouter
from fastapi import FastAPI

from export_api.gateway import tasks_api


def tasks_app(*paths: str) -> Cadwyn:
    versions = VersionBundle(Version(date(2026, 1, 1)))
    app = Cadwyn(versions=versions, api_version_default_value="2026-01-01")
    router = VersionedAPIRouter()

    def answer() -> dict[str, str]:
        return {"status": "healthy"}

    for path in paths:
        router.get(path)(answer)
    app.generate_and_include_versioned_routers(router)
    return app


def serve(monkeypatch: pytest.MonkeyPatch, mounted: Cadwyn | None) -> None:
    root = FastAPI()
    if mounted is not None:
        root.mount("/execution", mounted)
    monkeypatch.setitem(sys.modules, "airflow.api_fastapi.main", SimpleNamespace(app=root))


def test_the_routes_of_tasks_are_built_ahead_of_the_first_task(monkeypatch: pytest.MonkeyPatch) -> None:
    app = tasks_app("/health")
    serve(monkeypatch, app)
    assert not app._cadwyn_initialized
    assert anyio.run(tasks_api.make_ready)
    assert app._cadwyn_initialized


def test_nothing_is_made_ready_where_another_process_serves_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, None)
    assert not anyio.run(tasks_api.make_ready)
    monkeypatch.delitem(sys.modules, "airflow.api_fastapi.main")
    assert not anyio.run(tasks_api.make_ready)


def test_an_answer_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, tasks_app("/other"))
    with pytest.raises(Exception, match="404"):
        anyio.run(tasks_api.make_ready)
