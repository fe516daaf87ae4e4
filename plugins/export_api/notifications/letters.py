"""The e-mail about an export's end: what it was, what became of it, and where to look; never the file nor a link to it.

The link leads to the API, which asks who is there before it hands anything out.
"""

from __future__ import annotations

from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from export_api.shaping import Addresses
from export_api.status import Reason
from include.core.manifest import Manifest

if TYPE_CHECKING:
    from datetime import datetime

    from export_api.db.models import Export
    from export_api.db.outbox import Claimed

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_STEP = 1000
_FILES = 20
"""How many files a letter lists."""


def letter(export: Export, claimed: Claimed, *, to: str, base_url: str) -> EmailMessage:
    """Return the message; its id is the same with each attempt, so that a mailbox can tell a repetition."""
    title = one_line(export.name or export.exporter or str(export.id))
    facts = _facts(export, base_url)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = f"Export {title}: {claimed.event.status}"
    message["To"] = to
    message["Date"] = claimed.event.at
    message["Message-ID"] = f"<{claimed.id}@{urlsplit(base_url).hostname or 'waybill.invalid'}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is told to a machine
    message.set_content("\n".join([f"{title}: {claimed.event.status}", "", *(f"{n}: {v}" for n, v in facts), ""]))
    message.add_alternative(_html(f"{title}: {claimed.event.status}", facts), subtype="html")
    return message


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters, which a header must not hold."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _facts(export: Export, base_url: str) -> list[tuple[str, str]]:
    facts = [("Exporter", export.exporter or "unknown"), ("Requested by", export.requested_by)]
    reason = Reason.told(export.error)
    if export.manifest is not None:
        manifest = Manifest.model_validate(export.manifest)
        facts.append(("Rows", f"{manifest.rows:,}"))
        facts += [("File", f"{file.name} ({size(file.bytes)})") for file in manifest.files[:_FILES]]
        if len(manifest.files) > _FILES:
            facts.append(("Files", f"{len(manifest.files):,} in all"))
        if export.expires_at is not None:
            facts.append(("Kept until", moment(export.expires_at)))
    elif reason is not None:
        facts.append(("Reason", reason.detail))
    if base_url:
        facts.append(("Export", Addresses(base_url).export(export.id)))
    return [(name, one_line(value)) for name, value in facts]


def _html(title: str, facts: list[tuple[str, str]]) -> str:
    def shown(value: str) -> str:
        safe = escape(value)
        return f'<a href="{safe}">{safe}</a>' if value.startswith(("http://", "https://")) else safe

    rows = "".join(f'<tr><th align="left">{escape(name)}</th><td>{shown(value)}</td></tr>' for name, value in facts)
    return f"<!DOCTYPE html><html><body><p>{escape(title)}</p><table>{rows}</table></body></html>\n"


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    amount, unit = float(count), 0
    while amount >= _STEP and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{count} {_UNITS[0]}"


def moment(when: datetime) -> str:
    """Return a time in UTC as people read it."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
