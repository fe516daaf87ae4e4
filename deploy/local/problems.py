"""What can go wrong while starting the local stack, in words for the person at the terminal."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LOG_LINES = 20


class StackError(Exception):
    """The local stack cannot do what was asked; the message says why and what to do."""


def tail(log: Path, lines: int = _LOG_LINES) -> str:
    """Return the last lines of a log, indented, or a note that there are none."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            last = deque(file, maxlen=lines)
    except FileNotFoundError:
        return "  (no log was written)"
    return "".join(f"  {line.rstrip()}\n" for line in last).rstrip("\n") or "  (the log is empty)"


def program_failed(program: str, reason: str, log: Path) -> StackError:
    """Describe a program that does not come up: its name, why, the end of its log and where the rest is."""
    return StackError(f"{program} {reason}. The last lines of its log:\n{tail(log)}\nThe whole log: {log}")
