"""The launcher's command line: `python -m deploy.local demo|up|down|clean`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from deploy.local import demo
from deploy.local.problems import StackError
from deploy.local.stack import REPOSITORY, Stack

_DEFAULT_PORT = "8080"


def _say(text: str) -> None:
    print(text, flush=True)


def _stack() -> Stack:
    """Make the stack that WAYBILL_HOME and WAYBILL_PORT describe; a relative home is below the repository."""
    port = os.environ.get("WAYBILL_PORT") or _DEFAULT_PORT
    if not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004  # TCP's range
        raise StackError(f"WAYBILL_PORT is {port!r}: it must be a TCP port number.")
    home = REPOSITORY / Path(os.environ.get("WAYBILL_HOME") or ".waybill").expanduser()
    return Stack(home, int(port), say=_say)


def _demo(stack: Stack) -> None:
    demo.run(stack, downloads=REPOSITORY / "downloads")


def _up(stack: Stack) -> None:
    """Run the stack until Ctrl-C, SIGTERM or the end of supervisord."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stack.start()
    _say(f"Waybill runs at {stack.url} (login admin, password {stack.admin_password}). Ctrl-C stops it.")
    try:
        while not stop.wait(2):
            if not stack.supervisor.running():
                raise StackError(f"supervisord has ended. Its log: {stack.supervisor.log('supervisord')}")
    finally:
        _say("Stopping")
        stack.stop()


def _down(stack: Stack) -> None:
    stack.stop()
    _say("Waybill is stopped.")


def _clean(stack: Stack) -> None:
    stack.clean()
    _say(f"Removed {stack.home}; downloads stay.")


_COMMANDS = {"demo": _demo, "up": _up, "down": _down, "clean": _clean}


def main() -> int:
    """Run one command; a problem is a message and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("command", choices=_COMMANDS)
    arguments = parser.parse_args()
    try:
        _COMMANDS[arguments.command](_stack())
    except (StackError, OSError, subprocess.SubprocessError) as error:
        print(f"waybill: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
