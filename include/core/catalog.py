"""The catalog of exporters: one file each, YAML or Python, loaded when asked for."""

from __future__ import annotations

import importlib.util
import re
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from include.core.errors import Fatal, NotFound
from include.core.exporter import Book, Exporter, SqlExporter
from include.core.params import ParamSpec, make_params_type
from include.core.registry import only_subclass
from include.core.schema import Column, ColumnType, Schema
from include.core.table import CountsTable, SqlTable, StatementTable, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ColumnSpec(BaseModel):
    """One column as a YAML exporter declares it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ColumnType
    label: str | None = None
    description: str = ""
    sensitive: bool = False
    on_request: bool = False
    precision: int | None = Field(None, ge=1, le=1000)
    scale: int | None = Field(None, ge=0, le=1000)

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return Column.of(
            name,
            self.type,
            self.label,
            description=self.description,
            sensitive=self.sensitive,
            on_request=self.on_request,
            precision=self.precision,
            scale=self.scale,
        )


class TableSpec(BaseModel):
    """What a YAML file says of a table that is read by a statement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, ColumnSpec] = Field(default_factory=dict)
    key: list[str] = Field(default_factory=list)
    sql: str | None = None
    sql_file: str | None = Field(None, description="A file below sql/ that holds the statement instead.")

    def check(self) -> None:
        """Check that it is one.

        :raises ValueError: saying what is missing.
        """
        if (self.sql is None) is (self.sql_file is None):
            raise ValueError("Give either sql or sql_file.")
        if not self.columns:
            raise ValueError("Declare the columns.")
        if missing := [name for name in self.key if name not in self.columns]:
            raise ValueError(f"The key names columns that are not declared: {', '.join(missing)}.")

    def parts(self, folder: Path) -> dict[str, Any]:
        """Return statement, columns and key."""
        sql = self.sql if self.sql is not None else (folder / "sql" / str(self.sql_file)).read_text(encoding="utf-8")
        return {
            "sql": sql.strip().removesuffix(";"),
            "columns": Schema(tuple(column.column(key) for key, column in self.columns.items())),
            "key": tuple(self.key),
        }


class SheetSpec(TableSpec):
    """One of several tables: read by a statement, or the counts of another one by a column of it."""

    title: str
    counts: str | None = Field(None, description="The sheet before this one whose rows are counted.")
    by: str | None = Field(None, description="The column by whose values they are counted.")

    @model_validator(mode="after")
    def _one_kind(self) -> SheetSpec:
        if (self.counts is None) is not (self.by is None):
            raise ValueError("counts and by belong together.")
        if self.counts is None:
            self.check()
        elif self.model_fields_set & TableSpec.model_fields.keys():
            raise ValueError("A sheet of counts has no statement, columns or key of its own.")
        return self


class ExporterSpec(TableSpec):
    """A YAML exporter's file: one table, or several ``sheets``."""

    title: str
    description: str = ""
    source: str
    params: dict[Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$")], ParamSpec] = Field(default_factory=dict)
    sheets: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")], SheetSpec] | None = Field(None, min_length=1)
    timeout: float | None = Field(None, gt=0, description="Seconds that the query may run at most.")
    max_expires_days: float | None = Field(None, gt=0, description="Days that its files are kept at most.")
    max_running: int | None = Field(None, ge=1, description="Exports of it that run at once, whoever asks for them.")
    time_limit: float | None = Field(None, gt=0, description="Seconds that an attempt at an export may take at most.")

    @model_validator(mode="after")
    def _complete(self) -> ExporterSpec:
        if self.sheets is None:
            self.check()
        elif self.model_fields_set & TableSpec.model_fields.keys():
            raise ValueError("With sheets, each sheet has its own columns, key and statement.")
        return self


class _YamlBook(Book[BaseModel]):
    """The sheets that a YAML file describes."""

    sheets: Mapping[str, SqlTable[BaseModel]]

    def declared(self) -> Mapping[str, Table[BaseModel]]:
        """Return them."""
        return self.sheets


def make_exporter(name: str, spec: ExporterSpec, folder: Path) -> Exporter[Any]:
    """Build the exporter that a YAML file describes."""
    attributes: dict[str, Any] = {
        "title": spec.title,
        "description": spec.description,
        "max_expires_days": spec.max_expires_days,
        "max_running": spec.max_running,
        "time_limit_seconds": spec.time_limit,
        "params_type": make_params_type(name, spec.params, source=spec.source),
    }
    base: type[Exporter[Any]] = SqlExporter
    if spec.sheets is None:
        attributes |= {"source": spec.source, "timeout_seconds": spec.timeout, **spec.parts(folder)}
    else:
        base = _YamlBook
        attributes["sheets"] = _make_sheets(spec, spec.sheets, folder)
    made: type[Exporter[Any]] = type(f"{name}_exporter", (base,), attributes)
    return made()


def _make_sheets(spec: ExporterSpec, sheets: Mapping[str, SheetSpec], folder: Path) -> dict[str, SqlTable[BaseModel]]:
    made: dict[str, SqlTable[BaseModel]] = {}
    for name, sheet in sheets.items():
        if sheet.counts is None or sheet.by is None:
            made[name] = StatementTable(
                title=sheet.title, source=spec.source, timeout_seconds=spec.timeout, **sheet.parts(folder)
            )
            continue
        if sheet.counts not in made or sheet.by not in made[sheet.counts].columns:
            raise ValueError(f"sheets.{name}: there is no column {sheet.by!r} of a sheet {sheet.counts!r} before it.")
        try:
            made[name] = CountsTable(made[sheet.counts], sheet.by, title=sheet.title)
        except ValueError as error:
            raise ValueError(f"sheets.{name}: {error}") from None
    return made


class Catalog:
    """The exporters of some folders; a name found in a later folder is an error, not a surprise."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    @property
    def names(self) -> tuple[str, ...]:
        """The exporters' names, sorted; read anew each time, so that a new file shows at once."""
        return tuple(sorted(self._files()))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._files()

    def load(self, name: str) -> Exporter[Any]:
        """Return the exporter of that name.

        :raises NotFound: when there is none.
        :raises Fatal: when its file is wrong; the message says where.
        """
        path = self._files().get(name)
        if path is None:
            raise NotFound(f"There is no exporter {name!r}; known are: {', '.join(self.names)}.")
        return _load(name, path, (_changed(path), *_statements(path.parent)))

    def working(self, *, python_in: Collection[Path] | None = None) -> Iterator[tuple[str, Exporter[Any]]]:
        """Yield the exporters that can be loaded, by name; one that is broken is told of when it is asked for.

        The folders are looked at once for all of them.

        :param python_in: folders whose Python files are imported; all when left out
        """
        files = self._files()
        statements = {folder: _statements(folder) for folder in {path.parent for path in files.values()}}
        for name, path in sorted(files.items()):
            if path.suffix == ".yaml" or python_in is None or path.parent in python_in:
                with suppress(Fatal):
                    yield name, _load(name, path, (_changed(path), *statements[path.parent]))

    def _files(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for folder in self._folders:
            if not folder.is_dir():
                raise Fatal(
                    f"The folder of exporters {folder} is not there: see [waybill] exporters_folder.",
                    code="misconfigured",
                )
            for path in sorted(folder.iterdir()):
                if path.suffix not in {".yaml", ".py"} or not _NAME.fullmatch(path.stem):
                    continue
                if path.stem in found:
                    raise Fatal(f"Two files define the exporter {path.stem!r}: {found[path.stem]} and {path}.")
                found[path.stem] = path
        return found


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns


def _statements(folder: Path) -> tuple[int, ...]:
    """Return when the statements beside a folder's exporters were last changed."""
    return tuple(map(_changed, sorted((folder / "sql").glob("*.sql"))))


@cache
def _load(name: str, path: Path, _stamp: tuple[int, ...]) -> Exporter[Any]:
    """Read one exporter's file; cached until it changes."""
    return _load_yaml(name, path) if path.suffix == ".yaml" else _load_python(name, path)


def _load_yaml(name: str, path: Path) -> Exporter[Any]:
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
        spec = ExporterSpec.model_validate(yaml.load(path.read_text(encoding="utf-8"), loader))  # noqa: S506 - it is safe
        return make_exporter(name, spec, path.parent)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Fatal(f"{path.name}: {where}: {first['msg']}", code="exporter_broken") from error
    except (ValueError, OSError, yaml.YAMLError) as error:
        raise Fatal(f"{path.name}: {error}", code="exporter_broken") from error


def _load_python(name: str, path: Path) -> Exporter[Any]:
    module_name = f"include.exporters.{name}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise Fatal(f"{path.name} cannot be imported.", code="exporter_broken")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
        return only_subclass(module, Exporter)()  # type: ignore[type-abstract]
    except Exception as error:
        del sys.modules[module_name]
        raise Fatal(f"{path.name}: {type(error).__name__}: {error}", code="exporter_broken") from error
