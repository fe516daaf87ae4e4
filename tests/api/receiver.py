"""A receiver of webhooks: a real HTTP server that remembers what came and answers as it is told."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers ``codes`` one after the other, the last one for ever; 0 is no answer until it is released."""

    codes: list[int] = field(default_factory=lambda: [200])
    received: list[Received] = field(default_factory=list)
    accepts: Callable[[Received], bool] | None = None
    """When it refuses, the answer is 400."""

    def __post_init__(self) -> None:
        receiver = self
        self._released = threading.Event()
        self._lock = threading.Lock()

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received = Received(self.path, {key.lower(): value for key, value in self.headers.items()}, body)
                code = receiver.take(received)
                if not code:
                    receiver.hold()
                    return
                self.send_response(code)
                if code in {301, 302, 307}:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"secret")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, received: Received) -> int:
        with self._lock:
            self.received.append(received)
            code = self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]
        return code if self.accepts is None or self.accepts(received) else 400

    def hold(self) -> None:
        self._released.wait(60)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
