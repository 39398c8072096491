"""What a function loads when it starts and handles a batch: every module costs a part of each cold start.

In a fresh interpreter, as in Lambda: the handler imported with a bundle, and a batch of which rules match.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING, Any

from rules_engine import bundle
from rules_engine.model import ActionSpec, Rule, RuleSet, Scope, Unless
from rules_engine.plain_record import record_from_images
from tests.units import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

PROBE = """
import json, sys

import rules_engine.handler

started = sorted(sys.modules)
answer = rules_engine.handler.lambda_handler(json.load(open("event.json")), None)
with open("loaded.json", "w") as file:
    json.dump([started, sorted(sys.modules), answer], file)
"""

CONDITIONS = (
    "became(&status, 'SHIPPED')",
    "is.large && (contains(lists.states, new.status) || new.total > old.total)",
    "max([new.total, `1`]) > `1` && length(new.items[?sku == 'a'][] || `[]`) < `10` && (new.* | [-1:])",
    "new.status != 'LOST' && starts_with(new.status, 'SH')",
)
SCOPE = Scope(lists={"states": ["SHIPPED"]}, conditions={"large": "new.total > `10`"})


def rule(number: int, action: ActionSpec) -> Rule:
    exception = Unless("no test", ("keys.order_id == 'test'",))
    when = (CONDITIONS[number % len(CONDITIONS)],)
    return Rule(f"r{number}", ("orders",), (action,), when=when, unless=(exception,), scope=SCOPE)


def loaded(
    actions: list[ActionSpec], records: list[dict[str, Any]], directory: Path
) -> tuple[set[str], set[str]]:
    """Modules that importing the handler loads, and those loaded after a batch, whose records each rule
    matches."""
    rules = RuleSet(tuple(rule(number, action) for number, action in enumerate(actions)))
    (directory / "bundle.json").write_bytes(bundle.dump(rules))
    (directory / "event.json").write_text(json.dumps({"Records": records}))
    environment = {
        **os.environ,
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9",
        "AWS_DEFAULT_REGION": "eu-west-1",
        # Where Lambda has them: whoever signs looks for them at the start.
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "RULES_ENGINE_BUNDLE": str(directory / "bundle.json"),
    }
    finished = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=directory, env=environment, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished
    assert finished.stdout.count('"delivery_id"') == len(actions) * len(records), finished
    started, ended, answer = json.loads((directory / "loaded.json").read_text())
    assert answer == {"batchItemFailures": []}
    return set(started), set(ended)


def ours(modules: set[str]) -> set[str]:
    return {name.removeprefix("rules_engine.") for name in modules if name.startswith("rules_engine.")}


def others(modules: set[str]) -> set[str]:
    """Installed packages besides this one. Names with an underscore are what installing leaves behind."""
    installed: Any = packages_distributions()
    found = {name.partition(".")[0] for name in modules} & set(installed)
    return {name for name in found if not name.startswith("_")} - {"rules_engine"}


LOG = [ActionSpec("log", "log", {"message": "{{ keys.order_id }} {{ new.total }}"})] * 4

OURS = {
    "actions", "actions.fifo", "actions.log", "actions.rendering", "actions.size", "attribute_value",
    "aws", "bundle", "bundle.layout", "bundle.reader", "delivery", "delivery.clock", "delivery.context",
    "delivery.dead_letter", "delivery.dead_letter_queue", "delivery.failure", "delivery.identity",
    "delivery.invocation", "delivery.metrics", "delivery.plan", "delivery.policy", "delivery.report",
    "delivery.response", "delivery.resume", "delivery.resume_table", "delivery.schedule",
    "delivery.target", "delivery.unit", "delivery.workers", "engine", "error_class",
    "errors", "exact_json", "expression", "json_forms",
    "expression.arguments", "expression.budget", "expression.closures", "expression.compiler",
    "expression.functions", "expression.need_codec", "expression.needs", "expression.node",
    "expression.operations", "expression.paths", "expression.projections", "expression.roots",
    "expression.trees", "expression.values", "expression.wildcard", "function", "handler", "index",
    "index.element_levels", "index.few", "index.generated", "index.levels", "index.numbers", "index.paths",
    "index.ranges", "index.reader", "index.reading", "index.rooted", "index.steps", "index.tree",
    "index.words",
    "light_dataclass", "log_line", "model", "on_demand", "record", "secret_store", "secret_text", "settings",
    "template", "views",
}  # fmt: skip
"""All that a function with a `log` action needs. Anything new here is paid for by each cold start."""


def test_a_function_loads_only_what_it_needs_and_nothing_more_for_a_batch(tmp_path: Path) -> None:
    started, ended = loaded(LOG, [record_from_images(SHIPPED, "orders")], tmp_path)
    assert ours(started) == OURS
    assert ours(ended) == OURS
    assert others(ended) == {"botocore"}


AWS = [
    ActionSpec("sns", "sns", {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:orders"}),
    ActionSpec("table", "table", {"table": "orders", "put": "{{ new }}"}),
]
OURS_FOR_AWS = {
    "actions.document_path", "actions.entries", "actions.fixed_target", "actions.item",
    "actions.message_attributes", "actions.sns", "actions.table", "actions.table_checks",
    "actions.table_writes",
}  # fmt: skip


AWS_PACKAGES = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}


def test_boto3_and_an_action_type_are_loaded_where_a_rule_uses_them(tmp_path: Path) -> None:
    started, ended = loaded(AWS, [], tmp_path)
    assert ours(started) == ours(ended) == OURS - {"actions.log"} | OURS_FOR_AWS
    # botocore takes certifi where that happens to be installed; Lambda has it not.
    assert others(ended) - {"certifi"} == AWS_PACKAGES


S3 = [ActionSpec("s3", "s3", {"bucket": "orders-archive"})]
OURS_FOR_S3 = {"actions.object_key", "actions.s3"}


def test_what_writes_objects_is_loaded_where_a_rule_does(tmp_path: Path) -> None:
    started, ended = loaded(S3, [], tmp_path)
    assert ours(started) == ours(ended) == OURS - {"actions.log"} | OURS_FOR_S3
    assert others(ended) - {"certifi"} == AWS_PACKAGES


OPENSEARCH = [
    ActionSpec(
        "opensearch",
        "opensearch",
        {
            "endpoint": "https://search.example.com",
            "domain_arn": "arn:aws:es:eu-west-1:123456789012:domain/orders",
            "index": "orders",
        },
    )
]
OURS_FOR_OPENSEARCH = {"actions.document_version", "actions.endpoint", "actions.login", "actions.opensearch"}


def test_what_sends_documents_is_loaded_with_the_first_of_them(tmp_path: Path) -> None:
    started, ended = loaded(OPENSEARCH, [], tmp_path)
    assert ours(started) == ours(ended) == OURS - {"actions.log"} | OURS_FOR_OPENSEARCH
    assert others(ended) - {"certifi"} == AWS_PACKAGES - {"boto3", "s3transfer"}


WEBHOOK = [ActionSpec("webhook", "webhook", {"url": "https://hooks.example.com/{{ keys.order_id }}"})]
OURS_FOR_WEBHOOKS = {"actions.endpoint", "actions.signature", "actions.webhook", "actions.webhook_checks"}
NETWORK = {"http.client", "urllib3"}


def test_what_sends_webhooks_is_loaded_with_the_first_of_them(tmp_path: Path) -> None:
    started, ended = loaded(WEBHOOK, [], tmp_path)
    assert ours(started) == ours(ended) == OURS - {"actions.log"} | OURS_FOR_WEBHOOKS
    assert ended & NETWORK == set()
