"""The page on Zentral's dialect says what is: the product's own commands, every path, every token."""

from __future__ import annotations

import re

from fastapi.routing import APIRoute

from export_api.dialects import DIALECTS
from export_api.dialects.zentral import Zentral
from export_api.dialects.zentral._kinds import APPS, INSTALLED, MACHINES, SNAPSHOTS, task_name
from include.core.settings import Settings
from include.exporters import catalog_of
from tests.unit.test_documentation import ROOT, blocks, table

PAGE, INDEX = ROOT / "docs/dialects/zentral.md", ROOT / "docs/dialects/README.md"

# As Zentral's documentation prints them.
THEIRS = [
    r"""
curl -X POST \
  -H "Authorization: Token $ZTL_API_TOKEN" \
  -H 'Content-Type: application/json' \
  https://zentral.example.com/api/inventory/machines/export/?sf=mbu-t-mis-tp-pf-hm-osv&export_format=xlsx
""",
    r"""
curl -X POST \
  -H "Authorization: Token $ZTL_API_TOKEN" \
  -H 'Content-Type: application/json' \
  https://zentral.example.com/api/inventory/macos_apps/export/
""",
    r"""
curl -X GET \
  -H "Authorization: Token $ZTL_API_TOKEN" \
  "https://zentral.example.com/api/task_result/8d390c23-11bc-4231-bdab-7e3f513f0d19/"
""",
]


def test_the_commands_are_zentrals_but_for_host_and_token() -> None:
    ours = [block.text for block in blocks(PAGE) if block.language == "bash" and block.text.startswith("curl")]
    changed = [
        command.lstrip().replace("https://zentral.example.com", "$WAYBILL_URL").replace("ZTL_API", "WAYBILL")
        for command in THEIRS
    ]
    assert ours[: len(changed)] == changed
    assert len(ours) == len(changed) + 1


def test_the_index_lists_every_dialect_and_links_its_page() -> None:
    rows = table(INDEX, "dialect")
    assert [row[0].strip("`") for row in rows] == list(DIALECTS.names)
    for name, row in zip(DIALECTS.names, rows, strict=True):
        assert row[-1] == f"[{name}.md]({name}.md)"


def test_every_path_is_in_the_table_and_every_exporter_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for kind in (MACHINES, *APPS, *INSTALLED, SNAPSHOTS):
        short = kind.path.replace("/machines/export_", "…_")
        assert f"`{kind.path}`" in text or f"`{short}`" in text
        assert kind.exporter in catalog_of(Settings())
        assert task_name(kind.exporter).startswith("zentral.contrib.inventory.tasks.export_")


def test_the_dialect_has_no_other_paths() -> None:
    routers = Zentral().routers()
    paths = {route.path for route in routers["/api/inventory"].routes if isinstance(route, APIRoute)}
    assert paths == {kind.path for kind in (MACHINES, *APPS, *INSTALLED, SNAPSHOTS)} | {"/full_export/"}
    text = PAGE.read_text(encoding="utf-8")
    assert all(re.search(rf"`[A-Z ]*{prefix}[/<`]", text) for prefix in routers)
