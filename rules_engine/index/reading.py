"""Lines of generated code that read what most records need, straight from DynamoDB JSON and each once.

`read_lines(tree, sources, readers, names)` gives lines that set `v0`, `v1`, ... for the slots that look-ups
and most walks need, and adds what they speak of to `names`. They are written for the type that the rules
expect; where a record has another one, the reader of the source says what is there. The lines raise one of
`reader.DAMAGED` for an attribute that is no DynamoDB JSON, but not inside of lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.expression.needs import ABSENT, FALSE, NULL, TRUE, Source
from rules_engine.index.numbers import DIGITS, number_in
from rules_engine.index.reader import (
    DAMAGED,
    FAILED,
    IMAGES,
    SMALL_WHOLE,
    UNEXPECTED,
    has_changed,
    members_of,
    strings_in,
    sum_of,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules_engine.index.reader import Reader
    from rules_engine.index.tree import Tree

READING: dict[str, Any] = {
    "ABSENT": ABSENT,
    "DIGITS": DIGITS,
    "FAILED": FAILED,
    "NOTHING": {},
    "DAMAGED": DAMAGED,
    "FALSE": FALSE,
    "FIGURES": "0123456789",
    "NULL": NULL,
    # What `strip` leaves of the usual numbers; `float` refuses what has it in the wrong place.
    "POINT_OR_SIGN": frozenset({"", ".", "-", "-."}),
    "SMALL_NUMBERS": {str(int(number)): number for number in SMALL_WHOLE},
    "TRUE": TRUE,
    "UNEXPECTED": UNEXPECTED,
    "dict": dict,
    "float": float,
    "has_changed": has_changed,
    "isinstance": isinstance,
    "len": len,
    "list": list,
    "max": max,
    "members_of": members_of,
    "min": min,
    "number_in": number_in,
    "str": str,
    "strings_in": strings_in,
    "sum_of": sum_of,
    "type": type,
    "value_of": value_of,
}
"""What the lines speak of whatever is read."""


def read_lines(
    tree: Tree, sources: Sequence[Source], readers: Sequence[Reader], names: dict[str, Any]
) -> tuple[list[str], dict[int, list[str]], set[int]]:
    """Lines for all slots in `tree.read_first`, for each in `tree.read_late`, and the slots of the first."""
    reading = _Reading(tree, sources, readers, names)
    return *reading.lines(), set(reading.first)


class _Reading:
    def __init__(
        self, tree: Tree, sources: Sequence[Source], readers: Sequence[Reader], names: dict[str, Any]
    ) -> None:
        self._tree = tree
        self._sources = sources
        self._readers = readers
        self._names = names
        # What an expression gives has a slot for each rule file; every other source has one.
        self._slots = {source: slot for slot, source in enumerate(sources)}
        self.first = self._with_operands(tree.read_first)
        self._types = {**tree.read_late, **self.first}
        self._maps: dict[tuple[str, ...], str] = {}
        self._raws: dict[tuple[str, ...], str] = {}
        self._first: list[str] = []

    def _with_operands(self, slots: Mapping[int, set[type]]) -> dict[int, set[type]]:
        """With the values that are compared with each other."""
        found = {slot: set(types) for slot, types in slots.items()}
        for slot in slots:
            source = self._sources[slot]
            if source.other is not None and source.function in _SIGNS:
                for names in (source.names, source.other):
                    found.setdefault(self._slots[Source(names)], set()).add(float)
        return found

    def lines(self) -> tuple[list[str], dict[int, list[str]]]:
        late: dict[int, list[str]] = {}
        lists: dict[tuple[str, ...], list[int]] = {}
        compared: list[int] = []
        # `new` comes before `old`, which is mostly the same.
        for slot in sorted(self._types, key=lambda slot: (self._sources[slot].names, slot)):
            source = self._sources[slot]
            lines = self._first if slot in self.first else late.setdefault(slot, [])
            if source.other is not None and slot in self.first:
                compared.append(slot)
            elif not _is_in_image(source):
                self._names[f"read{slot}"] = self._readers[slot]
                lines.append(f"v{slot} = read{slot}(record)")
                if source.other is not None:
                    # A look-up would find nothing, and nobody would hear of what is damaged.
                    lines += (f"if v{slot} is UNEXPECTED:", "    raise TypeError")
            elif source.inner:
                lists.setdefault(source.names, []).append(slot)
            else:
                self._read_parents(source.names[:-1])
                lines += self._attribute(slot)
        for path, slots in lists.items():
            self._read_parents(path[:-1])
            self._first += self._elements(path, slots)
        for slot in compared:
            self._first += list(self._compared(slot))
        return self._first, late

    def _read_parents(self, path: tuple[str, ...]) -> None:
        """Read a map, and before it those that it is in, each under a name in `_maps`."""
        if path in self._maps:
            return
        if len(path) == 1:
            self._maps[path] = path[0]
            self._first.append(f"{path[0]} = record.{IMAGES[path[0]]} or NOTHING")
            return
        self._read_parents(path[:-1])
        parent = self._maps[path[:-1]]
        self._maps[path] = inside = f"m{len(self._maps)}"
        self._names[f"name_{inside}"] = path[-1]
        self._first += (
            f"{inside} = NOTHING",
            f"if name_{inside} in {parent}:",
            f"    attribute = {parent}[name_{inside}]",
            "    if 'M' in attribute and len(attribute) == 1 and type(attribute['M']) is dict:",
            f"        {inside} = attribute['M']",
            "    else:",
            f"        {inside} = members_of(attribute) or NOTHING",
        )

    def _attribute(self, slot: int) -> Iterator[str]:
        """Reads one attribute, whatever type it turns out to have."""
        names = self._sources[slot].names
        parent = self._maps[names[:-1]]
        self._names[f"name{slot}"] = names[-1]
        if self._is_number(slot):
            yield f"text{slot} = UNREAD"
        yield f"if name{slot} in {parent}:"
        yield f"    a{slot} = {parent}[name{slot}]"
        yield f"    if len(a{slot}) != 1:"
        yield f"        v{slot} = value_of(a{slot})"
        yield from (f"    {line}" for line in self._expected(slot))
        yield "    else:"
        yield f"        v{slot} = value_of(a{slot})"
        yield "else:"
        yield f"    a{slot} = None"
        yield f"    v{slot} = ABSENT"

    def _is_number(self, slot: int) -> bool:
        return float in self._types[slot] and not self._types[slot] & {str, frozenset}

    def _expected(self, slot: int) -> Iterator[str]:
        """Reads the attribute where it has a type that the rules expect."""
        types = self._types[slot]
        if self._is_number(slot):
            yield f"elif 'N' in a{slot}:"
            yield from (f"    {line}" for line in self._number(slot))
        elif types & {str, frozenset}:
            yield f"elif 'S' in a{slot}:"
            yield f"    v{slot} = a{slot}['S']"
            # Where it is only looked up among texts, anything else is equal to none of them.
            if types != {str} or slot in self._tree.walked:
                yield f"    if not isinstance(v{slot}, str):"
                yield f"        v{slot} = value_of(a{slot})"
            if frozenset in types:
                yield f"elif 'SS' in a{slot}:"
                yield f"    v{slot} = strings_in(a{slot}['SS'])"
        else:
            yield f"elif 'BOOL' in a{slot}:"
            yield f"    flag = a{slot}['BOOL']"
            yield f"    v{slot} = TRUE if flag is True else FALSE if flag is False else value_of(a{slot})"

    def _number(self, slot: int) -> Iterator[str]:
        yield f"text{slot} = a{slot}['N']"
        image, *path = self._sources[slot].names
        twin = self._operand(Source(("new", *path)))
        if image == "old" and twin is not None and self._is_number(twin):
            yield f"if text{slot} == text{twin}:"
            yield f"    v{slot} = v{twin}"
            yield "else:"
            yield f"    v{slot} = {_NUMBER.format(f'text{slot}')}"
        else:
            yield f"v{slot} = {_NUMBER.format(f'text{slot}')}"

    def _operand(self, source: Source) -> int | None:
        """The slot of a source that is read first."""
        slot = self._slots.get(source)
        return slot if slot in self.first else None

    def _compared(self, slot: int) -> Iterator[str]:
        """Says how two values are to each other: whether they changed, or whether both are numbers and so."""
        source = self._sources[slot]
        left, right = (self._operand(Source(names)) for names in (source.names, source.other or ()))
        if source.function == "changed":
            new, old = self._raw(source.names, left), self._raw(source.other or (), right)
            yield f"v{slot} = FALSE if {old} == {new} else has_changed({old}, {new})"
        elif left is None or right is None:
            self._names[f"read{slot}"] = self._readers[slot]
            yield f"v{slot} = read{slot}(record)"
        else:
            # Mostly nothing has changed, and both are the same object.
            same = f"FALSE if v{left} is v{right} else " if source.function in ("lt", "gt") else ""
            yield (
                f"v{slot} = {same}TRUE if isinstance(v{left}, float) and isinstance(v{right}, float)"
                f" and v{left} {_SIGNS[source.function or '']} v{right} else FALSE"
            )

    def _raw(self, path: tuple[str, ...], slot: int | None) -> str:
        """The variable with the DynamoDB JSON of an attribute, None for none."""
        if slot is not None:
            return f"a{slot}"
        self._read_parents(path[:-1])
        parent = self._maps[path[:-1]]
        variable = f"a{len(self._sources) + len(self._raws)}"
        if path not in self._raws:
            self._raws[path] = variable
            self._names[f"name_{variable}"] = path[-1]
            self._first += (
                f"{variable} = None",
                f"if name_{variable} in {parent}:",
                f"    {variable} = {parent}[name_{variable}]",
                f"    if len({variable}) != 1:",
                f"        value_of({variable})",
            )
        return self._raws[path]

    def _elements(self, path: tuple[str, ...], slots: Sequence[int]) -> Iterator[str]:
        """Reads of all elements of a list what any slot wants of them, in one loop."""
        key = f"l{slots[0]}"
        types: dict[tuple[str, ...] | None, set[type]] = {}
        for slot in slots:
            types.setdefault(self._sources[slot].inner, set()).update(self._types[slot])
        variables = {inner: f"{key}_{number}" for number, inner in enumerate(types)}
        self._names[f"name_{key}"] = path[-1]
        self._names |= {f"name_{variable}": inner[0] for inner, variable in variables.items() if inner}
        parent = self._maps[path[:-1]]
        yield "try:"
        yield f"    if name_{key} in {parent}:"
        yield f"        attribute = {parent}[name_{key}]"
        yield "        elements = attribute['L']"
        yield "        if len(attribute) != 1 or type(elements) is not list:"
        yield "            raise TypeError"
        yield from (f"        {variable} = []" for variable in variables.values())
        yield "        for element in elements:"
        yield "            members = element['M']"
        yield "            if len(element) != 1 or type(members) is not dict:"
        yield "                raise TypeError"
        for inner, variable in variables.items():
            yield from (
                f"            {line}" for line in _member(variable, "S" if str in types[inner] else "N")
            )
        made: dict[str, int] = {}
        for slot in slots:
            source = self._sources[slot]
            expression = _MADE[source.function].format(variables[source.inner])
            # `largest` is the same as `max` here.
            yield f"        v{slot} = {f'v{made[expression]}' if expression in made else expression}"
            made.setdefault(expression, slot)
        yield "    else:"
        yield from (f"        v{slot} = FAILED" for slot in slots)
        yield "except DAMAGED:"
        for slot in slots:
            self._names[f"read{slot}"] = self._readers[slot]
            yield f"    v{slot} = read{slot}(record)"


def _is_in_image(source: Source) -> bool:
    """Whether it is an attribute, or one of each element, that the lines can read."""
    return (
        len(source.names) > 1
        and source.names[0] in IMAGES
        and source.other is None
        and (source.inner is None or len(source.inner) == 1)
    )


def _member(variable: str, tag: str) -> Iterator[str]:
    yield f"if name_{variable} in members:"
    yield f"    attribute = members[name_{variable}]"
    yield f"    value = attribute['{tag}']"
    yield "    if len(attribute) != 1:"
    yield "        raise TypeError"
    if tag == "N":
        yield f"    value = {_NUMBER.format('value')}"
    else:
        yield "    if not isinstance(value, str):"
        yield "        raise TypeError"
    yield f"    {variable}.append(value)"
    yield "else:"
    yield f"    {variable}.append(ABSENT)"


_SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

_NUMBER = (
    "SMALL_NUMBERS[{0}] if {0} in SMALL_NUMBERS else float({0}) if len({0}) <= DIGITS"
    " and {0}.strip(FIGURES) in POINT_OR_SIGN else number_in({0})"
)
"""The number in a text, as `numbers.number_in` reads it, for the usual ones without a call."""

_MADE: dict[str | None, str] = {
    None: "{0}",
    "sum": "sum_of({0})",
    "max": "max({0}) if {0} else NULL",
    "largest": "max({0}) if {0} else NULL",
    "min": "min({0}) if {0} else NULL",
    "smallest": "min({0}) if {0} else NULL",
}
"""What functions make of elements. A TypeError, where some are no numbers, leaves it to the reader."""
