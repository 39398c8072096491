"""What AWS refuses to a command that reads a source there. botocore is loaded where something was asked."""

from __future__ import annotations

import click

from rules_engine.cli.exit_codes import PROBLEMS


class SourceUnusable(click.ClickException):
    """AWS refuses to list or to give what a source holds, or to take it away."""

    exit_code = PROBLEMS


def aws_errors() -> tuple[type[Exception], ...]:
    """What boto3 raises."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return ClientError, BotoCoreError, ResponseParserError


def refusal(what: str, error: Exception) -> str:
    """In words, with what to do; `what` completes "cannot ..."."""
    from rules_engine.deploy.refusals import DeploymentError, asking

    try:
        with asking(what):
            raise error
    except DeploymentError as refused:
        return str(refused)


def code_of(error: Exception) -> str:
    """Its short, stable name: what AWS says of it may quote an item."""
    from rules_engine.delivery.failure import code_of

    return code_of(error)
