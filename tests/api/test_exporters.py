"""The catalog as clients see it, broken files included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from export_api import exporters
from export_api.health import Check, Health, State, is_available
from export_api.schemas.exporters import ExporterBody
from include.compressions import COMPRESSIONS
from include.core.catalog import Catalog
from include.core.errors import Fatal, NotFound, Retriable
from include.exporters import FOLDER
from include.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

    from export_api.service import ExportService

GOOD = """
title: Things
source: somewhere
columns:
  id: {type: integer}
  at: {type: datetime, label: Seen at}
key: [id]
sql: select id, at from things
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    (tmp_path / "things.yaml").write_text(GOOD)
    (tmp_path / "no_yaml.yaml").write_text("title: [")
    (tmp_path / "no_sql.yaml").write_text(GOOD.replace("sql:", "sequel:"))
    (tmp_path / "no_python.py").write_text("this is no Python")
    (tmp_path / "no_class.py").write_text("import nothing_of_that_name")
    return Catalog([tmp_path])


def test_every_exporter_and_format_of_ours_can_be_described() -> None:
    ours = Catalog([FOLDER])
    described = [ExporterBody.model_validate(exporters.describe(*found)) for found in ours.working()]
    assert [exporter.name for exporter in described] == list(ours.names)
    for exporter in described:
        assert exporter.params["additionalProperties"] is False
        assert [file_format.name for file_format in exporter.formats] == list(FORMATS.names)
        assert [compression.name for compression in exporter.compressions] == list(COMPRESSIONS.names)


def test_an_exporter_says_what_it_takes_and_gives(catalog: Catalog) -> None:
    ((name, exporter),) = catalog.working()
    described = exporters.describe(name, exporter)
    assert (described["name"], described["title"], described["key"]) == ("things", "Things", ["id"])
    assert [(c["name"], c["type"], c["label"]) for c in described["columns"]] == [
        ("id", "integer", "Id"),
        ("at", "datetime", "Seen at"),
    ]
    assert "contains" not in described["columns"][1]["ops"]
    assert ">=" in described["columns"][1]["ops"]


def test_broken_files_are_left_out_and_named(catalog: Catalog) -> None:
    assert set(exporters.broken_exporters(catalog)) == {"no_yaml", "no_sql", "no_python", "no_class"}


@pytest.mark.parametrize("name", ["no_yaml", "no_sql", "no_python", "no_class"])
def test_a_broken_exporter_is_an_error_of_ours_without_a_traceback(catalog: Catalog, name: str) -> None:
    with pytest.raises(Fatal) as caught:
        catalog.load(name)
    assert caught.value.error_code == "exporter_broken"
    assert "Traceback" not in caught.value.message


def test_an_unknown_exporter_is_not_found(catalog: Catalog) -> None:
    with pytest.raises(NotFound):
        catalog.load("nothing")


class Parts(Health):
    """Health of parts that a test decides on."""

    def __init__(self, service: ExportService, *states: Exception | None) -> None:
        self.time = 0.0
        super().__init__(service, clock=lambda: self.time)
        self.states = list(states)
        self.asked = 0

    def _parts(self) -> dict[str, object]:  # type: ignore[override]
        return {str(number): self._asker(state) for number, state in enumerate(self.states)}

    def _asker(self, state: Exception | None) -> object:
        def ask() -> Check:
            self.asked += 1
            if state is not None:
                raise state
            return Check(State.OK)

        return ask


def test_each_part_is_asked_whatever_the_others_say() -> None:
    health = Parts(None, Retriable("It sleeps."), None, ZeroDivisionError("secret"))  # type: ignore[arg-type]
    assert [(check.state, check.message) for check in health.checks().values()] == [
        (State.FAILED, "It sleeps."),
        (State.OK, None),
        (State.FAILED, "It does not answer (ZeroDivisionError)."),
    ]
    assert not is_available(health.checks())


def test_the_parts_are_not_asked_for_everybody_who_asks() -> None:
    health = Parts(None, None)  # type: ignore[arg-type]
    for time, asked in ((0.0, 1), (1.9, 1), (2.1, 2), (2.2, 2)):
        health.time = time
        assert is_available(health.checks())
        assert health.asked == asked


def test_a_warning_leaves_the_whole_available() -> None:
    assert is_available({"exporters": Check(State.WARNING, "things: broken"), "store": Check(State.OK)})
