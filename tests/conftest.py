"""Fixtures that start real servers: one ministack for the whole session, names of its own for each test.

Hypothesis runs without its limits of time, for an example and for making examples: on a busy machine they
fail at random. What it finds comes with the line that repeats it elsewhere.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from rules_engine.local.ministack import Ministack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

settings.register_profile(
    "rules_engine", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("rules_engine")


@pytest.fixture(scope="session")
def ministack() -> Iterator[Ministack]:
    """A running server. Tests share it and never reset it: they use names that no other test uses."""
    with Ministack() as server:
        yield server


@pytest.fixture
def unique_name() -> Callable[[str], str]:
    """`unique_name("orders")` gives a name for a table, topic, queue or function of this test alone."""
    return lambda prefix: f"{prefix}-{uuid.uuid4().hex[:10]}"


@pytest.fixture
def aws(ministack: Ministack, monkeypatch: pytest.MonkeyPatch) -> Ministack:
    """The same server, found by boto3 as in a function: through the environment."""
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    return ministack
