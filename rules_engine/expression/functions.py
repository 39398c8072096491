"""Every function of the language: name, parameters, meaning, example. The compiler, the checks and the
generated reference all read `FUNCTIONS`; nothing else knows a function by name.

An example is an expression that gives its result on any data, so that the reference can show both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.expression import operations as op
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCES = frozenset({"expref", "path"})
"""Parameter types written `&expression`: one for each element, one for the images of the record."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function. A parameter is the tuple of types it takes; of a variadic one the last may repeat.

    Types are `any`, JMESPath's own, `array-number` and `array-string` (such elements only), and REFERENCES.
    """

    name: str
    parameters: tuple[tuple[str, ...], ...]
    variadic: bool
    implementation: Callable[..., Any]
    doc: str
    example: str
    extension: bool = False
    """Whether JMESPath has no such function."""

    @property
    def signature(self) -> str:
        """`join(string, array-string)`; alternatives with `or`, `...` where the last may repeat."""
        parameters = [
            "&path" if types == _PATH else "&expression" if types == _EXPREF else " or ".join(types)
            for types in self.parameters
        ]
        return f"{self.name}({', '.join(parameters)}{', ...' if self.variadic else ''})"

    @property
    def reads_images(self) -> bool:
        """Whether it looks into the record's images, wherever it stands."""
        return self.parameters[0] == _PATH


_ANY = ("any",)
_NUMBER = ("number",)
_STRING = ("string",)
_ARRAY = ("array",)
_OBJECT = ("object",)
_EXPREF = ("expref",)
_PATH = ("path",)
_NUMBERS = ("array-number",)
_ORDERED = ("array-number", "array-string")

_TABLE = (
    Function("abs", (_NUMBER,), False, op.abs_, "the number without its sign", "abs(`-5`)"),
    Function(
        "avg", (_NUMBERS,), False, op.avg, "the mean, to 38 digits; null for an empty array", "avg(`[1, 2]`)"
    ),
    Function("ceil", (_NUMBER,), False, op.ceil, "the next whole number up", "ceil(`1.2`)"),
    Function(
        "contains",
        (("string", "array"), _ANY),
        False,
        op.contains,
        "whether an array has an equal element, or a string the part",
        "contains('ORD-2024', '2024')",
    ),
    Function(
        "ends_with",
        (_STRING, _STRING),
        False,
        op.ends_with,
        "whether the first string ends with the second",
        "ends_with('invoice.pdf', '.pdf')",
    ),
    Function("floor", (_NUMBER,), False, op.floor, "the next whole number down", "floor(`1.8`)"),
    Function(
        "join",
        (_STRING, ("array-string",)),
        False,
        op.join,
        "the strings in one, with the first argument between them",
        'join(\', \', `["a", "b"]`)',
    ),
    Function("keys", (_OBJECT,), False, op.keys, "the names in an object", 'keys(`{"a": 1, "b": 2}`)'),
    Function(
        "length",
        (("string", "array", "object"),),
        False,
        op.length,
        "how many characters, elements or names",
        "length('abc')",
    ),
    Function(
        "map",
        (_EXPREF, _ARRAY),
        False,
        op.map_,
        "the expression's value for each element, null included",
        'map(&a, `[{"a": 1}, {}]`)',
    ),
    Function(
        "max",
        (_ORDERED,),
        False,
        op.max_,
        "the largest number or last string; null for an empty array",
        "max(`[1, 3, 2]`)",
    ),
    Function(
        "max_by",
        (_ARRAY, _EXPREF),
        False,
        op.max_by,
        "the element for which the expression is largest",
        'max_by(`[{"a": 1}, {"a": 2}]`, &a)',
    ),
    Function(
        "merge",
        (_OBJECT,),
        True,
        op.merge,
        "one object with the names of all; of equal names the last wins",
        'merge(`{"a": 1}`, `{"a": 2, "b": 3}`)',
    ),
    Function(
        "min",
        (_ORDERED,),
        False,
        op.min_,
        "the smallest number or first string; null for an empty array",
        "min(`[1, 3, 2]`)",
    ),
    Function(
        "min_by",
        (_ARRAY, _EXPREF),
        False,
        op.min_by,
        "the element for which the expression is smallest",
        'min_by(`[{"a": 1}, {"a": 2}]`, &a)',
    ),
    Function(
        "not_null", (_ANY,), True, op.not_null, "the first argument that is not null", "not_null(`null`, 'b')"
    ),
    Function(
        "reverse",
        (("string", "array"),),
        False,
        op.reverse,
        "the string or array back to front",
        "reverse('abc')",
    ),
    Function(
        "sort",
        (_ORDERED,),
        False,
        op.sort,
        "the numbers, or the strings, in ascending order",
        "sort(`[3, 1, 2]`)",
    ),
    Function(
        "sort_by",
        (_ARRAY, _EXPREF),
        False,
        op.sort_by,
        "the elements in ascending order of the expression",
        'sort_by(`[{"a": 2}, {"a": 1}]`, &a)',
    ),
    Function(
        "starts_with",
        (_STRING, _STRING),
        False,
        op.starts_with,
        "whether the first string begins with the second",
        "starts_with('ORD-2024', 'ORD-')",
    ),
    Function(
        "sum", (_NUMBERS,), False, op.sum_, "the exact total; 0 for an empty array", "sum(`[0.1, 0.2]`)"
    ),
    Function(
        "to_array",
        (_ANY,),
        False,
        op.to_array,
        "an array as it is, anything else as the one element of an array",
        "to_array('a')",
    ),
    Function(
        "to_number",
        (_ANY,),
        False,
        op.to_number,
        "the number a string stands for; null if it is none",
        "to_number('12.50')",
    ),
    Function(
        "to_string",
        (_ANY,),
        False,
        op.to_string,
        "a string as it is, anything else as JSON",
        "to_string(`[1, true]`)",
    ),
    Function(
        "type",
        (_ANY,),
        False,
        op.type_,
        "'string', 'number', 'boolean', 'array', 'object' or 'null'",
        "type(`1`)",
    ),
    Function("values", (_OBJECT,), False, op.values, "the values in an object", 'values(`{"a": 1, "b": 2}`)'),
    Function(
        "became",
        (_PATH, _ANY),
        False,
        op.became,
        "whether the attribute has the value in the new image, and had not in the old",
        "became(&status, 'SHIPPED')",
        extension=True,
    ),
    Function(
        "changed",
        (_PATH,),
        False,
        op.changed,
        "whether the attribute differs between old and new image; absent differs from null",
        "changed(&status)",
        extension=True,
    ),
    Function(
        "cidr_contains",
        (_STRING, _STRING),
        False,
        op.cidr_contains,
        "whether an IPv4 or IPv6 address lies in the range",
        "cidr_contains('10.0.0.0/8', '10.1.2.3')",
        extension=True,
    ),
    Function(
        "glob",
        (_STRING, _STRING),
        False,
        op.glob,
        "whether all of the string fits the pattern: * is any text, ? is one character",
        "glob('ORD-2024', 'ORD-*')",
        extension=True,
    ),
    Function(
        "lower", (_STRING,), False, op.lower, "the string in lower case", "lower('ABC')", extension=True
    ),
    Function(
        "present",
        (_PATH,),
        False,
        op.present,
        "whether the attribute exists in the new image, even if it is null",
        "present(&coupon)",
        extension=True,
    ),
    Function(
        "trim",
        (_STRING,),
        False,
        op.trim,
        "the string without white space at both ends",
        "trim(' abc ')",
        extension=True,
    ),
    Function(
        "upper", (_STRING,), False, op.upper, "the string in upper case", "upper('abc')", extension=True
    ),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _TABLE}
