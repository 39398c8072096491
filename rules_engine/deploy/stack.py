"""A CloudFormation stack: what it is like, a change set for it, and carrying that out.

`Stack.prepare` makes a change set and gives the changes, or None where there is nothing to change;
`Stack.discard` takes it back, with the empty stack that a first change set leaves behind. `Stack.execute`
yields the stack's events as they come and ends when CloudFormation has. Nothing is executed that was not
prepared. Everything raises DeploymentError, with what to do, for a stack in a state that takes no change.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_engine.deploy.differences import Difference, differences, with_parameters
from rules_engine.deploy.refusals import DeploymentError, asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

POLL_SECONDS = 2.0
MOST_TEMPLATE_BYTES = 51_200
"""What a request takes; a larger template must lie in a bucket."""

CAPABILITIES = ["CAPABILITY_IAM"]
"""The template makes a role, and does not name it."""

_STACK_TYPE = "AWS::CloudFormation::Stack"
_NEW = "REVIEW_IN_PROGRESS"
_DEAD = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_HIDDEN = "****"
"""What CloudFormation says of a parameter with NoEcho."""


class Change(NamedTuple):
    """What happens to one resource. `action` is Add, Modify, Remove or Replace; `may_replace` where
    CloudFormation knows only while it does it; `is_kept` where what is removed, or replaced, stays outside of
    the stack."""

    action: str
    name: str
    type: str
    may_replace: bool = False
    is_kept: bool = False
    differences: tuple[Difference, ...] = ()


class Event(NamedTuple):
    """One event of a resource of the stack, or of the stack itself."""

    resource: str
    type: str
    status: str
    reason: str

    @property
    def is_of_stack(self) -> bool:
        return self.type == _STACK_TYPE

    @property
    def is_end(self) -> bool:
        """Whether the stack has nothing more to do."""
        return self.is_of_stack and not self.status.endswith("_IN_PROGRESS")

    @property
    def is_failure(self) -> bool:
        return self.status.endswith("_FAILED")


@dataclass(frozen=True, slots=True)
class State:
    """A stack as it is. `parameters` holds `****` for what CloudFormation does not tell."""

    id: str
    status: str
    reason: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    @property
    def is_made(self) -> bool:
        """Whether it is more than a change set that nobody has executed."""
        return self.status != _NEW


@dataclass(frozen=True, slots=True)
class ChangeSet:
    name: str
    is_of_new_stack: bool
    """Whether the stack was not made when this was prepared."""
    changes: tuple[Change, ...]


@dataclass
class Stack:
    """`client` is boto3's for CloudFormation. `new_name` gives names for change sets."""

    client: Any
    name: str
    new_name: Callable[[], str]
    sleep: Callable[[float], object] = time.sleep
    _seen: set[str] = field(default_factory=set)

    def state(self) -> State | None:
        """None where there is no such stack."""
        try:
            with asking(f"read the stack '{self.name}'"):
                (found,) = self.client.describe_stacks(StackName=self.name)["Stacks"]
        except DeploymentError as error:
            if error.code == "ValidationError" and "does not exist" in str(error):
                return None
            raise
        if found["StackStatus"] == "DELETE_COMPLETE":
            return None
        return State(
            found["StackId"],
            found["StackStatus"],
            found.get("StackStatusReason", ""),
            {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
            {each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", [])},
        )

    def require_changeable(self, state: State | None) -> None:
        """Raises DeploymentError for a stack that takes no change set."""
        if state is None or not state.is_made:
            return
        if state.status in _DEAD:
            first = first_failure(self.events())
            why = f"; what failed was {_told(first)}" if first else ""
            raise DeploymentError(
                f"the stack '{self.name}' is {state.status}: it was never whole and can only go{why}\n"
                f"  aws cloudformation delete-stack --stack-name {self.name}\nthen deploy again"
            )
        if state.status == "UPDATE_ROLLBACK_FAILED":
            raise DeploymentError(
                f"the stack '{self.name}' is UPDATE_ROLLBACK_FAILED: mend what its events name, then\n"
                f"  aws cloudformation continue-update-rollback --stack-name {self.name}\nand deploy again"
            )
        self.require_at_rest(state)

    def require_at_rest(self, state: State) -> None:
        """Raises DeploymentError while CloudFormation is at work on the stack."""
        if state.status.endswith("_IN_PROGRESS"):
            raise DeploymentError(f"the stack '{self.name}' is {state.status}: wait until that is over")

    def template(self) -> dict[str, Any]:
        """The template as it was given, without the values of parameters. Raises DeploymentError."""
        with asking(f"read the template of the stack '{self.name}'"):
            body = self.client.get_template(StackName=self.name)["TemplateBody"]
        document: dict[str, Any] = _plain_yaml(body, self.name) if isinstance(body, str) else body
        return document

    def prepare(
        self,
        state: State | None,
        template: Mapping[str, Any],
        given: Mapping[str, str],
        source: Mapping[str, str],
    ) -> ChangeSet | None:
        """The change set, ready to be executed; None where it would change nothing.

        `given` are values of parameters: one that the stack has and that is not given keeps its value.
        `source` is TemplateBody or TemplateURL.
        """
        is_new = state is None or not state.is_made
        name = self.new_name()
        parameters: list[dict[str, Any]] = [
            {"ParameterKey": key, "ParameterValue": given[key]}
            if key in given
            else {"ParameterKey": key, "UsePreviousValue": True}
            for key in template.get("Parameters", {})
            if key in given or (state is not None and key in state.parameters)
        ]
        with asking(f"prepare a change of the stack '{self.name}'"):
            self.client.create_change_set(
                StackName=self.name,
                ChangeSetName=name,
                ChangeSetType="CREATE" if is_new else "UPDATE",
                Parameters=parameters,
                Capabilities=CAPABILITIES,
                **source,
            )
        with self.taken_back_on_error(ChangeSet(name, is_new, ())):
            found = self._prepared(name)
        if found is None:
            self.discard(ChangeSet(name, is_new, ()))
            return None
        before = None if is_new or state is None else (self.template(), state.parameters)
        kept = {} if state is None else state.parameters
        return ChangeSet(name, is_new, _changes(found, before, (template, {**kept, **given})))

    def _prepared(self, name: str) -> list[dict[str, Any]] | None:
        """The changes as CloudFormation lists them."""
        while True:
            with asking(f"read the change set '{name}' of the stack '{self.name}'"):
                answer = self.client.describe_change_set(StackName=self.name, ChangeSetName=name)
            if answer["Status"] == "FAILED":
                reason = answer.get("StatusReason", "")
                if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                    return None
                raise DeploymentError(
                    f"CloudFormation refuses the change of the stack '{self.name}': {reason}"
                )
            if answer["Status"] == "CREATE_COMPLETE":
                break
            self.sleep(POLL_SECONDS)
        changes: list[dict[str, Any]] = answer.get("Changes", [])
        while token := answer.get("NextToken"):
            with asking(f"read the change set '{name}' of the stack '{self.name}'"):
                answer = self.client.describe_change_set(
                    StackName=self.name, ChangeSetName=name, NextToken=token
                )
            changes += answer.get("Changes", [])
        return [each["ResourceChange"] for each in changes if "ResourceChange" in each]

    def discard(self, change_set: ChangeSet) -> None:
        """Takes a change set back, and a stack that is still nothing else."""
        is_all = change_set.is_of_new_stack and self._is_nothing_but(change_set)
        with asking(f"delete the change set '{change_set.name}'"):
            if is_all:
                self.client.delete_stack(StackName=self.name)
            else:
                self.client.delete_change_set(StackName=self.name, ChangeSetName=change_set.name)

    @contextmanager
    def taken_back_on_error(self, change_set: ChangeSet) -> Iterator[None]:
        """Takes the change set back where an error leaves this. That error stays the one that is raised: what
        stands in the way of taking back becomes a note of it."""
        try:
            yield
        except BaseException as error:
            try:
                self.discard(change_set)
            except DeploymentError as second:
                command = f"delete-change-set --stack-name {self.name} --change-set-name {change_set.name}"
                error.add_note(
                    f"the change set is still there: {second}\n"
                    f"to take it back:\n  aws cloudformation {command}"
                )
            raise

    def _is_nothing_but(self, change_set: ChangeSet) -> bool:
        # Somebody else may have made the stack meanwhile, or be about to: theirs is not ours to delete.
        state = self.state()
        if state is None or state.is_made:
            return False
        with asking(f"list the change sets of the stack '{self.name}'"):
            pages = self.client.get_paginator("list_change_sets").paginate(StackName=self.name)
            return all(
                each["ChangeSetName"] == change_set.name for page in pages for each in page["Summaries"]
            )

    def execute(self, change_set: ChangeSet) -> Iterator[Event]:
        """Carries it out. Yields events, oldest first, up to that which says that the stack is at rest again.
        Raises DeploymentError where it was rolled back."""
        self.events()
        with (
            self.taken_back_on_error(change_set),
            asking(f"execute the change set '{change_set.name}'"),
        ):
            self.client.execute_change_set(StackName=self.name, ChangeSetName=change_set.name)
        # Not by the state of the stack: for a moment it may still be that of the time before.
        seen_now: list[Event] = []
        while not (seen_now and seen_now[-1].is_end):
            new = self.events()
            seen_now += new
            yield from new
            if not new:
                self.sleep(POLL_SECONDS)
        status = seen_now[-1].status
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeploymentError(self._explained(status, first_failure(seen_now)))

    def events(self) -> list[Event]:
        """All events that there are and that were not given before, oldest first."""
        found: list[dict[str, Any]] = []
        with asking(f"read the events of the stack '{self.name}'"):
            pages = self.client.get_paginator("describe_stack_events").paginate(StackName=self.name)
            for page in pages:
                new = [each for each in page["StackEvents"] if each["EventId"] not in self._seen]
                found += new
                # A stack may have thousands, the newest first: behind one that is known all are.
                if len(new) < len(page["StackEvents"]):
                    break
        self._seen |= {each["EventId"] for each in found}
        found.reverse()
        return [
            Event(
                each["LogicalResourceId"],
                each["ResourceType"],
                each["ResourceStatus"],
                each.get("ResourceStatusReason", ""),
            )
            for each in sorted(found, key=_moment)
        ]

    def _explained(self, status: str, first: Event | None) -> str:
        what = f": {_told(first)}" if first else ""
        lines = [f"the stack '{self.name}' is {status}{what}"]
        if first is not None and (advice := _advice(first.reason)):
            lines.append(advice)
        if status in _DEAD:
            lines.append("nothing of it is left to be updated; delete it before you deploy again:")
            lines.append(f"  aws cloudformation delete-stack --stack-name {self.name}")
        elif status == "UPDATE_ROLLBACK_COMPLETE":
            lines.append("the function works as it did before; mend that and deploy again")
        return "\n".join(lines)


def _plain_yaml(text: str, stack: str) -> dict[str, Any]:
    """A template that was given as YAML. Raises DeploymentError for one with tags: none of ours has them."""
    # Not at the top: boto3 has decoded what was given as JSON, as ours is.
    import yaml

    try:
        document: dict[str, Any] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DeploymentError(
            f"the template of the stack '{stack}' is none of rules-engine; use another --stack"
        ) from error
    return document


def _moment(event: Mapping[str, Any]) -> tuple[Any, bool, bool]:
    """When it was; of one instant the stack begins first and ends last."""
    is_end = not event["ResourceStatus"].endswith("_IN_PROGRESS")
    return event["Timestamp"], is_end, (event["ResourceType"] == _STACK_TYPE) is is_end


def first_failure(events: list[Event]) -> Event | None:
    """The resource that failed first in the last operation: the others were cancelled because of it."""
    started = max(
        (
            place
            for place, event in enumerate(events)
            if event.is_of_stack and event.status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
        ),
        default=0,
    )
    failures = [event for event in events[started:] if event.is_failure]
    causes = [event for event in failures if "cancelled" not in event.reason and not event.is_of_stack]
    return next(iter(causes or failures), None)


def _told(event: Event) -> str:
    return f"'{event.resource}' ({event.type}): {event.reason or event.status}"


def _advice(reason: str) -> str | None:
    text = reason.lower()
    if "already exists" in text:
        kept = "perhaps kept from an earlier stack: delete it, or use another --stack"
        return f"something of that name is there already, {kept}"
    if "not authorized" in text or "access denied" in text or "accessdenied" in text:
        return "the role that you deploy with lacks a permission that the reason names"
    if "limit" in text or "quota" in text:
        return "a quota of the account is used up: ask for a higher one, or delete what is not needed"
    return None


_Version = tuple["Mapping[str, Any]", "Mapping[str, str]"]
"""A template, and the values of its parameters."""


def _changes(listed: list[dict[str, Any]], before: _Version | None, after: _Version) -> tuple[Change, ...]:
    found = []
    for each in listed:
        name, action = each["LogicalResourceId"], each["Action"]
        replacement = each.get("Replacement")
        different = () if before is None or action != "Modify" else _of_resource(name, before, after)
        action = "Replace" if action == "Modify" and replacement == "True" else action
        kept = before is not None and _is_kept(action, name, before[0], after[0])
        found.append(
            Change(action, name, each["ResourceType"], replacement == "Conditional", kept, different)
        )
    return tuple(found)


def _is_kept(action: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """By the policy that CloudFormation goes by. What is removed stands in the old template only."""
    template, policy = (before, "DeletionPolicy") if action == "Remove" else (after, "UpdateReplacePolicy")
    held = template.get("Resources", {}).get(name, {}).get(policy, "")
    return action in ("Remove", "Replace") and held.startswith("Retain")


def _of_resource(name: str, before: _Version, after: _Version) -> tuple[Difference, ...]:
    old, new = (
        with_parameters(template.get("Resources", {}).get(name, {}), _told_values(values))
        for template, values in (before, after)
    )
    old, new = ({**each, **each.get("Properties", {})} for each in (old, new))
    for each in (old, new):
        each.pop("Properties", None)
    return tuple(differences(old, new))


def _told_values(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value != _HIDDEN}
