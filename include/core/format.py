"""Formats: batches in, bytes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from include.core.errors import FieldError
    from include.core.reader import Reader
    from include.core.schema import Schema

Header = Literal["name", "label", "none"]


class FormatOptions(BaseModel):
    """Base of each format's options; an unknown option is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to encode: its title, its columns and its rows.

    ``batches`` can be read once; each has the Arrow schema ``arrow`` and at least one row.
    """

    title: str
    schema: Schema
    arrow: pa.Schema
    batches: Iterable[pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class CsvText:
    """A plain csv text that a source may write itself, byte for byte as the format would.

    UTF-8, quotes where they are needed, NULL is nothing, an empty text is ``""``. ``head`` is what comes before the
    rows, and the format's business.
    """

    head: bytes
    delimiter: str
    line_end: str


class RowCounter(ABC):
    """Counts rows from the bytes of a file as they pass, knowing nothing of how they were made."""

    @abstractmethod
    def feed(self, chunk: bytes) -> None:
        """Take the file's next bytes."""

    @abstractmethod
    def rows(self) -> int:
        """Return the number of data rows, header rows left out, once all bytes were fed."""

    @cached_property
    def counted(self) -> int:
        """The same, found out once: some counters read a file's directory or all its pages for it."""
        return self.rows()


@dataclass(slots=True)
class Encoding:
    """What a reader of the file should know and only its encoder finds out, as sentences."""

    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Add a sentence once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


class Format(ABC):
    """One file format; the module's name is the format's name.

    ``many_sheets`` says whether one file holds several sheets; ``encode`` is given exactly one where it does not.
    """

    media_type: ClassVar[str]
    suffix: ClassVar[str]
    options_type: ClassVar[type[FormatOptions]]
    many_sheets: ClassVar[bool] = False

    @abstractmethod
    def encode(self, sheets: Iterable[Sheet], options: FormatOptions, encoding: Encoding) -> Iterator[bytes]:
        """Yield the file's bytes while reading the sheets, in flat memory.

        :raises Fatal: when a value does not fit the format; the message names column and row, never the value.
        """

    @abstractmethod
    def counter(self, options: FormatOptions) -> RowCounter:
        """Return a counter of the rows in this format's bytes."""

    def misfits(self, schema: Schema, options: FormatOptions) -> list[FieldError]:  # noqa: ARG002
        """Return what is known to be wrong before a row is read, such as an option that names a column not there."""
        return []

    def forewarn(self, expected: Sequence[tuple[str, int]], options: FormatOptions) -> list[str]:  # noqa: ARG002
        """Return sentences that warn of so many rows, before they are read.

        :param expected: of each sheet of a file, its title and about how many rows it will have
        """
        return []

    def head(self, schema: Schema, options: FormatOptions) -> bytes | None:  # noqa: ARG002
        """Return what comes before the first row; None where a file cannot be cut between any two rows.

        Where it can, ``encode`` yields the head and then each batch's rows, the same wherever in the file they are.
        """
        return None

    def reader(self, options: FormatOptions) -> Reader | None:  # noqa: ARG002
        """Return what reads a file back, by code that did not write it; None where that cannot be done."""
        return None

    def plain_text(self, schema: Schema, options: FormatOptions, encoding: Encoding) -> CsvText | None:  # noqa: ARG002
        """Return how a source would have to write the rows itself, or None where it cannot know."""
        return None
