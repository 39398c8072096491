"""The index server for tests: started once for a session, an index of its own for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rules_engine.local.index_server import IndexServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def index_server() -> Iterator[IndexServer]:
    """A running server. Tests share it and use names that no other test uses."""
    with IndexServer() as server:
        yield server
