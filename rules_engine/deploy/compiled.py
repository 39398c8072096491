"""Code for the function's package: source without docstrings, and what this version of Python makes of it.

A compiled file is used without a look at its source (PEP 552, unchecked hash), so times do not matter; a
version of Python other than this one looks for another name. The same source and version give the same bytes:
no path of this machine, no reference counts, no order of hashing. Of every position only the line is kept,
which takes a quarter off. Running Python with -X no_debug_ranges gives the same bytes and was left: it needs
a process, and an executable that can be found.
"""

from __future__ import annotations

import ast
import marshal
import sys
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import PurePosixPath
from types import CodeType

_UNCHECKED_HASH = (1).to_bytes(4, "little")
_WITHOUT_REFERENCES = 2
"""Version of marshal's format. From 3 on the bytes tell how often an object happened to be referred to."""

_MOST_UNITS = 8
_LINE_ONLY, _NO_LINE = 13, 15


def without_docstrings(source: bytes) -> bytes:
    """The same code on the same lines, with an empty text for each text that stands by itself."""
    lines = source.split(b"\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and type(getattr(node.value, "value", None)) is str:
            first, last = node.lineno - 1, node.end_lineno or node.lineno
            lines[first:last] = [lines[first][: node.col_offset] + b'""', *[b""] * (last - first - 1)]
    return b"\n".join(lines)


def compiled(name: str, source: bytes) -> tuple[str, bytes]:
    """Name and content of the compiled file for the source file `name`."""
    # Importing puts the file's real path in the place of `name`.
    tree = without_signatures(ast.parse(source, name))
    code = without_columns(compile(tree, name, "exec", dont_inherit=True, optimize=0))
    path = PurePosixPath(name)
    target = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
    header = MAGIC_NUMBER + _UNCHECKED_HASH + source_hash(source)
    return str(target), header + marshal.dumps(code, _WITHOUT_REFERENCES)


def without_signatures(tree: ast.Module) -> ast.Module:
    """The same code with functions that do not know the types of their parameters: nothing asks them, and
    their texts are a fifth of what is compiled. Classes keep the types of their fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            given = node.args
            for each in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
                if each is not None:
                    each.annotation = None
    return tree


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
