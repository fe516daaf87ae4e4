"""Webhooks: who is told of exports, and what was sent."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from export_api.auth import CallerDep  # noqa: TC001 - FastAPI reads the annotations
from export_api.db.outbox import State
from export_api.notifications.endpoints import Endpoints, ReplayRequest, WebhookChange, WebhookRequest
from export_api.notifications.schemas import (
    DeliveryBody,
    DeliveryPage,
    Replayed,
    WebhookBody,
    WebhookList,
    WebhookSecret,
)
from export_api.routes.exports import make_page_token, read_page_token
from export_api.routes.parts import JsonBody, answers, refusals, refused
from include.core.request import from_validation

router = APIRouter(prefix="/webhooks", tags=["Webhooks"])

MODELS = (WebhookRequest, WebhookChange, ReplayRequest)
"""What the routes read by themselves, for the description."""

M = TypeVar("M", bound=BaseModel)

_BODIES = (400, 403, 413, 415, 422)


def _endpoints(request: Request) -> Endpoints:
    found: Endpoints = request.app.state.webhooks
    return found


EndpointsDep = Annotated[Endpoints, Depends(_endpoints)]


def _body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def _read(model: type[M], body: Any) -> M:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise from_validation(error) from None


@router.post(
    "",
    status_code=201,
    summary="Create a webhook",
    openapi_extra=_body(WebhookRequest, {"url": "https://example.com/hooks/waybill", "types": ["export.succeeded"]}),
    responses=answers(201, "webhook_secret", "The webhook, and its secret this once")
    | refused(409, "too_many_webhooks", "You have 20 webhooks, as many as one may have.")
    | refusals(*_BODIES),
)
def create_webhook(caller: CallerDep, endpoints: EndpointsDep, body: JsonBody) -> WebhookSecret:
    """Have the ends of your exports told to a URL of yours, signed as Standard Webhooks 1.0.0 says."""
    hook, secret = endpoints.create(caller, _read(WebhookRequest, body))
    return WebhookSecret(**WebhookBody.facts(hook), secret=secret)


@router.get(
    "",
    summary="List webhooks",
    responses=answers(200, "webhook_list", "The webhooks, the oldest first") | refusals(403),
)
def list_webhooks(caller: CallerDep, endpoints: EndpointsDep) -> WebhookList:
    """List your webhooks, or everybody's if you may see all exports."""
    return WebhookList(items=[WebhookBody(**WebhookBody.facts(hook)) for hook in endpoints.list(caller)])


@router.get(
    "/{webhook_id}",
    summary="Read a webhook",
    responses=answers(200, "webhook", "The webhook, without its secret") | refusals(403, 404),
)
def read_webhook(webhook_id: str, caller: CallerDep, endpoints: EndpointsDep) -> WebhookBody:
    """Read a webhook: where it leads, what it hears of, and whether it is enabled."""
    return WebhookBody(**WebhookBody.facts(endpoints.get(caller, webhook_id)))


@router.patch(
    "/{webhook_id}",
    summary="Change a webhook",
    openapi_extra=_body(WebhookChange, {"enabled": False}),
    responses=answers(200, "webhook", "The webhook as it is now") | refusals(404, *_BODIES),
)
def change_webhook(webhook_id: str, caller: CallerDep, endpoints: EndpointsDep, body: JsonBody) -> WebhookBody:
    """Change URL, types or description, or disable it: then nothing is sent to it, what waits has failed."""
    hook = endpoints.change(caller, webhook_id, _read(WebhookChange, body))
    return WebhookBody(**WebhookBody.facts(hook))


@router.post(
    "/{webhook_id}/rotate",
    summary="Change a webhook's secret",
    responses=answers(200, "webhook_secret", "The webhook, and its new secret this once")
    | refused(409, "too_many", "Its secrets were changed too often today: wait until old ones end.")
    | refusals(403, 404),
)
def rotate_webhook(webhook_id: str, caller: CallerDep, endpoints: EndpointsDep) -> WebhookSecret:
    """Make a new secret. For 24 hours the old one signs beside it, so that receivers can change over."""
    hook, secret = endpoints.rotate(caller, webhook_id)
    return WebhookSecret(**WebhookBody.facts(hook), secret=secret)


@router.delete(
    "/{webhook_id}",
    status_code=204,
    summary="Delete a webhook",
    response_class=Response,
    responses={204: {"description": "It is gone, and what waited for it."}, **refusals(403, 404)},
)
def delete_webhook(webhook_id: str, caller: CallerDep, endpoints: EndpointsDep) -> None:
    """Forget a webhook and its deliveries; the audit trail keeps that it was there."""
    endpoints.delete(caller, webhook_id)


class DeliveriesQuery(BaseModel):
    """Which deliveries are wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(50, ge=1, le=1000)
    page_token: str | None = Field(None, description="The `next_page_token` of the page before.", max_length=500)
    state: State | None = None


@router.get(
    "/{webhook_id}/deliveries",
    summary="List a webhook's deliveries",
    responses=answers(200, "delivery_page", "A page of deliveries") | refusals(403, 404, 422),
)
def list_deliveries(
    webhook_id: str, caller: CallerDep, endpoints: EndpointsDep, query: Annotated[DeliveriesQuery, Query()]
) -> DeliveryPage:
    """List what was sent in the last 30 days, with every attempt's outcome; what receivers answered is not kept."""
    after = None if query.page_token is None else read_page_token(query.page_token)
    found, place = endpoints.deliveries(caller, webhook_id, state=query.state, after=after, limit=query.limit)
    return DeliveryPage(
        items=[DeliveryBody.of(sent, event) for sent, event in found],
        next_page_token=None if place is None else make_page_token(place),
    )


@router.post(
    "/{webhook_id}/deliveries/{event_id}/replay",
    status_code=202,
    summary="Send an event again",
    responses=answers(202, "replayed", "It is sent again, under the same `webhook-id`")
    | refused(409, "webhook_disabled", "The webhook is disabled: enable it first.")
    | refusals(403, 404),
)
def replay_event(webhook_id: str, event_id: str, caller: CallerDep, endpoints: EndpointsDep) -> Replayed:
    """Send one event again, whether it was sent or has failed."""
    endpoints.replay(caller, webhook_id, event_id)
    return Replayed(events=1)


@router.post(
    "/{webhook_id}/replay",
    status_code=202,
    summary="Send failed events again",
    openapi_extra=_body(ReplayRequest, {"since": "2026-11-01T00:00:00Z"}),
    responses=answers(202, "replayed", "How many are sent again")
    | refused(409, "webhook_disabled", "The webhook is disabled: enable it first.")
    | refusals(404, *_BODIES),
)
def replay_failed(webhook_id: str, caller: CallerDep, endpoints: EndpointsDep, body: JsonBody) -> Replayed:
    """Send again all that has failed since a moment, under the same `webhook-id`s."""
    return Replayed(events=endpoints.replay_failed(caller, webhook_id, _read(ReplayRequest, body).since))
