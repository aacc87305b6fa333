"""Settings of all tests: checked array shapes, steady Hypothesis, compiled code kept."""

import os

from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

# Shapes and types of the room that computes are checked at every call; must precede its import.
install_import_hook("anagen.biology", "beartype.beartype")

# The record on both databases, for the tests of the clinic and of the server alike.
pytest_plugins = ("databases",)

settings.register_profile(
    "anagen",
    deadline=None,
    derandomize=True,
    max_examples=30,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("anagen")

os.environ.setdefault("JAX_PLATFORMS", "cpu")


def pytest_configure() -> None:
    """Share what JAX compiled among the workers and with the next run."""
    from anagen._runtime import prepare_jax

    prepare_jax()
