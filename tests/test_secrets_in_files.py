"""Plain-text secrets in rule files: what is found, where, and what is left alone.

The examples are `tests/cases/secrets/*.txt`. Whatever a scanner could take for a real secret is put together
here: the files have only the form.
"""

from __future__ import annotations

import random
import re
import string
from pathlib import Path

import pytest

from rules_engine.loader import load_rules

CASES = Path(__file__).parent / "cases" / "secrets"
ALPHABETS = {
    "hex": string.hexdigits[:16],
    "alnum": string.ascii_letters + string.digits,
    "upper": string.ascii_uppercase + string.digits,
    "digits": string.digits,
    "base64": string.ascii_letters + string.digits + "+/",
}

RULE = """\
rules:
  - id: a
    table: orders
    actions: [{type: webhook, url: 'https://hooks.example.com/orders', headers: {%s}}]
    tests: [{name: n, record: {event: INSERT, keys: {a: 1}}, expect: {match: true}}]
"""


def filled(text: str) -> str:
    """With random characters, the same in every run, that look as random as those of a real secret."""
    chance = random.Random(text)

    def characters(match: re.Match[str]) -> str:
        alphabet, count = ALPHABETS[match[1]], int(match[2])
        # A real key of this length has a digit and few repeats; one of these might by chance have neither.
        while True:
            drawn = "".join(chance.choices(alphabet, k=count))
            if count < 16 or (re.search(r"\d", drawn) and len(set(drawn)) >= min(10, len(alphabet))):
                return drawn

    return re.sub(r"<(\w+):(\d+)>", characters, text)


def examples(name: str) -> list[str]:
    lines = (CASES / name).read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def problems_of(directory: Path, text: str) -> list[tuple[str, str, int, int, str]]:
    (directory / "rules.yaml").write_text(text)
    _, problems = load_rules(str(directory))
    return [
        (problem.code, problem.message, problem.location.column, problem.location.length, problem.source_line)
        for problem in problems
    ]


@pytest.mark.parametrize("example", examples("found.txt"))
def test_a_secret_of_a_known_form_is_found_and_masked(example: str, tmp_path: Path) -> None:
    kind, _, line = example.partition(" | ")
    shown = filled(f"# {line}")
    spans = [(match.start(), match[1]) for match in re.finditer("«(.*?)»", shown)]
    # Each secret stands two characters further left for each of the marks before it.
    spans = [(start - 2 * number, secret) for number, (start, secret) in enumerate(spans)]
    text = re.sub("[«»]", "", shown)
    found = problems_of(tmp_path, f"{text}\n{RULE % ''}")
    article = "an" if kind.startswith(("AWS", "OpenAI")) else "a"
    assert [each[:4] for each in found] == [
        ("RE306", f"{article} {kind} stands here in plain text", start + 1, len(secret))
        for start, secret in spans
    ]
    for _, secret in spans:
        assert secret[4:] not in repr(found)


@pytest.mark.parametrize("line", examples("harmless.txt"))
def test_what_only_looks_like_a_secret_is_left_alone(line: str, tmp_path: Path) -> None:
    assert problems_of(tmp_path, f"# {filled(line)}\n{RULE % ''}") == []


@pytest.mark.parametrize("example", examples("in_place.txt"))
def test_a_random_text_is_a_secret_under_a_name_that_says_so(example: str, tmp_path: Path) -> None:
    is_secret, name, value = example.split(" | ")
    text = filled(value)
    found = problems_of(tmp_path, RULE % f"{name}: '{text}'")
    message = f"the value of '{name}' stands here in plain text"
    assert [each[:2] for each in found] == ([("RE306", message)] if is_secret == "yes" else [])
    assert is_secret == "no" or text[4:] not in repr(found)


def test_examples_in_front_of_it_hide_no_secret(tmp_path: Path) -> None:
    examples = f"# AKIAEXAMPLE{filled('<upper:9>')}\n" * 101
    words = "Bearer certificates " * 101
    keys = filled("# AKIA<upper:16> authorization: Bearer <alnum:20>")
    found = problems_of(tmp_path, f"{examples}# {words}\n{keys}\n{RULE % ''}")
    assert [each[1] for each in found] == [
        "an AWS access key stands here in plain text",
        "a bearer token stands here in plain text",
    ]


def test_an_escape_hides_no_secret(tmp_path: Path) -> None:
    secret = filled("ghp_<alnum:36>")
    found = problems_of(tmp_path, RULE % f'x-api-key: "\\x67{secret[1:]}"')
    assert [each[:2] for each in found] == [("RE306", "a GitHub token stands here in plain text")]
    assert secret[8:] not in repr(found)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("rules: [{id: a, signing_secret: 'SECRET", "RE102"),
        ("rules: [{id: a, SECRET: 1, SECRET: 2}]", "RE104"),
        ("rules: *SECRET", "RE105"),
        ("SECRET: 1", "RE106"),
        ("rules: [{id: a, table: orders, when: 'new.a == `SECRET`', actions: [{type: log}]}]", "RE201"),
    ],
)
def test_a_secret_is_shown_by_no_other_problem_of_the_file(line: str, code: str, tmp_path: Path) -> None:
    secret = filled("ghp_<alnum:36>")
    (tmp_path / "rules.yaml").write_text(line.replace("SECRET", secret))
    _, problems = load_rules(str(tmp_path))
    assert code in {problem.code for problem in problems}, problems
    assert secret[8:] not in repr(problems)
