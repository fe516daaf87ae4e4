"""Set Airflow up in one process, since each start of Airflow's command line costs seconds.

Run with the stack's environment as `python airflow_setup.py TOKEN_FILE`: migrates the metadata database (our
tables included, by the DBManager), makes the admin with the password in WAYBILL_ADMIN_PASSWORD, and the demo
service account.
"""

from __future__ import annotations

import os
import runpy
import sys


def _command_line(*arguments: str) -> None:
    from airflow.cli.cli_parser import get_parser

    options = get_parser().parse_args(arguments)
    options.func(options)


def _admin(password: str) -> None:
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        user = manager.find_user("admin")
        if user is None:
            role = manager.find_role("Admin")
            if not manager.add_user("admin", "Waybill", "Admin", "admin@localhost", role, password):
                message = "Airflow did not create the user admin"
                raise RuntimeError(message)


def main(token_file: str) -> None:
    """Do every step; each leaves alone what is there."""
    _command_line("db", "migrate")
    _admin(os.environ["WAYBILL_ADMIN_PASSWORD"])
    sys.argv = [
        "export_api.cli",
        "service-account",
        "create",
        "demo",
        "--if-missing",
        "--token-file",
        token_file,
    ]
    runpy.run_module("export_api.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
