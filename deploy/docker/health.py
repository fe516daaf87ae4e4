"""A container's healthcheck: `python -m deploy.docker.health PART` succeeds when Airflow calls that part healthy.

Asks the api-server, which reads the parts' heartbeats: with several containers of a part, one alive is enough.
Starting Airflow's own `jobs check` would cost seconds of CPU each time.
"""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import urljoin
from urllib.request import urlopen

_SECONDS = 4


def main(part: str) -> None:
    """Exit with a message when the part is not healthy; PART is a key of Airflow's answer."""
    api = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    with urlopen(urljoin(api, "/api/v2/monitor/health"), timeout=_SECONDS) as answer:  # noqa: S310  # our own URL
        status = json.load(answer)[part]["status"]
    if status != "healthy":
        sys.exit(f"{part}: {status}")


if __name__ == "__main__":
    main(sys.argv[1])
