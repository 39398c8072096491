"""What `doctor` says, and what its checks look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from rules_engine.deploy.deployed import Deployed
    from rules_engine.deploy.versions import Version


class Finding(NamedTuple):
    """One thing that is wrong: which check found it, what is wrong, where, and what to do about it."""

    check: str
    what: str
    where: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Examined:
    """`client` makes boto3 clients; `newest` is the newest version of the function; `local_sha256` is that of
    the rules here, where there are any to compare."""

    client: Callable[[str], Any]
    function: Deployed
    newest: Version
    today: date
    local_sha256: str | None = None

    @property
    def log_group(self) -> str:
        """The name of the function's log group."""
        logging = self.function.live.configuration.get("LoggingConfig", {})
        return str(logging.get("LogGroup") or f"/aws/lambda/{self.function.name}")
