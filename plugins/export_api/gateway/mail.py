"""E-mail by Airflow's SMTP connection."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

from include.core.errors import Fatal, Retriable

if TYPE_CHECKING:
    from email.message import EmailMessage


def send(conn_id: str, message: EmailMessage) -> None:
    """Send a message to whom its header names.

    :raises Retriable: when the connection is missing or wrong, or the server does not take the message now.
    :raises Fatal: when the server refuses the recipient for good.
    """
    from airflow.providers.smtp.hooks.smtp import SmtpHook
    from airflow.sdk.exceptions import AirflowException

    try:
        with SmtpHook(conn_id) as hook:
            sender = hook.from_email or hook.smtp_user
            if not sender:
                raise Retriable(f"The Airflow connection {conn_id!r} says no from_email.", code="mail_unconfigured")
            message["From"] = sender
            # What the hook offers sends HTML alone, and composes its headers itself; its connection is all we need.
            client = hook._smtp_client  # noqa: SLF001
            assert isinstance(client, smtplib.SMTP)  # noqa: S101 - as opened by this very way
            client.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if all(code >= 500 for code in codes):  # noqa: PLR2004 - RFC 5321: permanent
            raise Fatal("The mail server refuses the recipient.", code="mail_refused") from None
        raise Retriable("The mail server does not take mail for the recipient now.", code="mail_delayed") from None
    except (AirflowException, smtplib.SMTPException, OSError) as error:
        kind = type(error).__name__
        raise Retriable(f"The mail server did not take the message ({kind}).", code="mail_unreachable") from error
