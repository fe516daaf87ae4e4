"""The bucket's own rule, on a real store: beside those of others, once, and never too early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from export_api.health import Health, State
from include.core.errors import Retriable
from tests.api.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy.local.seaweedfs import Store
    from tests.api.stand_in import Bench

THEIRS = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "other/"}, "Expiration": {"Days": 5}}
OURS = "waybill exports/"


@pytest.fixture
def shelf(storage: Store) -> Iterator[Shelf]:
    shelf = Shelf(storage)
    yield shelf
    shelf.clear()


def rules(shelf: Shelf) -> dict[str, Any]:
    found = shelf.client.get_bucket_lifecycle_configuration(Bucket=shelf.name)["Rules"]
    return {rule["ID"]: rule for rule in found}


def configure(shelf: Shelf, *rules: dict[str, Any]) -> None:
    shelf.client.put_bucket_lifecycle_configuration(Bucket=shelf.name, LifecycleConfiguration={"Rules": [*rules]})


def test_the_rule_is_put_beside_those_of_others_and_only_once(shelf: Shelf) -> None:
    configure(shelf, THEIRS)
    assert not shelf.store.is_protected(keep_days=97)
    assert [shelf.store.protect(keep_days=97) for _ in range(2)] == [True, False]
    assert shelf.store.is_protected(keep_days=97)
    found = rules(shelf)
    ours = found.pop(OURS)
    assert found == {"theirs": THEIRS}
    assert ours["Filter"] == {"Prefix": "exports/"}
    assert ours["Expiration"] == {"Days": 97}
    assert ours["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}


def test_the_rule_grows_with_what_is_promised_and_never_shrinks(shelf: Shelf) -> None:
    assert shelf.store.protect(keep_days=10)
    assert not shelf.store.is_protected(keep_days=20)
    assert shelf.store.protect(keep_days=20)
    assert not shelf.store.protect(keep_days=10)
    assert rules(shelf)[OURS]["Expiration"] == {"Days": 20}


def test_a_rule_that_somebody_switched_off_is_none(shelf: Shelf) -> None:
    shelf.store.protect(keep_days=10)
    configure(shelf, {**rules(shelf)[OURS], "Status": "Disabled"})
    assert not shelf.store.is_protected(keep_days=10)
    assert shelf.store.protect(keep_days=10)
    assert rules(shelf)[OURS]["Status"] == "Enabled"


def test_health_warns_of_a_bucket_without_the_rule_and_goes_on(bench: Bench, shelf: Shelf) -> None:
    bench.airflow.the_store = shelf.store
    ask = Health(bench.service)._lifecycle
    assert ask().state is State.WARNING
    assert "store protect" in str(ask().message)
    shelf.store.protect(keep_days=bench.airflow.settings.keep_days)
    assert (ask().state, ask().message) == (State.OK, None)


def test_a_store_that_does_not_tell_its_rules_is_a_warning_too(bench: Bench) -> None:
    class Silent:
        def is_protected(self, *, keep_days: int) -> bool:
            raise Retriable(f"The artifact store refused to tell its lifecycle rules ({keep_days}).")

    bench.airflow.the_store = Silent()
    check = Health(bench.service)._lifecycle()
    assert (check.state, "refused" in str(check.message)) == (State.WARNING, True)
