"""Our tables on a real PostgreSQL: the same by creation and by migration, and append-only where promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.orm import Session

import export_api.db
from export_api import tokens
from export_api.db import listing, records
from export_api.db.listing import Cursor, Filter
from export_api.db.models import Audit, Base, Export, Token
from export_api.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(export_api.db.__file__).parent
NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    config = Config(FOLDER / "alembic.ini")
    config.set_main_option("script_location", str(FOLDER / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        if revision == "base":
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)


def catalogue(engine: sa.Engine) -> dict[str, set[Any]]:
    """Describe what PostgreSQL holds, apart from Alembic's own table."""
    questions = {
        "columns": "select table_name, column_name, data_type, character_maximum_length, is_nullable, column_default"
        " from information_schema.columns where table_schema = 'public' and table_name like 'waybill%'",
        "indexes": "select indexdef from pg_indexes where schemaname = 'public' and tablename like 'waybill%'",
        "constraints": "select conname, pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid::regclass::text like 'waybill%'",
        "triggers": "select tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal",
        "functions": "select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace",
    }
    with engine.connect() as connection:
        return {what: {tuple(row) for row in connection.execute(sa.text(ask))} for what, ask in questions.items()}


@pytest.fixture
def session(database: sa.Engine) -> Iterator[Session]:
    Base.metadata.create_all(database)
    with Session(database, expire_on_commit=False) as opened:
        yield opened


def make(session: Session, **changes: Any) -> Export:
    number = changes.pop("number", 0)
    export = Export(
        **{
            "id": uuid4(),
            "dag_id": "export",
            "run_id": uuid4().hex,
            "task_id": "export",
            "map_index": -1,
            "exporter": "machines",
            "format": "csv",
            "name": None,
            "request": {"exporter": "machines"},
            "trigger": "api",
            "requested_by": "anna",
            "created_at": NOW + timedelta(seconds=number),
            **changes,
        }
    )
    session.add(export)
    session.commit()
    return export


def test_the_models_say_what_the_migrations_make(database: sa.Engine) -> None:
    migrate(database)
    with database.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "version_table": "alembic_version_waybill", "include_object": is_ours},
        )
        assert compare_metadata(context, Base.metadata) == []


def is_ours(_object: object, name: str, kind: str, *_rest: object) -> bool:
    return kind != "table" or name in Base.metadata.tables


def test_creating_and_migrating_make_the_same_database(database: sa.Engine) -> None:
    migrate(database)
    migrated = catalogue(database)
    migrate(database, "base")
    assert not any(catalogue(database).values())
    Base.metadata.create_all(database)
    created = catalogue(database)
    assert created == migrated
    assert created["triggers"]
    Base.metadata.drop_all(database)
    assert not any(catalogue(database).values())


def test_an_older_install_keeps_its_exports_and_takes_the_names_of_many_exporters(database: sa.Engine) -> None:
    migrate(database, "0001")
    old = uuid4()
    with database.begin() as connection:  # by itself: the models know of columns that were not there yet
        columns = "id, dag_id, run_id, task_id, map_index, exporter, request, trigger, requested_by, created_at"
        values = ":id, 'export', 'old', 'export', -1, :exporter, '{}', 'api', 'anna', now()"
        statement = sa.text(f"insert into waybill_export ({columns}) values ({values})")
        connection.execute(statement, {"id": old, "exporter": "x" * 200})
    migrate(database)
    with Session(database) as session:
        many = make(session, exporter=", ".join(f"exporter_{number}" for number in range(50))).id
        assert session.get_one(Export, old).exporter == "x" * 200
        for name, found in (("x" * 200, [old]), ("exporter_49", [many]), ("exporter_4", [many]), ("exporter_5%", [])):
            wanted = Filter(exporter=name)
            assert [export.id for export in listing.page(session, wanted, 10)] == found
            assert listing.count(session, wanted) == len(found)


@pytest.mark.parametrize(
    "statement",
    [
        "update waybill_audit set caller = 'x'",
        "delete from waybill_audit",
        "truncate waybill_audit",
        "update waybill_audit set caller = 'x' where false",
    ],
)
def test_the_audit_trail_cannot_be_changed(session: Session, statement: str) -> None:
    records.audit(session, at=NOW, caller="anna", action="create")
    session.commit()
    with pytest.raises(sa.exc.DatabaseError, match="append-only"):
        session.execute(sa.text(statement))
    session.rollback()
    assert session.scalars(sa.select(Audit.caller)).all() == ["anna"]


def test_an_export_is_settled_once(session: Session) -> None:
    export = make(session)
    first = {"settled_at": NOW, "status": Status.FAILED, "error": {"code": "a", "detail": "b", "retryable": False}}
    assert records.settle(session, export.id, first)
    assert not records.settle(session, export.id, {"settled_at": NOW, "status": Status.SUCCEEDED})
    session.commit()
    session.expire_all()
    found = records.find(session, export.id)
    assert found is not None
    assert found.status == "failed"


def test_a_status_without_settling_is_impossible(session: Session) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        make(session, status="succeeded")


def adoptable(number: int) -> dict[str, Any]:
    return {
        "id": UUID(int=number),
        "dag_id": "weekly",
        "run_id": f"scheduled__{number}",
        "task_id": "export",
        "map_index": -1,
        "exporter": "orders",
        "format": "csv",
        "name": None,
        "request": {"exporter": "orders"},
        "trigger": "schedule",
        "requested_by": "shop",
        "created_at": NOW,
    }


def test_adopting_twice_adds_once(session: Session) -> None:
    rows = [adoptable(1), adoptable(2)]
    assert set(records.adopt(session, rows)) == {UUID(int=1), UUID(int=2)}
    assert records.adopt(session, [*rows, adoptable(3)]) == [UUID(int=3)]
    assert records.adopt(session, []) == []


def walk(session: Session, wanted: Filter, size: int) -> list[UUID]:
    found: list[UUID] = []
    while True:
        page = listing.page(session, wanted, size)
        found += [export.id for export in page]
        if len(page) < size:
            return found
        wanted = replace(wanted, after=Cursor(page[-1].created_at, page[-1].id))


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pages_show_each_export_once_even_those_of_one_moment(session: Session, size: int, *, descending: bool) -> None:
    made = [make(session, number=number // 3) for number in range(12)]
    expected = [e.id for e in sorted(made, key=lambda e: (e.created_at, e.id), reverse=descending)]
    assert walk(session, Filter(descending=descending), size) == expected


def test_filters_and_counts(session: Session) -> None:
    mine = make(session, number=1, name="October")
    theirs = make(session, number=2, requested_by="bert", exporter="orders")
    done = make(session, number=3, settled_at=NOW, status="succeeded")
    for wanted, expected in (
        (Filter(), [done, theirs, mine]),
        (Filter(requested_by="anna"), [done, mine]),
        (Filter(exporter="orders"), [theirs]),
        (Filter(name="October"), [mine]),
        (Filter(status=Status.SUCCEEDED), [done]),
        (Filter(unsettled=True), [theirs, mine]),
        (Filter(created_after=NOW + timedelta(seconds=1)), [done, theirs]),
        (Filter(requested_by="bert", status=Status.SUCCEEDED), []),
    ):
        assert [e.id for e in listing.page(session, wanted, 10)] == [e.id for e in expected]
        assert listing.count(session, wanted) == len(expected)
        assert listing.count(session, replace(wanted, after=Cursor(NOW, mine.id))) == len(expected)


def test_what_failed_is_swept_at_once_and_again_after_stragglers(session: Session) -> None:
    failed = make(session, settled_at=NOW, status="failed")
    make(session, settled_at=NOW, status="succeeded")
    make(session)
    assert [e.id for e in records.unswept(session, NOW, 10)] == [failed.id]
    records.mark_swept(session, failed.id, NOW + timedelta(seconds=1))
    assert records.unswept(session, NOW + timedelta(seconds=2), 10) == []
    late = NOW + records.STRAGGLING + timedelta(seconds=1)
    assert [e.id for e in records.unswept(session, late, 10)] == [failed.id]
    records.mark_swept(session, failed.id, late)
    assert records.unswept(session, late + timedelta(hours=1), 10) == []


def add_token(session: Session, **changes: Any) -> tokens.NewToken:
    made = tokens.make()
    session.add(
        Token(
            id=uuid4(),
            account="anna",
            claims={"sub": "7"},
            prefix=made.prefix,
            sha256=made.sha256,
            created_at=NOW,
            **changes,
        )
    )
    session.commit()
    return made


def test_a_token_works_until_it_expires_or_is_revoked(session: Session) -> None:
    good = add_token(session, expires_at=NOW + timedelta(days=1))
    other = add_token(session)
    unknown = tokens.digest("wb_other")

    def works(moment: datetime) -> set[str]:
        return {found.sha256 for found in records.use_tokens(session, [good.sha256, unknown, other.sha256], moment)}

    assert works(NOW) == {good.sha256, other.sha256}
    assert records.use_tokens(session, [good.sha256], NOW)[0].claims == {"sub": "7"}
    assert works(NOW + timedelta(days=1)) == {other.sha256}
    assert records.live_token_of(session, "anna", NOW) is not None
    assert records.revoke_token(session, good.prefix, NOW) is not None
    assert records.revoke_token(session, other.prefix, NOW) is not None
    session.commit()
    assert works(NOW) == set()
    assert records.live_token_of(session, "anna", NOW) is None
    assert records.revoke_token(session, "wb_unknown", NOW) is None


def test_the_use_of_a_token_is_noted_about_once_a_minute(session: Session) -> None:
    token = add_token(session)
    for seconds, expected in ((0, 0), (30, 0), (61, 61), (90, 61)):
        records.use_tokens(session, [token.sha256], NOW + timedelta(seconds=seconds))
        session.commit()
        session.expire_all()
        used = session.scalar(sa.select(Token.last_used_at))
        assert used == NOW + timedelta(seconds=expected)
