"""The artifact store of a task, connected before the task's process is forked where that is possible.

An S3 client takes a sixth of a small export's CPU to make, and a process hands it down to those forked from it: it has
no socket and no thread before its first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.artifacts.s3 import S3Store
from operators.settings import airflow_settings

if TYPE_CHECKING:
    import boto3
    from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper

    from include.core.settings import Settings

_ready: list[tuple[object, S3Store]] = []
"""The store that the environment names, if it names one, behind what it was made of."""


def open_store(settings: Settings) -> S3Store:
    """Return the artifact store behind the settings' connection, whichever secrets backend knows it."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    hook = S3Hook(aws_conn_id=settings.store_connection)
    for made_of, store in _ready:
        if made_of == _facts(hook.conn_config, settings):
            return store
    return _connect(hook.get_session(), hook.conn_config, settings)


def preload() -> None:
    """Connect to the store if a variable of the environment holds its connection, and keys with it.

    Any other secrets backend, and any other kind of credentials, would have to be asked over the network.
    """
    from airflow.providers.amazon.aws.hooks.base_aws import SessionFactory
    from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper
    from airflow.sdk import Connection
    from airflow.secrets.environment_variables import EnvironmentVariablesBackend

    settings = airflow_settings()
    value = EnvironmentVariablesBackend().get_conn_value(settings.store_connection)
    if not value:
        return
    read = Connection.from_json if value.lstrip().startswith("{") else Connection.from_uri
    config = AwsConnectionWrapper(conn=read(value, conn_id=settings.store_connection))
    if config.aws_access_key_id and not config.role_arn and not config.profile_name:
        session = SessionFactory(conn=config).create_session()
        store = _connect(session, config, settings)
        store.prepare()
        _ready[:] = [(_facts(config, settings), store)]


def _connect(session: boto3.session.Session, config: AwsConnectionWrapper, settings: Settings) -> S3Store:
    return S3Store.connect(session, config.extra_config, prefix=settings.store_prefix, part_bytes=settings.part_bytes)


def _facts(config: AwsConnectionWrapper, settings: Settings) -> tuple[Any, ...]:
    return config.login, config.password, config.extra_config, settings
