"""From records to what there is to do: every matching rule, every action, in lanes.

`plan_units` gives each delivery once, since a batch may hold a record twice, and the units of one rule for
one item in one lane, in the order of the records. A record that cannot be read, or whose evaluation fails, is
a unit of its own; so is one whose action cannot be had.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules_engine.actions.fifo import item_key
from rules_engine.delivery.failure import Failure, classify
from rules_engine.delivery.identity import deliveries_of, delivery_id
from rules_engine.delivery.unit import Lane, Unit
from rules_engine.record import MalformedRecord, StreamRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rules_engine.actions import Action
    from rules_engine.delivery.report import Report
    from rules_engine.engine import ConditionError, Engine
    from rules_engine.model import Delivery


@dataclass(slots=True)
class Plan:
    """Units by their ids, as they are added. `actions` are by rule id and action id."""

    actions: Mapping[tuple[str, str], Action]
    units: dict[str, Unit] = field(default_factory=dict)
    _lanes: dict[str, Lane] = field(default_factory=dict)

    def add(self, delivery: Delivery, position: int) -> Unit:
        """The unit of a delivery; the one that is there already if there is one."""
        if delivery.id in self.units:
            return self.units[delivery.id]
        rule_id, record = delivery.match.rule.id, delivery.match.record
        lane_name = f"{rule_id}\0{item_key(record)}"
        lane = self._lanes.setdefault(lane_name, Lane(lane_name))
        unit = self.units[delivery.id] = Unit(delivery.id, record, position, lane, delivery)
        lane.units.append(unit)
        try:
            unit.action = self.actions[rule_id, delivery.action.id]
        except Exception as error:  # noqa: BLE001 - one rule must not stop the others
            unit.failure = classify(error)
        return unit

    def add_record(self, record: StreamRecord | MalformedRecord, position: int, failure: Failure) -> None:
        """The unit of a record that no rule can be asked about."""
        name = delivery_id(record.failure_id, "", "")
        lane = Lane(name)
        unit = self.units.setdefault(name, Unit(name, record, position, lane, failure=failure))
        lane.units.append(unit)


def plan_units(
    records: Sequence[StreamRecord | MalformedRecord],
    engine: Engine,
    actions: Mapping[tuple[str, str], Action],
    report: Report,
) -> list[Unit]:
    """Everything to be done for the records, which are in order."""
    errors: list[ConditionError] = []
    plan = Plan(actions)
    for position, record in enumerate(records):
        if isinstance(record, MalformedRecord):
            report.unreadable += 1
            plan.add_record(record, position, Failure("permanent", "RecordError", record.reason))
            continue
        report.kinds[record.table, record.event_name, record.expired] += 1
        try:
            evaluation = engine.evaluate(record)
        except Exception as error:  # noqa: BLE001 - one record must not hide the others' fate
            plan.add_record(record, position, classify(error))
            continue
        errors += evaluation.errors
        for match in evaluation.matches:
            report.of(match.rule.id).matched += 1
            for delivery in deliveries_of(match):
                plan.add(delivery, position)
    report.condition_errors(errors)
    return list(plan.units.values())


def lanes_of(units: Iterable[Unit]) -> list[Lane]:
    """The lanes of these units, each once, in the order of their first units."""
    return list({id(unit.lane): unit.lane for unit in units}.values())
