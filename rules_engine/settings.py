"""The function's own settings: its environment variables, read once, frozen.

- `RULES_ENGINE_BUNDLE`: path of the bundle. Default: `bundle.json` beside the `rules_engine` package, where
  `build` puts it.
- `RULES_ENGINE_PARTIAL_BATCH`: `on` where the event source mapping has `ReportBatchItemFailures`; `off`
  (default) makes every failure fail the whole batch. Set to `on` without the mapping's setting it would lose
  records.
- `RULES_ENGINE_STATE_TABLE`: name or ARN of the DynamoDB table in which the function keeps what the next
  delivery of a batch must know: key `id` (a string), time to live in `expires_at`. Without it everything
  after a failed record is done again, and `mode: once` of table actions cannot be had.
- `RULES_ENGINE_DEAD_LETTER_QUEUE_URL`: URL of the SQS queue for what cannot be delivered. Without it nothing
  is ever given up: a record that cannot be delivered comes again until the stream drops it.
- `RULES_ENGINE_SPILL_BUCKET`: S3 bucket for records of dead letters that are too large for a message. Without
  it such a record is never given up.
- `RULES_ENGINE_GIVE_UP_SECONDS`: age of a record after which a failure that might pass becomes a dead letter
  too; 1 to 72000, default 21600 (6 hours).
- `RULES_ENGINE_ALLOWED_HOSTS`: hosts that webhooks may go to, separated by commas or spaces: a name, an
  address, `*.example.com` for all names below that one, each with `:port` or for any port. Default: every
  host.
- `RULES_ENGINE_PRIVATE_HOSTS`: `host:port` of receivers that may be at a loopback or private address,
  separated in the same way, such as one in the function's own network. Default: none; webhooks go to public
  addresses only.
- `RULES_ENGINE_RULES_SHA256`: SHA-256 of the bundle that the mappings' filters and the function's role were
  made for. The function does not start with another one: its rules might want records that a filter drops.
  Default: none, and any bundle will do.
- `RULES_ENGINE_DEBUG_VALUES`: `on` lets error messages that may quote item values into the log; default
  `off`.

A bad value or an unknown `RULES_ENGINE_` name is a SettingsError: a misspelt setting that silently does
nothing is found in production. Region, credentials and endpoints are boto3's own variables and not repeated
here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from rules_engine.errors import SettingsError
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "RULES_ENGINE_"
BUNDLE = "RULES_ENGINE_BUNDLE"
PARTIAL_BATCH = "RULES_ENGINE_PARTIAL_BATCH"
STATE_TABLE = "RULES_ENGINE_STATE_TABLE"
DEAD_LETTER_QUEUE_URL = "RULES_ENGINE_DEAD_LETTER_QUEUE_URL"
SPILL_BUCKET = "RULES_ENGINE_SPILL_BUCKET"
GIVE_UP_SECONDS = "RULES_ENGINE_GIVE_UP_SECONDS"
ALLOWED_HOSTS = "RULES_ENGINE_ALLOWED_HOSTS"
PRIVATE_HOSTS = "RULES_ENGINE_PRIVATE_HOSTS"
RULES_SHA256 = "RULES_ENGINE_RULES_SHA256"
DEBUG_VALUES = "RULES_ENGINE_DEBUG_VALUES"

NAMES = (
    BUNDLE,
    PARTIAL_BATCH,
    STATE_TABLE,
    DEAD_LETTER_QUEUE_URL,
    SPILL_BUCKET,
    GIVE_UP_SECONDS,
    ALLOWED_HOSTS,
    PRIVATE_HOSTS,
    RULES_SHA256,
    DEBUG_VALUES,
)

DEFAULT_GIVE_UP_SECONDS = 21_600
MOST_GIVE_UP_SECONDS = 72_000
"""20 hours: what is given up after that may have left the stream before, which keeps 24 hours."""

is_credential = re.compile(
    "AWS_ACCESS_KEY|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|AWS_SECURITY_TOKEN"
    "|AWS_CONTAINER_[A-Z_]+"
).fullmatch
"""Whether a variable of this name is one of the function's own credentials, which no rule may send."""

DEFAULT_BUNDLE = Path(__file__).resolve().parent.parent / "bundle.json"


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text for what each means."""

    bundle: Path = DEFAULT_BUNDLE
    partial_batch: bool = False
    state_table: str | None = None
    dead_letter_queue_url: str | None = None
    spill_bucket: str | None = None
    give_up_seconds: int = DEFAULT_GIVE_UP_SECONDS
    allowed_hosts: str | None = None
    private_hosts: str | None = None
    """Both as they are written: `HostPolicy` reads them."""
    rules_sha256: str | None = None
    debug_values: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """The settings in `environ`. Raises SettingsError naming the variable."""
        for name in sorted(environ):
            if name.startswith(PREFIX) and name not in NAMES:
                raise SettingsError(_unknown(name))
        return cls(
            bundle=_path(environ, BUNDLE, DEFAULT_BUNDLE),
            partial_batch=_switch(environ, PARTIAL_BATCH),
            state_table=_text(environ, STATE_TABLE),
            dead_letter_queue_url=_text(environ, DEAD_LETTER_QUEUE_URL),
            spill_bucket=_text(environ, SPILL_BUCKET),
            give_up_seconds=_seconds(environ, GIVE_UP_SECONDS, DEFAULT_GIVE_UP_SECONDS),
            allowed_hosts=_text(environ, ALLOWED_HOSTS),
            private_hosts=_text(environ, PRIVATE_HOSTS),
            rules_sha256=_text(environ, RULES_SHA256),
            debug_values=_switch(environ, DEBUG_VALUES),
        )


def _unknown(name: str) -> str:
    # Imported here: it takes 1 ms, and only a mistake needs it.
    from difflib import get_close_matches

    # Compared without the prefix that all share, which would make any name look near.
    nearest = get_close_matches(
        name.removeprefix(PREFIX), [known.removeprefix(PREFIX) for known in NAMES], n=1
    )
    advice = f"did you mean {PREFIX}{nearest[0]}?" if nearest else f"there are {', '.join(NAMES)}"
    return f"unknown setting '{name}': {advice}"


def _path(environ: Mapping[str, str], name: str, default: Path) -> Path:
    text = environ.get(name)
    if text is None:
        return default
    if not text.strip():
        raise SettingsError(f"{name} is empty: give a path or leave it unset")
    return Path(text)


def _text(environ: Mapping[str, str], name: str) -> str | None:
    text = environ.get(name)
    if text is not None and not text.strip():
        raise SettingsError(f"{name} is empty: give a value or leave it unset")
    return text


def _seconds(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_GIVE_UP_SECONDS):
        raise SettingsError(f"{name} is {text!r}: it must be a whole number from 1 to {MOST_GIVE_UP_SECONDS}")
    return int(text)


def _switch(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "off")
    if text not in ("on", "off"):
        raise SettingsError(f"{name} is {text!r}: it must be 'on' or 'off'")
    return text == "on"
