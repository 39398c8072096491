"""What `make fuzz` holds, on seeds, on changed seeds and on any bytes."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from types import ModuleType

TARGETS = {
    name: importlib.import_module(f"tests.fuzz.{name}") for name in ("source", "expression", "record", "url")
}
SEEDS = {name: list(target.seeds()) for name, target in TARGETS.items()}
targets = pytest.mark.parametrize("name", TARGETS)


@targets
def test_the_seeds_of_a_fuzz_target_hold(name: str) -> None:
    target: ModuleType = TARGETS[name]
    assert len(SEEDS[name]) > 10
    for seed in SEEDS[name]:
        target.check(seed)


@targets
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_changed_seeds_of_a_fuzz_target_hold(name: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(SEEDS[name]))
    at, kept = data.draw(st.integers(0, len(seed))), data.draw(st.integers(0, 8))
    piece = data.draw(
        st.binary(max_size=6)
        | st.sampled_from([b"{", b"[", b"'", b'"', b"\\", b"\xed\xa0\x80", b"\n", b"9" * 50])
    )
    TARGETS[name].check(seed[:at] + piece + seed[at + kept :])


@targets
@given(data=st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_hold_for_a_fuzz_target(name: str, data: bytes) -> None:
    TARGETS[name].check(data)
