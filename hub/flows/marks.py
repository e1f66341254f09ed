"""The steps that mark an order or its customer: `mute` keeps messages back, `tag` puts words on and takes them off."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hub.config.sections import LengthText, Name
from hub.config.settings import Shape, read_settings
from hub.config.yaml import MapNode, Node, Scalar

from .builtin import step
from .fails import ReadSteps
from .model import MessageClass, Mute, Step, Tag
from .scope import Scope, text_at

Class = Literal["transactional", "feedback", "marketing"]
MOST_TAGS, LONGEST_TAG = 20, 100
Tags = Annotated[list[str], Field(min_length=1, max_length=MOST_TAGS)]


class MuteShape(Shape):
    """Settings of `mute`."""

    who: Literal["customer", "order"] = Field("customer", description="About whom, or about what, nothing is said.")
    classes: Literal["all"] | Annotated[list[Class], Field(min_length=1, max_length=3)] = Field(
        description="Which messages are kept back. `all` on an order hands it over to a person."
    )
    for_: LengthText = Field(alias="for", description="How long.")
    id: Name | None = Field(None, description="The step's key.")


@step("mute", MuteShape, example="mute: {classes: [marketing, feedback], for: 30d}")
def mute(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Keep messages back for a while: they end as `muted`, except urgent ones."""
    shape = read_settings(node, MuteShape, scope.reading, "'mute'", place=word.place)
    if shape is None or not isinstance(node, MapNode):
        return None
    who, classes = shape.who, tuple(MessageClass) if shape.classes == "all" else tuple(map(MessageClass, shape.classes))
    key = scope.counted(word, f"mute:{who}", text_at(node, "id") or None)
    return Mute(key, who, tuple(dict.fromkeys(classes)), shape.for_)


class TagShape(Shape):
    """Settings of `tag`."""

    add: str | Tags | None = Field(None, description="Words to put on; one, or a list.")
    remove: str | Tags | None = Field(None, description="Words to take off, also where the shop put them on.")
    who: Literal["order", "customer"] = Field("order", description="What they are on.")
    write_back: bool = Field(
        False, description="Also on the order, or the customer, in the shop: for platforms that can."
    )
    id: Name | None = Field(None, description="The step's key.")


@step("tag", TagShape, example="tag: {add: [vip], who: customer}")
def tag(word: Scalar, node: Node, scope: Scope, steps: ReadSteps) -> Step | None:
    """Put tags on, or take them off: `order.tags` and `customer.tags` read the shop's and these."""
    shape = read_settings(node, TagShape, scope.reading, "'tag'", place=word.place)
    if shape is None or not isinstance(node, MapNode):
        return None
    if shape.write_back and "order" not in scope.offered:
        scope.report(node.get("write_back") or word, "not-offered", "there is no order here in whose shop it could be")
    add, remove = _words(shape.add), _words(shape.remove)
    if not add and not remove:
        scope.report(word, "missing-setting", "'tag' needs 'add' or 'remove'")
        return None
    both = next((each for each in add if each in remove), None)
    if both is not None:
        scope.report(word, "conflicting-settings", f"the tag '{both}' is both put on and taken off")
        return None
    wrong = next((each for each in (*add, *remove) if not each.strip() or len(each) > LONGEST_TAG), None)
    if wrong is not None:
        scope.report(word, "bad-value", f"a tag has 1 to {LONGEST_TAG} characters, not {len(wrong.strip())}")
        return None
    key = scope.counted(word, f"tag:{shape.who}", text_at(node, "id") or None)
    return Tag(key, shape.who, add, remove, shape.write_back)


def _words(value: str | list[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))
