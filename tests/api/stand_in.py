"""Airflow and the store as far as the service knows them, under a test's control; our own tables are real.

The real Airflow and the real store are driven over HTTP in tests/stack.
"""

from __future__ import annotations

import hashlib
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from export_api.caller import Caller, Right
from export_api.db.models import Export
from export_api.gateway import Gateway, Horizon
from export_api.service import ExportService
from export_api.status import GONE, Observation, runs_again
from include.core.errors import Retriable
from include.core.manifest import Manifest
from include.core.settings import Settings
from include.core.store import Listed, Lying, Place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from email.message import EmailMessage

    from sqlalchemy import Engine, Row

    from export_api.gateway import Stranger
    from include.core.errors import WaybillError

START = datetime(2026, 11, 1, 8, tzinfo=UTC)
RUNNING = Observation(run_state="running", task_state="running", task_exists=True)
FAILED = Observation(run_state="failed", task_state="failed", task_exists=True)
SUCCEEDED = Observation(run_state="success", task_state="success", task_exists=True)

OWN = frozenset({Right.READ, Right.CREATE})
ANNA = Caller("anna", "Anna", OWN)
BERT = Caller("bert", "Bert", OWN)
VERA = Caller("vera", "Vera", frozenset({Right.READ}))
ADMIN = Caller("admin", "Admin", frozenset(Right))


class Store:
    """Objects in a dictionary; ``silent`` makes it stop answering."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.silent = False
        self.removed: list[str] = []

    def _answer(self) -> None:
        if self.silent:
            raise Retriable("The artifact store does not answer.", code="store_unreachable")

    def read(self, key: str) -> bytes | None:
        self._answer()
        return self.objects.get(key)

    def open(self, key: str, *, start: int, end: int) -> Iterator[bytes]:
        self._answer()
        return iter([self.objects[key][start:end]])

    def presign(self, key: str, *, filename: str, media_type: str, seconds: int) -> str:
        return f"https://store.example/{key}?name={filename}&type={media_type}&seconds={seconds}"

    def listed(self, place: Place, *, limit: int) -> Listed:
        self._answer()
        left = sorted(key for key in self.objects if key > place.after)
        items = [Lying(key, START) for key in left[:limit]]
        return Listed(items, Place(after=items[-1].key) if len(left) > limit else None)

    def remove(self, folder: str) -> None:
        self._answer()
        self.removed.append(folder)
        self.objects = {key: data for key, data in self.objects.items() if not key.startswith(f"{folder}/")}


class Airflow(Gateway):
    """Says of task instances what a test wants it to say."""

    settings = Settings(link_seconds=60)
    base_url = "https://airflow.example"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.the_store: Any = Store()
        self.seen: dict[UUID, Observation] = {}
        self.waiting: dict[int, Stranger] = {}
        self.newest = 0
        self.active: set[int] = set()
        self.triggered: list[dict[str, Any]] = []
        self.refusal: Exception | None = None
        self.stopped: list[UUID] = []
        self.pools: set[str] = set()
        self.working: set[UUID] = set()
        self.mails: list[EmailMessage] = []
        self.mail_refusal: WaybillError | None = None
        self._fernet = Fernet(Fernet.generate_key())

    @contextmanager
    def session(self) -> Iterator[Session]:
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def store(self) -> Any:
        return self.the_store

    def seal(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        return self._fernet.decrypt(sealed.encode()).decode()

    def send_mail(self, message: EmailMessage) -> None:
        if self.mail_refusal is not None:
            raise self.mail_refusal
        self.mails.append(message)

    def require_dag(self, session: Session, dag_id: str) -> None:  # noqa: ARG002
        if isinstance(self.refusal, Retriable):
            raise self.refusal

    def require_pool(self, session: Session, caller: str) -> None:  # noqa: ARG002
        self.pools.add(caller)

    def trigger(self, session: Session, export: Export, *, conf: dict[str, Any], caller: str) -> None:  # noqa: ARG002
        if self.refusal is not None:
            raise self.refusal
        self.triggered.append({"dag_id": export.dag_id, "run_id": export.run_id, "conf": conf, "caller": caller})

    def stop(self, session: Session, export: Export) -> None:  # noqa: ARG002
        if self.refusal is not None:
            raise self.refusal
        self.stopped.append(export.id)
        if export.id in self.seen:
            ended = replace(self.seen[export.id], run_state="failed", task_state="failed", ended_at=START)
            self.seen[export.id] = ended

    def revived(self, session: Session, among: Collection[UUID], limit: int) -> list[Export]:  # noqa: ARG002
        failed = session.scalars(select(Export).where(Export.status.in_(["failed", "cancelled"]))).all()
        return [row for row in failed if runs_again(self.seen.get(row.id, GONE), row.settled_at)][:limit]

    def observe(self, session: Session, ids: Collection[UUID]) -> Mapping[UUID, Observation]:  # noqa: ARG002
        return {export_id: self.seen.get(export_id, GONE) for export_id in ids}

    def at_work(self, session: Session) -> frozenset[str]:  # noqa: ARG002
        return frozenset(map(str, self.working))

    def marks(self, session: Session, ids: Collection[UUID]) -> list[tuple[Row[Any], Observation]]:
        columns: tuple[Any, ...] = (
            Export.id,
            Export.version,
            Export.requested_by,
            Export.settled_at,
            Export.expires_at,
        )
        rows = session.execute(select(*columns).where(Export.id.in_(ids), Export.deleted_at.is_(None))).all()
        seen = self.observe(session, [row.id for row in rows if row.settled_at is None])
        return [(row, seen.get(row.id, GONE)) for row in rows]

    def horizon(self, session: Session, *, beyond: int, now: datetime) -> Horizon:  # noqa: ARG002
        return Horizon(max(beyond, self.newest), frozenset(self.active))

    def strangers(self, session: Session, *, beyond: Horizon, limit: int) -> list[Stranger]:
        known = {tuple(row) for row in session.execute(select(Export.dag_id, Export.run_id))}
        return [
            stranger
            for key, stranger in sorted(self.waiting.items())
            if (key > beyond.newest or key in beyond.active) and (stranger.dag_id, stranger.run_id) not in known
        ][:limit]


@dataclass
class Bench:
    """A service with everything around it; the time stands still unless told."""

    airflow: Airflow
    time: datetime = START
    service: ExportService = field(init=False)

    def __post_init__(self) -> None:
        self.service = ExportService(self.airflow, now=lambda: self.time)

    @property
    def store(self) -> Store:
        found: Store = self.airflow.the_store
        return found

    def pass_time(self, **amount: float) -> None:
        self.time += timedelta(**amount)

    def publish(self, export_id: UUID, *contents: bytes) -> Manifest:
        """Put into the store what a good run leaves there."""
        contents = contents or (b"a,b\r\n1,2\r\n",)
        manifest = make_manifest(export_id, *contents)
        for file, content in zip(manifest.files, contents, strict=True):
            self.store.objects[file.key] = content
        self.store.objects[f"{export_id}/manifest.json"] = manifest.to_bytes()
        return manifest


def make_file(export_id: UUID, name: str, content: bytes) -> dict[str, Any]:
    """Return what a manifest says of a file."""
    return {
        "name": name,
        "key": f"{export_id}/attempt/{name}",
        "format": "csv",
        "media_type": "text/csv",
        "bytes": len(content),
        "rows": 1,
        "sha256": hashlib.sha256(content).hexdigest(),
        "crc32": f"{zlib.crc32(content):08x}",
    }


def make_manifest(export_id: UUID, *contents: bytes) -> Manifest:
    """Return a manifest as an operator writes it; of several files as after a split."""
    moment, length = START.isoformat(), sum(map(len, contents))
    names = [f"machines-{number:04}.csv" for number in range(1, len(contents) + 1)]
    return Manifest.model_validate(
        {
            "id": str(export_id),
            "name": None,
            "exporter": "machines",
            "request": {"exporter": "machines", "format": "csv", "params": {"day": "2026-11-01"}},
            "requested_by": "anna",
            "trigger": "api",
            "dag_id": "export",
            "run_id": f"export__{export_id}",
            "attempt": 2,
            "attempt_id": str(uuid4()),
            "started_at": moment,
            "finished_at": moment,
            "rows": 1,
            "empty": False,
            "truncated": False,
            "order": "key",
            "consistency": "snapshot",
            "snapshot": None,
            "sources": [],
            "files": [
                make_file(export_id, name, content)
                for name, content in zip(names if len(contents) > 1 else ["machines.csv"], contents, strict=True)
            ],
            "verification": {
                "verdict": "verified",
                "source_rows": 1,
                "encoded_rows": 1,
                "file_rows": 1,
                "file_bytes": length,
                "stored_bytes": length,
                "checks": [],
            },
            "notes": [],
            "versions": {},
        }
    )
