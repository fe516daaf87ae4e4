"""A campaign: faults one after the other on one stack, each judged before the next, the bucket at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from deploy.local.problems import StackError
from tests.faults.exporting import request_of
from tests.faults.judge import judge, left_over, named_by
from tests.faults.kinds import KINDS
from tests.faults.moments import Impossible, Missed, Struck
from tests.faults.table import Result

if TYPE_CHECKING:
    from tests.faults.judge import Judgement
    from tests.faults.plan import Fault
    from tests.faults.rig import Rig

_TRIES = 3
_CLEAN_SECONDS = 60.0
_ERRORS = (AssertionError, OSError, StackError, httpx.HTTPError, psycopg.Error, BotoCoreError, ClientError)
"""What can go wrong with a fault itself; the next one is tried all the same."""


@dataclass(slots=True)
class Campaign:
    """What was found so far."""

    rig: Rig
    results: list[Result] = field(default_factory=list)
    _named: set[str] = field(default_factory=set)

    def run(self, fault: Fault) -> Result:
        """Strike until it strikes something, at most three times; heal the stack; judge."""
        begun = time.monotonic()
        skipped = failed = ""
        result = None
        for missed in range(_TRIES):
            try:
                result = self._once(fault, missed)
                break
            except Missed as error:
                skipped = f"missed {missed + 1} times, the last because {error}"
            except Impossible as error:
                skipped = str(error)
                break
            except _ERRORS as error:
                failed = f"{type(error).__name__}: {str(error)[:300]}"
                break
        if result is None or failed:
            seconds = time.monotonic() - begun
            result = Result(fault=fault, struck=None, judgement=None, seconds=seconds, skipped=skipped, failed=failed)
        self.results.append(result)
        return result

    def _once(self, fault: Fault, missed: int) -> Result:
        kind, begun = KINDS[fault.kind], time.monotonic()
        request = request_of(fault.shape, self.rig.size, fault.chance())
        export_id = self.rig.exports.submit(**request)["id"]
        try:
            struck = kind.strike(self.rig, fault, export_id)
        except (Missed, Impossible) as error:
            judgement = self._judge(export_id, request)
            if not judgement.broken:
                raise
            struck = Struck("missed", 0, 0, str(error))
        else:
            judgement = self._judge(export_id, request)
        return Result(
            fault=fault,
            struck=struck,
            judgement=judgement,
            seconds=time.monotonic() - begun,
            missed=missed,
            surprising=judgement.status not in kind.ends,
        )

    def _judge(self, export_id: str, request: dict[str, Any]) -> Judgement:
        self.rig.heal()
        judgement = judge(self.rig, export_id, request)
        self._named |= judgement.named
        return judgement

    def orphans(self) -> list[str]:
        """Return what is in the bucket at the end, all of it, that no manifest names.

        Exports that nobody struck, such as the demo's weekly report, name what is theirs.
        """
        for key in self.rig.bucket.keys() - self._named:
            if key.endswith("/manifest.json"):
                self._named |= named_by(self.rig.admin, key)
        deadline = time.monotonic() + _CLEAN_SECONDS
        while (left := left_over(self.rig, self._named)) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left
