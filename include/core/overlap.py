"""Two stages at once: one thread makes items while another uses them."""

from __future__ import annotations

import queue
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

T = TypeVar("T")

_PATIENCE_SECONDS = 0.1


@contextmanager
def overlapped(items: Generator[T], *, name: str) -> Iterator[Iterator[T]]:
    """Run a generator in a thread of its own, at most one finished item ahead of the reader.

    Its error is raised where the reader would have got the next item. Leaving the context stops the thread after
    the item that it is making, and waits for it: close what the items come from first if that can block.
    """
    ahead = _Ahead(items)
    thread = threading.Thread(target=ahead.make, name=name, daemon=True)
    thread.start()
    try:
        yield ahead.read()
    finally:
        ahead.stop.set()
        thread.join()


class _Ahead(Generic[T]):
    """The items that were made and not yet used, behind them an error or None for the end."""

    def __init__(self, items: Generator[T]) -> None:
        self.stop = threading.Event()
        self._items = items
        self._made: queue.Queue[T | BaseException | None] = queue.Queue(
            1
        )  # batches and chunks weigh megabytes, and two ahead are no faster

    def make(self) -> None:
        """Make items until the end, an error or a stop; the generator is closed in the thread that ran it."""
        end: BaseException | None = None
        try:
            with closing(self._items) as items:
                for item in items:
                    if not self._offer(item):
                        return
        except BaseException as error:  # noqa: BLE001 - carried to the reader, whatever it is
            end = error
        self._offer(end)

    def read(self) -> Iterator[T]:
        """Yield the items in their order."""
        while (item := self._made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _offer(self, item: T | BaseException | None) -> bool:
        while not self.stop.is_set():
            try:
                self._made.put(item, timeout=_PATIENCE_SECONDS)
            except queue.Full:
                continue
            return True
        return False
