"""Code for the function's package: source without what readers want, and what this Python makes of it.

The same source and version give the same bytes: no path of this machine, no reference counts, no order of
hashing. Of every position only the line is kept, which takes a sixth off. Running Python with -X
no_debug_ranges gives the same bytes and was left: it needs a process, and an executable that can be found.
"""

from __future__ import annotations

import ast
import io
import marshal
import sys
import tokenize
from types import CodeType
from typing import TYPE_CHECKING, Any

from rules_engine.packed import packed

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARSHAL_VERSION = 4
_MOST_UNITS = 8
_LINE_ONLY, _NO_LINE = 13, 15


def for_machines(source: bytes) -> bytes:
    """The same code on the same lines, without comments and what only a type checker imports, and with an
    empty text for each text that stands by itself."""
    tree = ast.parse(source)
    lines = _without_comments(source).split(b"\n")
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and is_for_type_checkers(node):
            _put_nothing(lines, node.body[0], node.body[-1])
        elif isinstance(node, ast.Expr) and type(getattr(node.value, "value", None)) is str:
            _put_nothing(lines, node, node)
    return b"\n".join(lines)


def _put_nothing(lines: list[bytes], first: ast.stmt, last: ast.stmt) -> None:
    start, end = first.lineno - 1, last.end_lineno or last.lineno
    lines[start:end] = [lines[start][: first.col_offset] + b'""', *[b""] * (end - start - 1)]


def _without_comments(source: bytes) -> bytes:
    lines = source.decode().split("\n")
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines).encode()


def compiled(sources: Mapping[str, bytes]) -> bytes:
    """The code of all source files, by their names in the package: a file for `rules_engine.packed`."""
    same = _Same()
    codes = {}
    for name, source in sorted(sources.items()):
        code = compile(without_types(ast.parse(source, name)), name, "exec", dont_inherit=True, optimize=0)
        codes[same.one(name)] = same.one(without_columns(code))
    return packed(codes, _MARSHAL_VERSION)


class _Same:
    """One object in the place of all that are equal, and held here.

    marshal writes an object a second time as a reference, and guesses by its reference count whether there
    will be a second time. So each must be held, or the bytes would depend on what else refers to it."""

    def __init__(self) -> None:
        self._held: dict[bytes, Any] = {}

    def one(self, value: Any) -> Any:
        # Not by equality: 1, 1.0 and True are equal. Version 2 writes no references.
        key = marshal.dumps(value, 2)
        if key not in self._held:
            self._held[key] = self._made_of_held(value)
        return self._held[key]

    def _made_of_held(self, value: Any) -> Any:
        if isinstance(value, str):
            return sys.intern(value)
        if isinstance(value, tuple):
            return tuple(self.one(each) for each in value)
        if isinstance(value, frozenset):
            return frozenset(self.one(each) for each in value)
        if isinstance(value, CodeType):
            # Of variables there is no tuple to be had, only their names.
            for name in (*value.co_varnames, *value.co_cellvars, *value.co_freevars):
                self.one(name)
            parts = ("consts", "names", "filename", "name", "qualname", "linetable", "exceptiontable")
            return value.replace(**{f"co_{part}": self.one(getattr(value, f"co_{part}")) for part in parts})
        return value


def without_types(tree: ast.Module) -> ast.Module:
    """The same code with functions that do not know the types of their parameters: nothing asks for them, and
    their texts are a fifth of what is compiled. Classes keep the types of their fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            given = node.args
            for each in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
                if each is not None:
                    each.annotation = None
    return tree


def is_for_type_checkers(node: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.unparse(node.test)


def without_columns(code: CodeType) -> CodeType:
    """The same code with the same lines. The table's form: Objects/locations.md in the source of Python."""
    table = bytearray()
    before = code.co_firstlineno
    for start, end, line in code.co_lines():
        units = (end - start) // 2
        while units:
            count = min(units, _MOST_UNITS)
            units -= count
            table.append(0x80 | (_NO_LINE if line is None else _LINE_ONLY) << 3 | count - 1)
            if line is not None:
                table += _signed(line - before)
                before = line
    constants = tuple(
        without_columns(each) if isinstance(each, CodeType) else each for each in code.co_consts
    )
    return code.replace(co_linetable=bytes(table), co_consts=constants)


def _signed(number: int) -> bytes:
    """Six bits a byte, lowest first; the lowest of all is the sign."""
    rest = -number << 1 | 1 if number < 0 else number << 1
    written = bytearray()
    while rest > 0x3F:
        written.append(rest & 0x3F | 0x40)
        rest >>= 6
    written.append(rest)
    return bytes(written)
