"""References: parameters whose values are keys of something in the source, and are looked up there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.core.errors import Fatal, FieldError, Retriable, invalid
from include.core.params import Reference, binds_of
from include.core.query import Filter, Query, Selection
from include.core.request import Op
from include.core.schema import Column, ColumnType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel

    from include.core.resolve import ResolvedExport
    from include.core.source import Sources

_KEY_TYPES = {str: ColumnType.STRING, int: ColumnType.INTEGER}

LOOKUP_SECONDS = 10
"""The longest that looking up one parameter's keys may take."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The keys that a request gives for one parameter, each with its pointer, and what the look-up may bind."""

    pointer: str
    reference: Reference
    keys: Mapping[str, Any]
    arguments: Mapping[str, Any]


def references_of(resolved: ResolvedExport) -> list[Asked]:
    """Return what is to be looked up before a request is believed."""
    pointers = [pointer for pointer, _ in resolved.request.readings()]
    given = {reading.place: reading.params for reading in resolved.readings}
    return [asked for place, params in given.items() for asked in _asked(params, pointers[place])]


def check_references(wanted: Sequence[Asked], sources: Sources) -> None:
    """Look up keys.

    :raises InvalidRequest: with a pointer to each that is not there.
    :raises Retriable: when a source does not answer, or not in time.
    :raises Fatal: when it refuses the look-up.
    """
    errors: list[FieldError] = []
    for asked in wanted:
        known = _known(asked, sources)
        missing = [pointer for pointer, key in asked.keys.items() if key not in known]
        errors.extend(FieldError(pointer, "The source has nothing of that key.") for pointer in missing)
    if errors:
        raise invalid(errors)


def _known(asked: Asked, sources: Sources) -> set[Any]:
    try:
        return known_keys(asked.reference, asked.arguments, list(asked.keys.values()), sources)
    except Fatal as error:
        if error.error_code != "query_timeout":
            raise
        raise Retriable(
            f"{asked.pointer}: source {asked.reference.source!r} took too long to look up what was given: it has "
            f"{LOOKUP_SECONDS} s. Try again; if that does not help, the exporter's lookup has to become quicker.",
            code="source_slow",
        ) from error


def known_keys(reference: Reference, arguments: Mapping[str, Any], keys: Sequence[Any], sources: Sources) -> set[Any]:
    """Return those of some keys that the source has.

    :param arguments: values of the parameters that the look-up binds
    """
    column = Column.of("key", _KEY_TYPES[type(keys[0])])
    query = Query(
        sql=reference.lookup,
        arguments=arguments,
        selection=Selection((column,), (Filter(column, Op.IN, tuple(keys)),)),
        timeout_seconds=LOOKUP_SECONDS,
    )
    return {key for batch in sources.look_up(reference.source, query) for key in batch.column(0).to_pylist()}


def _asked(params: BaseModel, pointer: str) -> list[Asked]:
    found = []
    for name, field in type(params).model_fields.items():
        reference = next((item for item in field.metadata if isinstance(item, Reference)), None)
        value = getattr(params, name)
        if reference is None or value in (None, []):
            continue
        here = f"{pointer}/params/{name}"
        keys = {f"{here}/{index}": key for index, key in enumerate(value)} if isinstance(value, list) else {here: value}
        found.append(Asked(here, reference, keys, binds_of(params)))
    return found
