"""What all action types share: how a config is refused."""

from __future__ import annotations

import pytest

from rules_engine.actions import ConfigFinding, refuse_errors
from rules_engine.errors import RuleSetError
from rules_engine.model import ActionSpec

SPEC = ActionSpec("notify", "sns")
WARNING = ConfigFinding("RE453", ("message",), "it may be too large", "send less", "warning")


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (ConfigFinding("RE109", ("url",), "the URL is none"), "action 'notify': the URL is none"),
        (
            ConfigFinding("RE109", ("url",), "the URL is none", "write https://"),
            "action 'notify': the URL is none: write https://",
        ),
    ],
)
def test_the_first_error_refuses_a_config_and_says_what_to_do(finding: ConfigFinding, text: str) -> None:
    later = ConfigFinding("RE308", ("mode",), "and it is wrong, too")
    with pytest.raises(RuleSetError) as refusal:
        refuse_errors(SPEC, [WARNING, finding, later])
    assert str(refusal.value) == text


def test_a_warning_refuses_nothing() -> None:
    refuse_errors(SPEC, [])
    refuse_errors(SPEC, [WARNING])
