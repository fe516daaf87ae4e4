"""Whom a request may name in ``notify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export_api.db import outbox
from include.core.errors import FieldError, invalid

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from export_api.caller import Caller
    from include.core.request import ExportRequest
    from include.core.settings import Settings


def may_mail(address: str, own: str | None, settings: Settings) -> bool:
    """Return whether e-mail may go to an address: a user's own, or one of a domain that the installation allows."""
    allowed = {domain.strip().lower() for domain in (settings.email_domains or "").split(",")}
    domain = address.rpartition("@")[2].lower()
    return address.lower() == (own or "").lower() or "*" in allowed or domain in allowed


def check_notify(session: Session, caller: Caller, request: ExportRequest, settings: Settings) -> None:
    """Check that everybody whom a request names may be told.

    :raises InvalidRequest: with a pointer to each who may not.
    """
    errors = _errors(session, caller, request, settings)
    if errors:
        raise invalid(list(errors.values()))


def with_notify_of(session: Session, caller: Caller, request: ExportRequest, settings: Settings) -> ExportRequest:
    """Return a request that was good once, without those whom this caller may not have told now."""
    errors = _errors(session, caller, request, settings)
    left = [item for index, item in enumerate(request.notify) if index not in errors]
    return request.model_copy(update={"notify": left}) if errors else request


def _errors(session: Session, caller: Caller, request: ExportRequest, settings: Settings) -> dict[int, FieldError]:
    errors: dict[int, FieldError] = {}
    for index, item in enumerate(request.notify):
        if item.webhook is not None:
            hook = outbox.webhook(session, item.webhook)
            if hook is None or hook.owner != caller.name:
                errors[index] = FieldError(f"/notify/{index}/webhook", "You have no webhook of this id.")
            elif hook.disabled_at is not None:
                errors[index] = FieldError(f"/notify/{index}/webhook", "This webhook is disabled.")
        elif settings.smtp_connection is None:
            detail = "This installation sends no e-mail: the setting smtp_connection is empty."
            errors[index] = FieldError(f"/notify/{index}/email", detail)
        elif not may_mail(item.email or "", caller.email, settings):
            detail = "E-mail may go to your own address only, and to domains of the setting email_domains."
            errors[index] = FieldError(f"/notify/{index}/email", detail)
    return errors
