"""Fixtures that start real servers: one of each kind for the whole session, names of its own for each test.

No test may connect to anything but loopback: see `network_spy`. Hypothesis runs without its limits of time,
for an example and for making examples: on a busy machine they fail at random. What it finds comes with the
line that repeats it elsewhere.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from rules_engine.local.index_server import IndexServer
from rules_engine.local.ministack import Ministack
from tests import network_spy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

settings.register_profile(
    "rules_engine", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("rules_engine")
# Chosen by `make mutate`: the same few examples for every mutant.
settings.register_profile(
    "mutation", settings.get_profile("rules_engine"), max_examples=25, derandomize=True, database=None
)

network_spy.watch()


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    """Fails a test that asked for a connection elsewhere, even if it took the refusal for a dead server."""
    yield
    forbidden = network_spy.FORBIDDEN[:]
    network_spy.FORBIDDEN.clear()
    assert not forbidden, f"a test tried to connect to {forbidden}"


@pytest.fixture
def connects() -> list[Any]:
    """The addresses that this test asks to be connected to, as they come."""
    network_spy.CONNECTS.clear()
    return network_spy.CONNECTS


@pytest.fixture(scope="session")
def ministack() -> Iterator[Ministack]:
    """A running server. Tests share it and never reset it: they use names that no other test uses."""
    with Ministack() as server:
        yield server


@pytest.fixture(scope="session")
def index_server() -> Iterator[IndexServer]:
    """The same for search indexes."""
    with IndexServer() as server:
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
