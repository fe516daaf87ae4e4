"""The part of the api-server that tasks talk to, made ready before the first of them waits for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_MOUNT = "/execution"


async def make_ready() -> bool:
    """Have Airflow build the routes that tasks call; return whether they are served here.

    It does so at the first call, which takes seconds in which this process answers nobody: the first task after a start
    would wait for them. So we are the first to call, before the server takes requests.
    """
    import httpx

    served = _served_here()
    if served is None:
        return False
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://tasks") as client:
        (await client.get("/health")).raise_for_status()
    return True


def _served_here() -> ASGIApp | None:
    """Return the app that tasks call; None where another process serves it."""
    main: Any = sys.modules.get("airflow.api_fastapi.main")  # only a process that serves it has imported it
    routes = getattr(getattr(main, "app", None), "routes", ())
    return next((route.app for route in routes if getattr(route, "path", None) == _MOUNT), None)
