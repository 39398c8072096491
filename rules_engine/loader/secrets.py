"""Secrets that stand in a rule file as plain text.

In: the text of a file, or the config of an action. Out: an RE306 problem for each. The whole text is searched
for what is known by its form, comments too: what is in the file is in the repository for ever. No problem
repeats a secret, whatever else is wrong with its line: it is shown with stars.
"""

from __future__ import annotations

import math
import re
from base64 import b64decode
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rules_engine.errors import Location, Problem
    from rules_engine.source import Node, SourceFile

_KNOWN = (
    ("AWS access key", ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    (
        "AWS secret key",
        ("ecret",),
        r"(?i:secret_?access_?key)\W{1,4}(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
    ),
    ("webhook signing key", ("whsec_",), r"\bwhsec_[A-Za-z0-9+/]{8,}={0,2}"),
    ("Stripe key", ("k_live_", "k_test_"), r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{8,}"),
    ("GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    ("GitHub token", ("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    ("GitLab token", ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}"),
    ("Slack webhook address", ("hooks.slack.com",), r"https://hooks\.slack\.com/services/T\w+/B\w+/\w{8,}"),
    (
        "Discord webhook address",
        ("/api/webhooks/",),
        r"https://discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}",
    ),
    (
        "Teams webhook address",
        (".webhook.office.com",),
        r"https://[\w-]+\.webhook\.office\.com/webhookb2/\S{30,}",
    ),
    ("SendGrid key", ("SG.",), r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("npm token", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("PyPI token", ("pypi-",), r"\bpypi-[A-Za-z0-9_-]{50,}"),
    ("Shopify token", ("shp",), r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    ("OpenAI or Anthropic key", ("sk-",), r"\bsk-(?:proj-|ant-|svcacct-)[A-Za-z0-9_-]{20,}"),
    ("Vault token", ("hvs.",), r"\bhvs\.[A-Za-z0-9_-]{24,}"),
    ("Telegram token", (":AA",), r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    ("Google key", ("AIza",), r"\bAIza[A-Za-z0-9_-]{35}"),
    ("JSON web token", ("eyJ",), r"(?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"),
    ("private key", ("PRIVATE KEY",), r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ("bearer token", ("Bearer ", "bearer "), r"(?<=[Bb]earer )(?!\$\{|\{\{)[A-Za-z0-9._~+/=-]{8,}"),
    ("user name with its password", ("Basic ", "basic "), r"(?<=[Bb]asic )[A-Za-z0-9+/]{12,}={0,2}"),
    (
        "secret in a URL",
        ("=",),
        r"[?&][\w-]*(?i:token|secret|key|sig|signature|password)=(?P<secret>[\w.~%+/=-]{16,})",
    ),
    ("password in a URL", ("://",), r"(?<=://)(?![^\s/]*\$\{)[^\s/:@\"'{}]+:[^\s/@\"'{}]+(?=@)"),
)
"""(what it is, what must be in the text, pattern). Looking for that first is 20 times faster. Where a pattern
has a group `secret`, that is the secret and the rest is how it is known. None may look at a text from each of
many places to its end, which would take hours."""

_SECRET_NAME = re.compile(
    r"(?i)(secret|password|passwd|token|api[-_]?key|authorization|credential|signing[-_]?key)"
)

_BITS = 3.5
"""Shannon entropy a character from which a text of 20 characters or more looks random; English has about 2.8
to 3.6 in such short pieces but with spaces, which random keys have not."""

_MOST_OF_A_KIND = 100
"""Secrets of one kind in a text: what is beyond is found when those are gone."""

_CHARACTERS_BEFORE_A_TOKEN = 200
"""In which a name would stand. All of a line, for each of its words, would take the square of its length."""

HINT = "keep it in Secrets Manager and write ${secret:NAME}; then change it, for it is known now"


def _anything(match: re.Match[str]) -> bool:
    return True


def _is_token(match: re.Match[str]) -> bool:
    """Whether what follows `Bearer` is a token and not a word of a sentence."""
    if any(character.isdigit() for character in match[0]):
        return True
    before = match.string[max(0, match.start() - _CHARACTERS_BEFORE_A_TOKEN) : match.start()]
    return "authorization" in before.rpartition("\n")[2].lower()


def _are_credentials(match: re.Match[str]) -> bool:
    """Whether what follows `Basic` is `user:password` in base64."""
    try:
        user, colon, _ = b64decode(match[0], validate=True).decode().partition(":")
    except ValueError:
        return False
    return bool(user and colon) and user.isprintable()


def _is_random(match: re.Match[str]) -> bool:
    return _looks_random(match["secret"])


_ABOUT = {
    "bearer token": _is_token,
    "user name with its password": _are_credentials,
    "secret in a URL": _is_random,
}
"""What must hold of a match besides, for kinds of secret that begin with a word."""


def secrets_in_text(source: SourceFile) -> Iterator[Problem]:
    """What in the file has the form of a known kind of secret, of each kind the first hundred."""
    for kind, start, end in _known(source.text):
        yield _secret(source, kind, source.location(start, end))


def _known(text: str) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end)"""
    for kind, needles, pattern in _KNOWN:
        if any(needle in text for needle in needles):
            about = _ABOUT.get(kind, _anything)
            found = (
                match for match in re.finditer(pattern, text) if "EXAMPLE" not in match[0] and about(match)
            )
            for match in islice(found, _MOST_OF_A_KIND):
                yield kind, *match.span("secret" if match.re.groups else 0)


def secret_in_place(name: str, node: Node) -> Problem | None:
    """A text that looks random, or has a word that does, under a key that says it is a secret."""
    text = node.value
    if not isinstance(text, str) or "${" in text or "{{" in text or not _SECRET_NAME.search(name):
        return None
    for kind, start, end in _known(text):
        return _secret(node.source, kind, node.locate(start, end - start))
    # "Token 1f5c...", "ApiKey key=1f5c..."
    if not any(len(word) >= 16 and _looks_random(word) for word in re.split(r"[ =,;:\"']+", text)):
        return None
    return _secret(node.source, f"value of '{name}'", node.location)


def _looks_random(text: str) -> bool:
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return bits >= _BITS and any(character.isdigit() for character in text)


def _secret(source: SourceFile, kind: str, location: Location) -> Problem:
    article = "the" if kind.startswith("value") else "an" if kind[0] in "AO" else "a"
    message = f"{article} {kind} stands here in plain text"
    return source.problem("RE306", message, location, HINT)


def masked(problems: list[Problem]) -> list[Problem]:
    """The problems, with every secret made unreadable in whatever they show: those that were found, and what
    has a known form in a file that could not be read."""
    spans: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for problem in problems:
        if problem.code == "RE306":
            place = problem.location
            span = (place.column - 1, place.column - 1 + place.length)
            spans.setdefault((place.path, place.line), []).append(span)

    @cache
    def line_of(at: tuple[str, int], line: str) -> str:
        return _hidden(_with_stars(line, spans.get(at, ())))

    return [_masked(problem, line_of) for problem in problems]


def masked_text(source: SourceFile) -> str:
    """The whole text of a file, with what has the form of a known kind of secret made unreadable."""
    return _hidden(source.text)


def _masked(problem: Problem, line_of: Callable[[tuple[str, int], str], str]) -> Problem:
    line = line_of((problem.location.path, problem.location.line), problem.source_line)
    message, hint = _hidden(problem.message), None if problem.hint is None else _hidden(problem.hint)
    # A mend that writes a secret again is none to offer: reports show it.
    fix = None if problem.fix is None or _hidden(problem.fix.text) != problem.fix.text else problem.fix
    if (line, message, hint, fix) == (problem.source_line, problem.message, problem.hint, problem.fix):
        return problem
    return replace(problem, source_line=line, message=message, hint=hint, fix=fix)


def _hidden(text: str) -> str:
    return _with_stars(text, [(start, end) for _, start, end in _known(text)])


def _with_stars(line: str, spans: Iterable[tuple[int, int]]) -> str:
    """All but the first characters of each span are stars."""
    characters = list(line)
    for start, end in spans:
        begin = start + min(4, (end - start) // 4)
        characters[begin:end] = "*" * (end - begin)
    return "".join(characters)


def names_a_secret(name: str) -> bool:
    """Whether a key is called as secrets are."""
    return _SECRET_NAME.search(name) is not None
