"""Reading updates: records, or unreadable; nothing else."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model import ChannelClosed, Linked, Reply
from hub.plugin import (
    Raw,
    UnreadableError,
)
from plugins.channels.telegram.updates import read

from .conftest import START

AT = datetime.fromtimestamp(1_793_600_000, UTC)
PERSON = {"id": 501112233, "is_bot": False, "first_name": "Анна", "language_code": "uk"}
PRIVATE = {"id": 501112233, "first_name": "Анна", "type": "private"}


def message(text: Any = "hello", **changes: Any) -> dict[str, Any]:
    body = {"message_id": 1, "date": 1_793_600_000, "from": PERSON, "chat": PRIVATE, "text": text}
    return {"update_id": 900099, "message": {**body, **changes}}


def pressed(data: Any = "fb:1042:5", **changes: Any) -> dict[str, Any]:
    below = {"message_id": 77, "chat": PRIVATE, "date": 1_793_600_000, "text": "…"}
    query = {"id": "2152489479834520001", "from": PERSON, "message": below, "chat_instance": "-4", "data": data}
    return {"update_id": 900100, "callback_query": {**query, **changes}}


def membership(status: Any, **changes: Any) -> dict[str, Any]:
    member = {"user": {"id": 1, "is_bot": True}, "status": status}
    change = {"chat": PRIVATE, "from": PERSON, "date": 1_793_600_000, "new_chat_member": member}
    return {"update_id": 900101, "my_chat_member": {**change, **changes}}


def raw(update: Any, at: datetime | None = None) -> Raw:
    return Raw(update, subject="chat:1", dedupe_key="k", occurred_at=at)


GROUP = {"id": -5, "title": "Зміна", "type": "group"}

LONG = "/start " + "x" * 65
STARTED = ChannelClosed("501112233", AT, "started", open=True, word=True, locale="uk")

READINGS: list[tuple[str, Any, tuple[Any, ...]]] = [
    (
        "a deep link",
        message("/start o_9Jx2pQ7TtWm4Zr0aB1cD3e"),
        (Linked("o_9Jx2pQ7TtWm4Zr0aB1cD3e", "501112233", AT, "uk"),),
    ),
    ("a deep link with the bot's name", message("/start@Shop_bot abc"), (Linked("abc", "501112233", AT, "uk"),)),
    (
        "start alone",
        message("/start"),
        (
            STARTED,
            Reply("501112233", "/start", AT, "900099", "uk"),
        ),
    ),
    (
        "start with nonsense",
        message("/start a b"),
        (
            STARTED,
            Reply("501112233", "/start a b", AT, "900099", "uk"),
        ),
    ),
    (
        "a token too long",
        message(LONG),
        (
            STARTED,
            Reply("501112233", LONG, AT, "900099", "uk"),
        ),
    ),
    ("help", message("/help"), (Reply("501112233", "/help", AT, "900099", "uk"),)),
    ("status", message("/status"), (Reply("501112233", "/status", AT, "900099", "uk"),)),
    ("free text", message("Де моє?"), (Reply("501112233", "Де моє?", AT, "900099", "uk"),)),
    ("stop", message("/STOP"), (ChannelClosed("501112233", AT, "stop", word=True, locale="uk"),)),
    ("stop within a text", message("please /stop"), (Reply("501112233", "please /stop", AT, "900099", "uk"),)),
    ("a word under a photo", message(None, caption="Ось так"), (Reply("501112233", "Ось так", AT, "900099", "uk"),)),
    ("a contact", message(None, contact={"phone_number": "+380501112233"}), ()),
    ("a group", message(chat=GROUP), ()),
    ("a link opened in a group", message("/start abc", chat=GROUP), ()),
    ("a button", pressed(), (Reply("501112233", "", AT, "900100", "uk", "fb:1042:5"),)),
    ("a button in a group", pressed(message={"message_id": 1, "chat": GROUP, "date": 1}), ()),
    ("a button below nothing", pressed(message=None), ()),
    ("a game", pressed(None), ()),
    ("blocked", membership("kicked"), (ChannelClosed("501112233", AT, "blocked"),)),
    ("unblocked", membership("member"), (ChannelClosed("501112233", AT, "unblocked", open=True),)),
    ("some other standing", membership("restricted"), ()),
    ("thrown out of a group", membership("kicked", chat=GROUP), ()),
    ("a kind we did not ask for", {"update_id": 1, "poll": {}}, ()),
    ("no language", message("x", **{"from": {"id": 1}}), (Reply("501112233", "x", AT, "900099"),)),
    (
        "a strange language",
        message("x", **{"from": {"language_code": "<"}}),
        (Reply("501112233", "x", AT, "900099"),),
    ),
]


@pytest.mark.parametrize(("update", "records"), [each[1:] for each in READINGS], ids=[each[0] for each in READINGS])
def test_an_update_reads_as_records(update: Any, records: tuple[Any, ...]) -> None:
    assert tuple(read(raw(update))) == records


def test_a_pressed_button_has_the_time_at_which_it_came_in() -> None:
    (reply,) = read(raw(pressed(), at=START))
    assert reply.at == START


@pytest.mark.parametrize(
    "update",
    [
        None,
        [],
        "text",
        {"update_id": 1, "message": None},
        {"message": message()["message"]},
        message(chat=None),
        message(chat={**PRIVATE, "id": "501"}),
        message(chat={**PRIVATE, "id": True}),
        message(chat={**PRIVATE, "id": 10**30}),
        message(date="yesterday"),
        message(date=10**17),
        message(date=None),
        message({"not": "text"}),
        message(7),
        pressed(7),
        pressed(**{"from": None}),
        pressed(**{"from": {"id": 666}}),
        membership(None, new_chat_member=None),
        membership("kicked", date=-(10**17)),
    ],
)
def test_a_malformed_update_is_unreadable(update: Any) -> None:
    with pytest.raises(UnreadableError):
        read(raw(update))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else ()
    return [path, *(place for key, child in items for place in _places(child, (*path, key)))]


@st.composite
def bent(draw: st.DrawFn) -> Any:
    """A good update with one place in it replaced by anything."""
    update = copy.deepcopy(draw(st.sampled_from([each[1] for each in READINGS])))
    *way, last = draw(st.sampled_from([place for place in _places(update) if place]))
    holder = update
    for key in way:
        holder = holder[key]
    holder[last] = draw(JSON)
    return update


@given(bent() | JSON)
def test_any_update_gives_records_or_is_unreadable(update: Any) -> None:
    try:
        first = read(raw(update, at=START))
    except UnreadableError:
        return
    assert first == read(raw(copy.deepcopy(update), at=START))
    assert all(isinstance(each, Reply | Linked | ChannelClosed) for each in first)
