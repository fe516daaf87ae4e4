"""How hard the properties are tested: the same examples in every run, ten times as many new ones each night."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "every_run",
    max_examples=200,
    deadline=None,  # the first example pays for loading polars and pyarrow
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # explaining a failure costs minutes here
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly",
    settings.get_profile("every_run"),
    max_examples=2_000,
    derandomize=False,
    print_blob=True,  # what a night found is found again with @reproduce_failure
)
settings.load_profile("every_run")
