"""Which rules match which records, decided in plain Python.

In: records as Lambda delivers them and `Description`s. Out: for every record the numbers of the rules that
match it, in order. Nothing of `rules_engine` is used: own decoder, own meaning of every test, and the other
way round: not record by record, but clause by clause, the set of all records for which it holds, as the bits
of one integer. So 100,000 rules on all 5,000 records take seconds, and nothing has to be checked by samples.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bench.description import Clause, Description

_FEW_RECORDS = 100


def decode(attribute: Mapping[str, Any]) -> Any:
    """One attribute in DynamoDB JSON as a Python value."""
    [(tag, value)] = attribute.items()
    if tag == "N":
        return Decimal(value)
    if tag == "M":
        return {name: decode(child) for name, child in value.items()}
    if tag == "L":
        return [decode(child) for child in value]
    return value  # S, BOOL, SS


def decode_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Event name and decoded images; None for an image that is not there."""
    data = record["dynamodb"]
    images = {
        short: {name: decode(attribute) for name, attribute in data[name_in_record].items()}
        if name_in_record in data
        else None
        for short, name_in_record in (("new", "NewImage"), ("old", "OldImage"))
    }
    return {"eventName": record["eventName"], "expired": "userIdentity" in record, **images}


def value_at(value: Any, path: str) -> Any:
    """What is there, None where nothing is. No attribute of the workload is NULL, so the two do not mix."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def _equals(value: Any, operand: Any) -> bool:
    if isinstance(value, bool) or isinstance(operand, bool):
        return value is operand
    return bool(value == operand)


def _above(value: Any, operand: Any) -> bool:
    return isinstance(value, Decimal) and value > operand


def _at_least(value: Any, operand: Any) -> bool:
    return isinstance(value, Decimal) and value >= operand


def _below(value: Any, operand: Any) -> bool:
    return isinstance(value, Decimal) and value < operand


def _at_most(value: Any, operand: Any) -> bool:
    return isinstance(value, Decimal) and value <= operand


def _any_item(items: Any, wanted: Any) -> bool:
    return any(
        all(_ON_VALUE[test](item.get(name), operand) for name, test, operand in wanted)
        for item in items or ()
    )


def _sum_above(items: Any, operand: Any) -> bool:
    name, limit = operand
    return items is not None and bool(sum(item[name] for item in items) > limit)


_ON_VALUE: dict[str, Callable[[Any, Any], bool]] = {
    "equals": _equals,
    "differs": lambda value, operand: not _equals(value, operand),
    "one_of": lambda value, operand: value in operand,
    "above": _above,
    "at_least": _at_least,
    "below": _below,
    "at_most": _at_most,
    "starts_with": lambda value, operand: isinstance(value, str) and value.startswith(operand),
    "has_text": lambda value, operand: isinstance(value, str) and operand in value,
    "has_element": lambda value, operand: isinstance(value, list) and operand in value,
    "any_item": _any_item,
    "sum_above": _sum_above,
}
"""Tests on the value at the clause's path, None where there is none."""


def _became(old: Any, new: Any, operand: Any) -> bool:
    return _equals(new, operand) and not _equals(old, operand)


def _changed(old: Any, new: Any, operand: Any) -> bool:
    return bool(old != new)


def _rose(old: Any, new: Any, operand: Any) -> bool:
    return isinstance(old, Decimal) and isinstance(new, Decimal) and new > old


_ON_BOTH: dict[str, Callable[[Any, Any, Any], bool]] = {
    "became": _became,
    "changed": _changed,
    "rose": _rose,
}
"""Tests on the values at the clause's path in the old and the new image."""

TESTS = frozenset({*_ON_VALUE, *_ON_BOTH})


class Reference:
    """The records' side, decoded once, so that many rule sets can be asked about the same records."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._records = [decode_record(record) for record in records]
        self._columns: dict[str, list[Any]] = {}
        self._holding: dict[Clause, int] = {}
        self._equal: dict[str, dict[tuple[bool, Any], int]] = {}
        self._events = {
            "INSERT": self._records_where(lambda record: record["eventName"] == "INSERT"),
            "MODIFY": self._records_where(lambda record: record["eventName"] == "MODIFY"),
            "REMOVE": self._records_where(lambda record: record["eventName"] == "REMOVE"),
            "EXPIRE": self._records_where(lambda record: record["expired"]),
        }

    def matches(self, descriptions: Iterable[Description]) -> list[list[int]]:
        """For every record the numbers of the rules that match it, ascending."""
        found: list[list[int]] = [[] for _ in self._records]
        for number, description in enumerate(descriptions):
            for place in _numbers(self._matched(description)):
                found[place].append(number)
        return found

    def _matched(self, description: Description) -> int:
        matched = 0
        for event in description.events:
            matched |= self._events[event]
        matched &= self._all_hold(description.clauses)
        for exception in description.exceptions:
            matched &= ~self._all_hold(exception)
        return matched

    def _all_hold(self, clauses: Iterable[Clause]) -> int:
        """Equalities first: they are looked up, and leave few records for the other clauses to look at."""
        holding = (1 << len(self._records)) - 1
        others = []
        for clause in clauses:
            if clause.test == "equals":
                holding &= self._equal_at(clause.path).get(_typed(clause.operand), 0)
            else:
                others.append(clause)
        for clause in others:
            if holding.bit_count() > _FEW_RECORDS:
                holding &= self._holds(clause)
            else:
                holding &= self._bits_where(clause, _numbers(holding))
        return holding

    def _holds(self, clause: Clause) -> int:
        """The records for which `clause` holds."""
        if clause not in self._holding:
            self._holding[clause] = self._bits_where(clause, range(len(self._records)))
        return self._holding[clause]

    def _bits_where(self, clause: Clause, numbers: Iterable[int]) -> int:
        """Those of the records `numbers` for which `clause` holds."""
        operand = clause.operand
        if clause.test in _ON_BOTH:
            holds_on_both = _ON_BOTH[clause.test]
            old, new = self._column(f"old.{clause.path}"), self._column(f"new.{clause.path}")
            return _bits(number for number in numbers if holds_on_both(old[number], new[number], operand))
        holds = _ON_VALUE[clause.test]
        column = self._column(clause.path)
        return _bits(number for number in numbers if holds(column[number], operand))

    def _column(self, path: str) -> list[Any]:
        """The value at `path` in every record."""
        if path not in self._columns:
            self._columns[path] = [value_at(record, path) for record in self._records]
        return self._columns[path]

    def _equal_at(self, path: str) -> dict[tuple[bool, Any], int]:
        """For every value at `path` the records that have it: what many rules ask is looked at once."""
        if path not in self._equal:
            column: defaultdict[tuple[bool, Any], int] = defaultdict(int)
            for number, value in enumerate(self._column(path)):
                column[_typed(value)] |= 1 << number
            self._equal[path] = dict(column)
        return self._equal[path]

    def _records_where(self, holds: Callable[[dict[str, Any]], bool]) -> int:
        return _bits(number for number, record in enumerate(self._records) if holds(record))


def _bits(numbers: Iterable[int]) -> int:
    bits = 0
    for number in numbers:
        bits |= 1 << number
    return bits


def _numbers(bits: int) -> Iterator[int]:
    """The places of the bits that are set, ascending."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _typed(value: Any) -> tuple[bool, Any]:
    """To look `value` up by: True is not 1."""
    return isinstance(value, bool), value
