"""Questions are gathered: one trip at a time, each begun after everybody whom it answers had asked."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from export_api.gathering import Gathered

if TYPE_CHECKING:
    from collections.abc import Collection


class Source:
    """Doubles numbers; each trip waits until it may go on, and remembers what it was asked."""

    def __init__(self) -> None:
        self.trips: list[set[int]] = []
        self.under_way = threading.Event()
        self.may_return = threading.Event()

    def fetch(self, numbers: Collection[int]) -> dict[int, int]:
        self.trips.append(set(numbers))
        self.under_way.set()
        assert self.may_return.wait(30)
        if 13 in numbers:
            raise ZeroDivisionError
        return {number: 2 * number for number in numbers if number > 0}


async def ask_during_a_trip(source: Source, *numbers: int) -> list[asyncio.Task[int | None]]:
    """Ask 1, and while that trip goes on all others."""
    gathered = Gathered(source.fetch)
    first = asyncio.create_task(gathered.ask(1))
    await asyncio.to_thread(source.under_way.wait, 30)
    rest = [asyncio.create_task(gathered.ask(number)) for number in numbers]
    await asyncio.sleep(0)  # so that each has asked
    return [first, *rest]


def test_what_is_asked_during_a_trip_goes_together_with_the_next() -> None:
    source = Source()

    async def play() -> list[int | None]:
        asked = await ask_during_a_trip(source, 2, 1, 3, 2, -1)
        source.may_return.set()
        return await asyncio.gather(*asked)

    assert asyncio.run(play()) == [2, 4, 2, 6, 4, None]
    assert source.trips == [{1}, {1, 2, 3, -1}]


def test_an_error_is_for_those_whom_the_trip_was_for() -> None:
    source = Source()

    async def play() -> list[int | BaseException | None]:
        gathered = Gathered(source.fetch)
        first = asyncio.create_task(gathered.ask(1))
        await asyncio.to_thread(source.under_way.wait, 30)
        rest = [asyncio.create_task(gathered.ask(number)) for number in (13, 2)]
        await asyncio.sleep(0)
        source.may_return.set()
        found = await asyncio.gather(first, *rest, return_exceptions=True)
        return [*found, await gathered.ask(2)]

    first, *failed, later = asyncio.run(play())
    assert (first, later) == (2, 4)
    assert [type(error) for error in failed] == [ZeroDivisionError] * 2


def test_who_gives_up_takes_the_answer_from_nobody() -> None:
    source = Source()

    async def play() -> int | None:
        _, impatient, patient = await ask_during_a_trip(source, 2, 2)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        source.may_return.set()
        return await patient

    assert asyncio.run(play()) == 4


def test_it_serves_one_event_loop_after_the_other() -> None:
    source = Source()
    source.may_return.set()
    gathered = Gathered(source.fetch)
    assert [asyncio.run(gathered.ask(number)) for number in (1, 2)] == [2, 4]
