"""`@dataclass(frozen=True, slots=True)` that costs a function's start next to nothing.

The classes are what `dataclasses` makes of them, for `fields`, `replace`, `match`, equality, hash, order and
text as well, and type checkers see the original. The difference is when work is done: `dataclasses` writes
and compiles six methods for each class, 1 ms each, which for the forty classes of a function was more than
all else that its modules do. Here the methods are shared and find their fields when they are called.
"""

from __future__ import annotations

import operator
from dataclasses import MISSING, Field, FrozenInstanceError, field, make_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, slots: bool, order: bool = False) -> Callable[[type], type]:
        """The decorator. `frozen` and `slots` must be said and true: these classes are nothing else."""
        if not (frozen and slots):
            raise TypeError("a light dataclass is frozen and has slots")
        return lambda cls: _made(cls, order)


__all__ = ["dataclass", "field"]


class _Fields:
    """What `dataclasses` looks for in a class, made by itself from the same fields when it does."""

    def __init__(self, defaults: dict[str, Any]) -> None:
        self._defaults = defaults

    def __get__(self, instance: object, owner: type) -> dict[str, Field[Any]]:
        described = [
            (name, annotation, *([self._defaults[name]] if name in self._defaults else []))
            for name, annotation in owner.__annotations__.items()
            if not _is_of_class(annotation)
        ]
        found: dict[str, Field[Any]] = make_dataclass("_", described).__dict__["__dataclass_fields__"]
        owner.__dataclass_fields__ = found  # type: ignore[attr-defined]
        return found


def _is_of_class(annotation: object) -> bool:
    """Whether it is of the class and no field. Annotations are texts: nothing evaluates them."""
    return isinstance(annotation, str) and annotation.startswith("ClassVar")


def _made(cls: type, order: bool) -> type:
    names = tuple(name for name, annotation in cls.__annotations__.items() if not _is_of_class(annotation))
    body = {key: value for key, value in cls.__dict__.items() if key not in ("__dict__", "__weakref__")}
    defaults = {name: body.pop(name) for name in names if name in body}
    compared = [name for name in names if _option(defaults, name, "compare")]
    key = operator.attrgetter(*compared) if compared else type
    body |= {
        "__slots__": names,
        "__match_args__": names,
        "__dataclass_fields__": _Fields(defaults),
        "__qualname__": cls.__qualname__,
        "__repr__": _repr([name for name in names if _option(defaults, name, "repr")]),
        "__eq__": _compared(operator.eq, key),
        "__hash__": lambda self: hash(key(self)),
        "__setattr__": _refuse,
        "__delattr__": _refuse,
    }
    if order:
        for name in ("lt", "le", "gt", "ge"):
            body[f"__{name}__"] = _compared(getattr(operator, name), key)
    made = type(cls)(cls.__name__, cls.__bases__, body)
    made.__init__ = _init(names, defaults, made)  # type: ignore[misc]
    return made


def _option(defaults: dict[str, Any], name: str, option: str) -> bool:
    default = defaults.get(name)
    return bool(getattr(default, option)) if isinstance(default, Field) else True


def _init(names: tuple[str, ...], defaults: dict[str, Any], made: type) -> Callable[..., None]:
    setters = [made.__dict__[name].__set__ for name in names]
    factories = {name: factory for name in defaults if (factory := _factory(defaults[name]))}

    def init(self: object, *values: Any, **named: Any) -> None:
        for put, value in zip(setters, values, strict=False):
            put(self, value)
        for place in range(len(values), len(names)):
            name = names[place]
            if name in named:
                setters[place](self, named.pop(name))
            elif name in factories:
                setters[place](self, factories[name]())
            else:
                raise TypeError(f"{made.__name__}() needs '{name}'")
        if named or len(values) > len(names):
            raise TypeError(f"{made.__name__}() takes {', '.join(names)}, each once")

    return init


def _factory(default: Any) -> Callable[[], Any] | None:
    """What makes the value of a field that is not given."""
    if not isinstance(default, Field):
        return lambda: default
    if default.default_factory is not MISSING:
        return default.default_factory
    return None if default.default is MISSING else lambda: default.default


def _compared(compare: Callable[[Any, Any], Any], key: Callable[[Any], Any]) -> Callable[..., Any]:
    def method(self: object, other: object) -> Any:
        return compare(key(self), key(other)) if type(other) is type(self) else NotImplemented

    return method


def _repr(names: list[str]) -> Callable[[object], str]:
    return lambda self: (
        f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"
    )


def _refuse(self: object, name: str, *value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")
