"""The fake Bot API as a client meets it: plain HTTP, no adapter."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.clock import VirtualClock
from plugins.channels.telegram.sandbox import TOKEN, ChatState, Key, TelegramSandbox

from .conftest import START, Asking

KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Відстежити", "url": "https://shop.example/t/9f3c"}, {"text": "Ок", "callback_data": "ok:1"}]
    ]
}


async def test_get_me_tells_who_the_bot_is(api: Asking) -> None:
    answer = await api.client.get(f"{api.base}/bot{TOKEN}/getMe")
    assert answer.json()["result"]["username"] == "shop_orders_bot"
    assert answer.json()["result"]["id"] == 123456789


async def test_method_names_know_no_case(api: Asking) -> None:
    assert (await api.json("GETME")).json()["ok"]
    assert (await api.json("getme")).json()["ok"]


async def test_an_unknown_method_is_not_found(api: Asking) -> None:
    answer = await api.json("sendCarrierPigeon")
    assert (answer.status_code, answer.json()) == (404, {"ok": False, "error_code": 404, "description": "Not Found"})


@pytest.mark.parametrize(("token", "status"), [("123456789:AAE-another-token", 401), ("nonsense", 404)])
async def test_a_wrong_token_is_unauthorised_and_a_malformed_one_not_found(
    api: Asking, token: str, status: int
) -> None:
    answer = await api.client.post(f"{api.base}/bot{token}/getMe")
    assert answer.status_code == answer.json()["error_code"] == status


async def test_a_message_in_json_is_accepted_and_shown_as_the_person_sees_it(
    api: Asking, sandbox: TelegramSandbox
) -> None:
    chat = sandbox.open_chat("Анна")
    text = "Замовлення <b>№1042</b> &amp; ще"
    sent = await api.result("sendMessage", chat_id=chat, text=text, parse_mode="HTML", reply_markup=KEYBOARD)
    assert sent["text"] == "Замовлення №1042 & ще"
    assert sent["entities"] == [{"offset": 11, "length": 5, "type": "bold"}]
    assert (sent["chat"]["id"], sent["from"]["is_bot"], sent["date"]) == (chat, True, int(START.timestamp()))
    entry = sandbox.ledger[0]
    assert (entry.at, entry.chat, entry.text, entry.key) == (START, chat, "Замовлення №1042 & ще", "")
    assert entry.keys == ((Key("Відстежити", url="https://shop.example/t/9f3c"), Key("Ок", data="ok:1")),)


async def test_a_message_in_a_form_carries_its_keyboard_as_json_text(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    answer = await api.form("sendMessage", chat_id=chat, text="hi", reply_markup=json.dumps(KEYBOARD))
    assert answer.json()["ok"]
    assert sandbox.ledger[0].keys[0][1] == Key("Ок", data="ok:1")


async def test_a_message_in_a_multipart_form_and_one_in_a_query_are_accepted(
    api: Asking, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    chat = sandbox.open_chat()
    url = f"{api.base}/bot{TOKEN}/sendMessage"
    await api.client.post(url, files={"chat_id": (None, str(chat)), "text": (None, "one")})
    later(1)
    await api.client.get(url, params={"chat_id": chat, "text": "two", "disable_notification": "true"})
    assert [(each.text, each.silent, each.preview) for each in sandbox.ledger] == [
        ("one", False, True),
        ("two", True, True),
    ]


async def test_json_that_is_broken_is_a_bad_request(api: Asking) -> None:
    for body in (b"{", b"[]", b"[" * 100_000):
        headers = {"content-type": "application/json"}
        answer = await api.client.post(f"{api.base}/bot{TOKEN}/sendMessage", content=body, headers=headers)
        assert answer.status_code == 400


async def test_a_text_of_4097_characters_is_too_long_and_one_of_4096_is_not(
    api: Asking, sandbox: TelegramSandbox
) -> None:
    chat = sandbox.open_chat()
    answer = await api.json("sendMessage", chat_id=chat, text="x" * 4097)
    assert answer.json()["description"] == "Bad Request: message is too long"
    answer = await api.json("sendMessage", chat_id=chat, text="&lt;" * 4096, parse_mode="HTML")
    assert answer.json()["ok"], "the length is counted after the markup is read"


@pytest.mark.parametrize("text", ["", "   ", "<b></b>"])
async def test_an_empty_text_is_refused(api: Asking, sandbox: TelegramSandbox, text: str) -> None:
    answer = await api.json("sendMessage", chat_id=sandbox.open_chat(), text=text, parse_mode="HTML")
    assert answer.json()["description"] == "Bad Request: message text is empty"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a<br>b", 'Unsupported start tag "br" at byte offset 1'),
        ("я <script>x</script>", 'Unsupported start tag "script" at byte offset 3'),
        ("<b>bold", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<a href=", 'Unclosed start tag "a" at byte offset 0'),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ('<a ="x">y</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<i  aba>x</i>", 'Expected equal sign in declaration of an attribute of the tag "i" at byte offset 0'),
        ("<a href=x,>y</a>", "Unexpected end of name token at byte offset 9"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("&#xD800;", "Text contains invalid Unicode characters after decoding HTML entities"),
    ],
)
async def test_wrong_markup_cannot_be_parsed(api: Asking, sandbox: TelegramSandbox, text: str, complaint: str) -> None:
    answer = await api.json("sendMessage", chat_id=sandbox.open_chat(), text=text, parse_mode="HTML")
    assert answer.status_code == 400
    assert answer.json()["description"].startswith(f"Bad Request: can't parse entities: {complaint}")
    assert not sandbox.ledger


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("&lt;&gt;&amp;&quot;&laquo;&#12345678;", '<>&"&laquo;&#12345678;'),
        ("&#8470;&#x2116;", "№№"),
        ('<a href="https://a.example/?b=1&amp;c=2">x</a>', "x"),
        ("<blockquote expandable>q</blockquote>", "q"),
        ('<span class="tg-spoiler">s</span><i><u>a</u></>', "sa"),
        ("AT&T & co", "AT&T & co"),
    ],
)
async def test_good_markup_reads_as_a_person_sees_it(
    api: Asking, sandbox: TelegramSandbox, text: str, seen: str
) -> None:
    sent = await api.result("sendMessage", chat_id=sandbox.open_chat(), text=text, parse_mode="HTML")
    assert sent["text"] == seen


async def test_offsets_of_entities_count_utf16_units(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    sent = await api.result("sendMessage", chat_id=chat, text="📦 <b>📦</b>", parse_mode="HTML")
    assert sent["entities"] == [{"offset": 3, "length": 2, "type": "bold"}]


async def test_data_of_a_button_longer_than_64_bytes_is_invalid(api: Asking, sandbox: TelegramSandbox) -> None:
    for data, status in (("x" * 64, 200), ("x" * 65, 400), ("я" * 33, 400), ("", 400)):
        markup = {"inline_keyboard": [[{"text": "a", "callback_data": data}]]}
        answer = await api.json("sendMessage", chat_id=sandbox.open_chat(), text="t", reply_markup=markup)
        assert answer.status_code == status
        assert status == 200 or answer.json()["description"] == "Bad Request: BUTTON_DATA_INVALID"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://localhost:8080/t/1", "http://["])
async def test_the_address_of_a_button_must_be_one(api: Asking, sandbox: TelegramSandbox, url: str) -> None:
    markup = {"inline_keyboard": [[{"text": "a", "url": url}]]}
    answer = await api.json("sendMessage", chat_id=sandbox.open_chat(), text="t", reply_markup=markup)
    assert answer.status_code == 400


async def test_a_button_needs_a_text_and_something_to_do(api: Asking, sandbox: TelegramSandbox) -> None:
    for button in ({"text": "a"}, {"callback_data": "x"}, "a", None):
        markup = {"inline_keyboard": [[button]]}
        answer = await api.json("sendMessage", chat_id=sandbox.open_chat(), text="t", reply_markup=markup)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("state", "status", "description"),
    [
        (ChatState.BLOCKED, 403, "Forbidden: bot was blocked by the user"),
        (ChatState.NOT_STARTED, 403, "Forbidden: bot can't initiate conversation with a user"),
        (ChatState.DEACTIVATED, 403, "Forbidden: user is deactivated"),
    ],
)
async def test_chats_may_be_preset_as_closed(
    api: Asking, sandbox: TelegramSandbox, state: ChatState, status: int, description: str
) -> None:
    answer = await api.json("sendMessage", chat_id=sandbox.open_chat(state=state), text="t")
    assert (answer.status_code, answer.json()["description"]) == (status, description)


@pytest.mark.parametrize("chat", [1, "@nobody", "words"])
async def test_an_unknown_chat_is_not_found(api: Asking, chat: Any) -> None:
    answer = await api.json("sendMessage", chat_id=chat, text="t")
    assert answer.json()["description"] == "Bad Request: chat not found"


async def test_a_second_message_within_a_second_to_one_chat_is_too_many(
    api: Asking, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    chat, other = sandbox.open_chat(), sandbox.open_chat()
    await api.result("sendMessage", chat_id=chat, text="one")
    answer = await api.json("sendMessage", chat_id=chat, text="two")
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, None), "told in the body alone"
    assert answer.json()["parameters"] == {"retry_after": 1}
    assert answer.json()["description"] == "Too Many Requests: retry after 1"
    await api.result("sendMessage", chat_id=other, text="another chat is free")
    later(1)
    await api.result("sendMessage", chat_id=chat, text="two")


async def test_a_group_takes_twenty_messages_a_minute(
    api: Asking, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    group = sandbox.open_group()
    for number in range(20):
        await api.result("sendMessage", chat_id=group, text=str(number))
    answer = await api.json("sendMessage", chat_id=group, text="21")
    assert answer.json()["parameters"] == {"retry_after": 60}
    later(60)
    await api.result("sendMessage", chat_id=group, text="21")


async def test_the_pace_can_be_switched_off(api: Asking, sandbox: TelegramSandbox) -> None:
    sandbox.pace = False
    chat = sandbox.open_chat()
    for number in range(5):
        await api.result("sendMessage", chat_id=chat, text=str(number))
    assert len(sandbox.ledger) == 5


async def test_an_edited_text_changes_the_screen_and_rings_no_one(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    sent = await api.result("sendMessage", chat_id=chat, text="on its way", reply_markup=KEYBOARD)
    await api.result("editMessageText", chat_id=chat, message_id=sent["message_id"], text="arrived")
    assert [(each.text, each.keys) for each in sandbox.screen(chat)] == [("arrived", ())]
    assert [each.text for each in sandbox.ledger] == ["on its way"]


async def test_an_edit_without_a_change_is_not_modified(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    sent = await api.result("sendMessage", chat_id=chat, text="same", reply_markup=KEYBOARD)
    same = {"chat_id": chat, "message_id": sent["message_id"], "reply_markup": KEYBOARD}
    for method, more in (("editMessageText", {"text": "same"}), ("editMessageReplyMarkup", {})):
        answer = await api.json(method, **same, **more)
        assert answer.status_code == 400
        assert "message is not modified" in answer.json()["description"]


async def test_an_edited_keyboard_replaces_only_the_buttons(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    sent = await api.result("sendMessage", chat_id=chat, text="t", reply_markup=KEYBOARD)
    await api.result("editMessageReplyMarkup", chat_id=chat, message_id=sent["message_id"])
    assert [(each.text, each.keys) for each in sandbox.screen(chat)] == [("t", ())]


async def test_a_message_that_is_gone_can_be_neither_edited_nor_deleted(api: Asking, sandbox: TelegramSandbox) -> None:
    chat = sandbox.open_chat()
    for method, word in (("editMessageText", "edit"), ("deleteMessage", "delete")):
        answer = await api.json(method, chat_id=chat, message_id=99, text="t")
        assert answer.json()["description"] == f"Bad Request: message to {word} not found"


async def test_a_message_is_deleted_within_48_hours_only(
    api: Asking, sandbox: TelegramSandbox, later: Callable[[float], None]
) -> None:
    chat = sandbox.open_chat()
    first = await api.result("sendMessage", chat_id=chat, text="one")
    later(3600)
    second = await api.result("sendMessage", chat_id=chat, text="two")
    later(47.5 * 3600)
    assert await api.result("deleteMessage", chat_id=chat, message_id=second["message_id"]) is True
    answer = await api.json("deleteMessage", chat_id=chat, message_id=first["message_id"])
    assert answer.json()["description"] == "Bad Request: message can't be deleted for everyone"
    assert [each.text for each in sandbox.screen(chat)] == ["one"]


async def test_a_group_that_became_a_supergroup_tells_its_new_id(api: Asking, sandbox: TelegramSandbox) -> None:
    group = sandbox.open_group()
    new = sandbox.upgrade(group)
    answer = await api.json("sendMessage", chat_id=group, text="t")
    assert answer.json()["parameters"] == {"migrate_to_chat_id": new}
    await api.result("sendMessage", chat_id=new, text="t")


async def test_a_group_may_be_addressed_by_name_and_may_throw_the_bot_out(
    api: Asking, sandbox: TelegramSandbox
) -> None:
    group = sandbox.open_group(username="shop_staff")
    await api.result("sendMessage", chat_id="@shop_staff", text="t")
    sandbox.kick(group)
    answer = await api.json("sendMessage", chat_id=group, text="t")
    assert answer.json()["description"] == "Forbidden: bot was kicked from the group chat"


async def test_commands_are_kept_by_language_and_checked(api: Asking) -> None:
    commands = [{"command": "status", "description": "Де моє замовлення?"}]
    await api.form("setMyCommands", commands=json.dumps(commands), language_code="uk")
    assert await api.result("getMyCommands", language_code="uk") == commands
    assert await api.result("getMyCommands") == []
    wrong: list[Any] = [
        [{"command": "Status", "description": "x"}],
        [{"command": "x" * 33, "description": "x"}],
        [{"command": "x", "description": ""}],
        [{"command": "x", "description": "y" * 257}],
        [{"command": f"c{number}", "description": "y"} for number in range(101)],
        "status",
        None,
    ]
    for each in wrong:
        assert (await api.json("setMyCommands", commands=each)).status_code == 400


async def test_faults_come_when_ordered(api: Asking, sandbox: TelegramSandbox) -> None:
    sandbox.down()
    sandbox.too_many(17)
    sandbox.refuse(400, "Bad Request: CHAT_RESTRICTED")
    away, patience, refused = [await api.json("getMe") for _ in range(3)]
    assert (away.status_code, patience.status_code, refused.status_code) == (502, 429, 400)
    assert patience.json()["parameters"] == {"retry_after": 17}
    assert (await api.json("getMe")).json()["ok"]


async def test_an_answer_can_be_lost_after_the_message_was_taken(api: Asking, sandbox: TelegramSandbox) -> None:
    sandbox.chaos.cut()
    with pytest.raises(httpx.TransportError):
        await api.json("sendMessage", chat_id=sandbox.open_chat(), text="t")
    assert len(sandbox.ledger) == 1


async def test_the_ledger_speaks_in_the_sandbox_clocks_time(
    api: Asking, sandbox: TelegramSandbox, clock: VirtualClock
) -> None:
    clock.move_to(START + timedelta(days=3))
    await api.result("sendMessage", chat_id=sandbox.open_chat(), text="t")
    assert sandbox.ledger[0].at == START + timedelta(days=3)
