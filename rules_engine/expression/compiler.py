"""`Node` tree -> closures: `compile_expression(text, scope)` gives a `Program`, and that JSON values of data.

What needs no data is decided here, once: constants, names of the rule file, and the shapes that conditions
mostly have (a path of names, a comparison with a constant). Refused with ExpressionError: what the parser
refuses, unknown functions (RE204), wrong arguments (RE205), names that the rule file lacks (RE208), circles
of named conditions (RE213), and more than 50 levels together with the named conditions (RE212).

Generated Python source was left: closures are within a factor of two of it, and nothing that an author
writes is ever formatted into code.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from rules_engine.errors import EvaluationError, ExpressionError, Finding
from rules_engine.expression import closures as make
from rules_engine.expression import projections as loop
from rules_engine.expression.arguments import checked_call
from rules_engine.expression.budget import MAX_SIZE, MAX_STEPS, Evaluation, begin
from rules_engine.expression.closures import Closure, Constant
from rules_engine.expression.functions import FUNCTIONS, REFERENCES, Function
from rules_engine.expression.node import MAX_LEVELS, Node, too_large
from rules_engine.expression.operations import Reference
from rules_engine.expression.roots import resolve
from rules_engine.expression.trees import tree_of
from rules_engine.model import EMPTY_SCOPE, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CompiledConditions: TypeAlias = "dict[str, tuple[Closure, int]]"
"""Closure and levels of named conditions of one scope."""

_STEPS_OF_FOLDING = 10_000
"""What all constants of one expression may cost together while it is compiled."""


class Program:
    """A compiled expression. Call it with plain JSON data; it keeps nothing between calls.

    Raises EvaluationError (and its kinds BudgetError and AttributeValueError), nothing else.
    """

    __slots__ = ("_evaluate", "_repeats", "node", "text")

    def __init__(self, text: str, node: Node, evaluate: Closure, repeats: bool) -> None:
        self.text = text
        self.node = node
        self._evaluate = evaluate
        self._repeats = repeats

    def __call__(self, value: Any) -> Any:
        run = Evaluation()  # and not `begin(value)`: a call more is a tenth of a short condition's time
        run.document = value
        run.steps = MAX_STEPS
        run.size = MAX_SIZE
        try:
            result = self._evaluate(value, run)
        except ArithmeticError:
            # NaN and Infinity are no JSON, but Python's JSON reader makes them.
            raise EvaluationError("the data holds a number that is not finite") from None
        if self._repeats:
            run.build_all(result)
        return result

    def __repr__(self) -> str:
        return f"Program({self.text!r})"


class _DeferredProgram(Program):
    """Has no `node` until it was called. Two threads may compile it, and then both do the same."""

    __slots__ = ("_scope",)

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self._scope = scope
        self._evaluate = self._compile_and_evaluate
        self._repeats = False

    def _compile_and_evaluate(self, value: Any, run: Evaluation) -> Any:
        compiled = compile_expression(self.text, self._scope)
        self.node, self._repeats = compiled.node, compiled._repeats
        self._evaluate = compiled._evaluate
        return self._evaluate(value, run)


def deferred_program(text: str, scope: Scope) -> Program:
    """The program of a text that is known to compile; that happens when it is first called."""
    return _DeferredProgram(text, scope)


def compile_expression(
    text: str, scope: Scope = EMPTY_SCOPE, conditions: CompiledConditions | None = None
) -> Program:
    """The program of `text`, with `vars`, `lists` and `is` of `scope`. Raises ExpressionError.

    `conditions` holds those of the scope that were compiled before; those that `text` needs are added.
    """
    node = tree_of(text, scope)
    compiler = _Compiler(scope, {} if conditions is None else conditions)
    evaluate = compiler.compile(node)
    return Program(text, node, evaluate, compiler.repeats)


def compile_condition(name: str, scope: Scope, conditions: CompiledConditions) -> None:
    """Add the named condition, and those that it uses, to `conditions`. Raises ExpressionError."""
    _Compiler(scope, conditions).add_condition(name)


def _count(node: Node) -> int:
    return 1 + sum(map(_count, node.children))


class _Compiler:
    def __init__(self, scope: Scope, conditions: CompiledConditions) -> None:
        self.scope = scope
        self.level = 0
        self.deepest = 0
        self.repeats = False
        """Whether one value may occur many times in the result, which is then larger than it was to build."""
        self.conditions = conditions
        self.open: list[str] = []
        self.folding = begin(None, _STEPS_OF_FOLDING)

    def compile(self, node: Node) -> Closure:
        self.level += 1
        self._check_level(node, self.level)
        closure = _METHODS[node.type](self, node)
        self.level -= 1
        return closure

    def _check_level(self, node: Node, level: int) -> None:
        self.deepest = max(self.deepest, level)
        if level > MAX_LEVELS:
            what = f"more than {MAX_LEVELS} levels, counting the named conditions in it"
            raise too_large(node.source, what, node.start)

    def _refuse(self, code: str, message: str, node: Node, length: int = 0) -> NoReturn:
        length = length or max(len(node.text), 1)
        raise ExpressionError(node.source, Finding(code, message, node.start, length))

    def _fold(self, closure: Closure, *parts: Any) -> Closure:
        """The constant that `closure` gives where all its `parts` are constants."""
        if not all(type(part) is Constant for part in parts):
            return closure
        try:
            return Constant(closure(None, self.folding))
        except (EvaluationError, ArithmeticError):
            return closure  # it fails on every record: that is for the evaluation to say

    # Values

    def _literal(self, node: Node) -> Closure:
        if isinstance(node.value, (list, dict)):
            self.repeats = True
        return Constant(node.value)

    def _itself(self, node: Node) -> Closure:
        return make.itself

    def _field(self, node: Node) -> Closure:
        return make.names((node.value,))

    def _path(self, node: Node) -> Closure:
        return make.names(node.value)

    def _index(self, node: Node) -> Closure:
        return make.index(node.value)

    def _slice(self, node: Node) -> Closure:
        return make.slice_of(*node.value)

    def _subexpression(self, node: Node) -> Closure:
        return self._chain(resolve(node, self.scope).children)

    def _chained(self, node: Node) -> Closure:
        return self._chain(_operands(node))

    def _chain(self, nodes: tuple[Node, ...]) -> Closure:
        """One after the other, with runs of names in one closure."""
        parts: list[Closure] = []
        path: list[str] = []
        for each in nodes:
            node = _after(path, each) if path else each
            if node is not each:
                path.clear()
            if node.type == "field":
                path.append(node.value)
            elif node.type == "path":
                path.extend(node.value)
            else:
                self._end_path(path, parts)
                if node.type != "identity":
                    parts.append(self.compile(node))
        self._end_path(path, parts)
        return make.one_after_the_other(parts)

    def _end_path(self, path: list[str], parts: list[Closure]) -> None:
        if path:
            parts.append(make.names(tuple(path)))
            path.clear()
            if len(parts) == 2:
                folded = self._fold(make.one_after_the_other(parts), parts[0])
                parts[:] = [folded] if type(folded) is Constant else parts

    # Named conditions

    def _condition(self, node: Node) -> Closure:
        name = node.value
        if name in self.open:
            circle = " -> ".join([*self.open[self.open.index(name) :], name])
            self._refuse("RE213", f"named conditions in a circle: {circle}", node)
        self.add_condition(name)
        closure, levels = self.conditions[name]
        self._check_level(node, self.level + levels)
        self.repeats = True
        return closure

    def add_condition(self, name: str) -> None:
        if name not in self.conditions:
            self.conditions[name] = self._compile_condition(name)

    def _compile_condition(self, name: str) -> tuple[Closure, int]:
        condition = tree_of(self.scope.conditions[name], self.scope)
        self.open.append(name)
        deepest, self.deepest = self.deepest, self.level
        evaluate = self.compile(condition)
        levels = self.deepest - self.level
        self.deepest = max(deepest, self.deepest)
        self.open.pop()
        steps = _count(condition)

        def closure(value: Any, run: Evaluation) -> Any:
            run.take(steps)
            return evaluate(run.document, run)

        return closure, levels

    # Comparisons and logic

    def _comparator(self, node: Node) -> Closure:
        left, right = map(self.compile, node.children)
        name = node.value
        if type(left) is Constant and type(right) is not Constant:
            left, right, name = right, left, make.MIRRORED.get(name, name)
        return self._fold(_comparison(name, left, right), left, right)

    def _and(self, node: Node) -> Closure:
        return make.all_of([self.compile(operand) for operand in _operands(node)])

    def _or(self, node: Node) -> Closure:
        return make.any_of([self.compile(operand) for operand in _operands(node)])

    def _not(self, node: Node) -> Closure:
        part = self.compile(node.children[0])
        return self._fold(make.negated(part), part)

    # Arrays and objects

    def _projection(self, node: Node) -> Closure:
        base, body = map(self.compile, node.children)
        inner = node.children[1]
        if inner.type == "field":
            return loop.name_projected(base, inner.value, _count(inner))
        return loop.projected(base, body, _count(inner))

    def _value_projection(self, node: Node) -> Closure:
        base, body = map(self.compile, node.children)
        return loop.values_projected(base, body, _count(node.children[1]))

    def _filter_projection(self, node: Node) -> Closure:
        base, body, condition = map(self.compile, node.children)
        return loop.filtered(base, condition, body, _count(node.children[1]) + _count(node.children[2]))

    def _flatten(self, node: Node) -> Closure:
        return loop.flattened(self.compile(node.children[0]))

    def _multi_select_list(self, node: Node) -> Closure:
        self.repeats = True
        return loop.list_of([self.compile(child) for child in node.children])

    def _multi_select_dict(self, node: Node) -> Closure:
        self.repeats = True
        return loop.object_of([(pair.value, self.compile(pair.children[0])) for pair in node.children])

    # Functions

    def _call(self, node: Node) -> Closure:
        function = FUNCTIONS.get(node.value)
        if function is None:
            self._refuse("RE204", f"unknown function '{node.value}'", node, len(node.value))
        self._check_arity(function, node)
        arguments = [
            (self._argument(function, position, child), child.text)
            for position, child in enumerate(node.children)
        ]
        call = checked_call(function, arguments)
        return self._fold(call, *[argument for argument, _ in arguments])

    def _check_arity(self, function: Function, node: Node) -> None:
        wanted, given = len(function.parameters), len(node.children)
        if given == wanted or (function.variadic and given > wanted):
            return
        least = "at least " if function.variadic else ""
        arguments = "argument" if wanted == 1 else "arguments"
        message = f"'{function.name}' takes {least}{wanted} {arguments}, not {given}"
        self._refuse("RE205", message, node, len(function.name))

    def _argument(self, function: Function, position: int, node: Node) -> Closure | Reference:
        (*_, last) = function.parameters
        types = function.parameters[position] if position < len(function.parameters) else last
        if not REFERENCES.intersection(types):
            return self.compile(node)
        if node.type != "expref":
            self._refuse("RE205", f"'{function.name}' needs '&' before '{node.text}'", node)
        (body,) = node.children
        if types == ("path",):
            return Reference(self._image_path(body), _count(body))
        return Reference(self.compile(body), _count(body))

    def _image_path(self, node: Node) -> Closure:
        steps = self._steps(node)
        return self.compile(node) if steps is None else make.find(steps)

    def _steps(self, node: Node) -> tuple[str | int, ...] | None:
        """The names and indexes of a plain path such as `customer.emails[0]`; None for anything else."""
        if node.type in ("field", "index"):
            return (node.value,)
        if node.type in ("current", "identity"):
            return ()
        if node.type not in ("subexpression", "index_expression") or resolve(node, self.scope) is not node:
            return None
        steps: list[str | int] = []
        for child in node.children:
            part = self._steps(child)
            if part is None:
                return None
            steps.extend(part)
        return tuple(steps)

    def _expref(self, node: Node) -> NoReturn:
        self._refuse("RE205", f"'{node.text}' may only stand where a function takes an expression", node)


def _operands(node: Node) -> tuple[Node, ...]:
    """The operands of a chain of one operator, however long: it is one level."""
    operands: list[Node] = []
    while True:
        first, *rest = node.children
        operands.extend(reversed(rest))
        if first.type != node.type:
            return (first, *reversed(operands))
        node = first


def _after(path: Sequence[str], node: Node) -> Node:
    """`node` with the names before it at its beginning, in one `path`, which is quicker to follow: `new` and
    `items[*]` are a path and a projection. As it is, where it does not begin with a name."""
    if node.type == "field":
        return replace(node, type="path", value=(*path, node.value))
    if node.type not in _FROM_THE_LEFT:
        return node
    left, *others = node.children
    longer = _after(path, left)
    return node if longer is left else replace(node, children=(longer, *others))


_FROM_THE_LEFT = {"projection", "value_projection", "filter_projection", "flatten", "index_expression"}
"""Nodes that hand what they are applied to on to their first child, and to no other."""


def _comparison(name: str, left: Closure, right: Closure) -> Closure:
    constant: Any = right.value if type(right) is Constant else None
    if name in make.ORDERS:
        if type(constant) in (int, Decimal):
            return make.ordered_against(name, left, constant)
        return make.ordered(name, left, right)
    if type(right) is Constant:
        return (make.equals_constant if name == "eq" else make.differs_from_constant)(left, constant)
    return make.equals(left, right) if name == "eq" else make.negated(make.equals(left, right))


_METHODS: dict[str, Callable[[_Compiler, Node], Closure]] = {
    "literal": _Compiler._literal,
    "current": _Compiler._itself,
    "identity": _Compiler._itself,
    "field": _Compiler._field,
    "path": _Compiler._path,
    "condition": _Compiler._condition,
    "index": _Compiler._index,
    "slice": _Compiler._slice,
    "subexpression": _Compiler._subexpression,
    "index_expression": _Compiler._chained,
    "pipe": _Compiler._chained,
    "comparator": _Compiler._comparator,
    "and_expression": _Compiler._and,
    "or_expression": _Compiler._or,
    "not_expression": _Compiler._not,
    "projection": _Compiler._projection,
    "value_projection": _Compiler._value_projection,
    "filter_projection": _Compiler._filter_projection,
    "flatten": _Compiler._flatten,
    "multi_select_list": _Compiler._multi_select_list,
    "multi_select_dict": _Compiler._multi_select_dict,
    "function_expression": _Compiler._call,
    "expref": _Compiler._expref,
}
