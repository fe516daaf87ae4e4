"""Who is calling: the only file that knows Airflow's authentication.

Three kinds of credentials lead to a user of Airflow's auth manager: an API token of ours or a JWT of Airflow's in the
Authorization header, or Airflow's cookie in a browser. What the user may do here is a permission of Airflow's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from cachetools import TTLCache
from fastapi import Depends, Request

from export_api import tokens
from export_api.caller import Caller, Right
from export_api.db import records
from export_api.gathering import Gathered
from export_api.problems import Unauthenticated
from include.core.errors import Conflict, NotAllowed, NotFound
from include.core.request import utc_now

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from export_api.gateway import Gateway

OPEN = frozenset({("GET", "/v1/health"), ("GET", "/v1/.well-known/jwks.json")})
"""Every route that strangers may use; all others answer 401 without credentials."""

SCHEMES = frozenset({"token", "bearer"})
_COOKIE = "_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

TRUST_SECONDS = 1.0
"""For how long a token that was good is trusted without asking the database again."""

_KNOWN_TOKENS = 10_000

_OWN = "Exports"
_ALL = "All Exports"
_PERMISSIONS: Mapping[Right, tuple[str, str, str]] = {
    Right.READ: ("GET", "can_read", _OWN),
    Right.CREATE: ("POST", "can_create", _OWN),
    Right.READ_ALL: ("GET", "can_read", _ALL),
}
"""Each right as the auth manager's method, the permission's action, and its resource."""

_GRANTS: Mapping[str, frozenset[Right]] = {
    "Admin": frozenset(Right),
    "Op": frozenset({Right.READ, Right.CREATE}),
    "User": frozenset({Right.READ, Right.CREATE}),
    "Viewer": frozenset({Right.READ}),
}
"""What Airflow's roles may do from the start; a Viewer starts no runs in Airflow either."""


async def identify(request: Request) -> Caller | None:
    """Return who is calling; on open routes None for a stranger.

    :raises Unauthenticated: without good credentials.
    :raises NotAllowed: for a change that a page of somebody else's asks a browser to make.
    """
    try:
        user = await _user_of(request)
    except Unauthenticated:
        if (request.method, request.scope["route"].path) in OPEN:
            return None
        raise
    return _caller_of(user)


MaybeCaller = Annotated[Caller | None, Depends(identify)]


async def _known(caller: MaybeCaller) -> Caller:
    if caller is None:
        raise Unauthenticated("Credentials are needed.")
    return caller


CallerDep = Annotated[Caller, Depends(_known)]


async def _recheck(request: Request) -> Callable[[], Awaitable[Caller]]:
    async def recheck() -> Caller:
        if "authorization" in request.headers:
            return _caller_of(await _user_of(request))
        # What Airflow's middleware found for the cookie was true when the request came.
        return _caller_of(await _user_of_jwt(request.cookies[_COOKIE]))

    return recheck


RecheckDep = Annotated[Callable[[], Awaitable[Caller]], Depends(_recheck)]
"""Says who is calling as of now, for answers that go on for long; Unauthenticated when nobody is any more."""


async def _user_of(request: Request) -> Any:
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, credentials = header.strip().partition(" ")
        if scheme.lower() not in SCHEMES or not credentials.strip():
            raise Unauthenticated("Send the header 'Authorization: Token …' or 'Authorization: Bearer …'.")
        return await _user_of_credentials(request, credentials.strip())
    if _COOKIE in request.cookies:
        user = await _user_of_cookie(request)
        if request.method not in _SAFE:
            _check_origin(request)
        return user
    raise Unauthenticated("Send the header 'Authorization: Token …' with an API token, or log in to Airflow.")


async def _user_of_credentials(request: Request, credentials: str) -> Any:
    if not credentials.startswith(tokens.MARK):
        return await _user_of_jwt(credentials)
    claims = await request.app.state.known_tokens.claims(tokens.digest(credentials))
    if claims is None:
        raise Unauthenticated("The token is unknown, expired or revoked.")
    return _user_of_claims(claims)


class KnownTokens:
    """What tokens lead to; to be used on the event loop.

    One that was good a moment ago is not asked for again, so that one that is revoked works for this moment more.
    """

    def __init__(self, airflow: Gateway) -> None:
        self._airflow = airflow
        self._asked = Gathered(self._good)
        self._known: TTLCache[str, dict[str, Any]] = TTLCache(_KNOWN_TOKENS, TRUST_SECONDS)

    async def claims(self, sha256: str) -> dict[str, Any] | None:
        """Return the claims of the token with that hash, or None when it is not good."""
        claims: dict[str, Any] | None = self._known.get(sha256)
        if claims is None:
            claims = await self._asked.ask(sha256)
            if claims is not None:
                self._known[sha256] = claims
        return claims

    def _good(self, hashes: Collection[str]) -> dict[str, dict[str, Any]]:
        with self._airflow.statements() as session:
            return {token.sha256: token.claims for token in records.use_tokens(session, hashes, utc_now())}


def _user_of_claims(claims: dict[str, Any]) -> Any:
    """Return the user whom claims name; on the event loop, as Airflow does, for its cache of users has no lock."""
    from airflow.api_fastapi.app import get_auth_manager

    try:
        return get_auth_manager().deserialize_user(claims)
    except (ValueError, KeyError):
        raise Unauthenticated("The token's account does not exist any more, or is not active.") from None


async def _user_of_jwt(token: str) -> Any:
    from airflow.api_fastapi.app import get_auth_manager
    from jwt import InvalidTokenError

    try:
        return await get_auth_manager().get_user_from_token(token)
    except InvalidTokenError:
        raise Unauthenticated("The token is not valid, or has expired.") from None


async def _user_of_cookie(request: Request) -> Any:
    """Return the user of Airflow's session, as its middleware has already found it."""
    from airflow.api_fastapi.core_api.security import get_user
    from starlette.exceptions import HTTPException

    try:
        return await get_user(request, None, None)
    except HTTPException:
        raise Unauthenticated("The session has ended: log in to Airflow again.") from None


def _check_origin(request: Request) -> None:
    """Refuse a change that a browser was led to make: its cookie travels along, but the page is not ours."""
    claimed = _origin(request.headers.get("origin") or request.headers.get("referer") or "")
    ours = {_origin(str(request.base_url)), _origin(request.app.state.service.airflow.base_url)}
    if claimed is None or claimed not in ours:
        raise NotAllowed("With a cookie, only pages of this very Airflow may change anything.", code="foreign_origin")


def _origin(url: str) -> tuple[str, str] | None:
    """Return scheme and host of an address; None for what has none, such as the origin ``null``."""
    parts = urlsplit(url)
    return (parts.scheme.lower(), parts.netloc.lower()) if parts.netloc else None


def _caller_of(user: Any) -> Caller:
    from airflow.api_fastapi.app import get_auth_manager

    manager = get_auth_manager()
    rights = frozenset(
        right
        for right, (method, _, resource) in _PERMISSIONS.items()
        if manager.is_authorized_custom_view(method=method, resource_name=resource, user=user)  # type: ignore[arg-type]
    )
    display = getattr(user, "get_display_name", user.get_name)()
    email = getattr(user, "email", None) or ""
    own = email if email and not email.endswith(f"@{_SERVICE_DOMAIN}") else None
    return Caller(name=user.get_name(), display=display, rights=rights, email=own)


# Accounts and permissions, in the tables of the FAB auth manager

_SERVICE_DOMAIN = "service-account.invalid"
"""Where service accounts have their e-mail addresses: nowhere, and people never (RFC 2606)."""


def grant_permissions(airflow: Gateway) -> None:
    """Create our permissions and give them to Airflow's roles, where the FAB auth manager keeps them; repeatable.

    Other auth managers decide by their own rules.
    """
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager
    from airflow.providers.fab.www.security_appless import ApplessAirflowSecurityManager

    if not isinstance(get_auth_manager(), FabAuthManager):
        return
    with airflow.session() as session:
        manager = ApplessAirflowSecurityManager(session=session)
        for role_name, rights in _GRANTS.items():
            role = manager.find_role(role_name)
            for right in sorted(rights):
                _, action, resource = _PERMISSIONS[right]
                permission = manager.create_permission(action, resource)
                if role is not None:
                    manager.add_permission_to_role(role, permission)


def create_account(airflow: Gateway, name: str, role_name: str) -> dict[str, Any]:
    """Create a service account, a FAB user whom no password lets in, unless it exists; return its claims.

    :raises NotFound: when there is no such role.
    :raises Conflict: when the name is a person's, or the account has another role.
    """
    from airflow.providers.fab.www.security_appless import ApplessAirflowSecurityManager

    with airflow.session() as session:
        manager = ApplessAirflowSecurityManager(session=session)
        user = manager.find_user(username=name)
        if user is None:
            role = manager.find_role(role_name)
            if role is None:
                manager.sync_roles()  # a database that no api-server has seen yet
                role = manager.find_role(role_name)
            if role is None:
                raise NotFound(f"There is no role {role_name!r}.")
            user = manager.add_user(
                username=name,
                first_name=name,
                last_name="(service account)",
                email=f"{name}@{_SERVICE_DOMAIN}",
                role=role,
                hashed_password="!",  # noqa: S106 - no hash at all: nothing matches it
            )
        if not user.email.endswith(f"@{_SERVICE_DOMAIN}"):
            raise Conflict(
                f"{name!r} is a person's name in Airflow: `token create --user {name}` makes a token for it."
            )
        if role_name not in (roles := [role.name for role in user.roles]):
            raise Conflict(f"The account {name!r} has the role {', '.join(roles)}; change it in Airflow.")
        return {"sub": str(user.id)}


def standing_of(airflow: Gateway, name: str) -> Caller | None:
    """Return what a user may do now, for what is sent long after somebody asked; without rights when there is none.

    None where the auth manager is not FAB's and cannot be asked about users by name.
    """
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager
    from airflow.providers.fab.www.security_appless import ApplessAirflowSecurityManager

    if not isinstance(get_auth_manager(), FabAuthManager):
        return None
    with airflow.session() as session:
        user = ApplessAirflowSecurityManager(session=session).find_user(username=name)
        return _caller_of(user) if user is not None and user.is_active else Caller(name, name, frozenset())


def claims_of(airflow: Gateway, name: str) -> dict[str, Any] | None:
    """Return the claims that name a FAB user to the auth manager, or None when there is no such user."""
    from airflow.providers.fab.www.security_appless import ApplessAirflowSecurityManager

    with airflow.session() as session:
        user = ApplessAirflowSecurityManager(session=session).find_user(username=name)
        return {"sub": str(user.id)} if user else None
