"""From a request to what will be done: every field checked against the catalog, all mistakes told at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from include.core.errors import FieldError, InvalidRequest, NotFound, invalid
from include.core.exporter import ONLY
from include.core.filename import check_template
from include.core.query import Selection, check_filters, check_order, choose_columns
from include.core.request import ONE_READING, from_validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.core.catalog import Catalog
    from include.core.compression import Compression
    from include.core.exporter import Exporter
    from include.core.format import Format, FormatOptions
    from include.core.reader import Reader
    from include.core.registry import Registry
    from include.core.request import ExportRequest, SourceRequest
    from include.core.table import Table

M = TypeVar("M", bound=BaseModel)
N = TypeVar("N")


MAX_FILES = 10_000
"""Files that one export may be split into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedReading:
    """What is asked of one table of an exporter, every part of which exists and fits.

    ``sheet`` is the table's name where the exporter has several. ``given`` is what the request calls it, ``alone``
    whether it is the only table that goes by that name, and ``place`` which of the request's sources it is.
    """

    name: str
    exporter: Exporter[Any]
    table: Table[Any]
    params: BaseModel
    selection: Selection
    sheet: str = ONLY
    given: str | None = None
    alone: bool = True
    place: int = 0

    @property
    def title(self) -> str:
        """What a sheet of it is called."""
        if self.given is None:
            return self.table.title
        return self.given if self.alone else f"{self.given} - {self.table.title}"

    @property
    def stem(self) -> str:
        """What a file of it among others is called."""
        if self.given is None:
            return self.sheet or self.name
        return self.given if self.alone else f"{self.given}-{self.sheet}"


@dataclass(frozen=True, slots=True)
class ResolvedExport:
    """A request whose every part exists and fits."""

    request: ExportRequest
    readings: tuple[ResolvedReading, ...]
    format: Format
    options: FormatOptions
    compression: Compression | None = None

    @property
    def reader(self) -> Reader | None:
        """What reads the stored files back, where that was asked for."""
        return self.format.reader(self.options) if self.request.verify == "full" else None

    def frozen_request(self) -> dict[str, Any]:
        """Return the request with its defaults worked out, as JSON: what a run is given and a manifest records.

        Symbolic defaults such as ``start_of_month`` become dates here, so that a retry tomorrow reads the same rows.
        """
        frozen = self.request.to_conf()
        frozen["format"] = self.request.format
        places = frozen["sources"] if self.request.sources is not None else [frozen]
        for reading in self.readings:
            if params := reading.params.model_dump(mode="json", exclude_none=True):
                places[reading.place]["params"] = params
        return frozen


def resolve(
    request: ExportRequest, catalog: Catalog, formats: Registry[Format], compressions: Registry[Compression]
) -> ResolvedExport:
    """Check a request against the catalog.

    :raises InvalidRequest: with one pointer for each mistake.
    """
    errors: list[FieldError] = []
    _check_shape(request, errors)
    found = tuple(
        reading
        for place, (pointer, asked) in enumerate(request.readings())
        for reading in _readings(place, pointer, asked, catalog, errors)
    )
    made = _named(formats, request.format, "/format", errors)
    if request.filename is not None:
        try:
            check_template(request.filename)
        except ValueError as error:
            errors.append(FieldError("/filename", str(error)))
    options = _validated(made.options_type, request.options, "/options", errors) if made else None
    found = _split_by(request, found, errors)
    compression = _compression(request, found, made, compressions, errors) if made else None
    if made is not None and options is not None:
        for reading in found:
            errors.extend(made.misfits(reading.selection.schema, options))
        if request.verify == "full" and made.reader(options) is None:
            errors.append(FieldError("/verify", f"A {request.format} file cannot be read back: choose counts."))
    if errors or made is None or options is None:
        raise invalid(errors)
    return ResolvedExport(request, found, made, options, compression)


def _check_shape(request: ExportRequest, errors: list[FieldError]) -> None:
    """Check that one exporter is named, or several sources, and what belongs to each is written there."""
    if request.sources is None:
        if request.exporter is None:
            errors.append(FieldError("/exporter", "Name an exporter, or several sources."))
        return
    misplaced = sorted(ONE_READING & request.model_fields_set)
    errors.extend(FieldError(f"/{name}", "With sources, write this inside of each source.") for name in misplaced)


def _split_by(
    request: ExportRequest, readings: tuple[ResolvedReading, ...], errors: list[FieldError]
) -> tuple[ResolvedReading, ...]:
    """Check what is split, and sort by the column of whose values each gets a file."""
    split = request.split
    if split is None or not readings:
        return readings
    if len(readings) > 1:
        errors.append(FieldError("/split", "Only an export of one table can be split."))
        return readings
    if split.by is None:
        return readings
    (reading,) = readings
    selection, found = reading.selection, list[FieldError]()
    orders = check_order(reading.table.columns, [split.by], found)
    if found or split.by not in {column.origin for column in selection.columns}:
        known = ", ".join(column.origin for column in selection.columns)
        errors.append(FieldError("/split/by", found[0].detail if found else f"Split by a column of the file: {known}."))
        return readings
    if reading.table.columns[split.by].sensitive:
        detail = f"{split.by!r} is sensitive: its values would be names of files, which logs and links hold."
        errors.append(FieldError("/split/by", detail))
    if selection.limit is not None and selection.order_by and selection.order_by[0].column.origin != split.by:
        detail = f"With a limit, sort by {split.by!r} first: it is not certain which rows are meant otherwise."
        errors.append(FieldError("/split/by", detail))
    asked = tuple(order for order in selection.order_by if order.column.origin != split.by)
    own = next((order for order in selection.order_by if order.column.origin == split.by), orders[0])
    return (replace(reading, selection=replace(selection, order_by=(own, *asked))),)


def _compression(
    request: ExportRequest,
    readings: tuple[ResolvedReading, ...],
    made: Format,
    compressions: Registry[Compression],
    errors: list[FieldError],
) -> Compression | None:
    """Return how the file is compressed; several files that belong together go into one zip."""
    several = len(readings) > 1
    needs_bundle = several and not made.many_sheets
    name = request.compression or ("zip" if needs_bundle else None)
    compression = _named(compressions, name, "/compression", errors) if name else None
    if needs_bundle and compression is not None and not compression.bundles:
        errors.append(
            FieldError(
                "/compression",
                f"One {request.format} file holds one exporter's rows: several go into a zip, or into a format with "
                "sheets, such as xlsx.",
            )
        )
    return compression


def _readings(
    place: int, pointer: str, asked: SourceRequest, catalog: Catalog, errors: list[FieldError]
) -> Iterator[ResolvedReading]:
    """Yield what is asked of each of the exporter's tables that are wanted."""
    exporter = _exporter(pointer, asked.exporter, catalog, errors)
    if exporter is None:
        return
    found: list[FieldError] = []
    params = _validated(exporter.params_type, asked.params, "/params", found)
    tables = _wanted(asked, exporter.declared() if params is None else exporter.tables(params), found)
    selections = [(sheet, table, _selection(table, asked, found)) for sheet, table in tables.items()]
    if not tables and not found:
        found.append(FieldError("/params", "With these parameters the exporter has no table."))
    errors.extend(FieldError(pointer + error.pointer, error.detail) for error in found)
    if params is None:
        return
    for sheet, table, selection in selections:
        yield ResolvedReading(
            name=asked.exporter,
            exporter=exporter,
            table=table,
            params=params,
            selection=selection,
            sheet=sheet,
            given=asked.name,
            alone=len(tables) == 1,
            place=place,
        )


def _wanted(
    asked: SourceRequest, tables: Mapping[str, Table[Any]], errors: list[FieldError]
) -> Mapping[str, Table[Any]]:
    """Return the tables that are asked for; what belongs to one of them is no answer to several."""
    if asked.sheets is not None:
        unknown = f"known are: {', '.join(tables)}." if ONLY not in tables else "the exporter has one table only."
        for index, name in enumerate(asked.sheets):
            if name not in tables or name == ONLY:
                errors.append(FieldError(f"/sheets/{index}", f"There is no sheet {name!r}; {unknown}"))
            elif name in asked.sheets[:index]:
                errors.append(FieldError(f"/sheets/{index}", f"The sheet {name!r} is there twice."))
        tables = {name: tables[name] for name in asked.sheets if name in tables}
    if len(tables) > 1:
        detail = f"The exporter has several tables ({', '.join(tables)}): name one of them in sheets."
        given = [name for name in _OF_ONE_TABLE if getattr(asked, name)]
        errors.extend(FieldError(f"/{name}", detail) for name in given)
        return {name: table for name, table in tables.items() if not given}
    return tables


_OF_ONE_TABLE = ("columns", "where", "order_by", "limit")


def _selection(table: Table[Any], asked: SourceRequest, errors: list[FieldError]) -> Selection:
    return Selection(
        columns=choose_columns(table.columns, asked.columns, errors),
        filters=check_filters(table.columns, asked.where, errors),
        order_by=check_order(table.columns, asked.order_by, errors),
        limit=asked.limit,
    )


def _exporter(pointer: str, name: str, catalog: Catalog, errors: list[FieldError]) -> Exporter[Any] | None:
    try:
        return catalog.load(name)
    except NotFound as error:
        errors.append(FieldError(f"{pointer}/exporter", error.message))
        return None


def _named(registry: Registry[N], name: str, pointer: str, errors: list[FieldError]) -> N | None:
    try:
        return registry.load(name)()
    except NotFound as error:
        errors.append(FieldError(pointer, error.message))
        return None


def _validated(model: type[M], data: object, prefix: str, errors: list[FieldError]) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found: InvalidRequest = from_validation(error, prefix=prefix)
        errors.extend(found.errors)
        return None
