"""Annotations and job summaries: what a runner makes of them, whatever the texts are."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.cli.github import Annotation, command, log_line, within_limit
from rules_engine.cli.report_github import render_github, render_summary
from rules_engine.cli.validation import Validation
from rules_engine.errors import Location, Problem


def as_the_runner_reads(line: str) -> tuple[str, dict[str, str], str]:
    """(command, properties, data), by the runner's rules: the first `::` after the properties ends them."""
    matched = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
    assert matched is not None
    name, listed, data = matched.groups()
    properties = dict(part.split("=", 1) for part in listed.split(","))
    escapes = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
    decoded = {
        key: re.sub("%(0D|0A|3A|2C|25)", lambda found: escapes[found[0]], value)
        for key, value in properties.items()
    }
    return name, decoded, re.sub("%(0D|0A|25)", lambda found: escapes[found[0]], data)


# The runner splits its input at line ends before it looks for commands, and at nothing else.
TEXTS = st.text(st.sampled_from("ab:,%=\r\n0AD25 #[]é😀"))


@given(TEXTS, TEXTS, TEXTS)
def test_any_text_reaches_the_runner_as_it_is(title: str, message: str, path: str) -> None:
    line = command(Annotation("error", title, message, path, 3, 5, 9))
    assert re.search("[\r\n]", line) is None
    assert as_the_runner_reads(line) == (
        "error",
        {"file": path, "line": "3", "endLine": "3", "col": "5", "endColumn": "9", "title": title},
        message,
    )


def test_ten_of_a_level_are_shown() -> None:
    levels = ["error", "warning"] * 11 + ["error"]
    shown, dropped = within_limit(range(23), levels)
    assert (shown, dropped) == (list(range(20)), [20, 21, 22])


def test_a_line_of_the_log_is_never_a_command() -> None:
    assert log_line("rules/a.yaml:1:1: error") == "rules/a.yaml:1:1: error"
    assert log_line("  ::error::x") == "|   ::error::x"
    assert log_line("x ##[error]y") == "x ## [error]y"


def test_file_names_and_messages_cannot_draw_or_begin_commands() -> None:
    problem = Problem("RE106", "unknown key '\x1b\u202e\n::add-mask::x'", Location("a\n::b.yaml", 1, 1, 3))
    rendered = render_github(Validation(["a"], 0, [problem]), lambda path: path)
    assert rendered == (
        "::error file=a\ufffd%3A%3Ab.yaml,line=1,endLine=1,col=1,endColumn=4,title=RE106 unknown key::"
        "a\ufffd::b.yaml:1:1: RE106 unknown key '\ufffd\ufffd\ufffd::add-mask::x'\n"
        "1 error in 1 file\n"
    )


def test_related_places_stand_in_the_annotation() -> None:
    related = ((Location("b.yaml", 2, 7), "the first one is here"),)
    problem = Problem("RE401", "two rules have the id 'a'", Location("a.yaml", 3, 9), related=related)
    assert render_github(Validation(["a.yaml"], 0, [problem]), lambda path: f"shop/{path}") == (
        "::error file=shop/a.yaml,line=3,endLine=3,col=9,endColumn=10,title=RE401 two rules with one id::"
        "a.yaml:3:9: RE401 two rules have the id 'a'%0Ab.yaml:2:7: the first one is here\n"
        "1 error in 1 file\n"
    )


def test_a_summary_that_would_be_too_large_counts_what_is_left_out() -> None:
    problems = [Problem("RE106", "unknown key 'é'", Location("a.yaml", line, 1)) for line in range(1, 6)]
    row = "| error | a.yaml:{}:1 | RE106 unknown key 'é' |  |\n"
    head = (
        "### ❌ rules-engine validate: 5 errors in 1 file\n\n"
        "|  | where | problem | what to do |\n|---|---|---|---|\n"
    )
    found = Validation(["a.yaml"], 0, problems)
    size = len((head + row * 2).encode()) - 2 * len("{}") + 2
    whole = head + "".join(row.format(line) for line in range(1, 6)) + "\n"
    assert render_summary(found, str, {}, 10_000) == whole
    two = head + row.format(1) + row.format(2) + "\n3 more are in the log.\n\n"
    assert render_summary(found, str, {}, size) == two
    one = head + row.format(1) + "\n4 more are in the log.\n\n"
    assert render_summary(found, str, {}, size - 1) == one


def test_a_row_links_to_the_line_whatever_the_file_is_called() -> None:
    environ = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_SHA": "0123"}
    problem = Problem("RE106", "unknown key", Location("a (1)#\udcff.yaml", 3, 1))
    found = Validation(["a"], 0, [problem])
    assert render_summary(found, str, environ, 10_000).splitlines()[-2] == (
        "| error | [a (1)\\#\ufffd.yaml:3:1](https://github.com/a/b/blob/0123/a%20%281%29%23%FF.yaml#L3) "
        "| RE106 unknown key |  |"
    )
