"""Tokens -> `Node` tree: a top-down operator precedence parser for JMESPath.

Takes the tokens of `syntax`, gives the tree, refuses (ExpressionError) what is no expression and what is too
large. It follows jmespath.py's parser rule by rule, quirks included (`f(a b)` is a call with two arguments),
and a property test holds the two together; that parser itself was left because it forgets positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from rules_engine.expression.node import MAX_LEVELS, MAX_NODES, Node, Token, syntax_error, too_large

if TYPE_CHECKING:
    from collections.abc import Callable

# How tightly a token binds to what stands left of it; the numbers are jmespath.py's. Absent means 0.
_BINDING = {
    "pipe": 1,
    "or": 2,
    "and": 3,
    "eq": 5,
    "ne": 5,
    "lt": 5,
    "lte": 5,
    "gt": 5,
    "gte": 5,
    "flatten": 9,
    "star": 20,
    "filter": 21,
    "dot": 40,
    "not": 45,
    "lbrace": 50,
    "lbracket": 55,
    "lparen": 60,
}
_PROJECTION_STOP = 10
"""What binds less than this ends a projection."""

_CHAINS = frozenset({"or_expression", "and_expression", "pipe"})


class Parser:
    """`_prefix_*` for a token that starts a term, `_infix_*` for one that goes on from what stands left."""

    def __init__(self, text: str, found: list[Token]) -> None:
        self.text = text
        self.tokens = found
        self.token = found[0]
        self.index = 0
        self.nesting = 0
        self.nodes = 0

    def parse(self) -> Node:
        node = self._expression(0)
        if self.token.type != "eof":
            self._refuse(self.token)
        if self.nodes > MAX_LEVELS:
            self._check_levels(node)
        return node

    def _check_levels(self, root: Node) -> None:
        stack = [(root, 1)]
        while stack:
            node, level = stack.pop()
            if level > MAX_LEVELS:
                self._too_large(f"more than {MAX_LEVELS} levels", node.start)
            for position, child in enumerate(node.children):
                # a || b || c is one level, however long: it is evaluated as one.
                chained = position == 0 and child.type == node.type and child.type in _CHAINS
                stack.append((child, level if chained else level + 1))

    # Tokens

    def _advance(self) -> Token:
        token = self.token
        self.index += 1
        if token.type != "eof":
            self.token = self.tokens[self.index]
        return token

    def _match(self, *types: str) -> Token:
        if self.token.type not in types:
            self._refuse(self.token)
        return self._advance()

    def _refuse(self, token: Token) -> NoReturn:
        if token.type == "eof":
            raise syntax_error(self.text, "the expression ends too early", token.start, 1)
        written = self.text[token.start : token.end]
        raise syntax_error(self.text, f"unexpected '{written}'", token.start, len(written))

    def _too_large(self, what: str, start: int) -> NoReturn:
        raise too_large(self.text, what, start)

    # Nodes

    def _node(self, node_type: str, start: int, *children: Node, value: Any = None) -> Node:
        """A node from `start` to the end of the token read last."""
        self.nodes += 1
        last = self.tokens[self.index - 1]
        if self.nodes > MAX_NODES:
            self._too_large(f"more than {MAX_NODES} nodes", last.start)
        return Node(node_type, value, children, start, last.end, self.text)

    def _identity(self, place: int) -> Node:
        """What an operand that is not written stands for: the value itself."""
        return Node("identity", None, (), place, place, self.text)

    def _expression(self, power: int) -> Node:
        self.nesting += 1
        token = self._advance()
        if self.nesting > MAX_LEVELS:
            self._too_large(f"more than {MAX_LEVELS} levels", token.start)
        prefix = _PREFIX.get(token.type)
        if prefix is None:
            self._refuse(token)
        left = prefix(self, token)
        while power < _BINDING.get(self.token.type, 0):
            infix = _INFIX.get(self.token.type)
            if infix is None:
                self._refuse(self.token)
            left = infix(self, left, token.start, self._advance())
        self.nesting -= 1
        return left

    # Terms

    def _prefix_literal(self, token: Token) -> Node:
        return self._node("literal", token.start, value=token.value)

    def _prefix_name(self, token: Token) -> Node:
        return self._node("field", token.start, value=token.value)

    def _prefix_quoted_name(self, token: Token) -> Node:
        if self.token.type == "lparen":
            raise syntax_error(
                self.text, "a function name takes no quotes", token.start, token.end - token.start
            )
        return self._node("field", token.start, value=token.value)

    def _prefix_current(self, token: Token) -> Node:
        return self._node("current", token.start)

    def _prefix_star(self, token: Token) -> Node:
        left = self._identity(token.start)
        at_end = self.token.type == "rbracket"
        right = self._identity(token.end) if at_end else self._projected(_BINDING["star"])
        return self._node("value_projection", token.start, left, right)

    def _prefix_filter(self, token: Token) -> Node:
        return self._infix_filter(self._identity(token.start), token.start, token)

    def _prefix_flatten(self, token: Token) -> Node:
        return self._infix_flatten(self._identity(token.start), token.start, token)

    def _prefix_parenthesis(self, token: Token) -> Node:
        node = self._expression(0)
        self._match("rparen")
        return node

    def _prefix_not(self, token: Token) -> Node:
        return self._node("not_expression", token.start, self._expression(_BINDING["not"]))

    def _prefix_reference(self, token: Token) -> Node:
        return self._node("expref", token.start, self._expression(0))

    def _prefix_bracket(self, token: Token) -> Node:
        if self.token.type in ("number", "colon"):
            return self._indexed(self._identity(token.start), token.start)
        if self.token.type == "star" and self.tokens[self.index + 1].type == "rbracket":
            self._advance()
            self._advance()
            right = self._projected(_BINDING["star"])
            return self._node("projection", token.start, self._identity(token.start), right)
        return self._multi_select_list(token)

    def _multi_select_list(self, token: Token) -> Node:
        children = [self._expression(0)]
        while self.token.type != "rbracket":
            self._match("comma")
            children.append(self._expression(0))
        self._advance()
        return self._node("multi_select_list", token.start, *children)

    def _multi_select_dict(self, token: Token) -> Node:
        pairs = []
        while True:
            key = self._match("quoted_identifier", "unquoted_identifier")
            self._match("colon")
            value = self._expression(0)
            pairs.append(self._node("key_val_pair", key.start, value, value=key.value))
            if self.token.type == "comma":
                self._advance()
            elif self.token.type == "rbrace":
                self._advance()
                return self._node("multi_select_dict", token.start, *pairs)

    # What may follow a term

    def _infix_dot(self, left: Node, start: int, token: Token) -> Node:
        if self.token.type == "star":
            self._advance()
            right = self._projected(_BINDING["dot"])
            return self._node("value_projection", start, left, right)
        right = self._after_dot(_BINDING["dot"])
        if left.type == "subexpression":
            self.nodes -= 1
            return self._node("subexpression", start, *left.children, right)
        return self._node("subexpression", start, left, right)

    def _infix_pipe(self, left: Node, start: int, token: Token) -> Node:
        return self._node("pipe", start, left, self._expression(_BINDING["pipe"]))

    def _infix_or(self, left: Node, start: int, token: Token) -> Node:
        return self._node("or_expression", start, left, self._expression(_BINDING["or"]))

    def _infix_and(self, left: Node, start: int, token: Token) -> Node:
        return self._node("and_expression", start, left, self._expression(_BINDING["and"]))

    def _infix_comparator(self, left: Node, start: int, token: Token) -> Node:
        right = self._expression(_BINDING[token.type])
        return self._node("comparator", start, left, right, value=token.type)

    def _infix_flatten(self, left: Node, start: int, token: Token) -> Node:
        flat = self._node("flatten", start, left)
        return self._node("projection", start, flat, self._projected(_BINDING["flatten"]))

    def _infix_filter(self, left: Node, start: int, token: Token) -> Node:
        condition = self._expression(0)
        end = self._match("rbracket").end
        ends = self.token.type == "flatten"
        right = self._identity(end) if ends else self._projected(_BINDING["filter"])
        return self._node("filter_projection", start, left, right, condition)

    def _infix_bracket(self, left: Node, start: int, token: Token) -> Node:
        if self.token.type in ("number", "colon"):
            return self._indexed(left, start)
        self._match("star")
        self._match("rbracket")
        return self._node("projection", start, left, self._projected(_BINDING["star"]))

    def _infix_call(self, left: Node, start: int, token: Token) -> Node:
        if left.type != "field":
            self._refuse(self.tokens[self.index - 2])
        arguments = []
        while self.token.type != "rparen":
            arguments.append(self._expression(0))
            if self.token.type == "comma":
                self._advance()
        self._advance()
        self.nodes -= 1  # the name was counted as a field
        return self._node("function_expression", start, *arguments, value=left.value)

    # Parts

    def _projected(self, power: int) -> Node:
        """What a projection does with each element."""
        token_type = self.token.type
        if _BINDING.get(token_type, 0) < _PROJECTION_STOP:
            return self._identity(self.tokens[self.index - 1].end)
        if token_type in ("lbracket", "filter"):
            return self._expression(power)
        self._match("dot")
        return self._after_dot(power)

    def _after_dot(self, power: int) -> Node:
        if self.token.type in ("quoted_identifier", "unquoted_identifier", "star"):
            return self._expression(power)
        token = self._match("lbracket", "lbrace")
        return self._multi_select_list(token) if token.type == "lbracket" else self._multi_select_dict(token)

    def _indexed(self, left: Node, start: int) -> Node:
        """`[1]` or `[1:2]` after `left`; only the first index after something else starts a projection."""
        right = self._index_or_slice()
        if left.type == "index_expression":
            self.nodes -= 1
            return self._node("index_expression", start, *left.children, right)
        node = self._node("index_expression", start, left, right)
        if right.type == "slice":
            return self._node("projection", start, node, self._projected(_BINDING["star"]))
        return node

    def _index_or_slice(self) -> Node:
        bracket = self.tokens[self.index - 1].start
        if "colon" not in (self.token.type, self.tokens[self.index + 1].type):
            number = self._advance().value
            self._match("rbracket")
            return self._node("index", bracket, value=number)
        parts: list[int | None] = [None, None, None]
        index = 0
        while self.token.type != "rbracket":
            token = self._match("colon", "number")
            if token.type == "colon":
                index += 1
                if index == 3:
                    self._refuse(token)
            else:
                parts[index] = token.value
                if index == 2 and token.value == 0:
                    raise syntax_error(self.text, "the step of a slice cannot be 0", token.start, 1)
        self._advance()
        return self._node("slice", bracket, value=tuple(parts))


_PREFIX: dict[str, Callable[[Parser, Token], Node]] = {
    "literal": Parser._prefix_literal,
    "unquoted_identifier": Parser._prefix_name,
    "quoted_identifier": Parser._prefix_quoted_name,
    "current": Parser._prefix_current,
    "star": Parser._prefix_star,
    "filter": Parser._prefix_filter,
    "flatten": Parser._prefix_flatten,
    "lparen": Parser._prefix_parenthesis,
    "not": Parser._prefix_not,
    "expref": Parser._prefix_reference,
    "lbracket": Parser._prefix_bracket,
    "lbrace": lambda parser, token: parser._multi_select_dict(token),
}
_INFIX: dict[str, Callable[[Parser, Node, int, Token], Node]] = {
    "dot": Parser._infix_dot,
    "pipe": Parser._infix_pipe,
    "or": Parser._infix_or,
    "and": Parser._infix_and,
    "eq": Parser._infix_comparator,
    "ne": Parser._infix_comparator,
    "lt": Parser._infix_comparator,
    "lte": Parser._infix_comparator,
    "gt": Parser._infix_comparator,
    "gte": Parser._infix_comparator,
    "flatten": Parser._infix_flatten,
    "filter": Parser._infix_filter,
    "lbracket": Parser._infix_bracket,
    "lparen": Parser._infix_call,
}
