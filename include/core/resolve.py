"""From a request to what will be done: every field checked against the catalog, all mistakes told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from include.core.errors import FieldError, InvalidRequest, NotFound, invalid
from include.core.filename import check_template
from include.core.query import Selection, check_filters, check_order, choose_columns
from include.core.request import ONE_READING, from_validation

if TYPE_CHECKING:
    from include.core.catalog import Catalog
    from include.core.compression import Compression
    from include.core.exporter import Exporter
    from include.core.format import Format, FormatOptions
    from include.core.reader import Reader
    from include.core.registry import Registry
    from include.core.request import ExportRequest, SourceRequest

M = TypeVar("M", bound=BaseModel)
N = TypeVar("N")


MAX_FILES = 10_000
"""Files that one export may be split into."""


@dataclass(frozen=True, slots=True)
class ResolvedReading:
    """What is asked of one exporter, every part of which exists and fits; ``given`` is what the request calls it."""

    name: str
    exporter: Exporter[Any]
    params: BaseModel
    selection: Selection
    given: str | None = None

    @property
    def title(self) -> str:
        """What a sheet of it is called."""
        return self.given or self.exporter.title


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
        for place, reading in zip(places, self.readings, strict=True):
            if params := reading.params.model_dump(mode="json", exclude_none=True):
                place["params"] = params
        return frozen


def resolve(
    request: ExportRequest, catalog: Catalog, formats: Registry[Format], compressions: Registry[Compression]
) -> ResolvedExport:
    """Check a request against the catalog.

    :raises InvalidRequest: with one pointer for each mistake.
    """
    errors: list[FieldError] = []
    _check_shape(request, errors)
    readings = tuple(_reading(pointer, asked, catalog, errors) for pointer, asked in request.readings())
    made = _named(formats, request.format, "/format", errors)
    if request.filename is not None:
        try:
            check_template(request.filename)
        except ValueError as error:
            errors.append(FieldError("/filename", str(error)))
    options = _validated(made.options_type, request.options, "/options", errors) if made else None
    found = tuple(reading for reading in readings if reading is not None)
    compression = _compression(request, made, compressions, errors) if made else None
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


def _compression(
    request: ExportRequest, made: Format, compressions: Registry[Compression], errors: list[FieldError]
) -> Compression | None:
    """Return how the file is compressed; several files that belong together go into one zip."""
    several = len(request.readings()) > 1
    if several and request.split is not None:
        errors.append(FieldError("/split", "Only an export of one exporter can be split."))
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


def _reading(pointer: str, asked: SourceRequest, catalog: Catalog, errors: list[FieldError]) -> ResolvedReading | None:
    exporter = _exporter(pointer, asked.exporter, catalog, errors)
    if exporter is None:
        return None
    found: list[FieldError] = []
    params = _validated(exporter.params_type, asked.params, "/params", found)
    selection = Selection(
        columns=choose_columns(exporter.columns, asked.columns, found),
        filters=check_filters(exporter.columns, asked.where, found),
        order_by=check_order(exporter.columns, asked.order_by, found),
        limit=asked.limit,
    )
    errors.extend(FieldError(pointer + error.pointer, error.detail) for error in found)
    if params is None:
        return None
    return ResolvedReading(asked.exporter, exporter, params, selection, asked.name)


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
