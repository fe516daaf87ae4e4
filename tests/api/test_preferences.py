"""The header Prefer (RFC 7240): what is understood, and that nothing else disturbs."""

from __future__ import annotations

import pytest

from export_api.preferences import wait_of


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (["wait=10"], 10),
        (["wait=0"], 0),
        (["wait=30"], 30),
        (["wait=31"], 30),
        (["wait=9999999999999999999"], 30),
        (["wait=007"], 7),
        (["WAIT = 5"], 5),
        (['wait="5"'], 5),
        (["respond-async, wait=5"], 5),
        (["respond-async", "wait=5"], 5),
        (["wait=5, wait=20"], 5),
        (["wait=5; foo=bar; baz"], 5),
        (['foo; bar="a, wait=9", wait=5'], 5),
        (['foo="\\", wait=9", wait=5'], 5),
        ([",, wait=5 ,"], 5),
        (["return=minimal; foo, wait=5"], 5),
        (["=, wait=5"], 5),
    ],
)
def test_a_wait_is_understood(lines: list[str], seconds: int) -> None:
    assert wait_of(lines) == seconds


@pytest.mark.parametrize(
    "line",
    [
        "",
        "wait",
        "wait=",
        'wait=""',
        "wait=-1",
        "wait=+1",
        "wait=1.5",
        "wait=ten",
        "wait=10s",
        "wait=1 0",
        'wait="5',
        "wait=\N{ARABIC-INDIC DIGIT FIVE}",
        "wait=99999999999999999999",
        "waiting=5",
        "no-wait=5",
        "wait=x, wait=5",
        'foo="wait=5',
        'foo="a, wait=5"',
        "return=minimal",
        "\\" * 1000,
        '"\\' * 10_000,
        "; " * 10_000,
    ],
)
def test_anything_else_is_ignored(line: str) -> None:
    assert wait_of([line]) is None


def test_without_the_header_nobody_waits() -> None:
    assert wait_of([]) is None
