"""Outlines of rules -> the filter patterns of a table's mapping: what Lambda need not hand over at all.

A record that any rule matches fits one of the patterns; that is the law, and whatever a pattern cannot say
for sure is left out of it, so that it lets more through. A pattern says which kinds of records, and what
attributes have: a text, a beginning, a boolean, or a number of any value, for Lambda compares numbers as the
texts that DynamoDB made of them. `exists` is used at leaves only: anywhere else it means nothing to Lambda.

A text in a condition may be a text in the table, or a binary whose base64 reads so. A pattern has one type
for an attribute: with another one, which is rare, the record fits a pattern of its own, about nothing else.
`$or` inside of an attribute would say it too, but where Lambda takes it is not documented, and taken for a
name it would drop everything.

A mapping takes five patterns of 4,096 characters. Rules beyond that share one: those are put together first
that together let through the least of what neither wants, by a rough guess at how often a value occurs.
"""

from __future__ import annotations

import json
import re
from functools import reduce
from itertools import combinations
from math import prod
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from rules_engine.expression.needs import FALSE, TRUE, Equals, StartsWith, Within

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from rules_engine.expression.needs import Key, Need, Source
    from rules_engine.model import Outline

MOST_PATTERNS = 5
MOST_CHARACTERS = 4_096

MOST_COMPARED = 60
"""Patterns that are compared each with each; of more, those of the same attributes are put together first."""

_IMAGES = {"new": "NewImage", "old": "OldImage", "keys": "Keys"}
_EVENTS = {"INSERT": "INSERT", "MODIFY": "MODIFY", "REMOVE": "REMOVE", "EXPIRE": "REMOVE"}
_EXPIRED = (
    (("userIdentity", "type"), "Service"),
    (("userIdentity", "principalId"), "dynamodb.amazonaws.com"),
)

_is_plain_name = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_is_base64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?").fullmatch
_begins_base64 = re.compile(r"[A-Za-z0-9+/]*={0,2}").fullmatch


class Choice(NamedTuple):
    """What a leaf may be. `kind` is `is`, `prefix` or `exists`; `type` is the attribute's, or None outside of
    images."""

    type: str | None
    kind: str
    value: str | bool = True


Path: TypeAlias = "tuple[str, ...]"

Wanted: TypeAlias = "Mapping[Path, frozenset[Choice]]"
"""One pattern: for each path the choices of which one must fit. Without a path it lets everything through."""


def filter_patterns(outlines: Iterable[Outline], table: str) -> list[str]:
    """The patterns for `table` as JSON texts, at most five. None at all lets everything through."""
    wanted = list(dict.fromkeys(map(_frozen, _wanted_by_rules(outlines, table))))
    merged = [_short(each) for each in _arranged([dict(each) for each in wanted])]
    if not all(merged):
        return []
    return sorted({_text(each) for each in merged})


def _frozen(wanted: Wanted) -> frozenset[tuple[Path, frozenset[Choice]]]:
    return frozenset(wanted.items())


def _wanted_by_rules(outlines: Iterable[Outline], table: str) -> Iterator[Wanted]:
    for outline in outlines:
        if outline.enabled and table in outline.tables:
            yield _wanted_by(outline.kinds, outline.needs)


def _wanted_by(kinds: Collection[str], needs: Iterable[Need]) -> Wanted:
    """What one rule asks for. Of two needs of one attribute either may stand for both: both must be met."""
    found: dict[Path, frozenset[Choice]] = {}
    events = frozenset(_EVENTS[kind] for kind in kinds)
    if len(events) < len(set(_EVENTS.values())):
        found["eventName",] = frozenset(Choice(None, "is", event) for event in events)
    if set(kinds) == {"EXPIRE"}:
        found |= {path: frozenset({Choice(None, "is", value)}) for path, value in _EXPIRED}
    for need in needs:
        place = _place(need.source) if isinstance(need, Equals | Within | StartsWith) else None
        choices = _choices(need) if place else None
        if place and choices and (place not in found or _is_open(found[place])):
            found[place] = choices
    return found


def _is_open(choices: Iterable[Choice]) -> bool:
    return any(choice.kind != "is" for choice in choices)


def _place(source: Source) -> Path | None:
    """Where in a record the attribute is that a plain path names; None for anything else."""
    root, *names = source.names or ("",)
    if source[1:] != (None, None, None, None) or root not in _IMAGES or not names:
        return None
    if not all(map(_is_plain_name, names)):
        return None
    inner = [part for name in names[1:] for part in ("M", name)]
    return ("dynamodb", _IMAGES[root], names[0], *inner)


def _choices(need: Need) -> frozenset[Choice] | None:
    """What the attribute may be; None where a leaf cannot say it."""
    match need:
        case Equals(_, keys):
            found = [_choices_of_key(key) for key in keys]
            return frozenset().union(*found) if all(found) else None
        case Within():
            return frozenset({Choice("N", "exists")})
        case StartsWith(_, prefix) if _is_text(prefix):
            kind = "prefix" if prefix else "exists"
            types = ("S", "B") if _begins_base64(prefix) else ("S",)
            return frozenset(Choice(type_, kind, prefix or True) for type_ in types)
    return None


def _choices_of_key(key: Key) -> frozenset[Choice]:
    """None at all for null and for what is absent: that is no leaf, or one of several."""
    if isinstance(key, str):
        types = ("S", "B") if _is_base64(key) else ("S",)
        return frozenset(Choice(type_, "is", key) for type_ in types if _is_text(key))
    if key in (TRUE, FALSE):
        return frozenset({Choice("BOOL", "is", key == TRUE)})
    # Equal numbers may be written in several ways.
    return frozenset() if isinstance(key, tuple) else frozenset({Choice("N", "exists")})


def _is_text(text: str) -> bool:
    """Whether it can be written: half of a surrogate pair cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


_USUAL = ("S", "N", "BOOL", "B")
"""Types of attributes, those first that conditions more often mean."""

_EVENT_SHARES = {"INSERT": 0.35, "MODIFY": 0.5, "REMOVE": 0.15}


class _Guess:
    """Guesses at the share of records that patterns let through, from the values that all rules together
    name: where they name many, one of them is rarer."""

    def __init__(self, patterns: Sequence[Wanted]) -> None:
        self._named: dict[Path, set[str | bool]] = {}
        for path, choices in (item for pattern in patterns for item in pattern.items()):
            self._named.setdefault(path, set()).update(choice.value for choice in choices)

    def passing(self, pattern: Wanted) -> float:
        return prod(self._share(path, choices) for path, choices in pattern.items())

    def _share(self, path: Path, choices: Iterable[Choice]) -> float:
        if path == ("eventName",):
            return sum(_EVENT_SHARES[str(choice.value)] for choice in choices)
        # A text may also be a binary, which is rare.
        counted = [choice for choice in choices if choice.type != "B"]
        if any(choice.kind == "exists" for choice in counted):
            return 0.8
        return len(counted) / (3 * len(self._named[path]) + 5)

    def passing_any(self, patterns: Iterable[Wanted]) -> float:
        return 1 - prod(1 - self.passing(pattern) for pattern in patterns)

    def widened(self, one: Wanted, other: Wanted) -> float:
        """How much more the two let through together than each by itself."""
        if _differ_in_one(one, other):
            return -1.0
        passing, also = self.passing(one), self.passing(other)
        return self.passing(_together(one, other)) - (passing + also - passing * also)


def _arranged(patterns: list[Wanted]) -> list[Wanted]:
    """At most five that together let through all that the given ones do, each with one type for each path.

    Where there are too many, two are put together or a path of several types is no longer asked for,
    whichever lets less through."""
    guess = _Guess(patterns)
    arranged = _merged(patterns, guess)
    while len(arranged) + len(_rarer(arranged)) > MOST_PATTERNS:
        ways = [
            [*(each for each in arranged if each is not one and each is not other), _together(one, other)]
            for one, other in combinations(arranged, 2)
        ]
        ways += [_without(arranged, path) for path in {path for path, _ in _rarer(arranged)}]
        arranged = min(ways, key=lambda way: (guess.passing_any(way), sorted(map(_text, map(_usual, way)))))
    rarer = [{path: frozenset({Choice(type_, "exists")})} for path, type_ in sorted(_rarer(arranged))]
    return [*map(_usual, arranged), *rarer]


def _rarer(patterns: Iterable[Wanted]) -> set[tuple[Path, str]]:
    """Types besides the usual one that an attribute may have."""
    return {
        (path, type_)
        for pattern in patterns
        for path, choices in pattern.items()
        for type_ in _types(choices)[1:]
    }


def _types(choices: Iterable[Choice]) -> list[str]:
    """The types of an attribute, the usual one first; none outside of images."""
    return sorted({choice.type for choice in choices if choice.type}, key=_USUAL.index)


def _usual(pattern: Wanted) -> Wanted:
    """The pattern for records whose attributes have the usual types."""
    return {
        path: frozenset(choice for choice in choices if choice.type in (None, *_types(choices)[:1]))
        for path, choices in pattern.items()
    }


def _without(patterns: Iterable[Wanted], path: Path) -> list[Wanted]:
    """The patterns, of which none asks for this path where it may have several types."""
    return [
        {name: choices for name, choices in pattern.items() if name != path or len(_types(choices)) < 2}
        for pattern in patterns
    ]


def _merged(patterns: list[Wanted], guess: _Guess) -> list[Wanted]:
    """At most five, each at least as wide as those it stands for."""
    if len(patterns) > MOST_COMPARED:
        by_paths: dict[frozenset[Path], list[Wanted]] = {}
        for pattern in patterns:
            by_paths.setdefault(frozenset(pattern), []).append(pattern)
        patterns = [reduce(_together, group) for group in by_paths.values()]
    while len(patterns) > MOST_COMPARED:
        # The last that were found join the one that they widen least.
        last = patterns.pop()
        at = min(range(len(patterns)), key=lambda place: guess.widened(patterns[place], last))
        patterns[at] = _together(patterns[at], last)
    while len(patterns) > 1:
        compared = ((guess.widened(*pair), pair) for pair in combinations(patterns, 2))
        widened, (one, other) = min(compared, key=itemgetter(0))
        if len(patterns) <= MOST_PATTERNS and widened > 0:
            break
        patterns = [each for each in patterns if each is not one and each is not other]
        patterns.append(_together(one, other))
    return patterns


def _together(one: Wanted, other: Wanted) -> Wanted:
    """What lets through all that either does."""
    return {path: _simple(one[path] | other[path]) for path in one if path in other}


def _differ_in_one(one: Wanted, other: Wanted) -> bool:
    """Whether the two together let through no more than each by itself: they differ in one list of choices,
    or one of them wants a part of what the other wants."""
    if one.keys() == other.keys():
        return sum(one[path] != other[path] for path in one) <= 1
    return _together(one, other) in (one, other)


def _simple(choices: frozenset[Choice]) -> frozenset[Choice]:
    """Without those that another of the same type lets through anyway."""
    open_types = {choice.type for choice in choices if choice.kind == "exists"}
    return frozenset(choice for choice in choices if choice.kind == "exists" or choice.type not in open_types)


def _short(pattern: Wanted) -> Wanted:
    """The pattern, with the longest lists of choices made wider until it is no longer than one may be."""
    pattern = dict(pattern)
    while len(_text(pattern)) > MOST_CHARACTERS:
        longest = max(pattern, key=lambda path: len(_text({path: pattern[path]})))
        wider = frozenset(
            choice if choice.type == "BOOL" else Choice(choice.type, "exists") for choice in pattern[longest]
        )
        if wider == pattern[longest] or longest[0] != "dynamodb":
            del pattern[longest]
        else:
            pattern[longest] = wider
    return pattern


def _text(pattern: Wanted) -> str:
    document: dict[str, Any] = {}
    for path, choices in sorted(pattern.items()):
        inside = document
        for name in path[:-1]:
            inside = inside.setdefault(name, {})
        inside[path[-1]] = _leaf(choices)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _leaf(choices: Iterable[Choice]) -> Any:
    """The choices of one path, all of one type: a list, below the name of the type where there is one."""
    ordered = sorted(choices, key=lambda each: (each.kind, each.value))
    values = [choice.value if choice.kind == "is" else {choice.kind: choice.value} for choice in ordered]
    type_ = ordered[0].type
    return values if type_ is None else {type_: values}
