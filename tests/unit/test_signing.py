"""Signed manifests: what was signed is verified wherever it comes from, and whatever was changed since is not."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from export_api.responses import WaybillJSON
from include.core.errors import Fatal
from include.core.identity import manifest_key
from include.core.manifest import Manifest
from include.core.request import parse_request
from include.core.signing import Signer
from include.waybill import DIFFERENT, UNCHECKED, VERIFIED, main
from tests.unit.stand_ins import COLUMNS, ListSource, MemoryStore, batches_of, export_run, resolved_export, some_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str]]

ROOT = Path(__file__).parents[2]

# RFC 8037, appendix A.1 to A.3
RFC_KEY = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
RFC_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(RFC_KEY)
OTHER = ed25519.Ed25519PrivateKey.generate()


def private_pem(key: Any, encryption: Any = None) -> str:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        encryption or serialization.NoEncryption(),
    )
    return pem.decode()


def public_pem(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


SIGNER = Signer.of_password(private_pem(KEY))
JWK = SIGNER.public_key()
KEYS = {
    "PEM": public_pem(KEY),
    "JWK": json.dumps(JWK),
    "JWK Set": json.dumps({"keys": [Signer.of_password(private_pem(OTHER)).public_key(), JWK]}),
    "JWK Set of several kinds": json.dumps({"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB"}, JWK]}),
    "JWK with a name of its own": json.dumps({**JWK, "kid": "ours"}),
}


def exported(signer: Signer | None = SIGNER) -> tuple[Manifest, MemoryStore]:
    """A real export whose request holds what JSON readers disagree about."""
    resolved = resolved_export()
    where = [
        {"column": "id", "op": "<", "value": 2**60},
        {"column": "total", "op": "<", "value": 1e21},
        {"column": "total", "op": ">", "value": -0.00000012},
        {"column": "name", "op": "!=", "value": 'é\u2028\U0001f600"\\\x7f'},
    ]
    request = parse_request({"exporter": "rows", "format": "csv", "filename": "r", "where": where, "name": "Ä\r"})
    store = MemoryStore()
    source = ListSource(batches_of(COLUMNS, some_rows(35)), arrow=COLUMNS.arrow())
    return export_run(replace(resolved, request=request), source, store, signer=signer).execute(), store


@pytest.fixture(scope="module")
def signed() -> tuple[Manifest, MemoryStore]:
    return exported()


@pytest.fixture
def folder(tmp_path: Path, signed: tuple[Manifest, MemoryStore]) -> Path:
    """What a recipient has: the file, the manifest as the API answers it, and the key."""
    manifest, store = signed
    (tmp_path / "r.csv").write_bytes(store.objects[manifest.files[0].key])
    (tmp_path / "manifest.json").write_bytes(bytes(WaybillJSON(manifest.model_dump(mode="json")).body))
    (tmp_path / "key").write_text(KEYS["PEM"])
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The tool on these: exit code and the last line that it said."""
    monkeypatch.chdir(folder)

    def run(*options: str) -> tuple[int, str]:
        code = main(["verify", "r.csv", "manifest.json", *options])
        return code, capsys.readouterr().out.splitlines()[-1]

    return run


GOOD = f"Manifest: signature verified: by the key {RFC_THUMBPRINT}"
CHANGED = "Manifest: SIGNATURE NOT VERIFIED: the manifest was changed after it was signed"
WITH_KEY = ("--public-key", "key")


# What is right


def test_the_keys_id_is_its_thumbprint() -> None:
    assert {"kty": "OKP", "crv": "Ed25519", "x": RFC_X, "kid": RFC_THUMBPRINT, "use": "sig"} == JWK


@pytest.mark.parametrize("kind", KEYS)
def test_a_signed_manifest_is_verified_with_the_public_key(run: Run, folder: Path, kind: str) -> None:
    (folder / "key").write_text(KEYS[kind])
    assert run(*WITH_KEY) == (VERIFIED, GOOD)
    assert run(*WITH_KEY, "--require-signature") == (VERIFIED, GOOD)


def test_the_manifest_in_the_store_is_verified_too(
    run: Run, folder: Path, signed: tuple[Manifest, MemoryStore]
) -> None:
    manifest, store = signed
    data = store.objects[manifest_key(manifest.id)]
    assert str(2**60).encode() in data
    (folder / "manifest.json").write_bytes(data)
    assert run(*WITH_KEY) == (VERIFIED, GOOD)
    assert Manifest.from_bytes(data) == manifest


def test_neither_spaces_nor_the_order_of_members_count(run: Run, folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_bytes())
    turned = dict(reversed(content.items()))
    (folder / "manifest.json").write_text(json.dumps(turned, indent=8, ensure_ascii=True))
    assert run(*WITH_KEY) == (VERIFIED, GOOD)


def test_another_library_finds_the_same_signature_over_the_same_bytes() -> None:
    """Without floats, Python's own JSON can be made canonical for names in ASCII."""
    resolved, store = resolved_export(), MemoryStore()
    source = ListSource(batches_of(COLUMNS, some_rows(3)), arrow=COLUMNS.arrow())
    export_run(resolved, source, store, signer=SIGNER).execute()
    content = json.loads(store.objects[manifest_key(export_id_of(store))])
    signature = content.pop("signature")
    assert (signature["algorithm"], signature["key_id"]) == ("Ed25519", RFC_THUMBPRINT)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    KEY.public_key().verify(base64.b64decode(signature["value"]), canonical)


def export_id_of(store: MemoryStore) -> str:
    return next(iter(store.objects)).partition("/")[0]


# What is not


def test_a_signature_is_not_checked_without_a_key_and_that_is_said(run: Run) -> None:
    assert run() == (VERIFIED, "Manifest: signature not checked: no --public-key was given")


@pytest.mark.parametrize("member", list(Manifest.model_fields))
def test_no_member_can_be_changed_or_left_out(run: Run, folder: Path, member: str) -> None:
    content = json.loads((folder / "manifest.json").read_bytes())
    if member in {"version", "signature"}:
        return  # the first decides how the rest is read, the second is not signed
    for other in (value for value in (None, "x", 7) if value != content[member]):
        (folder / "manifest.json").write_text(json.dumps({**content, member: other}))
        code, said = run(*WITH_KEY)
        readable = member not in {"files", "verification"}
        assert (code, said == CHANGED) == (DIFFERENT if readable else UNCHECKED, readable)
    del content[member]
    (folder / "manifest.json").write_text(json.dumps(content))
    assert run(*WITH_KEY)[0] != VERIFIED


def test_a_manifest_made_to_fit_a_changed_file_is_not_verified(run: Run, folder: Path) -> None:
    import hashlib
    import zlib

    data = (folder / "r.csv").read_bytes().replace(b"name 1,", b"name 2,")
    (folder / "r.csv").write_bytes(data)
    content = json.loads((folder / "manifest.json").read_bytes())
    content["files"][0] |= {"sha256": hashlib.sha256(data).hexdigest(), "crc32": f"{zlib.crc32(data):08x}"}
    (folder / "manifest.json").write_text(json.dumps(content))
    assert run()[0] == VERIFIED  # that is what the key is for
    assert run(*WITH_KEY) == (DIFFERENT, CHANGED)


def test_members_cannot_be_added(run: Run, folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps({**content, "more": None}))
    assert run(*WITH_KEY) == (DIFFERENT, CHANGED)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"value": base64.b64encode(bytes(64)).decode()}, "the manifest was changed"),
        ({"value": ""}, "the manifest was changed"),
        ({"value": "%"}, "it is damaged"),
        ({"value": None}, "it is damaged"),
        ({"algorithm": "HS256"}, f"it is by another key (HS256, {RFC_THUMBPRINT})"),
        ({"key_id": "x"}, "it is by another key (Ed25519, x)"),
        ({"key_id": ["x"]}, "it is by another key"),
    ],
)
def test_a_signature_that_was_changed_is_not_verified(
    run: Run, folder: Path, members: dict[str, Any], said: str
) -> None:
    content = json.loads((folder / "manifest.json").read_bytes())
    content["signature"] |= members
    (folder / "manifest.json").write_text(json.dumps(content))
    code, line = run(*WITH_KEY)
    assert (code, line.startswith(f"Manifest: SIGNATURE NOT VERIFIED: {said}")) == (DIFFERENT, True)


@pytest.mark.parametrize("signature", ["x", [], 7, {}])
def test_what_is_no_signature_is_damaged(run: Run, folder: Path, signature: object) -> None:
    content = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps({**content, "signature": signature}))
    assert run(*WITH_KEY) == (DIFFERENT, "Manifest: SIGNATURE NOT VERIFIED: it is damaged")


def test_the_key_of_somebody_else_verifies_nothing(run: Run, folder: Path) -> None:
    (folder / "key").write_text(public_pem(OTHER))
    said = f"Manifest: SIGNATURE NOT VERIFIED: it is by another key (Ed25519, {RFC_THUMBPRINT})"
    assert run(*WITH_KEY) == (DIFFERENT, said)


def test_a_key_under_the_id_of_another_verifies_nothing(run: Run, folder: Path) -> None:
    forged = {**Signer.of_password(private_pem(OTHER)).public_key(), "kid": RFC_THUMBPRINT}
    (folder / "key").write_text(json.dumps(forged))
    assert run(*WITH_KEY)[0] == DIFFERENT


def test_whether_a_signature_must_be_there_is_the_recipients_choice(run: Run, folder: Path) -> None:
    manifest, _ = exported(None)
    (folder / "manifest.json").write_bytes(manifest.to_bytes())
    assert manifest.signature is None
    assert run() == (VERIFIED, "Manifest: not signed")
    assert run(*WITH_KEY) == (VERIFIED, "Manifest: not signed")
    assert run(*WITH_KEY, "--require-signature") == (DIFFERENT, "Manifest: NOT SIGNED")
    with pytest.raises(SystemExit) as ended:
        run("--require-signature")
    assert ended.value.code == UNCHECKED


def test_programs_are_told_of_the_signature(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["verify", "--json", f"{folder}/r.csv", f"{folder}/manifest.json", "--public-key", f"{folder}/key"])
    told = json.loads(capsys.readouterr().out)
    assert told["verified"] is True
    assert told["signature"] == {"state": "verified", "more": f"by the key {RFC_THUMBPRINT}"}


# What cannot be checked


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"keys": []}',
        '{"keys": 7}',
        '{"keys": [{}]}',
        '{"kty": "OKP", "crv": "Ed25519"}',
        '{"kty": "OKP", "crv": "Ed25519", "x": "AA"}',
        '{"kty": "OKP", "crv": "Ed25519", "x": 7}',
        '{"kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
        "-----BEGIN PUBLIC KEY-----\n%\n-----END PUBLIC KEY-----",
        private_pem(KEY),
        public_pem(x25519.X25519PrivateKey.generate()),
        public_pem(ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_what_is_no_public_key_is_said_to_be(run: Run, folder: Path, content: str) -> None:
    (folder / "key").write_text(content)
    assert run(*WITH_KEY) == (UNCHECKED, "key holds no Ed25519 public key, as PEM, JWK or JWK Set.")


def test_keys_that_cannot_be_read_are_named(run: Run) -> None:
    assert run("--public-key", "nothing") == (UNCHECKED, "nothing cannot be read: No such file or directory.")
    assert run("--public-key", ".", "--require-signature") == (UNCHECKED, ". cannot be read: Is a directory.")


def test_without_the_packages_the_files_are_checked_and_the_signature_is_not(folder: Path) -> None:
    command = [sys.executable, "-I", "-S", str(ROOT / "include/waybill.py"), "verify", "r.csv", "manifest.json"]
    done = subprocess.run([*command, *WITH_KEY], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (UNCHECKED, "")
    file, signature = done.stdout.splitlines()
    assert file.startswith("r.csv: verified: ")
    assert signature == "To check a signature, install the packages cryptography and rfc8785."


# Keys to sign with


@pytest.mark.parametrize(
    "written",
    [
        lambda pem: pem,
        lambda pem: pem.replace("\n", " "),
        lambda pem: pem.replace("\n", ""),
        lambda pem: pem.replace("\n", "\\n"),
        lambda pem: pem.replace("\n", "\r\n"),
    ],
    ids=["lines", "spaces", "one line", "escaped", "CRLF"],
)
def test_a_key_is_read_however_a_form_kept_its_lines(written: Callable[[str], str]) -> None:
    assert Signer.of_password(written(private_pem(KEY))).key_id == RFC_THUMBPRINT


@pytest.mark.parametrize(
    "password",
    [
        "",
        "secret",
        RFC_X,
        public_pem(KEY),
        private_pem(KEY)[:60],
        private_pem(KEY).replace("MC4", "MC5"),
        private_pem(KEY, serialization.BestAvailableEncryption(b"x")),
        private_pem(x25519.X25519PrivateKey.generate()),
        private_pem(ec.generate_private_key(ec.SECP256R1())),
        private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    ],
)
def test_a_password_that_is_no_such_key_is_refused_without_being_told(password: str) -> None:
    with pytest.raises(Fatal, match="holds no Ed25519 private key") as caught:
        Signer.of_password(password)
    assert caught.value.error_code == "signing_unconfigured"
    assert "openssl genpkey -algorithm ed25519" in caught.value.message
    assert not password or password not in caught.value.message


def test_a_signer_does_not_show_its_key() -> None:
    assert "key" not in repr(SIGNER).lower().replace("signer", "")


OPERATOR = """
import os, sys
from types import SimpleNamespace

import airflow
from operators.export import ExportOperator

class Store(dict):
    set = dict.__setitem__

told = Store()
run = SimpleNamespace(run_type="manual", triggering_user_name="anna", conf={})
ti = SimpleNamespace(try_number=1, dag_id="d", run_id="r", task_id="t", map_index=-1, id="i")
try:
    ExportOperator(task_id="t", exporter="machines").execute({"task_state_store": told, "ti": ti, "dag_run": run})
except Exception as error:
    print(type(error).__name__, told["error"]["code"], told["error"]["detail"], sep="|")
"""


@pytest.mark.parametrize(
    ("password", "said"), [(None, "is missing, or it has no password"), ("secret", "holds no Ed25519 private key")]
)
def test_an_export_that_cannot_be_signed_fails_before_anything_is_opened(
    tmp_path: Path, password: str | None, said: str
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__WAYBILL__SIGNING_CONNECTION": "our_key",
    }
    if password:
        environment["AIRFLOW_CONN_OUR_KEY"] = json.dumps({"conn_type": "generic", "password": password})
    command = [sys.executable, "-W", "ignore", "-c", OPERATOR]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    kind, code, detail = done.stdout.splitlines()[-1].split("|")
    # Neither of the store's nor of the source's connection is there: another error would have come first.
    assert (kind, code) == ("AirflowFailException", "signing_unconfigured")
    assert f"The Airflow connection that the setting signing_connection names {said}" in detail
