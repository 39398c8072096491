"""The streams of the tables that rules watch, as they are: read, never changed.

`source_streams` gives the ARN of each table's newest stream. A table without a stream, or whose stream lacks
an image that the rules count on, is refused with the command that mends it: a stream that is switched off
and on is another one, and whoever else reads the old one must be told first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules_engine.deploy.refusals import DeploymentError, asking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules_engine.model import Images

_VIEWS: dict[tuple[bool, bool], str] = {
    (True, True): "NEW_AND_OLD_IMAGES",
    (True, False): "NEW_IMAGE",
    (False, True): "OLD_IMAGE",
    (False, False): "KEYS_ONLY",
}


def view_for(images: Images) -> str:
    """The smallest view type that carries `images`."""
    return _VIEWS[images]


def carries(view: str | None, images: Images) -> bool:
    """Whether a stream of this view type has all that `images` says is counted on."""
    has = next((held for held, name in _VIEWS.items() if name == view), None)
    return has is not None and all(there or not wanted for there, wanted in zip(has, images, strict=True))


def table_of(client: Any, name: str) -> dict[str, Any] | None:
    """What DynamoDB says of the table; None where there is none. `client` is boto3's for DynamoDB."""
    try:
        with asking(f"read the table '{name}'"):
            found: dict[str, Any] = client.describe_table(TableName=name)["Table"]
    except DeploymentError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    return found


def stream_problem(name: str, table: Mapping[str, Any] | None, images: Images) -> str | None:
    """What keeps the rules from working on this table, and the command that mends it."""
    if table is None:
        return f"there is no table '{name}' in this account and region; is the region right?"
    stream = table.get("StreamSpecification", {})
    if not stream.get("StreamEnabled"):
        return f"the table '{name}' has no stream; switch it on:\n  {switch_on(name, view_for(images))}"
    view = stream.get("StreamViewType")
    if carries(view, images):
        return None
    return (
        f"the stream of the table '{name}' is {view}, and the rules need {view_for(images)}; when nobody "
        "else reads it, and the function has read all of it, make a new one:\n"
        f"  aws dynamodb update-table --table-name {name} --stream-specification StreamEnabled=false\n"
        f"  {switch_on(name, view_for(images))}"
    )


def switch_on(name: str, view: str) -> str:
    """The command that gives a table a stream."""
    return (
        f"aws dynamodb update-table --table-name {name} "
        f"--stream-specification StreamEnabled=true,StreamViewType={view}"
    )


def source_streams(client: Any, wanted: Mapping[str, Images]) -> dict[str, str]:
    """Stream ARN by table. Raises DeploymentError naming every table that will not do."""
    problems, streams = [], {}
    for name, images in wanted.items():
        table = table_of(client, name)
        problem = stream_problem(name, table, images)
        if problem is not None:
            problems.append(problem)
        elif table is not None:
            streams[name] = table["LatestStreamArn"]
    if problems:
        listed = "\n".join(problems)
        raise DeploymentError(f"the source tables will not do; nothing was changed\n{listed}")
    return streams
