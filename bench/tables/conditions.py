"""One condition evaluated alone, against jmespath.py's `search` on the same documents.

Both are compiled before and get decoded documents: ours with exact numbers, as the engine gives them;
jmespath.py with int and float, which is all that it compares. Their results must agree on every document.
A condition has several turns with the others in between, so that a busy second of the machine does not fall
on all of one, and many rounds in each, so that it is measured alone.
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
    "ends_with(new.customer.email, '@post.example')",
    "length(new.tags) > `2`",
    "type(new.coupon) == 'string'",
    "new.items[0].sku == 'sku-100'",
    "new.items[?sku == 'sku-100' && qty > `5`]",
    "new.items[?price > `400`].qty | [0] > `5`",
    "contains(new.items[].sku, 'sku-100')",
    "max(new.items[*].price) > `400`",
    "avg(new.items[*].price) > `250`",
    "max_by(new.items, &price).qty > `5`",
    "sum(map(&qty, new.items)) > `20`",
    "sort(new.items[*].price)[0] < `50`",
    "join('+', new.items[*].sku) == 'sku-100'",
    "not_null(new.coupon, new.tracking, 'none') == 'none'",
)
_DOCUMENTS = 50
_ROUNDS = 20


def measure(session: Session) -> Table:
    exact = [decode_record(record) for record in records()[: 3 * _DOCUMENTS]]
    exact = [document for document in exact if document["eventName"] == "MODIFY"][:_DOCUMENTS]
    races = [_Race(text, exact) for text in _CONDITIONS]
    for _ in range(1 if session.quick else 5):
        for race in races:
            race.run()
    return Table("conditions", "One condition alone, against jmespath.py", [race.row() for race in races])


def as_json(value: Any) -> Any:
    """Decimals as the int or float that `json.loads` would have made."""
    if isinstance(value, dict):
        return {name: as_json(child) for name, child in value.items()}
    if isinstance(value, list):
        return [as_json(child) for child in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


class _Race:
    """One condition, and the fastest times of both so far, for all documents. Raises WrongAnswer."""

    def __init__(self, text: str, exact: Sequence[Any]) -> None:
        self.text = text
        self.exact, self.floats = exact, [as_json(document) for document in exact]
        self.ours, self.theirs = compile_expression(text), jmespath.compile(text).search
        for document, plain in zip(self.exact, self.floats, strict=True):
            if is_true(self.ours(document)) != is_true(self.theirs(plain)):
                raise WrongAnswer(f"jmespath.py and we disagree on {text}")
        self.our_seconds = self.their_seconds = float("inf")

    def run(self) -> None:
        for _ in range(_ROUNDS):
            self.our_seconds = min(self.our_seconds, _seconds(self.ours, self.exact))
            self.their_seconds = min(self.their_seconds, _seconds(self.theirs, self.floats))

    def row(self) -> Row:
        ours, theirs = (
            number(seconds / len(self.exact) * 1e6) for seconds in (self.our_seconds, self.their_seconds)
        )
        ratio = self.their_seconds / self.our_seconds
        return Row(self.text, ratio, "x faster", at_least=5, note=f"{ours} us, jmespath.py {theirs} us")


def _seconds(evaluate: Callable[[Any], object], documents: Sequence[Any]) -> float:
    start = process_time()
    for document in documents:
        evaluate(document)
    return process_time() - start
