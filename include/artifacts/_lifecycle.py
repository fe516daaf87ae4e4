"""The bucket's own rule: what it removes by itself, should nobody else do it any more.

It is the second line. The first is the API's clock, which knows what belongs to which export; the rule knows only how
old things are, so it waits until nothing of ours can be that old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ABORT_DAYS = 3
"""Days after which an unfinished upload is aborted; the clock does it after two."""


def protect(client: Any, bucket: str, prefix: str, *, keep_days: int) -> bool:
    """Put our rule among those of the bucket; return whether it was missing.

    A rule of ours that keeps files longer stays so: files that are there were promised to be kept as long.
    """
    configuration = _configuration(client, bucket)
    rules = configuration.get("Rules", [])
    if not _lacks(rules, prefix, keep_days):
        return False
    others = [rule for rule in rules if rule.get("ID") != _id(prefix)]
    kept = {name: value for name, value in configuration.items() if name == "TransitionDefaultMinimumObjectSize"}
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [*others, _rule(prefix, keep_days)]}, **kept
    )
    return True


def lacks(client: Any, bucket: str, prefix: str, *, keep_days: int) -> bool:
    """Return whether the bucket has no rule of ours, or one that would remove files too early."""
    return _lacks(_configuration(client, bucket).get("Rules", []), prefix, keep_days)


def _lacks(rules: list[dict[str, Any]], prefix: str, keep_days: int) -> bool:
    ours = next((rule for rule in rules if rule.get("ID") == _id(prefix)), None)
    if ours is None or ours.get("Status") != "Enabled" or "AbortIncompleteMultipartUpload" not in ours:
        return True
    return bool(prefix) and int(ours.get("Expiration", {}).get("Days", 0)) < keep_days


def _configuration(client: Any, bucket: str) -> Mapping[str, Any]:
    from botocore.exceptions import ClientError

    try:
        found: Mapping[str, Any] = client.get_bucket_lifecycle_configuration(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return {}
    return found


def _id(prefix: str) -> str:
    return f"waybill {prefix}".strip()


def _rule(prefix: str, keep_days: int) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "ID": _id(prefix),
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": ABORT_DAYS},
    }
    # Without a prefix the whole bucket would expire, with what others keep in it.
    return rule | ({"Expiration": {"Days": keep_days}} if prefix else {})
