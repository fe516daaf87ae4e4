"""Service accounts, API tokens and the store from the shell: `python -m export_api.cli --help`.

Needs Airflow's configuration in the environment, as every Airflow command does.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from export_api import auth, tokens
from export_api.db import records
from export_api.db.models import Token
from export_api.gateway import Gateway
from include.core.errors import NotFound, WaybillError
from include.core.request import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_BY = "cli"


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("use up to 63 of a-z, 0-9, dot, dash and underscore, a letter or digit first")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m export_api.cli", description=__doc__)
    things = parser.add_subparsers(required=True, metavar="service-account | token | store")

    account = things.add_parser("service-account", help="accounts for programs").add_subparsers(required=True)
    create = account.add_parser("create", help="create a service account and a token for it")
    create.add_argument("name", type=_name)
    create.add_argument("--role", default="User", help="role in Airflow (default: %(default)s)")
    create.add_argument("--if-missing", action="store_true", help="do nothing where a good token is in its place")
    create.set_defaults(run=_create_account)

    token = things.add_parser("token", help="tokens of accounts and users").add_subparsers(required=True)
    more = token.add_parser("create", help="create a token for a user of Airflow")
    more.add_argument("--user", dest="name", required=True)
    more.set_defaults(run=_create_token)
    for command in (create, more):
        command.add_argument("--token-file", type=Path, help="write the token there (mode 600) instead of printing it")
        command.add_argument("--days", type=int, help="days until the token expires (default: never)")

    revoke = token.add_parser("revoke", help="end a token's life")
    revoke.add_argument("prefix", help="the beginning of the token, as `token list` shows it")
    revoke.set_defaults(run=_revoke_token)
    token.add_parser("list", help="list tokens; their secrets are not known").set_defaults(run=_list_tokens)

    store = things.add_parser("store", help="the artifact store").add_subparsers(required=True)
    protect = store.add_parser("protect", help="have the bucket remove by itself what nobody else has; safe to repeat")
    protect.set_defaults(run=_protect_store)
    return parser


def _create_account(airflow: Gateway, arguments: argparse.Namespace) -> str:
    if arguments.if_missing and _is_in_place(airflow, arguments.name, arguments.token_file):
        return ""
    claims = auth.create_account(airflow, arguments.name, arguments.role)
    return _issue(airflow, arguments, claims)


def _create_token(airflow: Gateway, arguments: argparse.Namespace) -> str:
    claims = auth.claims_of(airflow, arguments.name)
    if claims is None:
        raise NotFound(f"There is no user {arguments.name!r} in Airflow.")
    return _issue(airflow, arguments, claims)


def _is_in_place(airflow: Gateway, name: str, token_file: Path | None) -> bool:
    """Return whether the account has a good token, the one in the file if a file is asked for."""
    with airflow.session() as session:
        if token_file is None:
            return records.live_token_of(session, name, utc_now()) is not None
        if not token_file.exists():
            return False
        secret = token_file.read_text(encoding="utf-8").strip()
        found = records.use_tokens(session, [tokens.digest(secret)], utc_now())
        return any(token.account == name for token in found)


def _issue(airflow: Gateway, arguments: argparse.Namespace, claims: dict[str, Any]) -> str:
    token, now = tokens.make(), utc_now()
    expires_at = now + timedelta(days=arguments.days) if arguments.days else None
    with airflow.session() as session:
        session.add(
            Token(
                id=uuid4(),
                account=arguments.name,
                claims=claims,
                prefix=token.prefix,
                sha256=token.sha256,
                created_at=now,
                expires_at=expires_at,
            )
        )
        detail = {"account": arguments.name, "prefix": token.prefix}
        records.audit(session, at=now, caller=_BY, action="create_token", detail=detail)
        if arguments.token_file is not None:
            _write_private(arguments.token_file, token.secret)
    return "" if arguments.token_file is not None else f"{token.secret}\n"


def _write_private(path: Path, secret: str) -> None:
    """Write a file that nobody else can read, not even for a moment; an older one is replaced as a whole."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{secret}\n")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _revoke_token(airflow: Gateway, arguments: argparse.Namespace) -> str:
    now = utc_now()
    with airflow.session() as session:
        token = records.revoke_token(session, arguments.prefix, now)
        if token is None:
            raise NotFound(f"There is no token that begins with {arguments.prefix!r}.")
        detail = {"account": token.account, "prefix": token.prefix}
        records.audit(session, at=now, caller=_BY, action="revoke_token", detail=detail)
    return ""


def _list_tokens(airflow: Gateway, _arguments: argparse.Namespace) -> str:
    now = utc_now()
    with airflow.session() as session:
        return "".join(
            f"{token.prefix}  {token.account:24} {_state(token, now):8} created {token.created_at:%Y-%m-%d %H:%M}  "
            f"used {f'{token.last_used_at:%Y-%m-%d %H:%M}' if token.last_used_at else 'never'}\n"
            for token in records.tokens(session)
        )


def _protect_store(airflow: Gateway, _arguments: argparse.Namespace) -> str:
    days = airflow.settings.keep_days
    changed = airflow.store().protect(keep_days=days)
    return f"The bucket has the lifecycle rule{'' if changed else ' already'}: files go after {days} days.\n"


def _state(token: Token, now: Any) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else "good"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; what is wrong is one line on standard error."""
    arguments = _parser().parse_args(argv)
    try:
        with redirect_stdout(sys.stderr):  # Airflow logs to standard output, where only the answer belongs
            answer: str = arguments.run(Gateway(), arguments)
    except (WaybillError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
