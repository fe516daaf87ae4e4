"""The recipient's way: file, manifest and public key over HTTP, then no network, only the tool."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack.client import ExportsClient
from tests.unit.test_documentation import README, ROOT, blocks

if TYPE_CHECKING:
    from deploy.local.stack import Stack

TOOL = ROOT / "include/waybill.py"
VERIFY = ROOT / "docs/verify.md"


def verify(*arguments: object, alone: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the tool; alone, it finds no package but Python's own."""
    command = [sys.executable, *(["-I", "-S"] if alone else []), str(TOOL), "verify", *map(str, arguments)]
    return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("body", "entries"),
    [
        ({"exporter": "machines", "format": "csv"}, 0),
        ({"exporter": "machines", "format": "xlsx"}, 0),
        ({"exporter": "orders", "format": "csv", "split": {"rows": 20_000}}, 3),
    ],
    ids=["csv", "xlsx", "several files"],
)
def test_a_downloaded_file_is_verified_offline_until_one_byte_changes(
    exports: ExportsClient, tmp_path: Path, body: dict[str, Any], entries: int
) -> None:
    export = exports.run(**body)
    answer = exports.http.get(export["download_url"], follow_redirects=True)
    assert answer.status_code == 200
    file, manifest = tmp_path / "received", tmp_path / "manifest.json"
    file.write_bytes(answer.content)
    manifest.write_bytes(exports.get(f"/exports/{export['id']}/manifest").content)
    done = verify(file, manifest)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(": verified") == max(entries, 1)
    assert all(each["sha256"] in done.stdout for each in export["result"]["files"])

    changed = bytearray(answer.content)
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)
    done = verify(file, manifest)
    assert done.returncode == 1
    assert done.stdout.count("NOT VERIFIED: sha256: expected ") == 1


def test_a_manifest_is_signed_with_the_key_that_strangers_can_read(
    stack: Stack, exports: ExportsClient, tmp_path: Path
) -> None:
    where = [{"column": "id", "op": "<", "value": 2**60}, {"column": "total", "op": "<", "value": 1234.5}]
    export = exports.run(exporter="orders", format="csv", where=where, limit=5, name="Größe \U0001f4e6")
    file, manifest, keys = tmp_path / "o.csv", tmp_path / "manifest.json", tmp_path / "keys.json"
    file.write_bytes(exports.download(export))
    manifest.write_bytes(exports.get(f"/exports/{export['id']}/manifest").content)
    with ExportsClient(stack.url, None) as nobody:
        answer = nobody.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    keys.write_bytes(answer.content)
    signature = json.loads(manifest.read_bytes())["signature"]
    assert [key["kid"] for key in answer.json()["keys"]] == [signature["key_id"]]

    key = ("--public-key", keys, "--require-signature")
    done = verify(file, manifest, *key, alone=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Manifest: signature verified: by the key {signature['key_id']}" in done.stdout
    done = verify(file, manifest)
    assert (done.returncode, "signature not checked" in done.stdout) == (0, True)

    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"rows":5', '"rows":4'), encoding="utf-8")
    done = verify(file, manifest, *key, alone=False)
    assert done.returncode == 1
    assert "Manifest: SIGNATURE NOT VERIFIED: the manifest was changed after it was signed" in done.stdout


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash") and shutil.which("openssl")), reason="needs bash, curl, openssl"
)
def test_the_commands_of_the_page_work_as_they_are_printed(stack: Stack, tmp_path: Path) -> None:
    (fetch,) = (
        block.text for block in blocks(README) if block.language == "bash" and "machines.manifest" in block.text
    )
    fetch = fetch.replace(".waybill/demo.env", str(stack.home / "demo.env"))
    commands = [block.text for block in blocks(VERIFY) if block.language == "bash"]
    shutil.copy(TOOL, tmp_path)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = "\n".join([fetch, *commands])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("machines.xlsx: verified as machines-") == 2
    assert done.stdout.count("Manifest: signature verified: by the key ") == 1
    assert (tmp_path / "waybill.key.pem").read_text(encoding="utf-8").startswith("-----BEGIN PRIVATE KEY-----")
