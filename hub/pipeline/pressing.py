"""Buttons under what staff are told of a matter in a chat: what they say, what they send, and what a press does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.model import Reply
from hub.plugin import Button
from hub.store.tables import TENANT, escalations, slot_of

from .ladder import matter_names
from .matters import Act, Wish, act
from .plain import key_of, to_plain
from .shadow import SHADOW, write_messages
from .world import World

PREFIX = "m"
"""Begins the data of these buttons: `m:<uid of the matter>:take`, `:done`, or the place of a choice."""
ANSWER = "staff-matter"
LABELS: Mapping[str, tuple[str, str]] = {
    "en": ("I take it", "Done"),
    "uk": ("Беру на себе", "Готово"),
    "pl": ("Biorę to", "Załatwione"),
    "ru": ("Беру на себя", "Готово"),
}
"""Language → what the buttons say that every matter has."""


def buttons_of(matter: Any, locale: str) -> tuple[Button, ...]:
    """What can be done with a matter where one can press and not write; none when it is resolved, or nobody's."""
    if matter.state in ("resolved", SHADOW):
        return ()
    take, done = LABELS.get(locale, LABELS["en"])
    ends = [(word, str(place)) for place, word in enumerate(matter.choices or ())] or [(done, "done")]
    wanted = [(take, "take"), *ends] if matter.state == "open" else ends
    return tuple(Button(label, data=f"{PREFIX}:{matter.uid}:{what}") for label, what in wanted)


def deed_of(what: str, choices: Sequence[str], person: str) -> Act | None:
    """What a button stands for; None for one that we did not make."""
    if what == "take":
        return Act(Wish.TAKE, person)
    if what == "done":
        return Act(Wish.RESOLVE, person)
    place = int(what) if what.isdecimal() and len(what) < 3 else len(choices)
    return Act(Wish.RESOLVE, person, choice=choices[place]) if place < len(choices) else None


def pressed(connection: sa.Connection, dialect: str, source: str, reply: Reply, world: World, now: datetime) -> None:
    """Do what a button stands for, for the person of the file whose chat it is, and say there what became of it. In
    anybody else's chat it does nothing: a message may have been forwarded."""
    _, uid, what = [*reply.button.split(":", 2), "", ""][:3]
    person = next((each for each in world.config.people.values() if each.addresses.get(source) == reply.address), None)
    which = sa.select(escalations).where(escalations.c.tenant == TENANT, escalations.c.uid == uid)
    matter = connection.execute(which).first()
    deed = deed_of(what, matter.choices or (), person.key) if matter is not None and person is not None else None
    if matter is None or person is None or deed is None:
        return
    became = act(connection, dialect, uid, deed, world, now)
    after = connection.execute(which).one()
    names = matter_names(dict(after._mapping), after.rung, world.config.staff)
    owner = world.config.people.get(after.owner)
    row = {
        "tenant": TENANT,
        "slot": slot_of(after.order_id),
        "key": key_of(TENANT, ANSWER, source, uid, reply.event_id),
        "order_id": after.order_id,
        "customer_id": "",
        "template": ANSWER,
        "cls": "transactional",
        "recipient": f"staff:{person.key}",
        "state": "due",
        "shadow": 0,  # who pressed is a person, whatever the hub is
        "due_at": now,
        "created_at": now,
        "doc": {
            "via": [source],
            "urgent": True,
            "extra": to_plain({
                "escalation": {**names, **({"owner": owner.name} if owner is not None else {})},
                "notice": {"kind": became.value},
            }),
        },
    }  # fmt: skip
    write_messages(connection, dialect, world, [row])
