"""What an export needs of the artifact store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the store acknowledged it: its length, and the CRC-32 combined from the parts that it checked."""

    bytes: int
    crc32: int


class Destination(Protocol):
    """Where the files of an export go."""

    def put(self, key: str, chunks: Iterator[bytes], *, media_type: str, filename: str) -> Stored:
        """Stream an object there in bounded memory; on any error nothing is left of it."""


class ArtifactStore(Destination, Protocol):
    """The artifact store; keys are relative to its prefix.

    Every method raises :class:`~include.core.errors.Retriable` when the store does not answer or refuses.
    """

    def publish(self, key: str, data: bytes) -> bool:
        """Write a small object unless one is there; return whether this call wrote it."""

    def read(self, key: str) -> bytes | None:
        """Return a small object, or None when there is none."""

    def remove(self, folder: str, *, keep: Collection[str] = ()) -> None:
        """Delete every object and abort every upload below a folder, save for keys that start as ``keep`` says."""
