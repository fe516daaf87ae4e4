"""A small client of Waybill's API: request an export, wait for it, fetch its file and check it."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from deploy.local.problems import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_BASE = "/export-api/v1"
_DONE = {"succeeded", "partial", "failed", "cancelled"}
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was downloaded, as it arrived."""

    path: Path
    bytes: int
    sha256: str


@contextmanager
def _open(
    method: str, url: str, *, headers: Mapping[str, str], body: str | None = None
) -> Iterator[http.client.HTTPResponse]:
    """Send one request; redirects are not followed, so that credentials stay with their host."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body=body, headers=dict(headers))
        yield connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise StackError(f"{method} {parts.netloc}{parts.path}: {error}") from error
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks for one token."""

    origin: str
    token: str
    patience: float = 30.0
    """The longest wait between two looks, in seconds, whatever the API asks for."""

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], float]:
        text = None if body is None else json.dumps(body)
        with _open(method, f"{self.origin}{_BASE}{path}", headers=self._headers(), body=text) as response:
            raw = response.read().decode(errors="replace")
            wait = float(response.headers.get("Retry-After") or 1)
            if response.status not in {http.client.OK, http.client.ACCEPTED}:
                raise StackError(f"{method} {_BASE}{path} answers {response.status}: {raw[:1000]}")
        return json.loads(raw), wait

    def export(
        self, request: Mapping[str, Any], *, show: Callable[[Mapping[str, Any]], None], seconds: float
    ) -> dict[str, Any]:
        """Request an export and wait for its end, as often as the API asks for; `show` gets every answer."""
        deadline = time.monotonic() + seconds
        export, wait = self._json("POST", "/exports", request)
        show(export)
        while export["status"] not in _DONE:
            if time.monotonic() > deadline:
                raise StackError(f"Export {export['id']} is still {export['status']} after {seconds:.0f} s.")
            time.sleep(min(wait, self.patience))
            export, wait = self._json("GET", f"/exports/{export['id']}")
            show(export)
        return export

    def download(self, url: str, path: Path) -> Fetched:
        """Follow the download's redirect and write the whole file.

        One file comes from the store, which must not see our credentials; several come as one zip from the API.
        """
        with _open("GET", url, headers=self._headers()) as response:
            location = response.headers.get("Location")
            if response.status != http.client.FOUND or not location:
                raise StackError(f"GET {url} answers {response.status}: {response.read(1000)!r}")
            location = urljoin(url, location)
        headers = self._headers() if location.startswith(f"{self.origin}{_BASE}/") else {}
        checksum, size = hashlib.sha256(), 0
        part = path.with_name(f".{path.name}.part")
        with _open("GET", location, headers=headers) as response, part.open("wb") as file:
            if response.status != http.client.OK:
                raise StackError(f"GET {urlsplit(location).netloc} answers {response.status}: {response.read(1000)!r}")
            while block := response.read(_BLOCK):
                file.write(block)
                checksum.update(block)
                size += len(block)
        part.replace(path)
        return Fetched(path, size, checksum.hexdigest())
