"""The Python functions of a compiled expression that go through arrays and objects, or make them.

They are factories as in `closures`. A loop pays `run` before it begins: `steps`, the number of nodes in its
body, for each element, and for a list as long as all elements. Those that conditions have all the time count
that down by themselves. They append: a list comprehension takes longer on a list of a few elements, which is
what items have, on Python 3.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.expression.closures import OBJECTS, Closure, is_other_object, itself
from rules_engine.expression.values import is_true

if TYPE_CHECKING:
    from rules_engine.expression.budget import Evaluation


def projected(base: Closure, body: Closure, steps: int) -> Closure:
    """What `body` makes of each element of an array, but for null."""

    def closure(value: Any, run: Evaluation) -> list[Any] | None:
        elements = base(value, run)
        if not isinstance(elements, list):
            return None
        count = len(elements)
        run.steps -= count * steps
        run.size -= count
        if run.steps < 0 or run.size < 0:
            run.check()
        made = []
        for element in elements:
            found = body(element, run)
            if found is not None:
                made.append(found)
        return made

    return closure


def name_projected(base: Closure, name: str, steps: int) -> Closure:
    """`projected` with a body that is a name."""

    def closure(value: Any, run: Evaluation) -> list[Any] | None:
        elements = base(value, run)
        if not isinstance(elements, list):
            return None
        count = len(elements)
        run.steps -= count * steps
        run.size -= count
        if run.steps < 0 or run.size < 0:
            run.check()
        made = []
        for element in elements:
            if type(element) in OBJECTS or is_other_object(element):
                found = element.get(name)
                if found is not None:
                    made.append(found)
        return made

    return closure


def values_projected(base: Closure, body: Closure, steps: int) -> Closure:
    """`projected` over the values of an object."""

    def closure(value: Any, run: Evaluation) -> list[Any] | None:
        elements = base(value, run)
        if type(elements) not in OBJECTS and not is_other_object(elements):
            return None
        run.take(len(elements) * steps)
        run.build(len(elements))
        made = []
        for element in elements.values():
            found = body(element, run)
            if found is not None:
                made.append(found)
        return made

    return closure


def filtered(base: Closure, condition: Closure, body: Closure, steps: int) -> Closure:
    """`projected` over those elements for which the condition is true."""
    kept_whole = body is itself

    def closure(value: Any, run: Evaluation) -> list[Any] | None:
        elements = base(value, run)
        if not isinstance(elements, list):
            return None
        count = len(elements)
        run.steps -= count * steps
        run.size -= count
        if run.steps < 0 or run.size < 0:
            run.check()
        made = []
        for element in elements:
            holds = condition(element, run)
            if holds is True or (holds is not False and is_true(holds)):
                found = element if kept_whole else body(element, run)
                if found is not None:
                    made.append(found)
        return made

    return closure


def flattened(base: Closure) -> Closure:
    def closure(value: Any, run: Evaluation) -> list[Any] | None:
        elements = base(value, run)
        if not isinstance(elements, list):
            return None
        count = len(elements)
        run.steps -= count
        if run.steps < 0:
            run.check()
        for element in elements:
            if isinstance(element, list):
                return _flat(elements, run)
        run.size -= count
        if run.size < 0:
            run.check()
        return elements[:]  # which is a list also where `elements` is a set

    return closure


def _flat(elements: list[Any], run: Evaluation) -> list[Any]:
    flat: list[Any] = []
    for element in elements:
        if isinstance(element, list):
            run.build(len(element))
            flat.extend(element)
        else:
            run.build(1)
            flat.append(element)
    return flat


def list_of(parts: list[Closure]) -> Closure:
    return lambda value, run: None if value is None else [part(value, run) for part in parts]


def object_of(parts: list[tuple[str, Closure]]) -> Closure:
    return lambda value, run: None if value is None else {key: part(value, run) for key, part in parts}
