"""The tests of rules, run with what runs in Lambda: bundle, index, engine, and the actions' own rendering.

In: a rule set without errors and the `RuleTest`s that the loader read. Out of `Runner`: what came of each.
`coverage` says what no test has seen, `mutation` which changes of the conditions no test would notice,
`repetition` which effects a batch that is delivered again would double. Nothing is sent, and no socket is
opened.
"""

from rules_engine.rule_tests.difference import Difference
from rules_engine.rule_tests.runner import Runner, TestResult, Verdict

__all__ = ["Difference", "Runner", "TestResult", "Verdict"]
