"""Seeing to it that the shop sends its webhooks to us, and that they stay switched on.

WooCommerce switches a webhook off by itself after some failures in a row and never on again: that is what the daily
look is for. Its secret can be written and never read, so it is written again with every other change.
"""

from collections.abc import Sequence
from typing import Any

from ._api import Api
from ._fields import Body, as_list

PATH = "wc/v3/webhooks"
TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")
"""What the hub wants to hear. Nothing is told of payments, refunds or statuses as such: they are updates."""
_PER_PAGE = 100
_PAGES = 20


def name_of(connection: str, topic: str) -> str:
    """By this we know our own again when the hub's address has changed."""
    return f"orderhub {connection}: {topic}"


async def register(api: Api, url: str, *, secret: str, connection: str) -> Sequence[str]:
    """A line for each change."""
    known = await _webhooks(api)
    lines = [await _see_to(api, known, topic, url, secret, connection) for topic in TOPICS]
    return [line for line in lines if line]


async def _webhooks(api: Api) -> list[Body]:
    found: list[Body] = []
    for page in range(1, _PAGES + 1):
        answer = await api.get(PATH, per_page=_PER_PAGE, page=page)
        some = as_list(answer.value, "webhooks")
        found += some
        if len(some) < _PER_PAGE:
            break
    return found


async def _see_to(api: Api, known: Sequence[Body], topic: str, url: str, secret: str, connection: str) -> str:
    name = name_of(connection, topic)
    hook = _ours(known, topic, url, name)
    wanted = {"name": name, "topic": topic, "delivery_url": url, "secret": secret, "status": "active"}
    if hook is None:
        await api.change("POST", PATH, wanted)
        return f"{topic}: registered"
    change = _change(hook, url)
    if change:
        await api.change("PUT", f"{PATH}/{hook.ident('id')}", {**_without(wanted, "topic"), "name": name})
        return f"{topic}: {change}"
    return ""


def _ours(known: Sequence[Body], topic: str, url: str, name: str) -> Body | None:
    """Ours is what sends this topic here; else what we made once, and sends it elsewhere."""
    same = [each for each in known if each.text("topic") == topic]
    here = [each for each in same if each.text("delivery_url") == url]
    here.sort(key=lambda each: each.text("status") != "active")
    return next(iter(here), None) or next((each for each in same if each.text("name") == name), None)


def _change(hook: Body, url: str) -> str:
    status = hook.text("status")
    if hook.text("delivery_url") != url:
        return "corrected"
    if status == "disabled":
        return "the shop had switched it off, and it is on again; what it did not tell is polled"
    return "" if status == "active" else "was paused, and is on again"


def _without(members: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in members.items() if key != name}
