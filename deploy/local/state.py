"""What a local stack remembers between runs, in WAYBILL_HOME/state.json: ports, secrets, finished steps."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from deploy.local import ports
from deploy.local.problems import StackError

if TYPE_CHECKING:
    from pathlib import Path


def _password() -> str:
    # Letters and digits only: valid without quoting in URLs, shells and configuration files.
    return secrets.token_hex(20)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Generated once per home; never committed, never printed but for the UI's password."""

    admin_password: str = field(default_factory=lambda: secrets.token_hex(8))
    postgres_password: str = field(default_factory=_password)
    airflow_password: str = field(default_factory=_password)
    demo_password: str = field(default_factory=_password)
    store_access_key: str = field(default_factory=lambda: secrets.token_hex(10).upper())
    store_secret_key: str = field(default_factory=_password)
    supervisor_password: str = field(default_factory=_password)
    fernet_key: str = field(default_factory=lambda: base64.urlsafe_b64encode(os.urandom(32)).decode())
    jwt_secret: str = field(default_factory=lambda: secrets.token_hex(32))  # HS512 wants 64 bytes (RFC 7518)
    api_secret_key: str = field(default_factory=_password)


@dataclass(slots=True)
class Ports:
    """The TCP ports of one stack; zero until chosen."""

    api: int = 0
    postgres: int = 0
    store: int = 0
    supervisor: int = 0

    def choose(self, store_offsets: tuple[int, ...]) -> None:
        """Keep the recorded ports that are still free and choose others for the rest, the API's excepted."""
        if not self.store or not all(ports.is_free(self.store + offset) for offset in store_offsets):
            self.store = ports.choose(store_offsets, taken=(self.api, self.postgres, self.supervisor))
        taken = {self.api, *(self.store + offset for offset in store_offsets)}
        if not self.postgres or not ports.is_free(self.postgres):
            self.postgres = ports.choose(taken=taken)
        if not self.supervisor or not ports.is_free(self.supervisor):
            self.supervisor = ports.choose(taken=taken | {self.postgres})


@dataclass(slots=True)
class State:
    """The memory of one WAYBILL_HOME."""

    ports: Ports = field(default_factory=Ports)
    secrets: Secrets = field(default_factory=Secrets)
    postgres_root: str = ""
    """Where PostgreSQL's data and a copy of its binaries lie if not in the home: below /var/tmp."""
    done: dict[str, str] = field(default_factory=dict)
    """Set-up steps that were finished, by name, with the hash of what they were made from."""
    fingerprint: str = ""
    """Hash of the environment and code with which the programs were last started."""
    session: dict[str, str] = field(default_factory=dict)
    """The session that supervisord leads (see processes.py)."""

    @classmethod
    def load(cls, home: Path) -> State:
        """Read the state of a home, or make a new one (not yet saved) when there is none."""
        try:
            raw = json.loads((home / "state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except PermissionError:
            raise StackError(f"{home} belongs to another user: set WAYBILL_HOME to a folder of yours.") from None
        except ValueError:
            raise StackError(f"{home / 'state.json'} is damaged: remove {home} and start again.") from None
        return cls(**{**raw, "ports": Ports(**raw["ports"]), "secrets": Secrets(**raw["secrets"])})

    def save(self, home: Path) -> None:
        """Write the state so that a reader sees the old or the new one, readable by its owner only."""
        write_private(home / "state.json", json.dumps(asdict(self), indent=1) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by one that only its owner may read (mode 600)."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
