"""`rules-engine deploy`: rules -> a stack in the account, with nothing changed that was not shown before.

In: rules without errors and failing tests, and the name of a stack. What would change is shown, and a yes
asked for, before anything is uploaded or made; a source table is never changed. `--rules-only` leaves
CloudFormation alone and puts a new version of the function into service, where only the rules have changed.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rules_engine.cli.aws_options import (
    OUTPUT_FUNCTION,
    confirm,
    require_terminal,
    stack_called,
    stack_option,
    versions_of,
    yes_option,
)
from rules_engine.cli.exit_codes import OK
from rules_engine.cli.named_values import variable_values
from rules_engine.cli.rule_files import load_tested_rules, rules_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.aws import Clients
    from rules_engine.deploy.code_bucket import CodeBucket
    from rules_engine.deploy.release import Before, Release
    from rules_engine.deploy.stack import ChangeSet, Event, Stack, State
    from rules_engine.model import RuleSet


MOST_NAME_CHARACTERS = 64
"""Of a function."""

NOTHING_CHANGED = "nothing was changed: this was a dry run"


@click.command("deploy", short_help="Create or update the stack in AWS.")
@rules_option
@stack_option()
@click.option(
    "--set",
    "words",
    metavar="NAME=VALUE",
    multiple=True,
    help="What ${NAME} of the rules is; repeatable. Kept for later deployments.",
)
@click.option(
    "--bucket",
    metavar="NAME",
    help="Bucket for packages.  [default: that of before, or one made for the stack]",
)
@click.option(
    "--allowed-hosts", metavar="HOSTS", help="Hosts that webhooks may go to; kept for later deployments."
)
@click.option("--alarm-topic", metavar="ARN", help="SNS topic told of alarms; kept for later deployments.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--rules-only", is_flag=True, help="Only put the new rules into service, without CloudFormation."
)
@yes_option
def command(paths: tuple[str, ...], stack_name: str, dry_run: bool, yes: bool, **options: Any) -> int:
    """Deploy the rules: build the function package, show what would change of the stack, and change it.

    The tables that rules watch must have a stream with the images that the rules need: it is looked up by the
    table's name, and never changed.
    AWS credentials and region are found as boto3 always finds them.

    \b
    Examples:
      rules-engine deploy --stack order-rules --set TOPIC_ARN=arn:aws:sns:eu-west-1:123456789012:orders
      rules-engine deploy --stack order-rules --dry-run
      rules-engine deploy --stack order-rules --rules-only --yes
    """
    from rules_engine.aws import Clients

    if not dry_run:
        require_terminal(yes, ", or --dry-run to look only")
    rule_set = load_tested_rules(paths)
    variables = variable_values(options["words"], rule_set.rules)
    _check_topic(options["alarm_topic"])
    _check_bucket(options["bucket"])
    deployment = _Deployment(Clients(), rule_set, stack_name, variables, options)
    if options["rules_only"]:
        return deployment.put_rules_into_service(dry_run, yes)
    return deployment.change_stack(dry_run, yes)


def _check_bucket(name: str | None) -> None:
    """Raises UsageError."""
    if name is not None and not re.fullmatch("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        form = "3 to 63 lower-case letters, digits, '.' and '-'"
        raise click.UsageError(f"'--bucket': '{name}' cannot be the name of a bucket: {form}.")


def _check_topic(arn: str | None) -> None:
    """Empty is allowed: nobody is told any more. Raises UsageError."""
    from rules_engine.deploy.template.cloudformation import ALARM_TOPIC_PATTERN

    if arn is not None and not re.fullmatch(ALARM_TOPIC_PATTERN, arn):
        form = "arn:aws:sns:<region>:<account>:<name>"
        raise click.UsageError(f"'--alarm-topic' is '{arn}' and must be the ARN of an SNS topic, {form}.")


@dataclass
class _Deployment:
    """One run of the command."""

    clients: Clients
    rule_set: RuleSet
    name: str
    variables: dict[str, str]
    options: dict[str, Any]

    def change_stack(self, dry_run: bool, yes: bool) -> int:
        stack: Stack = stack_called(self.clients, self.name)
        state = stack.state()
        stack.require_changeable(state)
        if state is None and len(self.name) > MOST_NAME_CHARACTERS:
            raise click.UsageError(
                f"'--stack': the function is called as the stack, and Lambda takes {MOST_NAME_CHARACTERS} "
                f"characters; these are {len(self.name)}."
            )
        bucket = self._bucket(state)
        release = self._release(bucket, stack, state)
        change_set = stack.prepare(state, release.template, release.parameters, _source(bucket, release))
        if change_set is None:
            return self._put_back(release, state, dry_run, yes)
        with stack.taken_back_on_error(change_set):
            click.echo(_heading(self.name, change_set, release))
            for line in _shown(change_set):
                click.echo(line)
            if not dry_run:
                confirm("Change the stack?", yes)
                bucket.upload(release.key, release.package)
        if dry_run:
            stack.discard(change_set)
            click.echo(NOTHING_CHANGED)
            return OK
        _execute(stack, change_set)
        self._report(stack)
        return OK

    def put_rules_into_service(self, dry_run: bool, yes: bool) -> int:
        import hashlib

        from rules_engine.deploy.refusals import DeploymentError
        from rules_engine.deploy.release import beyond_the_rules
        from rules_engine.settings import RULES_SHA256

        stack: Stack = stack_called(self.clients, self.name)
        state = stack.state()
        if state is None or OUTPUT_FUNCTION not in state.outputs:
            raise DeploymentError(
                f"there is no function in a stack '{self.name}' yet: deploy without --rules-only"
            )
        stack.require_changeable(state)
        bucket = self._bucket(state)
        release = self._release(bucket, stack, state)
        more = list(beyond_the_rules(_before(stack, state), release))
        if more:
            listed = "".join(f"\n  {name} {difference}" for name, difference in more)
            raise DeploymentError(
                f"more than the rules would change, which takes a full deployment{listed}\n"
                "with the new version alone, records might be lost or calls refused: leave --rules-only out"
            )
        versions = versions_of(self.clients, state.outputs[OUTPUT_FUNCTION])
        live = versions.live()
        if live.code_sha256 == hashlib.sha256(release.package).hexdigest():
            click.echo(f"nothing to change: version {live.number} is in service and has these rules")
            return OK
        before = versions.rules(live)
        click.echo(f"version {live.number} with rules {before.sha256[:16]} is in service")
        click.echo(f"a new version with rules {release.rules_sha256[:16]} takes its place")
        if dry_run:
            click.echo(NOTHING_CHANGED)
            return OK
        confirm("Put it into service?", yes)
        bucket.upload(release.key, release.package)
        new = versions.publish(
            {"S3Bucket": bucket.name, "S3Key": release.key},
            release.package,
            {RULES_SHA256: release.rules_sha256},
            f"rules {release.rules_sha256[:16]}, rules only",
        )
        click.echo(f"version {new.number} is in service; back: rules-engine rollback --stack {self.name}")
        return OK

    def _put_back(self, release: Release, state: State | None, dry_run: bool, yes: bool) -> int:
        """The stack is as it should be. The alias may still be elsewhere, where `--rules-only` or a rollback
        left it."""
        import hashlib

        from rules_engine.deploy.refusals import DeploymentError

        function = "" if state is None else state.outputs.get(OUTPUT_FUNCTION, "")
        versions = versions_of(self.clients, function)
        live, wanted = versions.live(), hashlib.sha256(release.package).hexdigest()
        if live.code_sha256 == wanted:
            click.echo(f"nothing to change: the stack '{self.name}' is as the rules want it")
            return OK
        there = [each.number for each in versions.all() if each.code_sha256 == wanted]
        if not there:
            raise DeploymentError(
                f"the function '{function}' was changed outside of its stack: no version has these rules"
            )
        click.echo(f"the stack is as the rules want it, but version {live.number} with other rules works")
        click.echo(f"version {there[-1]} has these rules, {release.rules_sha256[:16]}")
        if dry_run:
            click.echo(NOTHING_CHANGED)
            return OK
        confirm(f"Put version {there[-1]} into service?", yes)
        versions.move(there[-1])
        click.echo(f"version {there[-1]} is in service")
        return OK

    def _bucket(self, state: State | None) -> CodeBucket:
        """The bucket that was named, that was used before, or the stack's own."""
        from rules_engine.deploy.code_bucket import CodeBucket, bucket_name
        from rules_engine.deploy.refusals import asking
        from rules_engine.deploy.release import CODE_BUCKET

        with asking("find out which account this is"):
            account = self.clients.client("sts").get_caller_identity()["Account"]
        region = self.clients.client("cloudformation").meta.region_name
        own = bucket_name(self.name, account, region)
        before = None if state is None else state.parameters.get(CODE_BUCKET)
        name = self.options["bucket"] or before or own
        return CodeBucket(self.clients.client("s3"), name, account, region, name == own)

    def _release(self, bucket: CodeBucket, stack: Stack, state: State | None) -> Release:
        from rules_engine.cli.environment import VariablesMissing, missing_variables
        from rules_engine.deploy.release import ALARM_TOPIC, ALLOWED_HOSTS, release_of
        from rules_engine.deploy.source_tables import source_streams
        from rules_engine.variables import is_set_elsewhere
        from rules_engine.views import images_wanted

        own = {ALLOWED_HOSTS: self.options["allowed_hosts"], ALARM_TOPIC: self.options["alarm_topic"]}
        release = release_of(
            self.rule_set,
            source_streams(self.clients.client("dynamodb"), images_wanted(self.rule_set.rules)),
            bucket.name,
            self.variables,
            {name: value for name, value in own.items() if value is not None},
            _before(stack, state) if state is not None and state.is_made else None,
        )
        enabled = [(rule, spec) for rule in self.rule_set.rules if rule.enabled for spec in rule.actions]
        missing = [
            f"\n  {name} has no value: {place}"
            for name, place in missing_variables(enabled, release.variables)
            if not is_set_elsewhere(name)
        ]
        if missing:
            raise VariablesMissing(
                f"variables of the rules are missing; nothing was changed{''.join(missing)}\n"
                "give them with --set NAME=VALUE"
            )
        return release

    def _report(self, stack: Stack) -> None:
        state = stack.state()
        for name, value in ({} if state is None else state.outputs).items():
            click.echo(f"{name}: {value}")
        click.echo(f"Check it with 'rules-engine doctor --stack {self.name}'.")


def _before(stack: Stack, state: State) -> Before:
    from rules_engine.deploy.release import Before

    return Before(stack.template(), state.parameters)


def _source(bucket: CodeBucket, release: Release) -> dict[str, str]:
    """The template, in the request or, if it is too large for that, in the bucket."""
    import hashlib

    from rules_engine.deploy.stack import MOST_TEMPLATE_BYTES

    body = release.body
    if len(body.encode()) <= MOST_TEMPLATE_BYTES:
        return {"TemplateBody": body}
    key = f"{hashlib.sha256(body.encode()).hexdigest()}.template.json"
    bucket.upload(key, body.encode())
    return {"TemplateURL": f"{bucket.s3.meta.endpoint_url}/{bucket.name}/{key}"}


_SIGNS = {"Add": ("+", "green"), "Modify": ("~", "yellow"), "Replace": ("!", "red"), "Remove": ("-", "red")}
_WORDS = {"Add": "added", "Modify": "changed", "Replace": "replaced", "Remove": "removed"}


def _heading(name: str, change_set: ChangeSet, release: Release) -> str:
    counts = {action: sum(each.action == action for each in change_set.changes) for action in _WORDS}
    told = ", ".join(f"{number} {_WORDS[action]}" for action, number in counts.items() if number)
    kind = "new stack" if change_set.is_of_new_stack else "stack"
    size = f"{len(release.package):,} bytes"
    return f"{kind} '{name}': {told}\nrules {release.rules_sha256}, package {release.key} ({size})"


def _shown(change_set: ChangeSet) -> Iterator[str]:
    order = list(_SIGNS)
    for change in sorted(change_set.changes, key=lambda each: (order.index(each.action), each.name)):
        sign, colour = _SIGNS[change.action]
        line = f"{sign} {change.name} ({change.type})"
        if change.action == "Replace":
            line += ": replaced, the old one " + ("stays outside of the stack" if change.is_kept else "goes")
        elif change.is_kept:
            line += ": leaves the stack, and stays"
        elif change.may_replace:
            line += ": changed, perhaps replaced"
        yield click.style(line, fg=colour, bold=change.action == "Replace")
        yield from (f"    {difference}" for difference in change.differences)


def _execute(stack: Stack, change_set: ChangeSet) -> None:
    from rules_engine.cli.progress import progress

    def finished() -> Iterator[str]:
        """The resources that are done, each once; events are shown as they pass."""
        done: set[str] = set()
        for event in stack.execute(change_set):
            click.echo(_event_line(event))
            is_done = event.status.endswith("_COMPLETE") and "CLEANUP" not in event.status
            if is_done and not event.is_of_stack and event.resource not in done:
                done.add(event.resource)
                yield event.resource

    try:
        with progress(sys.stderr, "deploying") as track:
            for _ in track(finished(), len(change_set.changes)):
                pass
    except KeyboardInterrupt:
        click.echo(
            f"\nCloudFormation goes on without us. To see how far it is:{os.linesep}"
            f"  aws cloudformation describe-stack-events --stack-name {stack.name}",
            err=True,
        )
        raise


def _event_line(event: Event) -> str:
    colour = "red" if event.is_failure or "ROLLBACK" in event.status else None
    text = f"{event.status:28} {event.resource}" + (f": {event.reason}" if event.reason else "")
    return click.style(text, fg=colour) if colour else text
