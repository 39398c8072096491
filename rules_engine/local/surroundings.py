"""`Surroundings`: what the targets of a local stack are made with and read back through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rules_engine.local.ministack import Ministack
    from rules_engine.local.plan import Plan
    from rules_engine.local.tables import StreamReader
    from rules_engine.local.target_types.opensearch import ReadBackServer
    from rules_engine.local.webhook_receiver import WebhookReceiver


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`receiver` is the one whose address the plan was made with, `function_log` what the function printed,
    `streams` the streams of all tables by name, `index_server` there where a rule needs one."""

    aws: Ministack
    plan: Plan
    receiver: WebhookReceiver
    function_log: Callable[[], str]
    streams: Mapping[str, StreamReader]
    index_server: ReadBackServer | None
