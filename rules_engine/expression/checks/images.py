"""The images of the record, `new`, `old` and `keys`, and the paths into them.

In: a name that begins a path, or a call that reads images without naming them. Out: findings for images that
the rule's records never carry, for paths that name an image where one is looked for inside of it, and for
paths that go on into DynamoDB's type tags, which decoding has taken away.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rules_engine.expression.checks.mistake import write
from rules_engine.expression.checks.named import EITHER, IMAGES
from rules_engine.expression.checks.places import IMAGE_FUNCTIONS, Path, Place, is_alternative, path_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules_engine.expression.checks.report import Report
    from rules_engine.expression.node import Node

_SHARED = (
    "if rules for other events share 'is.{}', let it read (new || old), the image that is there; "
    "or change 'event' or 'view' of this rule"
)

_TYPE_TAGS = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"})


def check_image(place: Place, report: Report) -> None:
    """A name that begins a path and is none of the file's own."""
    name = place.node.value
    if place.meaning == "item" and name in IMAGES:
        _report_image_in_item(place, report)
    elif place.meaning == "record" and name in report.absent:
        if len(report.absent) > 1 or not is_alternative(place):
            report.add(place, "RE402", _never_there(report, f"'{name}'", name))
    else:
        _check_type_tags(place, report)


def _never_there(report: Report, what: str, image: str) -> str:
    return f"{what} is never there: {report.absent[image]}"


def check_images_of_call(place: Place, report: Report) -> None:
    """`changed(&status)` reads both images."""
    call = place.node
    image = next((image for image in IMAGE_FUNCTIONS.get(call.value, ()) if image in report.absent), None)
    if image is None:
        return
    message = f"'{call.value}' reads '{image}', which is never there: {report.absent[image]}"
    mend = _without_old(call) if image == "old" and "new" not in report.absent else None
    marked = None if mend else (call.start, call.start + len(call.value))
    # No fix: it may as well be the event that is wrong.
    report.add_alone(place, "RE402", message, write("", mend) or "", marked=marked)


def _without_old(call: Node) -> str | None:
    """What a call says of a record that has no old image."""
    if not call.children or call.children[0].type != "expref":
        return None
    path = call.children[0].children[0]
    if call.value == "changed" and len(call.children) == 1:
        return f"present(&{path.text})"
    if call.value == "became" and len(call.children) == 2 and path.type in ("field", "subexpression"):
        return f"new.{path.text} == {call.children[1].text}"
    return None


def check_images_of_condition(place: Place, report: Report) -> None:
    """`is.vip` is checked where it is defined, but which images are there is a matter of each rule."""
    path = path_from(place)
    if not report.absent or len(path.names) < 2:
        return
    name = path.names[1]
    read = report.named.images_read(name)
    both = len(report.absent) > 1
    found = (
        image for image in IMAGES if image in report.absent and (image in read or (both and EITHER in read))
    )
    image = next(found, None)
    if image:
        message = f"'is.{name}' reads '{image}', which is never there: {report.absent[image]}"
        hint = "" if both else _SHARED.format(name)
        report.add(place, "RE402", message, hint, marked=(path.parts[0].start, path.parts[1].end))


def _report_image_in_item(place: Place, report: Report) -> None:
    """`changed(&new.status)`."""
    path, image = path_from(place), place.node.value
    message = f"'{image}' is looked for inside of the item here"
    hint = "the function looks into the images by itself"
    if len(path.parts) > 1 and path.is_plain and path.parts[1].type == "field":
        marked = (path.parts[0].start, path.parts[-1].end)
        report.add(place, "RE206", message, hint, report.text[path.parts[1].start : marked[1]], marked=marked)
    else:
        report.add(place, "RE206", message, f"{hint}, so a path of the item follows &: &status")


def _check_type_tags(place: Place, report: Report) -> None:
    """`new.total.N`; `"N"` in double quotes says that the attribute is really called so."""
    path, at_top = path_from(place), place.meaning == "record"
    if at_top and place.node.value not in (*IMAGES, "keys"):
        return
    parts = path.parts[2 if at_top else 1 :]
    tag = parts[-1] if parts and parts[-1].text in _TYPE_TAGS else next(_tags_before_more(parts), None)
    if tag is None or tag.type != "field":
        return
    mend = _without_tags(path, report.text, may_be_tag=not at_top)
    message = f"'.{tag.text}' is a type tag of DynamoDB JSON, and images are decoded without them"
    report.add(place, "RE209", message, "", mend, marked=(path.parts[0].start, path.parts[-1].end))


def _tags_before_more(parts: tuple[Node, ...]) -> Iterator[Node]:
    """`M` before a name and `L` before an index or a projection, which go on in an attribute."""
    for part, following in pairwise(parts):
        if part.type == "field" and part.text == ("M" if following.type == "field" else "L"):
            yield part


def _without_tags(path: Path, text: str, *, may_be_tag: bool) -> str:
    """The path as written, without a tag behind any name or index. `may_be_tag`: behind the first one too."""
    written, position = "", path.parts[0].start
    for part in path.parts[1:]:
        if part.type == "field" and may_be_tag and part.text in _TYPE_TAGS:
            written += text[position : text.rindex(".", 0, part.start)]
            position = part.end
            may_be_tag = False
        else:
            may_be_tag = True
    return written + text[position : path.parts[-1].end]
