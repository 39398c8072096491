"""The function's own settings: its environment variables, read once, frozen.

- `RULES_ENGINE_BUNDLE`: path of the bundle. Default: `bundle.json` beside the `rules_engine` package, where
  `build` puts it.
- `RULES_ENGINE_PARTIAL_BATCH`: `on` where the event source mapping has `ReportBatchItemFailures`; `off`
  (default) makes every failure fail the whole batch. Set to `on` without the mapping's setting it would
  lose records.
- `RULES_ENGINE_DEBUG_VALUES`: `on` lets error messages that may quote item values into the log; default
  `off`.

The names in `WITHOUT_EFFECT` are read by no code of this version. They are accepted, so that one environment
serves several versions, and the function warns of each that is set: nobody should believe in a dead-letter
queue that nothing writes to.

A bad value or an unknown `RULES_ENGINE_` name is a SettingsError: a misspelt setting that silently does
nothing is found in production. Region, credentials and endpoints are boto3's own variables and not repeated
here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rules_engine.errors import SettingsError
from rules_engine.light_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "RULES_ENGINE_"
BUNDLE = "RULES_ENGINE_BUNDLE"
PARTIAL_BATCH = "RULES_ENGINE_PARTIAL_BATCH"
DEBUG_VALUES = "RULES_ENGINE_DEBUG_VALUES"

NAMES = (BUNDLE, PARTIAL_BATCH, DEBUG_VALUES)

WITHOUT_EFFECT = (
    "RULES_ENGINE_STATE_TABLE",
    "RULES_ENGINE_DEAD_LETTER_QUEUE_URL",
    "RULES_ENGINE_SPILL_BUCKET",
    "RULES_ENGINE_GIVE_UP_SECONDS",
    "RULES_ENGINE_ALLOWED_HOSTS",
    "RULES_ENGINE_PRIVATE_HOSTS",
)

DEFAULT_BUNDLE = Path(__file__).resolve().parent.parent / "bundle.json"


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text for what each means."""

    bundle: Path = DEFAULT_BUNDLE
    partial_batch: bool = False
    debug_values: bool = False
    without_effect: tuple[str, ...] = ()
    """Names of variables that are set and do nothing in this version."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """The settings in `environ`. Raises SettingsError naming the variable."""
        for name in sorted(environ):
            if name.startswith(PREFIX) and name not in (*NAMES, *WITHOUT_EFFECT):
                raise SettingsError(_unknown(name))
        return cls(
            bundle=_path(environ, BUNDLE, DEFAULT_BUNDLE),
            partial_batch=_switch(environ, PARTIAL_BATCH),
            debug_values=_switch(environ, DEBUG_VALUES),
            without_effect=tuple(name for name in WITHOUT_EFFECT if name in environ),
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


def _switch(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "off")
    if text not in ("on", "off"):
        raise SettingsError(f"{name} is {text!r}: it must be 'on' or 'off'")
    return text == "on"
