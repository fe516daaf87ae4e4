"""Two stages at once: errors arrive, an early end stops the thread, and nobody runs far ahead."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from include.core.overlap import overlapped

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


def maker_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "maker"]


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert not maker_threads()


def wait_until(holds: threading.Event, seconds: float = 5) -> None:
    assert holds.wait(seconds)


def test_all_items_arrive_in_their_order() -> None:
    with overlapped((number for number in range(1000)), name="maker") as items:
        assert list(items) == list(range(1000))


def test_nothing_made_is_nothing_read() -> None:
    with overlapped((number for number in range(0)), name="maker") as items:
        assert list(items) == []


def test_items_are_made_in_a_thread_of_their_own_while_others_are_used() -> None:
    second_made = threading.Event()

    def make() -> Generator[int]:
        assert threading.current_thread().name == "maker"
        yield 1
        second_made.set()
        yield 2

    with overlapped(make(), name="maker") as items:
        assert next(items) == 1
        wait_until(second_made)  # while this thread still uses the first
        assert list(items) == [2]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_arrives_after_the_items_made_before_it(error: BaseException) -> None:
    def make() -> Generator[int]:
        yield 1
        yield 2
        raise error

    got: list[int] = []
    with overlapped(make(), name="maker") as items, pytest.raises(type(error)) as caught:
        got.extend(items)
    assert caught.value is error
    assert got == [1, 2]


def test_at_most_one_waits_and_one_is_in_hand() -> None:
    made: list[int] = []
    third = threading.Event()

    def make() -> Generator[int]:
        for number in range(100):
            made.append(number)
            if number == 2:
                third.set()
            yield number

    with overlapped(make(), name="maker") as items:
        time.sleep(0.3)
        assert made == [0, 1]
        next(items)
        wait_until(third)
        time.sleep(0.3)
        assert made == [0, 1, 2]


def test_leaving_early_stops_the_thread_and_closes_the_generator_in_it() -> None:
    closed_in: list[str] = []

    def make() -> Generator[int]:
        try:
            while True:
                yield 1
        finally:
            closed_in.append(threading.current_thread().name)

    with overlapped(make(), name="maker") as items:
        next(items)
    assert not maker_threads()
    assert closed_in == ["maker"]


def test_the_readers_own_error_is_the_one_that_leaves() -> None:
    def make() -> Generator[int]:
        yield 1
        raise ValueError("of the maker")

    def read() -> None:
        with overlapped(make(), name="maker") as items:
            next(items)
            raise LookupError("of the reader")

    with pytest.raises(LookupError, match="of the reader"):
        read()
