"""What rules send to, for real: `Targets` makes what a `Plan` names and reads back what arrived.

Tables are made here, those that rules watch and those that they write to, for one may be both. All else is
the work of the types in `target_types`; each reads arrivals back from the target itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules_engine.local.effect import distinct
from rules_engine.local.keys import Keys
from rules_engine.local.surroundings import Surroundings
from rules_engine.local.tables import StreamReader, create_table
from rules_engine.local.target_types import target_type
from rules_engine.local.target_types.table import TableTarget
from rules_engine.settings import PRIVATE_HOSTS, STATE_TABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rules_engine.local.effect import Effect
    from rules_engine.local.ministack import Ministack
    from rules_engine.local.plan import Plan
    from rules_engine.local.target_types import Target
    from rules_engine.local.target_types.opensearch import ReadBackServer
    from rules_engine.local.webhook_receiver import WebhookReceiver

STATE_TABLE_NAME = "rules-engine-state"
"""What the function is given to remember in, here as in the account where it will run."""


class Targets:
    """The targets of `plan`. `receiver` is the one whose address the plan was made with."""

    def __init__(
        self,
        aws: Ministack,
        plan: Plan,
        receiver: WebhookReceiver,
        directory: Path,
        function_log: Callable[[], str],
        index_server: ReadBackServer | None = None,
    ) -> None:
        self._aws, self._plan = aws, plan
        receiver.secrets_by_path = plan.receivers
        hosts: list[WebhookReceiver | ReadBackServer]
        hosts = [receiver] if index_server is None else [receiver, index_server]
        self._private_hosts = " ".join(host.address for host in hosts)
        self._ca_file = directory / "authorities.pem"
        self._ca_file.write_bytes(b"".join(host.ca_pem for host in hosts))
        for name, text in plan.secrets.items():
            aws.client("secretsmanager").create_secret(Name=name, SecretString=text)
        for name, text in plan.parameters.items():
            aws.client("ssm").put_parameter(Name=name, Value=text, Type="SecureString")
        self.streams = {
            table: StreamReader(aws, create_table(aws, table, keys))
            for table, keys in {**plan.targets, **plan.sources}.items()
        }
        create_table(aws, STATE_TABLE_NAME, Keys((("id", "S"),), "as the function needs it"))
        surroundings = Surroundings(aws, plan, receiver, function_log, self.streams, index_server)
        self.tables = TableTarget(surroundings)
        self._by_type: dict[str, Target] = {"table": self.tables}
        for name in plan.needs:
            if name not in self._by_type:
                self._by_type[name] = target_type(name).open_target(surroundings)

    @property
    def environment(self) -> dict[str, str]:
        """The function's variables: what the rules name, and what lets it reach and trust our servers."""
        ours = {
            STATE_TABLE: STATE_TABLE_NAME,
            PRIVATE_HOSTS: self._private_hosts,
            "SSL_CERT_FILE": str(self._ca_file),
        }
        return {**self._plan.environment, **self._aws.environment, **ours}

    def of(self, action_type: str) -> Target:
        """The target of actions of that type, which must occur in the plan's rules."""
        return self._by_type[action_type]

    def arrivals(self) -> list[Effect]:
        """Everything that has arrived until now, repeats too; a new arrival changes no earlier one."""
        return [effect for target in self._by_type.values() for effect in target.arrivals()]

    def effects(self) -> list[Effect]:
        """Everything that has arrived until now, each thing once."""
        return distinct(self.arrivals())
