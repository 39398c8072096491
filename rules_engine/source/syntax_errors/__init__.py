"""What stopped the YAML parser, in a rule author's words.

In: the parser's error and the last scalar it had read. Out: one `Problem`. A parser names the token at which
it gave up, which is seldom where the mistake is: a forgotten closing quote shows lines below, a missing space
after a colon on the next line. So the lines around the error are looked at for the mistakes people make; the
parser's own sentence is the last resort.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.source.syntax_errors.brackets import (
    closes_nothing,
    flow,
    reference_in_flow,
)
from rules_engine.source.syntax_errors.indentation import (
    deeper,
    document,
    indentation,
)
from rules_engine.source.syntax_errors.lines import (
    colon_in_value,
    key_missing,
    key_without_colon,
    list_on_the_line_of_its_key,
    missing_space,
    no_colon_before_a_bracket,
    tab,
)
from rules_engine.source.syntax_errors.quotes import (
    after_the_value,
    escape,
    first_character,
    stray_character,
    unclosed_quote,
)
from rules_engine.source.syntax_errors.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    import yaml

    from rules_engine.errors import Problem
    from rules_engine.source.tree import Node, SourceFile

__all__ = ["explain", "explain_long"]


def explain(source: SourceFile, error: yaml.MarkedYAMLError, last: Node | None) -> Problem:
    """The problem that `error` of PyYAML's own parser is about."""
    return _explained(_EXPLANATIONS, source, error, last)


def explain_long(source: SourceFile, error: yaml.MarkedYAMLError, last: Node | None) -> Problem:
    """The problem that `error` of libyaml is about. Its words about characters are those of the other."""
    return _explained(_OF_EITHER_PARSER, source, error, last)


def _explained(
    explanations: tuple[Callable[[Trouble], Problem | None], ...],
    source: SourceFile,
    error: yaml.MarkedYAMLError,
    last: Node | None,
) -> Problem:
    context = error.context_mark.index if error.context_mark is not None else None
    mark = error.problem_mark or error.context_mark
    at = min(mark.index, len(source.text)) if mark is not None else 0
    trouble = Trouble(source, error.context or "", context, error.problem or "", at, last)
    for explanation in explanations:
        problem = explanation(trouble)
        if problem is not None:
            return problem
    return _in_the_parsers_words(trouble)


def _in_the_parsers_words(trouble: Trouble) -> Problem:
    problem = trouble.problem.replace("<block end>", "the end of this block").replace("'", "")
    message = f"this is not valid YAML: {problem}"
    hint = "check the quotes, brackets and the indentation here and in the line above"
    return trouble.problem_at("RE102", message, trouble.at, trouble.at + 1, hint)


_EXPLANATIONS: tuple[Callable[[Trouble], Problem | None], ...] = (
    tab,
    unclosed_quote,
    escape,
    first_character,
    reference_in_flow,
    flow,
    stray_character,
    closes_nothing,
    after_the_value,
    missing_space,
    no_colon_before_a_bracket,
    colon_in_value,
    deeper,
    key_without_colon,
    indentation,
    list_on_the_line_of_its_key,
    key_missing,
    document,
)
"""Tried in this order: the sure ones first."""

_OF_EITHER_PARSER = (tab, unclosed_quote, escape, first_character, stray_character, document)
