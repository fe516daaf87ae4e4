"""An export as server-sent events (WHATWG HTML, section 9.2): each change as it is seen, until the last one.

Written here because it is short: sse-starlette, which is well kept, would be a further package for thirty lines.
FastAPI's own events begin the answer before rights are checked, so that no refusal can be told, and cut JSON at U+2028.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from export_api.waiting import is_stopping, pauses
from include.core.errors import WaybillError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from export_api.shaping import View

MEDIA_TYPE = "text/event-stream"

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Encoding": "identity",  # nothing on the way may compress it, and so hold it back
    "X-Accel-Buffering": "no",  # nginx
}

_RETRY = b"retry: 2000\n\n"
_HEARTBEAT = b":\n\n"
_QUIET_SECONDS = 10.0
"""After so long without an event comes a comment: at most 15 s pass even when a look takes its time."""


async def changes(view: View, look: Callable[[], Awaitable[View]], *, known: str | None) -> AsyncIterator[bytes]:
    """Yield an event for each change; end after the final one, or when a look fails or the server stops.

    A look fails when the right to read was taken away or the database does not answer: the client connects again, and
    is told.

    :param view: what was seen first
    :param known: the tag of what the client has seen already
    """
    clock = asyncio.get_running_loop()
    yield _RETRY
    said_at = clock.time()
    for pause in pauses():
        if view.tag != known:
            yield event(view)
            known, said_at = view.tag, clock.time()
        elif clock.time() - said_at >= _QUIET_SECONDS:
            yield _HEARTBEAT
            said_at = clock.time()
        if view.final or is_stopping():
            return
        await asyncio.sleep(pause)
        try:
            view = await look()
        except (WaybillError, SQLAlchemyError):
            return


def event(view: View) -> bytes:
    """Return one event; its JSON is one line, for JSON escapes line ends."""
    return b"event: export\nid: %b\ndata: %b\n\n" % (view.tag.encode(), view.content)
