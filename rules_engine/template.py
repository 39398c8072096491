"""Values with `{{ expression }}` holes and `${NAME}` references -> functions of a record document.

`compile_template` takes any JSON-like value of an action's config; `Template.render(document)` gives the
value with every hole filled. A string that is one hole keeps the value and its type (`Image`, `AttributeSet`,
`Binary`, `Decimal`); in a longer string a hole becomes text. What a hole or a reference inserts is never read
as a template again, so no data can break out of its place. Map keys are taken as they are.

Refused when compiled, with RuleSetError: malformed holes and references, a secret where the caller takes
none, expressions that do not compile; with SettingsError: a reference that the environment lacks. Refused
when rendered, with TemplateError: data that an expression cannot handle, text that is no Unicode.
`template_checks` finds the first kind for authors.

A template engine was left: its filters and blocks are a second language, and its values are always text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from rules_engine import exact_json
from rules_engine.errors import (
    EvaluationError,
    ExpressionError,
    Finding,
    RuleSetError,
    SettingsError,
    TemplateError,
)
from rules_engine.expression import Program, compile_expression
from rules_engine.light_dataclass import dataclass
from rules_engine.secret_text import joined

if TYPE_CHECKING:
    from rules_engine.model import Scope

Kind = Literal["env", "secret", "ssm"]
_Renderer = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Hole:
    """`{{ expression }}` at `start` to `end` of its string; the expression itself stands at `at`."""

    expression: str
    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """`${text}`. `name` is the variable, `secret-name#key`, or the path of a parameter."""

    kind: Kind
    name: str
    default: str | None
    text: str

    @property
    def key(self) -> str:
        """Under what the environment has its text: `NAME`, `secret:name#key`, `ssm:/path`."""
        return self.name if self.kind == "env" else f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled value. It keeps nothing between calls."""

    _renderer: _Renderer

    def render(self, document: Mapping[str, Any]) -> Any:
        """The value for this record. Raises TemplateError."""
        return self._renderer(document)


def compile_template(
    value: Any,
    scope: Scope,
    environment: Mapping[str, str],
    encode: Callable[[str], str] | None = None,
    *,
    takes_secrets: bool = False,
) -> Template:
    """The template of a config value. With `encode`, what holes insert is always text and goes through it;
    with `takes_secrets` a text may hold secrets, and is then what `secret_text.joined` makes."""
    return Template(_compile(value, _Setting(scope, environment, encode, takes_secrets)))


def field_template(name: str) -> Template:
    """The template `{{ name }}` of a field of the document, for defaults: a bundle has trees only for what
    authors wrote."""
    return Template(lambda document: _checked(document[name]))


def holes(value: Any) -> tuple[Hole, ...]:
    """The holes of all strings in a value, in order."""
    return tuple(part for text in _strings(value) for part in scan(text) if isinstance(part, Hole))


def references(value: Any) -> tuple[Reference, ...]:
    """The references of all strings in a value, in order."""
    return tuple(part for text in _strings(value) for part in scan(text) if isinstance(part, Reference))


# Reading a string

_OPENING = re.compile(r"\{\{|\$\{")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`(?:\\.|[^`\\])*`", re.DOTALL)
_INTEREST = re.compile(r"""['"`{}]""")
_REFERENCE = re.compile(
    r"""\$\{(?P<text>
        (?P<env>[A-Za-z_][A-Za-z0-9_]*) (?: :- (?P<default>[^{}]*) )?
      | secret: (?P<secret>[A-Za-z0-9/_+=.@!:-]+ (?:\#[^{}\s\#]+)? )
      | ssm: (?P<ssm>/[A-Za-z0-9_./-]+)
    )\}""",
    re.VERBOSE,
)


def scan(text: str) -> Iterator[str | Hole | Reference | Finding]:
    """The parts of a string in order: plain text, holes, references, and what is wrong with one of those."""
    position = 0
    open_quotes: set[str] = set()
    while opening := _OPENING.search(text, position):
        start = opening.start()
        if start > position:
            yield text[position:start]
        read = _hole if opening.group() == "{{" else _reference
        part, position = read(text, start, open_quotes)
        yield part
    if position < len(text):
        yield text[position:]


def _hole(text: str, start: int, open_quotes: set[str]) -> tuple[Hole | Finding, int]:
    end = _hole_end(text, start + 2, open_quotes)
    if end is None:
        hint = "close it with }}; to write {{ itself, write {{ '{{' }}"
        return Finding("RE302", "the hole that begins with '{{' is never closed", start, 2, hint), len(text)
    inner = text[start + 2 : end - 2]
    expression = inner.strip()
    if not expression:
        hint = "write an expression between the braces: {{ new.status }}"
        return Finding("RE302", "the hole is empty", start, end - start, hint), end
    return Hole(expression, start + 2 + inner.index(expression), start, end), end


def _hole_end(text: str, position: int, open_quotes: set[str]) -> int | None:
    """Where the hole ends whose expression begins at `position`: at `}}` outside of quotes and braces.

    `open_quotes` gets the kinds of quotes that are never closed: none behind is, either, and looking for the
    end of each anew would take the square of the text's length."""
    depth = 0
    while found := _INTEREST.search(text, position):
        position = found.end()
        match found.group():
            case "{":
                depth += 1
            case "}" if depth:
                depth -= 1
            case "}" if text.startswith("}", position):
                return position + 1
            case "}":
                pass
            case _:
                quote = found.group()
                quoted = None if quote in open_quotes else _QUOTED.match(text, found.start())
                if quoted is None:  # never closed: the expression is wrong, but the hole need not be
                    open_quotes.add(quote)
                    end = text.find("}}", position)
                    return None if end < 0 else end + 2
                position = quoted.end()
    return None


def _reference(text: str, start: int, open_quotes: set[str]) -> tuple[Reference | Finding, int]:
    match = _REFERENCE.match(text, start)
    if match:
        kind: Kind = "secret" if match["secret"] else "ssm" if match["ssm"] else "env"
        return Reference(kind, match[kind], match["default"], match["text"]), match.end()
    if text.startswith("${{", start):
        end = _hole_end(text, start + 3, open_quotes) or len(text)
        secret = re.fullmatch(r"\$\{\{\s*(secrets|env)\.([A-Za-z_]\w*)\s*\}\}", text[start:end])
        hint = f"a hole has no $ before it; write: {text[start + 1 : end]}"
        if secret is not None:
            hint = f"write: ${{{'secret:' if secret[1] == 'secrets' else ''}{secret[2]}}}"
        return Finding("RE305", "'${' is followed by a hole", start, end - start, hint), end
    end = text.find("}", start) + 1
    if not end:
        hint = "close it with }; to write ${ itself, write {{ '${' }}"
        return Finding("RE305", "the reference that begins with '${' is never closed", start, 2, hint), len(
            text
        )
    written = text[start:end]
    return Finding(
        "RE305", f"'{written}' is no reference", start, end - start, _reference_meant(written)
    ), end


_FORMS_OF_A_REFERENCE = "write ${NAME}, ${NAME:-default}, ${secret:name}, ${secret:name#key} or ${ssm:/path}"
_LONGEST_MENDED = 200
"""Characters of what is no reference: guessing what was meant takes the square of them."""


def _reference_meant(written: str) -> str:
    body = written[2:-1].strip()
    if len(body) > _LONGEST_MENDED:
        return _FORMS_OF_A_REFERENCE
    as_secret = re.fullmatch(r"(?i)(?:secret|secrets|secretsmanager)[:/.](.+)", body)
    as_parameter = re.fullmatch(r"(?i)(?:ssm|parameter|param)[:/.]*(/?[\w./-]+)", body)
    as_variable = re.fullmatch(r"(?i:env|environ|process\.env|var)[:.]([A-Za-z_]\w*)", body)
    with_default = re.fullmatch(r"([A-Za-z_]\w*)\s*(?::|-|\||=|:=)\s*-?([^{}]*)", body)
    if _REFERENCE.fullmatch(f"${{{body}}}"):
        meant = body
    elif as_secret and _REFERENCE.fullmatch(f"${{secret:{as_secret[1]}}}"):
        meant = f"secret:{as_secret[1]}"
    elif as_parameter:
        meant = f"ssm:/{as_parameter[1].lstrip('/')}"
    elif as_variable:
        meant = as_variable[1]
    elif re.fullmatch(r"(?:new|old|keys|vars|lists|is)\.[\w.]+", body):
        return f"${{}} is for variables of the function; write: {{{{ {body} }}}}"
    elif with_default:
        meant = f"{with_default[1]}:-{with_default[2]}"
    else:
        return _FORMS_OF_A_REFERENCE
    return f"write: ${{{meant}}}"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _strings(member)
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from _strings(member)


# Compiling


@dataclass(frozen=True, slots=True)
class _Setting:
    """What every string of a template is compiled with."""

    scope: Scope
    environment: Mapping[str, str]
    encode: Callable[[str], str] | None
    takes_secrets: bool


def _compile(value: Any, setting: _Setting) -> _Renderer:
    if isinstance(value, str):
        return _compile_string(value, setting)
    if isinstance(value, Mapping):
        members = [(key, _compile(member, setting)) for key, member in value.items()]
        return lambda document: {key: render(document) for key, render in members}
    if isinstance(value, (list, tuple)):
        elements = [_compile(element, setting) for element in value]
        return lambda document: [render(document) for render in elements]
    return lambda document: value


def _compile_string(text: str, setting: _Setting) -> _Renderer:
    parts = list(scan(text))
    if len(parts) == 1 and isinstance(parts[0], Hole) and setting.encode is None:
        return _compile_hole(parts[0], text, setting.scope)
    pieces = [_compile_part(part, text, setting) for part in parts]
    if any(isinstance(part, Reference) and part.kind != "env" for part in parts):
        return lambda document: _checked(joined([piece(document) for piece in pieces]))
    return lambda document: _checked("".join([piece(document) for piece in pieces]))


def _compile_part(part: str | Hole | Reference | Finding, text: str, setting: _Setting) -> _Renderer:
    """What a part of a longer string inserts, as text."""
    if isinstance(part, Finding):
        raise RuleSetError(f"the template {text!r} cannot be compiled: {part.message}")
    if isinstance(part, Hole):
        fill, encode = _compile_hole(part, text, setting.scope), setting.encode
        if encode is None:
            return lambda document: _as_text(fill(document))
        return lambda document: encode(_as_text(fill(document)))
    constant = part if isinstance(part, str) else _resolve(part, setting)
    return lambda document: constant


def _resolve(reference: Reference, setting: _Setting) -> str:
    if reference.kind != "env" and not setting.takes_secrets:
        raise RuleSetError(f"'${{{reference.text}}}' must not stand where it would be sent as data")
    if reference.key in setting.environment:
        return setting.environment[reference.key]
    if reference.default is None:
        raise SettingsError(f"'{reference.key}' is not set, and an action names it as ${{{reference.text}}}")
    return reference.default


def _compile_hole(hole: Hole, text: str, scope: Scope) -> _Renderer:
    try:
        program = compile_expression(hole.expression, scope)
    except ExpressionError as error:
        raise RuleSetError(f"the template {text!r} cannot be compiled: {error}") from error
    return lambda document: _checked(_evaluate(program, document))


# Rendering


def _evaluate(program: Program, document: Mapping[str, Any]) -> Any:
    try:
        return program(document)
    except EvaluationError as error:
        raise TemplateError(f"'{{{{ {program.text} }}}}' cannot be filled: {error}") from error


def _as_text(value: Any) -> str:
    """As JMESPath's `to_string` gives it: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return str(value)
    try:
        return exact_json.dumps(value)
    except ValueError as error:
        raise TemplateError(f"a value cannot be written as text: {error}") from None


def _checked(value: Any) -> Any:
    """`value`, if all text in it is Unicode that UTF-8 can hold. Not recursive: data may be nested deep."""
    stack = [value]
    try:
        while stack:
            part = stack.pop()
            if isinstance(part, str):
                if not part.isascii():
                    part.encode()
            elif isinstance(part, Mapping):
                stack += part.keys()
                stack += part.values()
            elif isinstance(part, list):
                stack += part
    except UnicodeEncodeError:
        # Not chained: the original error carries the text.
        raise TemplateError("the value holds text that is not valid Unicode (a lone surrogate)") from None
    except EvaluationError as error:
        raise TemplateError(f"the value has an attribute that cannot be read: {error}") from None
    return value
