"""Kinds of sources: one file each, named as the Airflow connection type that it reads."""

from include.core.registry import Registry
from include.core.source import Source

SOURCES: Registry[Source] = Registry("include.sources", Source)  # type: ignore[type-abstract]

FALLBACK = "database"
"""The kind that reads every connection type without a file of its own, through its Airflow hook."""
