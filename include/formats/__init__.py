"""File formats: one file each, named as the format is."""

from include.core.format import Format
from include.core.registry import Registry

FORMATS: Registry[Format] = Registry("include.formats", Format)  # type: ignore[type-abstract]
