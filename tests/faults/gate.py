"""A gate before the store, through which the product reaches it: it can hold one request, or one answer.

So a task can be killed at an exact point (the upload is complete, the manifest is not written), an answer can be lost
after the store has done what it was asked for, and a request can arrive late. Bytes pass unchanged, the signed
``Host`` included.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Self

from deploy.local import ports

if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD_END = b"\r\n\r\n"
_BLOCK = 1 << 16
_CONTINUE = b"HTTP/1.1 100"
_HOLD_SECONDS = 300.0
"""What nobody lets go of is dropped by then, lest a mistake of the tests keeps a task waiting."""


class Way(Enum):
    """What becomes of what was held."""

    PASS = auto()
    DROP = auto()


@dataclass(frozen=True, slots=True)
class Request:
    """The first line and what matters of the headers of an HTTP request."""

    method: str
    target: str
    length: int

    @classmethod
    def of(cls, head: bytes) -> Request:
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if "transfer-encoding" in headers:
            raise AssertionError(f"{method} {target} has no Content-Length, which the gate needs.")
        return cls(method, target, int(headers.get("content-length", 0)))


@dataclass(slots=True)
class Trap:
    """Waits for one request and holds it, or its answer."""

    matches: Callable[[Request], bool]
    answer: bool
    """Hold the answer: the store has done what it was asked for."""
    taken: bool = False
    sprung: threading.Event = field(default_factory=threading.Event)
    _go: threading.Event = field(default_factory=threading.Event)
    _way: Way = Way.DROP

    def let_go(self, way: Way) -> None:
        """Pass on what is held, or drop it and its connection."""
        self._way = way
        self._go.set()

    def hold(self) -> Way:
        """Say that something is held, and wait for what becomes of it."""
        self.sprung.set()
        self._go.wait(_HOLD_SECONDS)
        return self._way


class Gate:
    """Listens on a port of its own; nothing is changed as long as no trap is set."""

    def __init__(self) -> None:
        self.port = ports.choose()
        self.upstream = 0
        """The store's port, told when it is known."""
        self.published: Counter[str] = Counter()
        """How often the store acknowledged a manifest as written, by its path."""
        self._trap: Trap | None = None
        self._lock = threading.Lock()
        self._listener = socket.create_server((ports.HOST, self.port), backlog=64)

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, name="gate", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self._listener.close()

    def set(self, matches: Callable[[Request], bool], *, answer: bool = False) -> Trap:
        """Hold the next request that matches, or its answer."""
        trap = Trap(matches, answer)
        with self._lock:
            self._trap = trap
        return trap

    def clear(self) -> None:
        """Wait for nothing any longer, and drop what is held."""
        with self._lock:
            trap, self._trap = self._trap, None
        if trap is not None:
            trap.let_go(Way.DROP)

    def caught(self, request: Request) -> Trap | None:
        """Return the trap that a request has run into; it catches one only."""
        with self._lock:
            trap = self._trap
            if trap is None or trap.taken or not trap.matches(request):
                return None
            trap.taken = True
            return trap

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=_Passage(self, client).run, name="gate passage", daemon=True).start()


class _Passage:
    """One connection of the product, and ours to the store for it."""

    def __init__(self, gate: Gate, client: socket.socket) -> None:
        self._gate = gate
        self._client = client
        self._store: socket.socket | None = None
        self._held: Trap | None = None
        self._manifest = ""

    def run(self) -> None:
        try:
            with suppress(OSError):
                self._store = socket.create_connection((ports.HOST, self._gate.upstream), timeout=5)
                self._store.settimeout(None)
                threading.Thread(target=self._answers, name="gate answers", daemon=True).start()
                self._requests()
        finally:
            self._close()

    def _requests(self) -> None:
        buffer = b""
        while True:
            while _HEAD_END not in buffer:
                if not (block := self._client.recv(_BLOCK)):
                    return
                buffer += block
            end = buffer.index(_HEAD_END) + len(_HEAD_END)
            head, buffer = buffer[:end], buffer[end:]
            request = Request.of(head)
            self._manifest = request.target if _writes_manifest(request) else ""
            trap = self._gate.caught(request)
            if trap is not None and trap.answer:
                self._held = trap
            elif trap is not None and trap.hold() is Way.DROP:
                return
            buffer = self._forward(head, buffer, request.length)

    def _forward(self, head: bytes, begun: bytes, length: int) -> bytes:
        """Send a request on; return what of the next one has arrived."""
        assert self._store is not None
        self._store.sendall(head + begun[:length])
        left = length - len(begun)
        while left > 0:
            if not (block := self._client.recv(min(_BLOCK, left))):
                raise ConnectionResetError
            self._store.sendall(block)
            left -= len(block)
        return begun[length:]

    def _answers(self) -> None:
        assert self._store is not None
        try:
            with suppress(OSError):
                while block := self._store.recv(_BLOCK):
                    if not block.startswith(_CONTINUE):
                        self._count(block)
                        if (trap := self._held) is not None:
                            self._held = None
                            if trap.hold() is Way.DROP:
                                return
                    self._client.sendall(block)
        finally:
            self._close()

    def _count(self, block: bytes) -> None:
        if self._manifest and block.startswith(b"HTTP/1.1 200"):
            self._gate.published[self._manifest] += 1
        self._manifest = ""

    def _close(self) -> None:
        for end in (self._client, self._store):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()


def _writes_manifest(request: Request) -> bool:
    return request.method == "PUT" and request.target.partition("?")[0].endswith("/manifest.json")


def part(export_id: str, number: int) -> Callable[[Request], bool]:
    """Match the upload of a part."""
    wanted = f"partNumber={number}"
    return lambda it: it.method == "PUT" and export_id in it.target and wanted in it.target.partition("?")[2].split("&")


def completion(export_id: str) -> Callable[[Request], bool]:
    """Match the request that makes an object of the parts."""
    return lambda it: it.method == "POST" and export_id in it.target and "uploadId=" in it.target


def manifest(export_id: str) -> Callable[[Request], bool]:
    """Match the request that publishes."""
    return lambda it: _writes_manifest(it) and export_id in it.target
