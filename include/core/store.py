"""What an export needs of the artifact store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the store acknowledged it: its length, and the CRC-32 combined from the parts that it checked."""

    bytes: int
    crc32: int


@dataclass(frozen=True, slots=True)
class LeftUpload:
    """An upload that a lost attempt left, and how many of its bytes are to be taken over, with their CRC-32.

    ``checksums`` are those of its parts, in the store's spelling: the store wants to hear them again, but tells
    none of them.
    """

    key: str
    upload_id: str
    checksums: tuple[str, ...]
    bytes: int
    crc32: int


class Follower(Protocol):
    """Follows an upload, so that a later attempt can go on with it.

    ``behind`` is what an earlier attempt left: its bytes come first.
    """

    behind: LeftUpload | None

    def acknowledged(self, upload_id: str, checksums: Sequence[str], length: int) -> None:
        """Hear that the store has so many bytes from the beginning, in parts with these checksums."""


@dataclass(frozen=True, slots=True)
class Lying:
    """An object that lies in the store, or an upload that was begun and never completed.

    :param key: relative to the store's prefix
    :param since: when it was written or begun, by the store's clock
    """

    key: str
    since: datetime
    upload_id: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a look through the store stands: objects come first, in the order of their keys, then uploads.

    :param after: the last object that was seen; of uploads, what the store gave as its marker
    """

    uploads: bool = False
    after: str = ""
    after_upload: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of what lies in the store, and where the next one begins; None after the last."""

    items: Sequence[Lying]
    next: Place | None


class Destination(Protocol):
    """Where the files of an export go."""

    def put(
        self, key: str, chunks: Iterator[bytes], *, media_type: str, filename: str, trail: Follower | None = None
    ) -> Stored:
        """Stream an object there in bounded memory; on any error nothing is left of it.

        With a trail, an upload that ends in a :class:`~include.core.errors.Retriable` stays, to be taken over.
        """

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of an object from ``start`` up to and without ``end``, or to its own end before that."""


class ArtifactStore(Destination, Protocol):
    """The artifact store; keys are relative to its prefix.

    Every method raises :class:`~include.core.errors.Retriable` when the store does not answer or refuses.
    """

    def publish(self, key: str, data: bytes) -> bool:
        """Write a small object unless one is there; return whether this call wrote it."""

    def write(self, key: str, data: bytes) -> None:
        """Write a small object, whether there is one or not."""

    def take_over(self, left: LeftUpload) -> bool:
        """Make an immutable object of an upload that was left; return whether its bytes are there.

        Whoever still writes to the upload is refused from then on.
        """

    def read(self, key: str) -> bytes | None:
        """Return a small object, or None when there is none."""

    def discard(self, key: str) -> None:
        """Delete an object, whether it is there or not."""

    def remove(self, folder: str, *, keep: Collection[str] = ()) -> None:
        """Delete every object and abort every upload below a folder, save for keys that start as ``keep`` says."""
