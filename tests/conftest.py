from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

# The first example of a test may pay for compiling a kernel, so no per-example deadline.
settings.register_profile(
    "default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
# A planted mistake need only be noticed, not explained.
settings.register_profile(
    "mutants",
    settings.get_profile("default"),
    max_examples=12,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile("default")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def data():
    """The folder of sample files that the project ships."""
    return ROOT / "data"
