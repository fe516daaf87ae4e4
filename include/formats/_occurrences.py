"""Counting a pattern in bytes that come in pieces."""

from __future__ import annotations


class Occurrences:
    """Counts a pattern that cannot overlap itself."""

    def __init__(self, pattern: bytes) -> None:
        self.count = 0
        self._pattern = pattern
        self._carry = b""

    def feed(self, chunk: bytes) -> None:
        """Count the pattern in the next bytes, and where it lies across two pieces."""
        kept = len(self._pattern) - 1
        seam = self._carry + chunk[:kept]
        self.count += seam.count(self._pattern) + chunk.count(self._pattern)
        self._carry = (self._carry + chunk[-kept:])[-kept:] if kept else b""
