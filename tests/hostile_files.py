"""Rule files made to harm whoever reads them, each with the code, line and column of its first error.

A generator knows from how it made a file where the mistake is. `python -m tests.hostile_files nested` reads
the files of one generator and tells of each, as a line of JSON: name, expected error, all errors, seconds,
and MiB at most in use besides. A file that takes more than `SECONDS` of the processor or `MEMORY_BYTES` ends
the process.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from rules_engine.cli.report import render_text
from rules_engine.loader import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 1024 * 1024
SECONDS = 2.0
"""A second on a machine of its own; where others share the processor it counts up to twice as much."""
MEMORY_BYTES = 100 * MIB
RULE = "rules:\n  - id: a\n    table: orders\n"
LOG = "    actions: [{type: log}]\n"


class HostileFile(NamedTuple):
    data: bytes
    error: str
    """`RE110 1:33`."""


Named = tuple[str, HostileFile]


def _file(name: str, data: bytes | str, code: str, line: int = 1, column: int = 1) -> Named:
    made = data.encode() if isinstance(data, str) else data
    return name, HostileFile(made, f"{code} {line}:{column}")


def nested() -> Iterator[Named]:
    """Levels by the hundred thousand. The 33rd is refused, where it opens."""
    for opening in ("[", "{a: ", "{a: [", "[{a: ", "[{a: b, c: "):
        for before, levels in (("", 0), ("a: ", 1)):
            for count in (33, 40_000, MIB // len(opening) - 8):
                text = f"{before}{opening * count}"
                brackets = [at for at, character in enumerate(text[:1_000]) if character in "[{"]
                name = f"{count} times {before}{opening}"
                yield _file(name, text, "RE110", 1, brackets[32 - levels] + 1)
    for opening in ("- ", "? "):
        for count in (33, 40_000, 500_000):
            yield _file(f"{count} times {opening}", opening * count, "RE110", 1, 65)
    staircase = "".join(f"{' ' * level}a:\n" for level in range(1_000))
    yield _file("a staircase of keys", staircase, "RE110", 33, 33)
    steps = "".join(f"{' ' * level}-\n" for level in range(1_000))
    yield _file("a staircase of dashes", steps, "RE110", 33, 33)


def many_values() -> Iterator[Named]:
    """Small values by the hundred thousand. The one behind 100,000 is refused, where it begins."""
    yield _file("half a million letters", "[" + "a," * 500_000 + "]", "RE110", 1, 200_000)
    yield _file("empty maps", "[" + "{}," * 300_000 + "]", "RE110", 1, 2 + 3 * 99_999)
    yield _file("empty lists", "[" + "[]," * 300_000 + "]", "RE110", 1, 2 + 3 * 99_999)
    yield _file("empty texts", "[" + "''," * 300_000 + "]", "RE110", 1, 2 + 3 * 99_999)
    yield _file("items on lines", "- a\n" * 200_000, "RE110", 100_000, 3)
    yield _file(
        "keys on lines", "".join(f"k{number:05d}: 1\n" for number in range(90_000)), "RE110", 50_000, 9
    )
    yield _file("blocks of text", "- |\n" * 200_000, "RE110", 100_000, 3)
    small = "- id: r\n  actions: []\n"
    # Three values, then five for each rule: the id of the 20,000th rule is one too many.
    yield _file("small rules", "rules:\n" + small * 40_000, "RE110", 2 + 2 * 19_999, 7)


def large() -> Iterator[Named]:
    for name, filling in {
        "letters": b"x",
        "spaces": b" ",
        "line ends": b"\n",
        "zeros": b"\0",
        "comments": b"#",
    }.items():
        yield _file(f"a byte too much of {name}", filling * (MIB + 1), "RE110")
        yield _file(f"8 MiB of {name}", filling * (8 * MIB), "RE110")
    yield _file("just not UTF-8 and too large", b"\xff" * (MIB + 1), "RE110")


def long_texts() -> Iterator[Named]:
    """One text of more than 262,144 characters, in every style and in every place."""
    longest = "x" * 262_145
    lines = "      xxxxxxxxxx\n" * 25_000
    styles = {
        "plain": longest,
        "single": f"'{longest}'",
        "double": f'"{longest}"',
        "escaped": '"' + "\\n" * 262_145 + '"',
        "number": "9" * 262_145,
        "hexadecimal": "0x" + "f" * 262_145,
        "exponent": "1e" + "9" * 262_145,
        "fraction": "0." + "0" * 262_145,
        "dollars": "${" * 200_000,
        "holes": '"' + "{{ a }}" * 60_000 + '"',
        "open holes": '"' + "{{ '" * 100_000 + '"',
        "brackets": "'" + "(" * 300_000 + "'",
        "references": "'" + "${A" * 100_000 + "'",
    }
    for name, text in styles.items():
        yield _file(f"long value, {name}", f"{RULE}    when: {text}\n{LOG}", "RE110", 4, 11)
    yield _file("long block", f"{RULE}    when: |\n" + lines + LOG, "RE110", 4, 11)
    yield _file("long folded block", f"{RULE}    when: >\n" + lines + LOG, "RE110", 4, 11)
    yield _file("long lines joined", f"{RULE}    when: 'x\n" + lines + f"'\n{LOG}", "RE110", 4, 11)
    yield _file("long key", f"? {longest}\n: 1\n", "RE110", 1, 3)
    yield _file("long key in braces", "{" + longest + ": 1}", "RE110", 1, 2)


def aliases() -> Iterator[Named]:
    """What a reader would have to copy, and what names a type to be made."""
    laughs = "a: &a [lol, lol]\n" + "".join(
        f"{chr(98 + level)}: &{chr(98 + level)} [*{chr(97 + level)}, *{chr(97 + level)}]\n"
        for level in range(20)
    )
    yield _file("a billion laughs", laughs, "RE105", 1, 4)
    yield _file("itself", "a: &a [*a]\n", "RE105", 1, 4)
    yield _file("a map that is its own key", "&a {*a : 1}\n", "RE105", 1, 1)
    yield _file("aliases by the thousand", "- *a\n" * 5_000, "RE105", 1, 3)
    yield _file("anchors by the thousand", "- &a b\n" * 5_000, "RE105", 1, 3)
    yield _file("tags by the thousand", "- !!str b\n" * 5_000, "RE105", 1, 3)
    yield _file("a long anchor", f"a: &{'x' * 500_000} b\n", "RE105", 1, 4)
    yield _file("a long alias", f"a: *{'x' * 500_000}\n", "RE105", 1, 4)
    yield _file("a long tag", f"a: !{'x' * 500_000} b\n", "RE105", 1, 4)
    yield _file("merge keys", "a:\n  <<: {b: c}\n", "RE105", 2, 3)
    yield _file("merge keys by the thousand", "<<: {a: b}\n" * 20_000, "RE105", 1, 1)
    tags = [
        "!!python/object/apply:os.system",
        "!!python/object/new:type",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/tuple",
        "!!python/bytes",
        "!!binary",
        "!!set",
        "!!omap",
        "!!pairs",
        "!!timestamp",
        "!!int",
        "!!null",
        "!!merge",
        "!!value",
        "!<tag:yaml.org,2002:str>",
        "!local",
        "!",
        "!!js/function",
        "!ruby/object:Gem::Installer",
        "!!java.lang.ProcessBuilder",
        "!Ref",
        "!Sub",
        "!include",
    ]
    for tag in tags:
        yield _file(f"tag {tag}", f"version: {tag} ['id']\n", "RE105", 1, 10)


def documents() -> Iterator[Named]:
    for name, text, line in (
        ("two", "a: 1\n---\nb: 2\n", 2),
        ("thousands", "---\na: 1\n" * 100_000, 3),
        ("a second empty one", "a: 1\n---\n", 2),
    ):
        yield _file(f"documents: {name}", text, "RE105", line)
    yield _file("tag directive", "%TAG ! tag:evil.example.com,2000:\n---\na: 1\n", "RE105")
    yield _file("directives by the thousand", "%a\n" * 300_000, "RE102")
    yield _file("text behind the end", "a: 1\n...\nb: 2\n", "RE105", 3)


INVISIBLE = (
    "\x00\x01\x07\x08\x0b\x0c\x1b\x7f\x85\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200c"
    "\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2064\u2066\u2067"
    "\u2068\u2069\u206a\u206f\u2800\u3164\ufe00\ufe0d\ufeff\uffa0\ufff9\ufffa\ufffb\ufdd0\ufffe"
    "\uffff\U0001d173\U0001d17a\U0001fffe\U0010ffff\U000e0001\U000e0041\U000e007f\U000e0100"
    "\U000e01ef"
)
"""Controls, bidirectional controls, what has no width or no ink, tags, selectors, and what is no text."""


def invisible() -> Iterator[Named]:
    for character in INVISIBLE:
        name = f"U+{ord(character):04X} in an id"
        yield _file(name, f"rules:\n  - id: ab{character}c\n", "RE111", 2, 11)
    for number in (0x202E, 0x200B, 0xE0041):
        yield _file(f"U+{number:04X} in a key", f"version: 1\nru{chr(number)}les: []\n", "RE111", 2, 3)
        yield _file(f"U+{number:04X} in a comment", f"version: 1\n# x{chr(number)}\n", "RE111", 2, 4)
        yield _file(f"U+{number:04X} everywhere", chr(number) * 250_000, "RE111")


def not_utf_8() -> Iterator[Named]:
    for name, data in {
        "a byte of Latin-1": b"\xe9",
        "a byte that never is": b"\xff",
        "an overlong slash": b"\xc0\xaf",
        "half a surrogate": b"\xed\xa0\x80",
        "beyond Unicode": b"\xf4\x90\x80\x80",
        "a tail without a head": b"\x80",
        "a head without a tail": b"\xe2\x82",
    }.items():
        yield _file(name, b"version: 1\nid: a" + data + b"b\n", "RE101", 2, 6)
    yield _file("UTF-16", "version: 1\n".encode("utf-16"), "RE101")
    yield _file("UTF-16, the other way", b"\xfe\xff" + "version: 1\n".encode("utf-16-be"), "RE101")
    yield _file("noise", bytes(range(128, 256)) * 4_000, "RE101")
    yield _file("a gzip", b"\x1f\x8b\x08\x00" + b"\xff" * 100, "RE101", 1, 2)


def looks_like() -> Iterator[Named]:
    """Ids that look like another: letters of other scripts, full width, with accents of their own."""
    for name, written in {
        "Cyrillic": "order-\u0441hanged",
        "Greek": "\u03bfrder",
        "full width": "\uff4frder",
        "mathematical": "\U0001d428rder",
        "combined": "orde\u0301r",
        "Armenian": "\u0585rder",
        "other digits": "order-\u0661",
        "long s": "\u017fold",
        "a dash": "order\u2010shipped",
        "Kelvin": "\u212aelvin",
        "no-break space": "order\u00a0a",
    }.items():
        rule = f"rules:\n  - id: {written}\n    table: orders\n{LOG}"
        yield _file(f"an id in {name}", rule, "RE109", 2, 9)
        yield _file(
            f"a variable in {name}", f"vars:\n  {written.replace('-', '_')}: 1\n{RULE}{LOG}", "RE109", 2, 3
        )


def keys() -> Iterator[Named]:
    for name, key in {
        "a number": "1",
        "a fraction": "1.5",
        "true": "true",
        "null": "~",
        "hexadecimal": "0x1",
    }.items():
        yield _file(f"a key that is {name}", f"version: 1\n{key}: a\n", "RE107", 2)
    yield _file("a key that is a list", "? [a]\n: b\n", "RE107", 1, 3)
    yield _file("a key that is a map", "? {a: b}\n: c\n", "RE107", 1, 3)
    yield _file("keys that are numbers", "".join(f"{number}: a\n" for number in range(49_000)), "RE107")
    yield _file("one key by the thousand", "a: 1\n" * 40_000, "RE104", 2)
    yield _file(
        "one key twice far apart",
        "a: 1\n" + "".join(f"b{n}: 1\n" for n in range(40_000)) + "a: 2\n",
        "RE104",
        40_002,
    )
    yield _file(
        "unknown keys by the thousand",
        RULE + "".join(f"    k{n:05d}: a\n" for n in range(40_000)),
        "RE106",
        4,
        5,
    )


def numbers() -> Iterator[Named]:
    for text in (
        ".inf",
        "-.inf",
        ".nan",
        "1e126",
        "1e-131",
        "1" * 39,
        "1" + "0" * 126,
        "1e999999999999",
        "0x" + "f" * 40,
        "0o" + "7" * 60,
        "-" + "9" * 39,
        "1." + "1" * 38,
        "0x" + "f" * 100_000,
        "9" * 100_000,
    ):
        yield _file(f"number {text[:20]} ({len(text)})", f"vars:\n  a: {text}\n", "RE109", 2, 6)
    yield _file("numbers by the thousand", "vars: {a: [" + ("9" * 39 + ", ") * 20_000 + "1]}", "RE109", 1, 12)


def broken() -> Iterator[Named]:
    """What no parser can read, near the beginning and behind a mebibyte of sound text."""
    sound = "".join(f"v{number:05d}: 'x'\n" for number in range(45_000))
    comment = "# x\n" * 200_000
    mistakes = {
        "a tab": ("\ta: 1\n", "RE103", 1),
        "a tag": ("a: !x y z: b\n", "RE105", 4),
        "a backtick": ("a: `b\n", "RE102", 4),
        "an escape": ('a: "\\q"\n', "RE102", 5),
        "a closing bracket": ("]\n", "RE102", 1),
        "a hole": ("a: {{ b }}\n", "RE102", 4),
    }
    for name, (text, code, column) in mistakes.items():
        yield _file(f"{name} at the start", text, code, 1, column)
        if name not in ("a closing bracket", "an escape", "a tag"):
            yield _file(f"{name} behind 45,000 keys", sound + text, code, 45_001, column)
            yield _file(f"{name} behind 200,000 comments", comment + text, code, 200_001, column)
    for quote in ("'", '"'):
        name = f"{quote} that is never closed"
        yield _file(name, f"a: {quote}b\n", "RE102", 1, 4)
        yield _file(f"{name}, with a mebibyte behind it", f"a: {quote}" + "b\n" * 500_000, "RE102", 1, 4)
        yield _file(f"{name}, behind 45,000 keys", f"{sound}a: {quote}b\n", "RE102", 45_001, 4)
    yield _file("brackets and tabs", "[" + "'a', " * 90_000 + "]\t#" + "\t" * 400_000, "RE103", 1, 450_003)
    yield _file("escapes and a bad one", '"' + "\\x41" * 60_000 + "\\xg", "RE102", 1, 240_002)
    yield _file("a number of no character", 'a: "\\U00110000"', "RE102", 1, 5)
    yield _file("half a pair", 'a: "\\ud800"', "RE102", 1, 4)
    yield _file("colons", "a: " * 300_000, "RE102", 1, 5)
    yield _file("open filters", "a: " + "[?x], " * 100_000, "RE102", 1, 4)
    yield _file("stars", "*" * MIB, "RE105")
    yield _file("ampersands", "&" * MIB, "RE105")
    yield _file("exclamation marks", "!" * MIB, "RE105")


def expressions() -> Iterator[Named]:
    """Conditions that would take a parser, a compiler or a check for ever."""
    for name, text in {
        "parentheses": "(" * 200_000,
        "nots": "!" * 200_000,
        "a long chain": "a" + ".a" * 100_000,
        "pipes": "a" + "|a" * 20_000,
        "ands": "a" + " && a" * 40_000,
        "brackets": "a" + "[0]" * 20_000,
        "filters": "a" + "[?b" * 20_000,
        "a long literal": "`[" + "1," * 40_000 + "1]`",
    }.items():
        yield _file(f"condition: {name}", f'{RULE}    when: "{text}"\n{LOG}', "RE212", 4, 11 + 1 + 32_768)
    for name, text, column in (
        ("60 parentheses", "(" * 60 + "a" + ")" * 60, 12 + 50),
        ("60 nots", "!" * 60 + "a", 12 + 50),
        ("501 ands", "a" + " && a" * 501, 12 + 5 * 250),
    ):
        yield _file(f"condition: {name}", f'{RULE}    when: "{text}"\n{LOG}', "RE212", 4, column)
    yield _file(
        "30,000 conditions",
        "conditions:\n" + "".join(f"  c{n}: is.c{n + 1}\n" for n in range(30_000)),
        "RE110",
    )
    mistakes = "".join(f"  - id: r{n}\n    table: orders\n    when: x{n}\n{LOG}" for n in range(5_000))
    yield _file("5,000 unknown names", f"rules:\n{mistakes}", "RE206", 4, 11)
    yield _file(
        "20,000 rules without anything",
        "rules:\n" + "".join(f"  - id: r{n}\n" for n in range(20_000)),
        "RE108",
        2,
        5,
    )
    holes = f'{RULE}    actions:\n      - type: log\n        message: "{"{{ new.a }}" * 20_000}"\n'
    yield _file("20,000 holes", holes, "RE302", 6, 19 + 11 * 100)


def templates() -> Iterator[Named]:
    """Texts with holes and references, as long as they may be, that looking at again and again takes long."""
    for name, text, code, column in (
        ("quotes that are never closed", "{{\\'}}" * 43_000, "RE201", 3),
        ("quotes of all kinds", "{{\\'}}{{\\`}}" * 21_000, "RE201", 3),
        ("parameters of dots", "${ssm" + "." * 262_000 + "!}", "RE305", 1),
        ("defaults of spaces", "${a:" + " " * 262_000 + "{}", "RE305", 1),
        ("references by the thousand", "${ssm....!}" * 23_000, "RE305", 1),
        ("references within references", "${" * 131_000 + "}", "RE305", 1),
    ):
        line = "      - {type: log, message: "
        block = f"{RULE}    actions:\n{line}'{text.replace(chr(39), chr(39) * 2)}'}}\n"
        yield _file(f"template: {name}", block, code, 5, len(line) + 1 + column)


def secrets() -> Iterator[Named]:
    """What looks like the beginning of many secrets and is none. Each rule is wrong besides."""
    for name, text in {
        "web tokens without an end": "-eyJ" * 260_000,
        "web tokens without a last part": ("eyJ-" * 500 + "." + "eyJ-" * 500) * 250,
        "addresses without an end": "https://discord.com/api/webhooks/1" * 30_000,
        "passwords without an end": "://a:" * 200_000,
        "private keys without an end": "-----BEGIN " * 90_000,
        "keys of addresses": "?token" * 170_000,
        "words of authorization": "Bearer a " * 110_000,
    }.items():
        yield _file(f"secret: {name}", f"rules: 1\n# {text}\n", "RE107", 1, 8)


GENERATORS: dict[str, Callable[[], Iterator[Named]]] = {
    generator.__name__: generator
    for generator in (
        nested,
        many_values,
        large,
        long_texts,
        aliases,
        documents,
        invisible,
        not_utf_8,
        looks_like,
        keys,
        numbers,
        broken,
        expressions,
        templates,
        secrets,
    )
}


def read_within_limits(path: Path) -> tuple[list[str], float, float]:
    """The errors of a file, the seconds and the MiB that it took; death of the process beyond the limits."""
    status = Path("/proc/self/status")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak so far
    before = _kib(status, "VmRSS")
    most = _kib(status, "VmSize") * 1024 + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    started = time.process_time()
    rule_set, problems = load_rules(path)
    render_text(problems)
    seconds = time.process_time() - started
    signal.setitimer(signal.ITIMER_PROF, 0)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert not rule_set.rules
    places = [(problem.code, problem.location) for problem in problems if problem.severity == "error"]
    errors = [f"{code} {place.line}:{place.column}" for code, place in places]
    return errors, round(seconds, 3), round((_kib(status, "VmHWM") - before) / 1024, 1)


def _kib(status: Path, name: str) -> int:
    (line,) = (
        line for line in status.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:")
    )
    return int(line.split()[1])


def main() -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "rules.yaml"
        for name, file in GENERATORS[sys.argv[1]]():
            path.write_bytes(file.data)
            sys.stdout.write(json.dumps([name, file.error, *read_within_limits(path)]) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
