"""What the commands that deploy and examine share: their options, a yes or no, and who asks AWS."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli.exit_codes import PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rules_engine.aws import Clients
    from rules_engine.deploy.stack import Stack
    from rules_engine.deploy.versions import Versions

OUTPUT_FUNCTION = "FunctionName"
"""The output of the stack that names the function."""

FETCH_SECONDS = 60.0


class Declined(click.ClickException):
    """Whoever was asked said no."""

    exit_code = PROBLEMS

    def __init__(self) -> None:
        super().__init__("nothing was changed")


def stack_option(*, required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--stack",
        "stack_name",
        metavar="NAME",
        required=required,
        callback=_stack_name,
        help="The CloudFormation stack.",
    )


def _stack_name(_: click.Context, option: click.Parameter, name: str | None) -> str | None:
    # Of characters alone: how long a name may be is not the same for a new stack and for one that is there.
    if name is not None and not re.fullmatch("[A-Za-z][A-Za-z0-9-]*", name):
        raise click.BadParameter(
            f"'{name}' cannot be the name of a stack: a letter, then letters, digits and '-'.", param=option
        )
    return name


def yes_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")(command)


def require_terminal(yes: bool, or_else: str = "") -> None:
    """Raises UsageError where nobody could be asked. To be called before anything is done. `or_else` is what
    else the command offers."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError(f"There is no terminal to ask for a yes: give --yes{or_else}.")


def confirm(question: str, yes: bool) -> None:
    """Raises Declined."""
    if not yes and not click.confirm(question):
        raise Declined


def versions_of(clients: Clients, function: str) -> Versions:
    """The versions of the function, with the alias that our templates make."""
    from rules_engine.deploy.template import ALIAS
    from rules_engine.deploy.versions import Versions

    return Versions(clients.client("lambda"), function, ALIAS, fetch)


def fetch(url: str) -> bytes:
    """What lies at a URL that Lambda gave. Raises DeploymentError."""
    import urllib3

    from rules_engine.deploy.refusals import DeploymentError

    try:
        answer = urllib3.request("GET", url, timeout=FETCH_SECONDS, retries=2)
    except urllib3.exceptions.HTTPError as error:
        # The URL is a key to the code: it is not shown.
        raise DeploymentError(f"cannot fetch the function's package: {type(error).__name__}") from error
    if answer.status != 200:
        raise DeploymentError(f"cannot fetch the function's package: HTTP {answer.status}")
    return answer.data


def function_of_stack(clients: Clients, stack_name: str) -> str:
    """The name of the function that a stack made. Raises DeploymentError."""
    from rules_engine.deploy.refusals import DeploymentError

    stack = stack_called(clients, stack_name)
    state = stack.state()
    if state is None:
        region = clients.client("cloudformation").meta.region_name
        raise DeploymentError(f"there is no stack '{stack_name}' in {region}; are account and region right?")
    if OUTPUT_FUNCTION not in state.outputs:
        raise DeploymentError(
            f"the stack '{stack_name}' ({state.status}) has no output '{OUTPUT_FUNCTION}': it is none of "
            "rules-engine, or was never made as a whole"
        )
    stack.require_at_rest(state)
    return state.outputs[OUTPUT_FUNCTION]


def stack_called(clients: Clients, name: str) -> Stack:
    from uuid import uuid4

    from rules_engine.deploy.stack import Stack

    return Stack(clients.client("cloudformation"), name, lambda: f"rules-engine-{uuid4().hex[:12]}")
