"""Keys: what the signatures of manifests are checked with, open to all."""

from __future__ import annotations

from fastapi import APIRouter, Response

from export_api.routes.parts import ServiceDep, answers, refusals
from export_api.schemas.service import KeySet

router = APIRouter(prefix="/.well-known", tags=["Keys"])


@router.get(
    "/jwks.json",
    summary="Read the public keys",
    responses=answers(200, "key_set", "The keys as a JWK Set (RFC 7517, RFC 8037)") | refusals(503),
)
def read_keys(service: ServiceDep, response: Response) -> KeySet:
    """Say with which keys manifests are signed; none where they are not."""
    response.headers["Cache-Control"] = "public, max-age=300"
    signer = service.airflow.signer()
    return KeySet.model_validate({"keys": [] if signer is None else [signer.public_key()]})
