"""Compressions: what is done to a file's bytes before they are stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol

from include.core.errors import VerificationFailed
from include.core.format import RowCounter

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from io import BufferedIOBase


class Encoded(Protocol):
    """A file before compression: its name, and its bytes, which can be read once."""

    @property
    def name(self) -> str:
        """The file's name, unique among those that are compressed together."""

    @property
    def chunks(self) -> Iterator[bytes]:
        """The file's bytes."""


class Compression(ABC):
    """One way to compress; the module's name is its name.

    ``bundles`` says whether it puts several files into one. Equal files give equal bytes: no times, no names of
    machines.
    """

    media_type: ClassVar[str]
    suffix: ClassVar[str]
    bundles: ClassVar[bool] = False

    @abstractmethod
    def compress(self, files: Iterable[Encoded]) -> Generator[bytes]:
        """Yield the bytes of the files compressed, in flat memory; there is one file unless this one bundles."""

    @abstractmethod
    def counter(self, counters: Sequence[RowCounter]) -> RowCounter:
        """Return a counter that decompresses what it is fed and gives each file's bytes to the file's counter.

        ``counters`` may grow while it is fed: a file's counter is there before the file's bytes are.
        """

    @abstractmethod
    def unpack(self, file: BufferedIOBase) -> Iterator[BufferedIOBase]:
        """Yield each file inside of a compressed one, to be read once and in turn, by code that did not compress it."""


class Decompressor(Protocol):
    """What zlib's and zstandard's decompression objects have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was reached."""

    def decompress(self, data: bytes, /) -> bytes:
        """Return what the next bytes hold."""


class DecompressingCounter(RowCounter):
    """Counts rows in one compressed file.

    :param damage: what the decompressor raises at bytes that nobody compressed
    """

    def __init__(self, decompressor: Decompressor, counters: Sequence[RowCounter], *, damage: type[Exception]) -> None:
        self._decompressor = decompressor
        self._counters = counters
        self._damage = damage

    def feed(self, chunk: bytes) -> None:
        """Take the compressed file's next bytes.

        :raises VerificationFailed: when they cannot be decompressed.
        """
        try:
            text = self._decompressor.decompress(chunk)
        except self._damage as error:
            raise VerificationFailed(
                "The compressed file that was written cannot be read. Nothing was published."
            ) from error
        if text:
            self._counters[0].feed(text)

    def rows(self) -> int:
        """Return the count of the file's own counter.

        :raises VerificationFailed: when the compressed stream has no end.
        """
        if not self._decompressor.eof:
            raise VerificationFailed("The compressed file that was written ends too early. Nothing was published.")
        return self._counters[0].counted
