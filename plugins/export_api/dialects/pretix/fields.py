"""Fields of a run: an exporter's parameters, read and refused as Django REST framework does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import TypeAdapter, ValidationError

from include.core.date_frames import date_frame
from include.core.params import Reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

REQUIRED = "This field is required."
DATE = "date"
FRAME = "date-frame"

_MISFITS = {
    "boolean": "Must be a valid boolean.",
    "integer": "A valid integer is required.",
    "number": "A valid number is required.",
    "string": "Not a valid string.",
    DATE: "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.",
    "date-time": "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
    "time": "Time has wrong format. Use one of these formats instead: hh:mm[:ss[.uuuuuu]].",
    "uuid": "Must be a valid UUID.",
    "email": "Enter a valid email address.",
    "uri": "Enter a valid URL.",
    FRAME: "Invalid date frame",
}
"""The product's sentence for each kind, which is a parameter's type or format in JSON Schema."""

_TEXTS = frozenset({"string", "email", "uri"})


class Misfit(ValueError):  # noqa: N818 - what it is, not that it is one
    """A value does not fit its field; the sentence says so in the product's words."""


@dataclass(frozen=True, slots=True)
class Today:
    """What words such as "this month" and times without a zone are understood by."""

    day: date
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``keys`` says that its values are keys of something in the source."""

    name: str
    required: bool
    kind: str
    many: bool
    keys: bool
    choices: tuple[str, ...] | None
    adapter: TypeAdapter[Any]

    def described(self) -> dict[str, Any]:
        """Return what the list of exporters says of it."""
        choices = {} if self.choices is None else {"choices": list(self.choices)}
        return {"name": self.name, "required": self.required, **choices}

    def read(self, value: Any, today: Today) -> Any:
        """Return a value as the exporter takes it, in JSON; None is as if it were not there.

        :raises Misfit: when it is not valid.
        """
        if value is None:
            if self.required:
                raise Misfit("This field may not be null.")
            return None
        return self._read_many(value) if self.many else self._read_one(value, today)

    def _read_many(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise Misfit(f'Expected a list of items but got type "{type(value).__name__}".')
        if not value:
            if self.required:
                raise Misfit(f"This {'list' if self.choices is None else 'selection'} may not be empty.")
            return None
        # The product keeps them as a set.
        return list(dict.fromkeys(self._item(item) for item in value))

    def _item(self, value: Any) -> str | int:
        return _key(value, self.kind) if self.choices is None else _choice(value, self.choices)

    def _read_one(self, value: Any, today: Today) -> Any:
        if self.keys or self.choices is not None:
            return self._item(value)
        if self.kind == FRAME:
            return _frame(value, today.day)
        if self.kind in _TEXTS and (value := _text(value, self.kind)) == "":
            if self.required:
                raise Misfit("This field may not be blank.")
            return None
        try:
            read = self.adapter.validate_python(_zoned(value, today.zone) if self.kind == "date-time" else value)
        except ValidationError:
            raise Misfit(_MISFITS[self.kind]) from None
        return self.adapter.dump_python(read, mode="json")


def boolean(name: str) -> Field:
    """Return a field that nobody needs to fill in."""
    return Field(name, False, "boolean", False, False, None, TypeAdapter(bool))  # noqa: FBT003 - named above


def _field_of(name: str, info: FieldInfo, described: dict[str, Any]) -> Field:
    """Return the field for a parameter.

    :param described: its JSON Schema
    """
    options = [option for option in described.get("anyOf", [described]) if option.get("type") != "null"]
    found = options[0]
    many = found.get("type") == "array"
    item = found["items"] if many else found
    annotation: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    choices = item.get("enum") or ([item["const"]] if "const" in item else None)
    return Field(
        name=name,
        required=info.is_required(),
        kind=item.get("format", item["type"]),
        many=many,
        keys=reference_of(info) is not None,
        choices=None if choices is None else tuple(map(str, choices)),
        adapter=TypeAdapter(annotation),
    )


def reference_of(info: FieldInfo) -> Reference | None:
    """Return what a parameter's values are looked up by, if they are."""
    return next((item for item in info.metadata if isinstance(item, Reference)), None)


def fields_of(params_type: type[BaseModel]) -> dict[str, Field]:
    """Return the fields for an exporter's parameters, by name, in their order."""
    described = params_type.model_json_schema()["properties"]
    return {name: _field_of(name, info, described[name]) for name, info in params_type.model_fields.items()}


def read_date(value: Any) -> str | None:
    """Return a day as ISO 8601 has it, or None for what stands for no day.

    :raises Misfit: when it is none.
    """
    if value in (None, ""):
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d").date().isoformat()  # noqa: DTZ007 - a day has no zone
    except (TypeError, ValueError):
        raise Misfit(_MISFITS[DATE]) from None


def _choice(value: Any, choices: tuple[str, ...]) -> str:
    if str(value) not in choices:
        raise Misfit(f'"{value}" is not a valid choice.')
    return str(value)


def _key(value: Any, kind: str) -> str | int:
    """Return a key: the product takes numbers in texts, too."""
    wanted: Callable[[Any], str | int] = int if kind == "integer" else str
    try:
        if isinstance(value, str | int) and not isinstance(value, bool):
            return wanted(value)
    except ValueError:
        pass
    raise Misfit(f"Incorrect type. Expected pk value, received {type(value).__name__}.")


def _frame(value: Any, today: date) -> str | None:
    """Return a frame as two days; what it is called by is understood where the event takes place."""
    if value == "/":
        return None
    if not isinstance(value, str):
        raise Misfit(_MISFITS[FRAME])
    try:
        return str(date_frame(value, today))
    except ValueError:
        raise Misfit(_MISFITS[FRAME]) from None


def _text(value: Any, kind: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Misfit(_MISFITS[kind])
    return str(value).strip()


def _zoned(value: Any, zone: tzinfo) -> Any:
    """Return a time without a zone as one of the event's."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return found.replace(tzinfo=zone).isoformat() if found.tzinfo is None else value
