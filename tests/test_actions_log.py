from __future__ import annotations

import json
from typing import Any

import pytest

from rules_engine.actions import log
from rules_engine.errors import TemplateError
from rules_engine.model import EMPTY_SCOPE
from tests.units import SHIPPED_CHANGE, action_spec, delivery_of, raw_record


def lines_of(record: dict[str, Any] | None = None, **config: Any) -> list[str]:
    spec = action_spec("log", **config)
    lines: list[str] = []
    action = log.build(spec, EMPTY_SCOPE, {}, None, write=lines.append)
    action.perform(action.render(delivery_of(spec, record)))
    return lines


def test_message_and_fields_are_written_with_the_names_of_the_unit() -> None:
    lines = lines_of(
        level="warning",
        message="Order {{ keys.order_id }} is large",
        fields={"total": "{{ new.total }}", "note": "at {{ new.status }}"},
    )
    assert lines == [
        '{"level":"WARNING","message":"Order o-1 is large","rule_id":"order-shipped","action_id":"log",'
        f'"delivery_id":"{delivery_of(action_spec("log")).id}",'
        '"fields":{"total":12.5,"note":"at SHIPPED"}}'
    ]


def test_without_anything_the_change_is_written_under_the_rule_s_id() -> None:
    (line,) = lines_of()
    entry = json.loads(line)
    assert (entry["level"], entry["message"]) == ("INFO", "order-shipped")
    assert entry["fields"] == json.loads(SHIPPED_CHANGE)


def test_a_message_alone_shows_no_values() -> None:
    (line,) = lines_of(message="shipped")
    assert list(json.loads(line)) == ["level", "message", "rule_id", "action_id", "delivery_id"]


def test_a_message_that_is_one_hole_may_be_any_value() -> None:
    (line,) = lines_of(message="{{ new }}")
    assert json.loads(line)["message"] == '{"order_id":"o-1","status":"SHIPPED","total":12.5}'


def test_a_long_line_is_cut_and_says_so() -> None:
    (line,) = lines_of(fields={"text": "x" * 20_000})
    assert len(line.encode()) < 8192
    assert json.loads(line)["truncated"] is True


def test_an_attribute_that_cannot_be_read_is_found_before_anything_is_written() -> None:
    record = raw_record({"total": {"N": "canary"}}, {"order_id": {"S": "o-1"}})
    with pytest.raises(TemplateError) as failure:
        lines_of(record)
    assert (
        str(failure.value)
        == "the item has an attribute that cannot be read: attribute 'total': N is not a number"
    )


def test_the_line_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    spec = action_spec("log", message="shipped")
    action = log.build(spec, EMPTY_SCOPE, {}, None)
    action.perform(action.render(delivery_of(spec)))
    assert json.loads(capsys.readouterr().out)["message"] == "shipped"


def test_logging_needs_no_permission() -> None:
    assert log.permissions(action_spec("log")) == []
