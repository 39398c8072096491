"""`load`: bytes of a bundle -> a `RuleSet` whose rules and trees are read when something asks for them.

Refused with BundleError when the function starts: another format version, a wrong sum, what is no bundle or
cannot be read. What is wrong with a rule or a tree in spite of a right sum, which no `dump` wrote, is a
BundleError when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn, overload

from rules_engine import exact_json
from rules_engine.bundle.layout import FORMAT, LAST, RULES, START, is_sealed
from rules_engine.errors import BundleError
from rules_engine.expression.need_codec import read_needs
from rules_engine.json_forms import elements, flag, members, place, text, texts
from rules_engine.model import EVENT_NAMES, ActionSpec, Outline, Rule, RuleSet, Scope, Surroundings, Unless
from rules_engine.on_demand import OnDemand


def load(data: bytes) -> RuleSet:
    """The rule set that `dump` wrote. Raises BundleError."""
    if not data.startswith(START):
        _refuse(data)
    if not is_sealed(data):
        raise BundleError("the bundle's SHA-256 does not match its rules: it was changed after it was built")
    try:
        first, *lines, last = data.removesuffix(b"\n").split(b"\n")
        middle = lines.index(RULES)
        head = exact_json.loads((first + b"}}").decode())
        written = exact_json.loads((b"[" + last).replace(b"[" + LAST, b'{"scopes":', 1).decode())
        trees = _Trees(lines[:middle])
        scopes = [_scope(scope, trees) for scope in elements(written["scopes"])]
        if len(lines) - middle - 1 != len(head["outlines"]):
            raise ValueError("there is not one rule for each outline")
        outlines = _outlines(head, scopes)
        return RuleSet(
            _Rules(lines[middle + 1 :], [outline.rule_id for outline in outlines], scopes),
            outlines,
            Surroundings(
                texts(head["references"]),
                tuple(_action(written) for written in elements(head["connections"])),
                tuple((text(table), (flag(new), flag(old))) for table, new, old in head["images"]),
            ),
        )
    except (TypeError, ValueError, LookupError) as error:
        raise BundleError(f"the bundle's rules cannot be read: {error}") from error


def _refuse(data: bytes) -> NoReturn:
    """Say why what does not start as our bundles do is none."""
    try:
        document = exact_json.loads(data.decode())
    except ValueError as error:
        raise BundleError(f"the bundle is not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise BundleError("the bundle is not a JSON object")
    version = document.get("format")
    if version != FORMAT:
        raise BundleError(f"the bundle has format {version!r}, and this version reads format {FORMAT} only")
    raise BundleError("the bundle is not laid out as 'rules-engine build' does it: it was written anew")


def _scope(written: Any, trees: Mapping[str, Any]) -> Scope:
    for part in members(written).values():
        members(part)
    texts(list(written.get("conditions", {}).values()))
    return Scope(**written, trees=trees)


def _outlines(head: Mapping[str, Any], scopes: Sequence[Scope]) -> tuple[Outline, ...]:
    needs = read_needs(head["sources"], head["needs"])
    kinds = [
        (texts(tables), _event_names(names), scopes[place(scope)], flag(enabled))
        for tables, names, scope, enabled in head["kinds"]
    ]
    outlines = []
    for rule_id, kind, *every in elements(head["outlines"]):
        tables, names, scope, enabled = kinds[place(kind)]
        found, *exceptions = [tuple([needs[place(each)] for each in places]) for places in every]
        outlines.append(Outline(text(rule_id), tables, names, found, tuple(exceptions), scope, enabled))
    return tuple(outlines)


def _event_names(written: Any) -> tuple[str, ...]:
    names = texts(written)
    if not set(names) <= set(EVENT_NAMES):
        raise ValueError("an event that no record has")
    return names


class _Trees(Mapping[str, Any]):
    """Parsed expressions by their text, found by halving the sorted lines and read each time."""

    __slots__ = ("_lines",)

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def __getitem__(self, text: str) -> Any:
        start = f"{exact_json.dumps(text)}:".encode()
        place = bisect_left(self._lines, start)
        if place == len(self._lines) or not self._lines[place].startswith(start):
            raise KeyError(text)
        return _line(self._lines[place].removeprefix(start))

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            yield from exact_json.loads(f"{{{line.rstrip(b',').decode()}}}")

    def __len__(self) -> int:
        return len(self._lines)


class _Rules(Sequence[Rule]):
    """Rules, each read from its line when it is first asked for. Equal to any sequence of equal rules."""

    __slots__ = ("_lines", "_read")

    def __init__(self, lines: list[bytes], ids: Sequence[str], scopes: Sequence[Scope]) -> None:
        self._lines = lines
        self._read = OnDemand[int, Rule](lambda place: _rule(_line(lines[place]), ids[place], scopes))

    @overload
    def __getitem__(self, place: int) -> Rule: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Rule]: ...
    def __getitem__(self, place: int | slice) -> Rule | Sequence[Rule]:
        places = range(len(self._lines))[place]
        return self._read[places] if isinstance(places, int) else [self._read[each] for each in places]

    def __len__(self) -> int:
        return len(self._lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def _line(line: bytes) -> Any:
    try:
        return exact_json.loads(line.rstrip(b",").decode())
    except ValueError as error:
        raise BundleError(f"a line of the bundle is not JSON: {error}") from error


def _rule(written: Any, rule_id: str, scopes: Sequence[Scope]) -> Rule:
    try:
        values = _read_fields(written, _RULE)
        if values["id"] != rule_id:
            raise ValueError(f"'{rule_id}' stands where its outline does not")
        values["scope"] = scopes[values["scope"]]
        return Rule(**values)
    except (TypeError, ValueError, LookupError) as error:
        raise BundleError(f"the bundle's rules cannot be read: {error}") from error


def _read_fields(written: Any, forms: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return {name: forms[name](value) for name, value in members(written).items()}


def _action(written: Any) -> ActionSpec:
    return ActionSpec(**_read_fields(written, _ACTION))


def _exception(written: Any) -> Unless:
    return Unless(**_read_fields(written, _UNLESS))


def _seconds(written: Any) -> Any:
    if type(written) in (int, Decimal) and 0 < written < 1_000:
        return written
    raise TypeError("not a number of seconds")


_ACTION: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("id", "type", "mode", "on_error"), text),
    "config": members,
    "timeout_seconds": _seconds,
}
_UNLESS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("name", "reason", "expires"), text),
    "when": texts,
}
_RULE: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("id", "description", "severity", "runbook", "owner", "view"), text),
    **dict.fromkeys(("tables", "when", "tags"), texts),
    **dict.fromkeys(("when_is_list", "enabled"), flag),
    "events": _event_names,
    "actions": lambda written: tuple(map(_action, elements(written))),
    "unless": lambda written: tuple(map(_exception, elements(written))),
    "scope": place,
}
"""What each field is. `writer` leaves out those that have their default."""
