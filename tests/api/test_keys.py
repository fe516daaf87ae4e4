"""Public keys for everybody, and manifests that keep their signature on their way through the tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient

from export_api.app import create_app
from export_api.db.models import Base
from export_api.gateway import Gateway
from export_api.gateway import signing as gateway_signing
from export_api.health import State
from export_api.responses import WaybillJSON
from export_api.service import ExportService
from include.core.identity import manifest_key
from include.core.request import parse_request
from include.core.settings import Settings
from include.core.signing import Signer
from include.waybill import VERIFIED, verify
from tests.api.stand_in import ANNA, SUCCEEDED, Airflow, Bench, make_manifest

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa

ROUTE = "/v1/.well-known/jwks.json"


def new_pem() -> str:
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


class Configured:
    """The real gateway under other settings, and a client of its API without credentials."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        self._monkeypatch = monkeypatch
        self.gateway = Gateway()
        self.gateway.settings = Settings(**settings)
        self.app = create_app(ExportService(self.gateway))
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def connect(self, password: str | None) -> None:
        connection = json.dumps({"conn_type": "generic", "password": password})
        self._monkeypatch.setenv("AIRFLOW_CONN_OUR_KEY", connection)
        self._monkeypatch.setattr(gateway_signing, "_KEPT_SECONDS", -1.0)


@pytest.fixture
def signing(monkeypatch: pytest.MonkeyPatch) -> Configured:
    return Configured(monkeypatch, signing_connection="our_key")


def test_there_is_no_key_where_manifests_are_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Configured(monkeypatch).client.get(ROUTE)
    assert (answer.status_code, answer.json()) == (200, {"keys": []})


def test_strangers_get_the_public_key_and_nothing_of_the_private_one(signing: Configured) -> None:
    pem = new_pem()
    signing.connect(pem)
    answer = signing.client.get(ROUTE)
    assert answer.status_code == 200
    assert answer.json() == {"keys": [Signer.of_password(pem).public_key()]}
    assert set(answer.json()["keys"][0]) == {"kty", "crv", "x", "kid", "use"}
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_credentials_that_are_wrong_do_not_matter(signing: Configured) -> None:
    signing.connect(new_pem())
    assert signing.client.get(ROUTE, headers={"Authorization": "Basic x"}).status_code == 200


@pytest.mark.parametrize(
    ("password", "said"), [(None, "is missing, or it has no password"), ("secret", "holds no Ed25519 private key")]
)
def test_a_key_that_is_missing_or_none_is_said_to_be_there_and_by_health(
    signing: Configured, password: str | None, said: str
) -> None:
    signing.connect(password)
    answer = signing.client.get(ROUTE)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["retryable"]) == (503, "signing_unconfigured", True)
    assert said in problem["detail"]
    assert "our_key" not in answer.text
    check = signing.app.state.health.checks()["signing"]
    assert (check.state, said in check.message) == (State.FAILED, True)


def test_a_key_that_was_changed_is_noticed_after_a_while(signing: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = new_pem(), new_pem()
    signing.connect(first)
    before = signing.client.get(ROUTE).json()
    monkeypatch.setattr(gateway_signing, "_KEPT_SECONDS", 3600.0)
    monkeypatch.setenv("AIRFLOW_CONN_OUR_KEY", json.dumps({"conn_type": "generic", "password": second}))
    assert signing.client.get(ROUTE).json() == before
    signing.connect(second)
    assert signing.client.get(ROUTE).json() == {"keys": [Signer.of_password(second).public_key()]}


def test_a_manifest_keeps_its_signature_on_its_way_through_the_tables(database: sa.Engine, tmp_path: Path) -> None:
    Base.metadata.create_all(database)
    bench, signer = Bench(Airflow(database)), Signer.of_password(new_pem())
    export_id = bench.service.submit(ANNA, parse_request({"exporter": "machines", "format": "csv"})).export.id
    content = b"a,b\r\n1,2\r\n"
    where = [{"column": "x", "op": "<", "value": value} for value in (2**60, 1e21, 1e-7, -0.0, 100.0, "é\u2028")]
    unsigned = make_manifest(export_id, content)
    signed = signer.sign(unsigned.model_copy(update={"request": {**unsigned.request, "where": where}}))
    bench.store.objects[manifest_key(str(export_id))] = signed.to_bytes()
    bench.airflow.seen[export_id] = SUCCEEDED

    answer = bytes(WaybillJSON(bench.service.manifest(ANNA, str(export_id))).body)
    (tmp_path / "machines.csv").write_bytes(content)
    (tmp_path / "manifest.json").write_bytes(answer)
    (tmp_path / "keys").write_text(json.dumps({"keys": [signer.public_key()]}))
    paths = [str(tmp_path / "machines.csv")], str(tmp_path / "manifest.json")
    report = verify(*paths, keys_path=str(tmp_path / "keys"), required=True)
    assert report.code == VERIFIED, list(report.lines())


def test_a_manifest_is_shown_as_it_was_published_whatever_members_came_later(database: sa.Engine) -> None:
    Base.metadata.create_all(database)
    bench = Bench(Airflow(database))
    export_id = bench.service.submit(ANNA, parse_request({"exporter": "machines", "format": "csv"})).export.id
    earlier = json.loads(make_manifest(export_id, b"a\r\n1\r\n").to_bytes())
    del earlier["signature"]
    bench.store.objects[manifest_key(str(export_id))] = json.dumps(earlier).encode()
    bench.airflow.seen[export_id] = SUCCEEDED
    assert bench.service.manifest(ANNA, str(export_id)) == earlier
