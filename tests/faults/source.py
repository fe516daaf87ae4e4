"""A PostgreSQL of the faults' own, so that the source and Airflow's metadata are struck apart."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from deploy.local import ports, processes
from deploy.local.postgres import Postgres
from deploy.local.state import Ports, State

if TYPE_CHECKING:
    from pathlib import Path

_START_SECONDS = 60.0

LEDGER = """
create table ledger (
    id bigint primary key, code text not null, amount numeric(14, 2), weight double precision not null,
    paid boolean not null, booked_on date not null, booked_at timestamptz, note text
);
insert into ledger
select g, 'L-' || lpad(g::text, 9, '0'), case when g % 11 <> 0 then (g * 7919 % 100000007)::numeric / 100 end,
       g / 8.0, g % 3 = 0, date '2020-01-01' + (g % 2000)::int,
       case when g % 13 <> 0 then timestamptz '2020-01-01 00:00:00Z' + g * interval '61 seconds' end,
       case when g % 5 = 0 then null when g % 7 = 0 then ''
            else repeat(md5(g::text), 3) || E' "é, ü"; <&>' || E'\\n=1' end
from generate_series(1, :rows) as g;
analyze ledger;
alter database postgres set enable_sort = off;
alter database postgres set enable_seqscan = off;
"""
"""What can be stored wrongly: NULL beside the empty text, quotes, separators, line ends, digits. Rows come by the key's
index, not by a sort, which would read them all, pauses included, before the first one is sent."""


class SourceServer:
    """The server; every way of striking it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        self._state = State(ports=Ports(postgres=ports.choose()))
        self._server = Postgres(folder, self._state)
        self._log = folder / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        return (
            f"postgresql://postgres:{self._state.secrets.postgres_password}@{ports.HOST}:{self._state.ports.postgres}"
            "/postgres?connect_timeout=5"
        )

    @property
    def connection(self) -> str:
        """The Airflow connection to it, as JSON."""
        return json.dumps(
            {
                "conn_type": "postgres",
                "host": ports.HOST,
                "port": self._state.ports.postgres,
                "login": "postgres",
                "password": self._state.secrets.postgres_password,
                "schema": "postgres",
            }
        )

    def fill(self, rows: int) -> None:
        """Make the table."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for statement in LEDGER.replace(":rows", str(rows)).split(";\n"):
                if statement.strip():
                    connection.execute(statement)

    def start(self) -> None:
        """Start, and return when it answers; after a crash it has to recover first."""
        self._server.prepare()
        self._server.write_script(self._server.program().script)
        user = self._server.user
        account = pwd.getpwnam(user) if user else None
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    ["/bin/sh", "postgres.sh"],
                    cwd=self._server.root,
                    env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"},
                    user=account.pw_uid if account else None,
                    group=account.pw_gid if account else None,
                    extra_groups=[] if account else None,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            if self._answers(deadline):
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"The source's PostgreSQL does not start; its log: {self._log}")

    def _answers(self, deadline: float) -> bool:
        """Wait until it answers; say no when it ended, for a crash can leave its memory taken for a moment."""
        assert self._process is not None
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            with suppress(psycopg.OperationalError), psycopg.connect(self.dsn):
                return True
            time.sleep(0.1)
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT is a fast shutdown, SIGKILL a crash of everything."""
        if self._process is None:
            return
        everything = self._family()
        struck = everything if how is signal.SIGKILL else [self._process.pid]
        for pid in struck:
            with suppress(ProcessLookupError):
                os.kill(pid, how)
        self._process.wait(30)
        self._process = None

    def freeze(self) -> list[int]:
        """Stop all its processes where they are; return them for :func:`thaw`."""
        found = self._family()
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return found

    def end_connections(self, export_id: str) -> int:
        """Terminate the connections of an export; return how many."""
        statement = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return len(connection.execute(statement, (f"waybill {export_id}",)).fetchall())

    def remove(self) -> None:
        """Stop it and remove what lies outside its folder."""
        self.stop()
        self._server.remove()

    def _family(self) -> list[int]:
        assert self._process is not None
        return [member.pid for member in processes.members(processes.session_of(self._process.pid))]


def thaw(pids: list[int]) -> None:
    """Let processes go on."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
