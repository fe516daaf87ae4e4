"""The files of an export before compression: how many there are, what they are called, what is in each."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from include.core.content import Content
from include.core.errors import Fatal
from include.core.extraction import Extraction
from include.core.filename import clean, make_filename, slug, unique
from include.core.format import Encoding, Sheet
from include.core.resolve import MAX_FILES
from include.core.split import Cut

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from datetime import datetime

    from include.core.format import CsvText, RowCounter
    from include.core.progress import Progress
    from include.core.request import Split
    from include.core.resolve import ResolvedExport
    from include.core.resume import Checkpoint, Trail
    from include.core.schema import Schema
    from include.core.source import Sources
    from include.core.split import Part


@dataclass(slots=True)
class Document:
    """One file before compression; ``rows`` is asked after its bytes were read: how many reached its encoder.

    ``extractions`` are those whose rows it holds, all or some.
    """

    name: str
    chunks: Generator[bytes]
    counter: RowCounter
    rows: Callable[[], int]
    extractions: Sequence[Extraction]


@dataclass(frozen=True, slots=True)
class Naming:
    """What files are called."""

    template: str | None
    exporter: str
    export_id: str
    moment: datetime

    def name(self, *suffixes: str, number: int | None = None) -> str:
        """Return a file's name."""
        return make_filename(
            self.template,
            exporter=self.exporter,
            export_id=self.export_id,
            moment=self.moment,
            suffixes=suffixes,
            number=number,
        )


class Documents:
    """Makes the documents of one export, one after the other: each is read to its end before the next is asked for."""

    def __init__(
        self,
        resolved: ResolvedExport,
        sources: Sources,
        progress: Progress,
        naming: Naming,
        *,
        trail: Trail | None = None,
    ) -> None:
        start = trail.start if trail else None
        self.extractions = [
            Extraction(
                reading,
                sources,
                progress,
                last=reading is resolved.readings[-1],
                start=start,
                content=_content(resolved, number, start),
            )
            for number, reading in enumerate(resolved.readings)
        ]
        self.encoding = Encoding(notes=list(start.notes) if start else [])
        self.trail = trail
        self._resolved = resolved
        self._naming = naming
        self._made: Generator[Document] | None = None
        self._current: Document | None = None

    def __iter__(self) -> Iterator[Document]:
        """Make them."""
        self._made = self._all()
        for document in self._made:
            self._current = document
            yield document

    def close(self) -> None:
        """Stop what is being read; safe when everything was."""
        if self._current is not None:
            self._current.chunks.close()
        if self._made is not None:
            self._made.close()

    def _all(self) -> Generator[Document]:
        format_ = self._resolved.format
        if self._resolved.request.split is not None:
            yield from self._parts(self._resolved.request.split)
        elif len(self.extractions) == 1 or format_.many_sheets:
            yield self._whole(self._naming.name(format_.suffix), self.extractions)
        else:
            yield from self._one_each()

    def _one_each(self) -> Iterator[Document]:
        names: set[str] = set()
        for extraction in self.extractions:
            yield self._whole(self._own_name(extraction, names), [extraction])

    def _own_name(self, extraction: Extraction, names: set[str]) -> str:
        """Return a name for one exporter's file among others; none is there twice, whatever the file system."""
        return unique(clean(extraction.reading.stem), self._resolved.format.suffix, names)

    def _whole(self, name: str, extractions: list[Extraction]) -> Document:
        chunks, before = self._straight_or_encoded(extractions), 0
        if self.trail is not None:
            chunks = self.trail.over(chunks, extractions[0].end, head=len(self._head(extractions[0])))
            before = self.trail.rows
        return self._document(name, chunks, lambda: before + sum(each.opened.rows for each in extractions), extractions)

    def _head(self, extraction: Extraction) -> bytes:
        return self._resolved.format.head(extraction.reading.selection.schema, self._resolved.options) or b""

    def _straight_or_encoded(self, extractions: list[Extraction]) -> Generator[bytes]:
        text = self._plain_text(extractions)
        if text is not None:
            with extractions[0].text(text) as rows:
                if rows is not None:
                    yield text.head
                    yield from rows
                    return
        with closing(_sheets(extractions)) as sheets:
            yield from self._encoded(sheets)

    def _plain_text(self, extractions: list[Extraction]) -> CsvText | None:
        if len(extractions) > 1 or extractions[0].content is not None:  # typed rows are hashed
            return None
        schema = extractions[0].reading.selection.schema
        return self._resolved.format.plain_text(schema, self._resolved.options, self.encoding)

    def _encoded(self, sheets: Iterator[Sheet]) -> Generator[bytes]:
        with closing(self._resolved.format.encode(sheets, self._resolved.options, self.encoding)) as encoded:  # type: ignore[type-var]
            yield from encoded

    def _parts(self, split: Split) -> Iterator[Document]:
        """Cut one exporter's rows into files; there is always a first one."""
        with self.extractions[0].sheet() as sheet:
            cut = Cut(sheet.batches, split, by=_place_of(split, sheet.schema))
            number, names = 0, set[str]()
            while number == 0 or cut.more():
                number += 1
                if number > MAX_FILES:
                    raise Fatal(
                        f"The export would have more than {MAX_FILES:,} files. Split it into larger ones.",
                        code="too_many_files",
                    )
                part = cut.next_part()
                name = self._part_name(part, sheet.schema, number, names)
                encoded = self._encoded(iter([replace(sheet, batches=part.batches())]))
                yield self._document(name, part.over_chunks(encoded), part.rows_taken, self.extractions)

    def _part_name(self, part: Part, schema: Schema, number: int, names: set[str]) -> str:
        """Return a part's name: its number, or what its rows have in common."""
        suffix, compression = self._resolved.format.suffix, self._resolved.compression
        if part.value is None or part.place is None:
            return self._naming.name(suffix, number=number)
        textual = schema.columns[part.place].type.textual
        stem = slug(part.value) if textual else clean(part.value)  # a number keeps its sign and its point
        if compression is None or not compression.bundles:
            stem = f"{self._naming.name(suffix).removesuffix(suffix)}-{stem}"
        return unique(stem, suffix, names)

    def _document(
        self, name: str, chunks: Generator[bytes], rows: Callable[[], int], extractions: Sequence[Extraction]
    ) -> Document:
        counter = self._resolved.format.counter(self._resolved.options)
        return Document(name, chunks, counter, rows, extractions)


def _content(resolved: ResolvedExport, number: int, start: Checkpoint | None) -> Content | None:
    """Return what hashes the rows of one reading, where the file will be read back; some may be hashed already."""
    reader, schema = resolved.reader, resolved.readings[number].selection.schema
    if reader is None:
        return None
    if start is None:
        return Content(schema, number, reader.promised)
    return Content(schema, number, reader.promised, value=start.content, rows=start.rows)


def _place_of(split: Split, schema: Schema) -> int | None:
    """Return where the column is by whose values the file is split."""
    return next((index for index, column in enumerate(schema) if column.origin == split.by), None)


def _sheets(extractions: list[Extraction]) -> Generator[Sheet]:
    for extraction in extractions:
        with extraction.sheet() as sheet:
            yield sheet
