"""Questions that are gathered: what is asked while one trip to the database goes on is asked together by the next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from starlette.concurrency import run_in_threadpool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

K = TypeVar("K")
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """Answers any number of callers by one trip at a time, each begun after its callers had asked.

    So nobody is told what was true before, and the more callers there are, the less each costs.
    """

    def __init__(self, fetch: Callable[[Collection[K]], Mapping[K, V]]) -> None:
        """Gather questions.

        :param fetch: answers what it can of some questions; it is called in a thread
        """
        self._fetch = fetch
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._trips: asyncio.Task[None] | None = None

    async def ask(self, question: K) -> V | None:
        """Return the answer, or None where there is none; raise what the trip raised."""
        answer = self._waiting.get(question)
        if answer is None:
            answer = self._waiting[question] = asyncio.get_running_loop().create_future()
        if self._trips is None:
            self._trips = asyncio.create_task(self._travel())
        # Of several who wait for the same answer, one may give up.
        return await asyncio.shield(answer)

    async def _travel(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                await self._answer(asked)
        finally:
            self._trips = None

    async def _answer(self, asked: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await run_in_threadpool(self._fetch, asked.keys())
        except Exception as error:  # noqa: BLE001 - it is for those who asked
            for answer in asked.values():
                answer.set_exception(error)
                answer.exception()  # nobody may be waiting any more, which is no reason to complain
        else:
            for question, answer in asked.items():
                answer.set_result(found.get(question))
