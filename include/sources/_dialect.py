"""SQLAlchemy's dialect of PostgreSQL, with one cast put right."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg, PGDialect_psycopg


class _Compiler(PGCompiler_psycopg):
    """Puts numbers in parentheses before their cast, which binds tighter than the minus that is a part of them."""

    def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> str:
        """Return ``(x)::bigint``: without the parentheses, the smallest bigint is out of range."""
        number = issubclass(dbapi_type._type_affinity, sa.Integer | sa.Numeric)  # noqa: SLF001 - as the base does it
        cast: str = super().render_bind_cast(type_, dbapi_type, f"({sqltext})" if number else sqltext)  # type: ignore[no-untyped-call]
        return cast


class _Dialect(PGDialect_psycopg):
    statement_compiler = _Compiler
    supports_statement_cache = False


def dialect() -> sa.Dialect:
    """Return the dialect to compile statements with that psycopg quotes on the client."""
    return _Dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
