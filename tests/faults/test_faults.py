"""Eight faults for every `make test`, on a stack of their own; `make faults` strikes with all (docs/faults.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import table
from tests.faults.campaign import Campaign
from tests.faults.exporting import SHORT, request_of
from tests.faults.judge import judge
from tests.faults.kinds import KINDS
from tests.faults.plan import first_of
from tests.faults.rig import started

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 2026
QUICK = (
    "killed uploading",
    "killed published",
    "publication lost",
    "cancel raced",
    "source connection ended",
    "store stalled",
    "run failed",
    "row unencodable",
)
"""Those that need no more than one repetition, and leave Airflow's own programs alone."""


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with started(SHORT) as rig:
        yield Campaign(rig)


@pytest.mark.parametrize("kind", QUICK)
def test_a_struck_export_ends_with_a_whole_file_or_a_reason(campaign: Campaign, kind: str) -> None:
    result = campaign.run(first_of(SEED, kind))
    told = table.line(table.cells(result))
    assert result.judgement is not None, told
    assert not table.broken([result], []), told
    assert result.judgement.status in KINDS[kind].ends, told


def test_the_judge_sees_a_changed_file_and_a_stray_object(campaign: Campaign) -> None:
    rig = campaign.rig
    request = request_of("csv", SHORT, first_of(SEED, "task killed").chance())
    export = rig.exports.run(**request)
    (file,) = rig.exports.get(f"/exports/{export['id']}/manifest").json()["files"]
    content = rig.bucket.read(f"exports/{file['key']}")
    try:
        rig.bucket.write(f"exports/{file['key']}", content.replace(b"L-000031415", b"L-000031416"))
        rig.bucket.write(f"exports/{export['id']}/stray", b"")
        found = judge(rig, export["id"], request, clean_seconds=0)
    finally:
        assert rig.exports.request("DELETE", f"/exports/{export['id']}").status_code == 204
    assert found.wrong == [
        f"{file['name']} is not what its manifest says",
        f"the {SHORT.rows} rows are not those of ledger, which are {SHORT.rows}",
    ]
    assert found.orphans == [f"exports/{export['id']}/stray"]


def test_at_the_end_the_bucket_holds_what_manifests_name_and_nothing_else(campaign: Campaign) -> None:
    assert campaign.orphans() == []
