"""Other products' APIs beside the own: mounted where they want to be, closed, and with errors as they word them."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from export_api import MOUNT, auth, dialects
from export_api.app import create_app
from export_api.dialects._base import Dialect
from export_api.health import Check, Health, State, is_available
from export_api.plugin import WaybillPlugin
from include.core.registry import Registry
from include.core.settings import Settings
from tests.api.stand_in import ANNA, RUNNING, SUCCEEDED
from tests.unit.test_documentation import CONTRIBUTING, files_of

with warnings.catch_warnings():
    # Starlette asks for httpx2; what Airflow installs is httpx, which works.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from export_api.caller import Caller
    from tests.api.stand_in import Bench

ALPHA = '''
"""Things, near and far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.exc import OperationalError
from starlette.responses import JSONResponse, Response

from export_api.auth import CallerDep
from export_api.dialects._base import Dialect
from export_api.problems import Told
from include.core.errors import NotFound, QuotaExceeded

near, far = APIRouter(), APIRouter()


@near.get("/things/")
def things(caller: CallerDep, most: int = 5) -> dict[str, Any]:
    return {"caller": caller.name, "most": most}


@near.post("/things/", status_code=201)
async def add(request: Request) -> dict[str, Any]:
    return {"got": await request.json()}


@near.get("/things/{name}/")
def thing(name: str) -> dict[str, Any]:
    match name:
        case "gone":
            raise NotFound("There is no thing 'gone'.")
        case "many":
            raise QuotaExceeded("You have 3.", quota=3)
        case "down":
            raise OperationalError("select secret", {}, Exception("secret"))
        case "broken":
            raise ZeroDivisionError("secret")
    return {"name": name}


@far.get("/")
def root() -> dict[str, Any]:
    return {"here": "far"}


class Alpha(Dialect):
    title = "Alpha"

    def routers(self) -> Mapping[str, APIRouter]:
        return {"/api/alpha": near, "/api/alpha/far/away": far}

    def refuse(self, request: Request, told: Told) -> Response:
        kind = None if told.error is None else type(told.error).__name__
        content = {"alpha_error": told.problem["detail"], "code": told.problem["code"], "kind": kind}
        return JSONResponse(content, told.problem["status"], dict(told.headers))
'''
BETA = """
from fastapi import APIRouter
from starlette.responses import Response

from export_api.dialects._base import Dialect

router = APIRouter()


@router.get("/")
def root() -> str:
    return "beta"


class Beta(Dialect):
    title = "Beta"

    def routers(self):
        return {"PREFIX": router}

    def refuse(self, request, told):
        return Response(status_code=told.problem["status"])
"""


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return a function that makes dialects of files, found by a registry as any other."""
    names: list[str] = []

    def give(**files: str) -> None:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
            names.append(name)
        monkeypatch.setattr(dialects, "__path__", [str(tmp_path)])
        registry: Registry[Dialect] = Registry("export_api.dialects", Dialect)  # type: ignore[type-abstract]
        monkeypatch.setattr(dialects, "DIALECTS", registry)

    yield give
    for name in names:
        sys.modules.pop(f"export_api.dialects.{name}", None)


def mounted(native: FastAPI, wanted: str, caller: Caller | None = None) -> TestClient:
    """What Airflow's server is with these dialects; a caller has credentials."""
    outer = FastAPI()
    for prefix, app in dialects.apps(native, Settings(dialects=wanted)).items():
        if caller is not None:
            app.dependency_overrides[auth.identify] = lambda: caller
        outer.mount(prefix, app)
    return TestClient(outer, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def anna(given: Callable[..., None], app: FastAPI) -> TestClient:
    given(alpha=ALPHA)
    return mounted(app, "alpha", ANNA)


# Paths


@pytest.mark.parametrize("path", ["/api/alpha/things", "/api/alpha/things/", "/api/alpha/things?most=7"])
def test_a_path_answers_with_and_without_its_last_slash_and_never_redirects(anna: TestClient, path: str) -> None:
    answer = anna.get(path)
    assert (answer.status_code, answer.json()) == (200, {"caller": "anna", "most": 7 if "7" in path else 5})


@pytest.mark.parametrize("path", ["/api/alpha/things", "/api/alpha/things/"])
def test_a_body_arrives_whole_either_way(anna: TestClient, path: str) -> None:
    body = {"text": "x" * 100_000}
    answer = anna.post(path, json=body)
    assert (answer.status_code, answer.json()) == (201, {"got": body})


def test_a_parameter_of_a_path_never_has_the_slash(anna: TestClient) -> None:
    for path in ("/api/alpha/things/one", "/api/alpha/things/one/"):
        assert anna.get(path).json() == {"name": "one"}


def test_a_longer_prefix_is_not_hidden_by_a_shorter_one(anna: TestClient) -> None:
    assert anna.get("/api/alpha/far/away/").json() == {"here": "far"}


def test_longer_prefixes_come_first_whoever_s_they_are(given: Callable[..., None], app: FastAPI) -> None:
    given(alpha=ALPHA, beta=BETA.replace("PREFIX", "/api/alpha/far"))
    assert list(dialects.apps(app, Settings(dialects="*"))) == ["/api/alpha/far/away", "/api/alpha/far", "/api/alpha"]
    client = mounted(app, "*", ANNA)
    assert client.get("/api/alpha/far/").json() == "beta"
    assert client.get("/api/alpha/far/away/").json() == {"here": "far"}
    assert client.get("/api/alpha/things/").status_code == 200


def test_two_dialects_of_one_prefix_are_an_error_that_names_it(given: Callable[..., None], app: FastAPI) -> None:
    given(alpha=ALPHA, beta=BETA.replace("PREFIX", "/api/alpha"))
    with pytest.raises(ValueError, match="'beta' has the prefix '/api/alpha'"):
        dialects.apps(app, Settings(dialects="alpha,beta"))
    assert list(dialects.apps(app, Settings(dialects="beta"))) == ["/api/alpha"]


def test_nothing_is_described_where_the_product_describes_itself(anna: TestClient) -> None:
    for path in ("openapi.json", "docs", "redoc"):
        assert anna.get(f"/api/alpha/{path}").status_code == 404


# Errors


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "things/gone", 404, {"alpha_error": "There is no thing 'gone'.", "kind": "NotFound"}),
        ("GET", "things?most=x", 422, {"code": "invalid_request", "kind": "InvalidRequest"}),
        ("GET", "nothing", 404, {"code": "not_found", "kind": None}),
        ("GET", "", 404, {"code": "not_found", "kind": None}),
        ("DELETE", "things", 405, {"code": "method_not_allowed", "kind": None}),
        ("GET", "things/down", 503, {"code": "database_unavailable", "kind": "Retriable"}),
        ("GET", "things/broken", 500, {"code": "internal", "kind": None}),
    ],
)
def test_every_error_is_worded_by_the_dialect(
    anna: TestClient, method: str, path: str, status: int, told: dict[str, Any]
) -> None:
    answer = anna.request(method, f"/api/alpha/{path}")
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"alpha_error", "code", "kind"}
    assert answer.json().items() >= told.items()
    assert "secret" not in answer.text


def test_headers_of_an_error_reach_the_dialect(anna: TestClient) -> None:
    assert anna.delete("/api/alpha/things").headers["Allow"] == "GET, POST"
    assert anna.get("/api/alpha/things/many").headers["RateLimit-Policy"].startswith('"queue";q=3')
    assert anna.get("/api/alpha/things/down").headers["Retry-After"]


def test_the_native_api_keeps_its_own_words(given: Callable[..., None], app: FastAPI) -> None:
    given(alpha=ALPHA)
    mounted(app, "alpha")
    answer = TestClient(app, raise_server_exceptions=False).get("/v1/nothing")
    assert answer.headers["Content-Type"] == "application/problem+json"


# Callers


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic dXNlcjpwYXNz"}, {"Authorization": "Token "}])
def test_every_route_of_a_dialect_is_closed_to_strangers(
    given: Callable[..., None], app: FastAPI, headers: dict[str, str]
) -> None:
    given(alpha=ALPHA)
    stranger = mounted(app, "alpha")
    asked = 0
    for prefix, made in dialects.apps(app, Settings(dialects="alpha")).items():
        for route in made.routes:
            for method in getattr(route, "methods", ()):
                path = prefix + getattr(route, "path", "").replace("{name}", "one")
                for address in {path, path.rstrip("/")} - {prefix}:
                    answer = stranger.request(method, address, headers=headers)
                    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), (method, address)
                    assert answer.headers["WWW-Authenticate"]
                    asked += 1
    assert asked == 7


def test_a_dialect_asks_the_service_of_the_native_api(given: Callable[..., None], app: FastAPI) -> None:
    given(alpha=ALPHA)
    assert all(made.state is app.state for made in dialects.apps(app, Settings(dialects="alpha")).values())


# Configuration


@pytest.mark.parametrize(
    ("wanted", "chosen", "unknown"),
    [
        (None, (), ()),
        ("", (), ()),
        (" , ", (), ()),
        ("alpha", ("alpha",), ()),
        (" beta ,alpha,, ", ("alpha", "beta"), ()),
        ("*", ("alpha", "beta"), ()),
        ("*,gamma", ("alpha", "beta"), ("gamma",)),
        ("gamma, alpha, Alpha, _base", ("alpha",), ("Alpha", "_base", "gamma")),
    ],
)
def test_the_configuration_names_dialects(
    given: Callable[..., None], bench: Bench, wanted: str | None, chosen: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    given(alpha=ALPHA, beta=BETA, _shared="")
    settings = Settings(dialects=wanted)
    assert dialects.chosen(settings) == chosen
    assert dialects.unknown(settings) == unknown
    bench.airflow.settings = settings
    check = Health(bench.service).checks()["dialects"]
    if unknown:
        assert check.state is State.WARNING
        assert check.message == f"[waybill] dialects names {', '.join(unknown)}; known are: alpha, beta."
    else:
        assert check == Check(State.OK)
    assert is_available({"dialects": check})


def test_health_says_so_where_there_is_no_dialect_at_all(given: Callable[..., None], bench: Bench) -> None:
    given()
    bench.airflow.settings = Settings(dialects="alpha")
    message = Health(bench.service).checks()["dialects"].message
    assert message == "[waybill] dialects names alpha; known are: none."


@pytest.mark.parametrize(
    ("wanted", "prefixes"),
    [(None, [MOUNT]), ("alpha", [MOUNT, "/api/alpha/far/away", "/api/alpha"]), ("gamma", [MOUNT])],
)
def test_airflow_is_given_an_app_for_each_prefix(
    given: Callable[..., None], monkeypatch: pytest.MonkeyPatch, wanted: str | None, prefixes: list[str]
) -> None:
    given(alpha=ALPHA)
    if wanted is not None:
        monkeypatch.setenv("AIRFLOW__WAYBILL__DIALECTS", wanted)
    assert [each["url_prefix"] for each in WaybillPlugin().fastapi_apps] == prefixes


# The recipe


@pytest.fixture
def recipe(given: Callable[..., None], bench: Bench) -> TestClient:
    """The recipe's dialect on a service of its own, and Anna, who asks."""
    (text,) = (text for path, text in files_of(CONTRIBUTING).items() if "dialects" in path)
    given(tally=text)
    return mounted(create_app(bench.service), "tally", ANNA)


def test_the_recipe_starts_exports_and_tells_of_them(recipe: TestClient, bench: Bench) -> None:
    assert recipe.get("/api/tally/tables/").json() == []
    answer = recipe.post("/api/tally/tables/machines", json={"as": "xlsx"})
    assert answer.status_code == 201, answer.text
    (run,) = bench.airflow.triggered
    assert (run["conf"]["exporter"], run["conf"]["format"], run["caller"]) == ("machines", "xlsx", "anna")
    number = answer.json()["number"]
    bench.airflow.seen[UUID(number)] = RUNNING
    assert recipe.get("/api/tally/tables").json() == [{"number": number, "done": False}]
    bench.publish(UUID(number))
    bench.airflow.seen[UUID(number)] = SUCCEEDED
    assert recipe.get("/api/tally/tables").json() == [{"number": number, "done": True}]


@pytest.mark.parametrize(
    ("path", "body", "status", "fault"),
    [
        ("nothing", {}, 422, "There is no exporter 'nothing'"),
        ("machines", {"as": "docx"}, 422, "csv"),
        ("machines", {"us": "csv"}, 422, "/us"),
        ("machines", [], 422, "dictionary"),
        ("machines/more", {}, 404, "Not Found"),
    ],
)
def test_the_recipe_words_errors_in_its_own_way(
    recipe: TestClient, bench: Bench, path: str, body: object, status: int, fault: str
) -> None:
    answer = recipe.post(f"/api/tally/tables/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["fault"]
    assert fault in answer.json()["fault"]
    assert bench.airflow.triggered == []


@pytest.mark.usefixtures("recipe")
def test_the_recipe_lets_no_stranger_in(bench: Bench) -> None:
    stranger = mounted(create_app(bench.service), "tally")
    for method, path in (("GET", "/api/tally/tables/"), ("POST", "/api/tally/tables/machines/")):
        answer = stranger.request(method, path)
        assert (answer.status_code, list(answer.json())) == (401, ["fault"])
