"""What a dialect is: routes below the original prefixes, and errors as the original product words them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from fastapi import Depends, FastAPI

from export_api import auth, problems
from export_api.responses import WaybillJSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import APIRouter, Request, Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from export_api.problems import Told


class Dialect(ABC):
    """Another product's wire API, translated onto our service; the module's name is the dialect's name.

    Callers, rights, ownership, limits and audit are those of the native API.
    """

    title: ClassVar[str]

    @abstractmethod
    def routers(self) -> Mapping[str, APIRouter]:
        """Return the routes below each prefix; every path ends in a slash, and answers without it, too."""

    @abstractmethod
    def refuse(self, request: Request, told: Told) -> Response:
        """Return an error as the product's clients know it."""

    def apps(self, native: FastAPI) -> dict[str, FastAPI]:
        """Return an app for each prefix, on the native app's service."""
        return {prefix: self._app(router, native) for prefix, router in self.routers().items()}

    def _app(self, router: APIRouter, native: FastAPI) -> FastAPI:
        app = FastAPI(
            title=self.title,
            # The product's own documentation describes its API; ours says what differs.
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            default_response_class=WaybillJSON,
            dependencies=[Depends(auth.identify)],
        )
        app.state = native.state
        app.include_router(router)
        problems.install(app, self.refuse)
        app.add_middleware(_WithSlash)
        return app


class _WithSlash:
    """Finds a path without its last slash: redirecting would lose the body of a POST in many clients."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"] + "/"}
        await self._app(scope, receive, send)
