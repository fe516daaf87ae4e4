"""One POST to a webhook: to exactly the address that was checked, within one deadline, following nothing.

httpcore is used by itself: what httpx adds, proxies from the environment, redirects, cookies and reading bodies, is
what must not happen here, and its network backend is where the address can be checked at the moment of connecting.
"""

from __future__ import annotations

import ssl
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import httpcore

from export_api.notifications.targets import TargetRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from export_api.notifications.targets import Targets

DEADLINE_SECONDS = 15.0
"""By then a receiver has answered, however slowly it does so."""


class NoAnswer(Exception):  # noqa: N818 - said of the receiver
    """There was no answer; the message says why, and holds nothing that the receiver sent."""


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return how many seconds are left.

        :raises httpcore.TimeoutException: when none are.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException
        return left


class _Stream(httpcore.NetworkStream):
    """A connection on which every wait ends at the deadline: bytes that drip in do not prolong it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline decides
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - as above
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Resolves a host once, checks its addresses, and connects to one of those."""

    def __init__(self, targets: Targets, deadline: _Deadline) -> None:
        self._targets = targets
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline decides
        local_address: str | None = None,  # noqa: ARG002 - we give none
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        error: httpcore.ConnectError | None = None
        for address in self._targets.resolve(host, port):
            try:
                stream = self._plain.connect_tcp(
                    address, port, timeout=self._deadline.left(), socket_options=socket_options
                )
                return _Stream(stream, self._deadline)
            except httpcore.ConnectError as refused:
                error = refused
        raise error or httpcore.ConnectError


@cache
def _tls() -> ssl.SSLContext:
    """Return the system's idea of whom to trust, which an administrator can add to."""
    return ssl.create_default_context()


def post(
    url: str, body: bytes, headers: Mapping[str, str], targets: Targets, *, seconds: float = DEADLINE_SECONDS
) -> int:
    """Send a body and return the answer's status code; the answer's body is not read.

    :raises NoAnswer: when there was none.
    """
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    network = _Network(targets, _Deadline(seconds))
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=network) as pool,
            pool.stream("POST", url, headers=sent, content=body) as answer,
        ):
            return answer.status
    except TargetRefused as error:
        raise NoAnswer(str(error)) from None
    except httpcore.TimeoutException:
        raise NoAnswer(f"There was no answer within {seconds:g} seconds.") from None
    except httpcore.ConnectError as error:
        raise NoAnswer(f"The connection could not be made: {_cause(error)}.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError):
        raise NoAnswer("The connection broke before there was an answer.") from None


def _cause(error: BaseException) -> str:
    """Say why in the operating system's or OpenSSL's words, which hold nothing that the receiver sent."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return "TLS failed"
    return (cause.strerror if isinstance(cause, OSError) else None) or "no reason was given"
