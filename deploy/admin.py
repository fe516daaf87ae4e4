"""Create Airflow's user admin unless it exists, with the password in WAYBILL_ADMIN_PASSWORD.

Airflow's own command line takes the password as an argument, which every user of the host could read.
"""

from __future__ import annotations

import os
import sys

NAME = "admin"


def main() -> None:
    """Leave an existing user alone: the password may have been changed since."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    password = os.environ["WAYBILL_ADMIN_PASSWORD"]
    with get_application_builder() as builder:
        users = builder.sm
        if users.find_user(NAME):
            return
        if not users.add_user(NAME, "Waybill", "Admin", "admin@localhost", users.find_role("Admin"), password):
            sys.exit(f"Airflow did not create the user {NAME}.")


if __name__ == "__main__":
    main()
