"""How hard the properties are tested: the same examples each time, few enough for every run."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "every_run",
    max_examples=50,
    deadline=None,  # the first example pays for loading polars and pyarrow
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # explaining a failure costs minutes here
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", settings.get_profile("every_run"), max_examples=2_000)
settings.load_profile("every_run")
