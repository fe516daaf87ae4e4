"""From a request to what will be done: every field checked against the catalog, all mistakes told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from include.core.errors import FieldError, InvalidRequest, NotFound, invalid
from include.core.filename import check_template
from include.core.query import Selection, check_filters, check_order, choose_columns
from include.core.request import from_validation

if TYPE_CHECKING:
    from include.core.catalog import Catalog
    from include.core.exporter import Exporter
    from include.core.format import Format, FormatOptions
    from include.core.registry import Registry
    from include.core.request import ExportRequest

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ResolvedExport:
    """A request whose every part exists and fits."""

    request: ExportRequest
    exporter: Exporter[Any]
    params: BaseModel
    selection: Selection
    format: Format
    options: FormatOptions

    def frozen_request(self) -> dict[str, Any]:
        """Return the request with its defaults worked out, as JSON: what a run is given and a manifest records.

        Symbolic defaults such as ``start_of_month`` become dates here, so that a retry tomorrow reads the same rows.
        """
        frozen = self.request.to_conf()
        frozen["format"] = self.request.format
        if params := self.params.model_dump(mode="json", exclude_none=True):
            frozen["params"] = params
        return frozen


def resolve(request: ExportRequest, catalog: Catalog, formats: Registry[Format]) -> ResolvedExport:
    """Check a request against the catalog.

    :raises InvalidRequest: with one pointer for each mistake.
    """
    errors: list[FieldError] = []
    exporter = _exporter(request, catalog, errors)
    file_format = _format(request, formats, errors)
    if request.filename is not None:
        try:
            check_template(request.filename)
        except ValueError as error:
            errors.append(FieldError("/filename", str(error)))
    options = _validated(file_format.options_type, request.options, "/options", errors) if file_format else None
    params = selection = None
    if exporter is not None:
        params = _validated(exporter.params_type, request.params, "/params", errors)
        selection = Selection(
            columns=choose_columns(exporter.columns, request.columns, errors),
            filters=check_filters(exporter.columns, request.where, errors),
            order_by=check_order(exporter.columns, request.order_by, errors),
            limit=request.limit,
        )
    if errors or exporter is None or file_format is None or params is None or options is None or selection is None:
        raise invalid(errors)
    return ResolvedExport(request, exporter, params, selection, file_format, options)


def _exporter(request: ExportRequest, catalog: Catalog, errors: list[FieldError]) -> Exporter[Any] | None:
    try:
        return catalog.load(request.exporter)
    except NotFound as error:
        errors.append(FieldError("/exporter", error.message))
        return None


def _format(request: ExportRequest, formats: Registry[Format], errors: list[FieldError]) -> Format | None:
    try:
        return formats.load(request.format)()
    except NotFound as error:
        errors.append(FieldError("/format", error.message))
        return None


def _validated(model: type[M], data: object, prefix: str, errors: list[FieldError]) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found: InvalidRequest = from_validation(error, prefix=prefix)
        errors.extend(found.errors)
        return None
