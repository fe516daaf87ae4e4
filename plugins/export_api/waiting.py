"""Waiting for an export on the event loop: between two looks a client holds neither a thread nor a connection."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from starlette.types import Receive

    from export_api.shaping import View

_SHORTEST_SECONDS = 0.05
_LONGEST_SECONDS = 0.5
_GROWTH = 1.5


def pauses() -> Iterator[float]:
    """Yield for how many seconds to pause between looks: short exports are seen early, long ones looked at rarely."""
    seconds = _SHORTEST_SECONDS
    while True:
        yield seconds
        seconds = min(seconds * _GROWTH, _LONGEST_SECONDS)


async def final_or_last(view: View, look: Callable[[], Awaitable[View]], *, receive: Receive, seconds: float) -> View:
    """Look until the export is done, the time is over or the client has gone; return what was seen last.

    :param view: what was seen first
    :param receive: where the server says that the client has gone; the request's body was read
    """
    clock = asyncio.get_running_loop()
    end = clock.time() + seconds
    async with _departure(receive) as gone:
        for pause in pauses():
            left = end - clock.time()
            if view.final or left <= 0 or is_stopping():
                break
            await asyncio.wait({gone}, timeout=min(pause, left))
            if gone.done():
                break
            view = await look()
    return view


def is_stopping() -> bool:
    """Return whether the server was told to stop: uvicorn then waits for open answers, two minutes in Airflow.

    Its only word to the apps comes after that; its handler of SIGTERM knows earlier.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return getattr(server, "should_exit", False) is True


@asynccontextmanager
async def _departure(receive: Receive) -> AsyncIterator[asyncio.Task[None]]:
    """Yield what is done when the client has gone.

    Starlette's ``is_disconnected`` only asks whether it has gone already; this wakes whoever waits.
    """
    gone = asyncio.create_task(_wait_for_departure(receive))
    try:
        yield gone
    finally:
        gone.cancel()
        await asyncio.wait({gone})


async def _wait_for_departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
