"""A light dataclass is, to all who use it, what `dataclasses` makes of the same class."""

from __future__ import annotations

import dataclasses
import operator
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from rules_engine.light_dataclass import dataclass as light

if TYPE_CHECKING:
    from collections.abc import Callable


def made(decorator: Any) -> Any:
    @decorator(frozen=True, slots=True, order=True)
    class Point:
        """Somewhere."""

        x: int
        y: Any = 2
        tags: list[str] = dataclasses.field(default_factory=list)
        source: str = dataclasses.field(default="", compare=False, repr=False)
        unit: ClassVar[str] = "m"

        @property
        def total(self) -> Any:
            return self.x + self.y

    return Point


LIGHT, ORIGINAL = made(light), made(dataclasses.dataclass)


def said(work: Callable[[Any], Any], cls: Any) -> Any:
    try:
        return work(cls)
    except (TypeError, AttributeError) as error:
        return type(error)


@pytest.mark.parametrize(
    "work",
    [
        lambda cls: repr(cls(1)).replace(cls.__qualname__, "Point"),
        lambda cls: (cls(1).x, cls(1).y, cls(1).tags, cls(1).source, cls(1).total),
        lambda cls: (cls(1, 3, ["a"], "s").tags, cls(y=3, x=1).y, cls(1, source="s").source),
        lambda cls: cls(1).tags is cls(1).tags,
        lambda cls: cls(),
        lambda cls: cls(1, x=1),
        lambda cls: cls(1, nosuch=1),
        lambda cls: cls(1, 2, [], "", 5),
        lambda cls: (cls(1) == cls(1), cls(1) == cls(2), cls(1, source="a") == cls(1, source="b")),
        lambda cls: (cls(1) == (1, 2, []), cls(1) != 1, cls(1).__eq__(1)),
        lambda cls: hash(cls(1, 2, ("a",))) == hash(cls(1, 2, ("a",), "s")),
        lambda cls: hash(cls(1)),
        lambda cls: [compare(cls(1), cls(2)) for compare in ORDERS],
        lambda cls: cls(1) < 2,
        lambda cls: [field.name for field in dataclasses.fields(cls)],
        lambda cls: [(each.type, each.default, each.compare) for each in dataclasses.fields(cls)],
        lambda cls: dataclasses.replace(cls(1, 2, ["a"]), x=5).tags,
        dataclasses.is_dataclass,
        lambda cls: dataclasses.asdict(cls(1)),
        lambda cls: (cls.__name__, cls.__doc__, cls.__match_args__, cls.__slots__, cls.__module__),
        lambda cls: setattr(cls(1), "x", 2),
        lambda cls: delattr(cls(1), "x"),
        lambda cls: object.__setattr__(cls(1), "z", 2),
    ],
)  # fmt: skip
def test_it_does_what_the_original_does(work: Callable[[Any], Any]) -> None:
    assert said(work, LIGHT) == said(work, ORIGINAL)


ORDERS = (operator.lt, operator.le, operator.gt, operator.ge)


def test_patterns_take_it_apart() -> None:
    match LIGHT(1, 5):
        case LIGHT(x, y):
            assert (x, y) == (1, 5)
        case _:
            pytest.fail("no match")


def test_a_class_of_another_name_with_equal_fields_is_another_value() -> None:
    assert LIGHT(1) != made(light)(1)


def test_it_is_not_for_other_classes() -> None:
    with pytest.raises(TypeError):
        light(frozen=True, slots=False)
