"""One condition evaluated alone, against jmespath.py's `search` on the same documents.

Both are compiled before and get decoded documents: ours with exact numbers, as the engine gives them;
jmespath.py with int and float, which is all that it compares. Their results must agree on every document.
"""

from __future__ import annotations

from decimal import Decimal
from time import process_time
from typing import TYPE_CHECKING, Any

import jmespath

from bench.reference import decode_record
from bench.report import Row, Table, number
from bench.timing import WrongAnswer
from bench.workload import records
from rules_engine.expression import compile_expression, is_true

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.session import Session

_CONDITIONS = (
    "new.status == 'SHIPPED'",
    "new.customer.tier == 'gold' && new.region == 'eu-west'",
    "new.status == 'SHIPPED' || new.status == 'DELIVERED' || new.status == 'RETURNED'",
    "new.total > `5000`",
    "new.total >= `1000` && new.total < `2000`",
    "new.total > old.total",
    "old.status != 'SHIPPED' && new.status == 'SHIPPED'",
    "starts_with(new.order_id, 'o-12')",
    'contains(`["cat-001", "cat-002", "cat-003"]`, new.category)',
    "contains(new.tags, 'tag-07')",
    "contains(new.items[*].sku, 'sku-100')",
    "length(new.items[?qty > `8`]) > `0`",
    "sum(new.items[*].qty) > `20`",
    "!(new.gift) && new.customer.country != 'DE'",
)
_DOCUMENTS = 50


def measure(session: Session) -> Table:
    exact = [decode_record(record) for record in records()[: 3 * _DOCUMENTS]]
    exact = [document for document in exact if document["eventName"] == "MODIFY"][:_DOCUMENTS]
    floats = [as_json(document) for document in exact]
    rows = [_row(text, exact, floats, 5 if session.quick else 25) for text in _CONDITIONS]
    return Table("conditions", "One condition alone, against jmespath.py", rows)


def as_json(value: Any) -> Any:
    """Decimals as the int or float that `json.loads` would have made."""
    if isinstance(value, dict):
        return {name: as_json(child) for name, child in value.items()}
    if isinstance(value, list):
        return [as_json(child) for child in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _row(text: str, exact: Sequence[Any], floats: Sequence[Any], rounds: int) -> Row:
    ours, theirs = compile_expression(text), jmespath.compile(text).search
    for document, plain in zip(exact, floats, strict=True):
        if is_true(ours(document)) != is_true(theirs(plain)):
            raise WrongAnswer(f"jmespath.py and we disagree on {text}")
    times = [(_seconds(ours, exact), _seconds(theirs, floats)) for _ in range(rounds)]
    our_seconds, their_seconds = (min(column) / len(exact) for column in zip(*times, strict=True))
    note = f"{number(our_seconds * 1e6)} us, jmespath.py {number(their_seconds * 1e6)} us"
    return Row(text, their_seconds / our_seconds, "x faster", at_least=5, note=note)


def _seconds(evaluate: Callable[[Any], object], documents: Sequence[Any]) -> float:
    start = process_time()
    for document in documents:
        evaluate(document)
    return process_time() - start
