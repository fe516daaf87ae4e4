"""Sessions of AWS that a task is given almost ready: a new one takes as long as a small export."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3
    import botocore.session
    from airflow.providers.amazon.aws.hooks.base_aws import BaseSessionFactory
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

_spare: list[botocore.session.Session] = []
"""Sessions without credentials that nobody uses yet; those that are there before a fork are there for each child."""


def session_of(hook: S3Hook) -> boto3.session.Session:
    """Return the session that a hook's connection asks for; a factory that is configured for it is kept."""
    from airflow.providers.amazon.aws.hooks.base_aws import BaseSessionFactory, SessionFactory

    factory = _spare_factory() if SessionFactory is BaseSessionFactory else SessionFactory
    made = factory(conn=hook.conn_config, region_name=hook.region_name, config=hook.config)
    session: boto3.session.Session = made.create_session()
    return session


def preload() -> None:
    """Put one session aside."""
    import botocore.session

    _spare_factory()
    if not _spare:
        _spare.append(botocore.session.get_session())


@cache
def _spare_factory() -> type[BaseSessionFactory]:
    """Return Airflow's own factory, save that it takes a spare session where there is one."""
    import boto3
    from airflow.providers.amazon.aws.hooks.base_aws import BaseSessionFactory

    class SpareSessionFactory(BaseSessionFactory):
        def _create_basic_session(self, session_kwargs: dict[str, Any]) -> boto3.session.Session:
            spare = _spare.pop() if _spare else None
            return boto3.session.Session(botocore_session=spare, **session_kwargs)

    return SpareSessionFactory
