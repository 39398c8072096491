"""What `lambda` actions invoke: functions that pass each event on to a queue, which is read back.

The local server decodes numbers as doubles on the way, so they are compared as such.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from rules_engine.local.effect import Effect
from rules_engine.local.inbox import Inbox
from rules_engine.local.ministack import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.actions import Action
    from rules_engine.local.derivation import Derivation
    from rules_engine.local.surroundings import Surroundings
    from rules_engine.model import ActionSpec

IN_FUNCTIONS_QUEUE = "in the queue of function"
PURPOSE = "invokes function {}, which passes its event on to a queue"

_RECORDER = """
import json
import os

import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=json.dumps(event))
"""


def localise(spec: ActionSpec, derivation: Derivation, where: str) -> dict[str, Any]:
    name, function = derivation.target(spec.config["function"], "a function", _name_of, _arn_of)
    derivation.need("lambda", name)
    return {**spec.config, "function": function}


def _name_of(text: str) -> str:
    """Of an ARN or a name, without its qualifier."""
    return text.partition(":function:")[2].partition(":")[0] or text.partition(":")[0]


def _arn_of(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"


class FunctionTarget:
    def __init__(self, surroundings: Surroundings) -> None:
        aws = surroundings.aws
        self._inboxes = []
        for name in surroundings.plan.needs["lambda"]:
            inbox = Inbox(aws, f"of-function-{name}")
            aws.client("lambda").create_function(
                FunctionName=name,
                Runtime="python3.12",
                Handler="recorder.handler",
                Role=f"arn:aws:iam::{ACCOUNT_ID}:role/local-function",
                Code={"ZipFile": _package()},
                Environment={"Variables": {"QUEUE_URL": inbox.url, "AWS_ENDPOINT_URL": aws.endpoint_url}},
                Timeout=30,
            )
            self._inboxes.append((name, inbox))

    def arrivals(self) -> list[Effect]:
        return [
            Effect(IN_FUNCTIONS_QUEUE, name, json.loads(message["Body"]))
            for name, inbox in self._inboxes
            for message in inbox.read()
        ]

    def owed(self, action: Action, request: Mapping[str, Any]) -> list[Effect]:
        return [Effect(IN_FUNCTIONS_QUEUE, _name_of(request["FunctionName"]), json.loads(request["Payload"]))]


def open_target(surroundings: Surroundings) -> FunctionTarget:
    return FunctionTarget(surroundings)


def _package() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as package:
        package.writestr("recorder.py", _RECORDER)
    return data.getvalue()
