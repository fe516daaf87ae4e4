"""Free TCP ports on the loopback interface."""

from __future__ import annotations

import random
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

HOST = "127.0.0.1"

# Below the range from which Linux (32768+) and macOS (49152+) take the ports of outgoing connections, so
# that a recorded port is rarely taken while the stack is down. SeaweedFS needs one 10,000 above another.
_FIRST, _LAST = 10000, 22600
_ATTEMPTS = 500


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port that only waits out old connections (TIME_WAIT) is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose(offsets: tuple[int, ...] = (0,), *, taken: Collection[int] = ()) -> int:
    """Return a port for which it and its neighbours at the given offsets are free, and not taken by another plan."""
    for _ in range(_ATTEMPTS):
        port = random.SystemRandom().randrange(_FIRST, _LAST)
        if all(port + offset not in taken and is_free(port + offset) for offset in offsets):
            return port
    message = f"no free TCP port between {_FIRST} and {_LAST}"
    raise OSError(message)
