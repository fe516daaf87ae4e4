"""Health: open to all, with details for those who are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from export_api.auth import MaybeCaller  # noqa: TC001 - FastAPI reads the annotations
from export_api.health import is_available
from export_api.routes.parts import answers
from export_api.schemas.service import CheckBody, HealthBody

if TYPE_CHECKING:
    from export_api.health import Health

router = APIRouter(tags=["Health"])


@router.get(
    "/health",
    summary="Say whether exports work",
    response_model_exclude_unset=True,
    responses=answers(200, "health", "Exports work")
    | {
        503: {
            "model": HealthBody,
            **answers(503, "health_unavailable", "They do not; `checks` names what is wrong")[503],
        }
    },
)
def read_health(caller: MaybeCaller, request: Request, response: Response) -> HealthBody:
    """Check database, scheduler, DAG, store, its lifecycle rule, signing key and exporters."""
    health: Health = request.app.state.health
    checks = health.checks()
    available = is_available(checks)
    response.status_code = 200 if available else 503
    response.headers["Cache-Control"] = "no-store"
    word = "ok" if available else "unavailable"
    if caller is None:
        return HealthBody(status=word)
    shown = {name: CheckBody(status=check.state, message=check.message) for name, check in checks.items()}
    return HealthBody(status=word, checks=shown)
