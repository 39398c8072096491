"""`rules-engine rollback`: an older version of the function back in service, at once.

The older version's rules may want records that today's filters drop, or permissions that the role has no
more. Filters are made wide enough first; what lacks a permission or a mapping is refused, because only a
deployment of the older rules brings those back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rules_engine.cli.aws_options import (
    confirm,
    function_of_stack,
    require_terminal,
    stack_option,
    versions_of,
    yes_option,
)
from rules_engine.cli.exit_codes import OK
from rules_engine.cli.rule_files import NothingFound, count

if TYPE_CHECKING:
    from rules_engine.aws import Clients
    from rules_engine.deploy.deployed import Deployed
    from rules_engine.deploy.versions import Version, Versions


@click.command("rollback", short_help="Put the version before back into service.")
@stack_option()
@click.option("--to", "number", metavar="VERSION", help="The version.  [default: the one before]")
@yes_option
def command(stack_name: str, number: str | None, yes: bool) -> int:
    """Put an older version of the function back into service: its rules, code and variables.

    The stack stays as it is. Deploying the newer rules again puts their version back.

    \b
    Examples:
      rules-engine rollback --stack order-rules
      rules-engine rollback --stack order-rules --to 7 --yes
    """
    from rules_engine.aws import Clients
    from rules_engine.deploy.deployed import deployed
    from rules_engine.deploy.filters import too_narrow, widen

    require_terminal(yes)
    clients = Clients()
    versions = versions_of(clients, function_of_stack(clients, stack_name))
    live = versions.live()
    target = _target(versions, live, number)
    function = deployed(clients.client("lambda"), versions, target)
    _require_surroundings(clients, function)
    narrow = too_narrow(function)
    click.echo(f"in service: version {live.number}, rules {versions.rules(live).sha256}")
    click.echo(f"back to:    version {target.number}, rules {function.rules.sha256}")
    for mapping, patterns in narrow:
        wide = f"{count(len(patterns), 'pattern')}" if patterns else "no filter at all"
        click.echo(
            f"first the mapping {mapping['UUID']} gets {wide}: its filter drops records that these rules want"
        )
    confirm("Put it into service?", yes)
    for mapping, patterns in narrow:
        widen(clients.client("lambda"), mapping, patterns)
    versions.move(target.number)
    click.echo(f"version {target.number} is in service")
    return OK


def _target(versions: Versions, live: Version, number: str | None) -> Version:
    if number is not None and number != live.number:
        there = {each.number: each for each in versions.all()}
        if number not in there:
            raise NothingFound(
                f"the function '{versions.function}' has no version '{number}', but {', '.join(there)}; "
                "nothing was changed"
            )
        return there[number]
    found = None if number == live.number else versions.before(live)
    if found is None:
        why = "is in service already" if number else "is the oldest there is"
        raise NothingFound(
            f"version {live.number} of the function '{versions.function}' {why}; nothing was changed"
        )
    return found


def _require_surroundings(clients: Clients, function: Deployed) -> None:
    """Raises DeploymentError where the rules would lack a mapping or a permission."""
    from datetime import UTC, datetime

    from rules_engine.deploy.doctor import Examined
    from rules_engine.deploy.doctor.mappings import presence
    from rules_engine.deploy.doctor.permissions import permissions
    from rules_engine.deploy.refusals import DeploymentError

    examined = Examined(clients.client, function, function.live, datetime.now(UTC).date())
    found = [each for each in presence(examined) if each.check == "mapping-missing"]
    found += permissions(examined)
    if found:
        listed = "".join(f"\n  {each.what}" for each in found)
        raise DeploymentError(
            f"rules of version {function.live.number} need what is not there, nothing was changed{listed}\n"
            "deploy those rules instead, from the commit that they are of: rules-engine deploy"
        )
