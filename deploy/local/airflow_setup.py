"""Set Airflow up in one process, since each start of Airflow's command line costs seconds.

Run with the stack's environment as `python airflow_setup.py TOKEN_FILE`: migrates the metadata database (our
tables included, by the DBManager), makes the admin with the password in WAYBILL_ADMIN_PASSWORD and the demo
service account, and puts the lifecycle rule on the bucket.
"""

from __future__ import annotations

import runpy
import sys

from deploy.admin import main as create_admin


def _command_line(*arguments: str) -> None:
    from airflow.cli.cli_parser import get_parser

    options = get_parser().parse_args(arguments)
    options.func(options)


def _waybill(*arguments: str) -> None:
    sys.argv = ["export_api.cli", *arguments]
    try:
        runpy.run_module("export_api.cli", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise


def main(token_file: str) -> None:
    """Do every step; each leaves alone what is there."""
    _command_line("db", "migrate")
    create_admin()
    _waybill("service-account", "create", "demo", "--if-missing", "--token-file", token_file)
    _waybill("store", "protect")


if __name__ == "__main__":
    main(sys.argv[1])
