from __future__ import annotations

from pathlib import Path

import pytest

import rules_engine
from rules_engine.errors import SettingsError
from rules_engine.settings import Settings


def test_an_empty_environment_gives_the_defaults() -> None:
    beside_the_package = Path(rules_engine.__file__).resolve().parent.parent / "bundle.json"
    expected = Settings(bundle=beside_the_package, partial_batch=False, debug_values=False)
    assert Settings.from_environment({}) == expected


def test_every_variable_is_read() -> None:
    environ = {
        "RULES_ENGINE_BUNDLE": "/opt/rules.json",
        "RULES_ENGINE_PARTIAL_BATCH": "on",
        "RULES_ENGINE_STATE_TABLE": "state",
        "RULES_ENGINE_DEAD_LETTER_QUEUE_URL": "https://sqs.example/123456789012/dead",
        "RULES_ENGINE_SPILL_BUCKET": "spill",
        "RULES_ENGINE_GIVE_UP_SECONDS": "72000",
        "RULES_ENGINE_ALLOWED_HOSTS": "hooks.example.com, *.example.org",
        "RULES_ENGINE_PRIVATE_HOSTS": "10.0.0.5:8080",
        "RULES_ENGINE_RULES_SHA256": "5f1d",
        "RULES_ENGINE_DEBUG_VALUES": "on",
        "PATH": "/bin",
    }
    expected = Settings(
        bundle=Path("/opt/rules.json"),
        partial_batch=True,
        state_table="state",
        dead_letter_queue_url="https://sqs.example/123456789012/dead",
        spill_bucket="spill",
        give_up_seconds=72_000,
        allowed_hosts="hooks.example.com, *.example.org",
        private_hosts="10.0.0.5:8080",
        rules_sha256="5f1d",
        debug_values=True,
    )
    assert Settings.from_environment(environ) == expected


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"RULES_ENGINE_PARTIAL_BATCH": "true"},
            "RULES_ENGINE_PARTIAL_BATCH is 'true': it must be 'on' or 'off'",
        ),
        ({"RULES_ENGINE_DEBUG_VALUES": ""}, "RULES_ENGINE_DEBUG_VALUES is '': it must be 'on' or 'off'"),
        ({"RULES_ENGINE_BUNDLE": " "}, "RULES_ENGINE_BUNDLE is empty: give a path or leave it unset"),
        (
            {"RULES_ENGINE_PARTAIL_BATCH": "on"},
            "unknown setting 'RULES_ENGINE_PARTAIL_BATCH': did you mean RULES_ENGINE_PARTIAL_BATCH?",
        ),
        (
            {"RULES_ENGINE_": "on"},
            "unknown setting 'RULES_ENGINE_': there are RULES_ENGINE_BUNDLE, RULES_ENGINE_PARTIAL_BATCH, "
            "RULES_ENGINE_STATE_TABLE, RULES_ENGINE_DEAD_LETTER_QUEUE_URL, RULES_ENGINE_SPILL_BUCKET, "
            "RULES_ENGINE_GIVE_UP_SECONDS, RULES_ENGINE_ALLOWED_HOSTS, RULES_ENGINE_PRIVATE_HOSTS, "
            "RULES_ENGINE_RULES_SHA256, RULES_ENGINE_DEBUG_VALUES",
        ),
        (
            {"RULES_ENGINE_ALLOWED_HOSTS": ""},
            "RULES_ENGINE_ALLOWED_HOSTS is empty: give a value or leave it unset",
        ),
        (
            {"RULES_ENGINE_STATE_TABLE": " "},
            "RULES_ENGINE_STATE_TABLE is empty: give a value or leave it unset",
        ),
        *(
            (
                {"RULES_ENGINE_GIVE_UP_SECONDS": text},
                f"RULES_ENGINE_GIVE_UP_SECONDS is {text!r}: it must be a whole number from 1 to 72000",
            )
            for text in ("", "0", "72001", "6h", "1.5", "-1", "9999999999999999999")
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(environ)
    assert str(refusal.value) == message
