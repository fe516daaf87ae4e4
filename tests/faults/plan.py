"""Which fault strikes which export when: the same for the same seed and number, whatever ran before."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.faults.kinds import KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, as the table names it: its seed and its number are enough to make it again."""

    seed: int
    number: int
    kind: str
    shape: str
    """What is exported: one of ``exporting.SHAPES``."""
    share: float
    """How much of the rows are to be read when it strikes, where a stage says nothing else."""
    part: int
    """Which part of the upload is being sent when it strikes, where that matters."""
    seconds: float
    """How long something is away or stands still, where it comes back."""

    def chance(self) -> random.Random:
        """Return what else is random about it."""
        return random.Random(f"{self.seed}/{self.number}/more")


def fault(seed: int, number: int) -> Fault:
    """Return the fault of a number, counted from 1; the kinds come in turn, in an order that the seed decides."""
    order = list(KINDS)
    random.Random(seed).shuffle(order)
    kind = order[(number - 1) % len(order)]
    chance = random.Random(f"{seed}/{number}")
    return Fault(
        seed=seed,
        number=number,
        kind=kind,
        shape=chance.choice(KINDS[kind].shapes),
        share=round(chance.uniform(0.1, 0.6), 2),
        part=chance.choice((1, 2)),
        seconds=round(chance.uniform(3, 8), 1),
    )


def first_of(seed: int, kind: str) -> Fault:
    """Return the first fault of a kind."""
    return next(each for number in range(1, len(KINDS) + 1) if (each := fault(seed, number)).kind == kind)
