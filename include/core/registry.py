"""Registries of the folders whose files are the product's vocabulary: one file is one name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from include.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

T = TypeVar("T")


class Registry(Generic[T]):
    """The classes of one package: a module's name is the entry's name, its one subclass of ``base`` the entry.

    The folder is listed without importing anything; a module is imported when its name is first asked for.
    Modules that start with an underscore are shared parts, not entries.
    """

    def __init__(self, package: str, base: type[T]) -> None:
        self._package = package
        self._base = base

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The registered names, sorted."""
        folder = importlib.import_module(self._package).__path__
        return tuple(sorted(m.name for m in pkgutil.iter_modules(folder) if not m.name.startswith("_")))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def load(self, name: str) -> type[T]:
        """Import and return the class of that name.

        :raises NotFound: when no file has that name.
        """
        if name not in self.names:
            what = self._package.rpartition(".")[2]
            raise NotFound(f"There is no {name!r} in {what}: known are {', '.join(self.names)}.")
        return only_subclass(importlib.import_module(f"{self._package}.{name}"), self._base)


def only_subclass(module: ModuleType, base: type[T]) -> type[T]:
    """Return the one concrete subclass of ``base`` that a module defines itself.

    :raises TypeError: when there is none or more than one; a mistake of whoever wrote the file.
    """
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one {base.__name__}, found {len(found)}.")
    return found[0]
