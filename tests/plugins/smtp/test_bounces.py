"""What comes back: bounces, complaints, automatic answers, and what is forged."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import monotonic
from hub.model import ChannelClosed, Receipt, ReceiptState
from hub.plugin import Raw, RefusedError, UnreadableError, WebhookRequest
from plugins.channels.smtp._bounces import MAX_BYTES, Tokens, raw_mail, read_mail
from plugins.channels.smtp.sandbox import Mail

from .world import KEY, SECRET, START, World, world

PATH = "an-unguessable-path"
BOUNCES: dict[str, Any] = {"bounce_domain": "bounces.kavovar.example", "bounce_secret": SECRET, "webhook_secret": PATH}


def posted(body: bytes, rest: str = PATH, method: str = "POST") -> WebhookRequest:
    return WebhookRequest(method, rest, {}, [("content-type", "message/rfc822")], body)


def records(shop: World, body: bytes) -> list[Any]:
    (raw,) = shop.channel.verify(posted(body)).events
    first, second = shop.channel.normalise(raw), shop.channel.normalise(raw)
    assert list(first) == list(second)
    return list(first)


async def sent(shop: World) -> Mail:
    await shop.send()
    return shop.last


@pytest.mark.parametrize(
    ("status", "dead", "says"),
    [
        ("5.1.1", True, "no such mailbox"),
        ("5.1.2", True, "no such mail domain"),
        ("5.1.10", True, "takes no mail"),
        ("5.2.1", True, "disabled"),
        ("5.2.2", False, "full"),
        ("5.3.4", False, "too big"),
        ("4.4.7", False, "no route"),
        ("4.2.2", False, "full"),
        ("5.7.1", False, "policy"),
        ("5.7.26", False, "sender"),
        ("5.1.8", False, "sender"),
        ("5.0.0", False, "not delivered"),
    ],
)
async def test_a_bounce_fails_the_attempt_and_says_whether_the_address_is_dead(
    status: str, dead: bool, says: str
) -> None:
    async with world(**BOUNCES) as shop:
        report = shop.sandbox.bounce(await sent(shop), status=status, diagnostic="550 it did not work")
        (receipt,) = records(shop, report)
    assert isinstance(receipt, Receipt)
    assert (receipt.state, receipt.key, receipt.at) == (ReceiptState.FAILED, KEY, START)
    assert receipt.dead_address is dead and says in receipt.reason
    assert "anna" not in receipt.reason


async def test_a_status_that_says_nothing_is_looked_up_in_the_diagnostic() -> None:
    async with world(**BOUNCES) as shop:
        report = shop.sandbox.bounce(await sent(shop), status="5.0.0", diagnostic="550 5.1.1 unknown")
        (receipt,) = records(shop, report)
    assert receipt.dead_address


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "nonsense", ""])
async def test_what_is_not_final_says_nothing(action: str) -> None:
    async with world(**BOUNCES) as shop:
        assert records(shop, shop.sandbox.bounce(await sent(shop), status="4.4.1", action=action)) == []


@pytest.mark.parametrize(
    ("text", "dead"),
    [("Sorry, it wasn't possible to deliver your message.", False), ("550 5.1.1 unknown user", True)],
)
async def test_a_bounce_in_words_is_known_by_its_address_alone(text: str, dead: bool) -> None:
    async with world(**BOUNCES) as shop:
        (receipt,) = records(shop, shop.sandbox.prose_bounce(await sent(shop), text))
    assert (receipt.state, receipt.key, receipt.dead_address) == (ReceiptState.FAILED, KEY, dead)


@pytest.mark.parametrize("marked", [True, False])
async def test_an_out_of_office_answer_is_no_bounce(marked: bool) -> None:
    async with world(**BOUNCES) as shop:
        assert records(shop, shop.sandbox.out_of_office(await sent(shop), marked=marked)) == []


async def test_a_complaint_closes_the_channel_for_this_address() -> None:
    async with world(**BOUNCES) as shop:
        mail = await sent(shop)
        assert records(shop, shop.sandbox.complaint(mail)) == [
            ChannelClosed("anna@example.test", START, reason="complaint")
        ]
        with pytest.raises(UnreadableError, match="does not name"):
            records(shop, shop.sandbox.complaint(mail, names_recipient=False))


@pytest.mark.parametrize("kind", ["bounce", "prose_bounce", "complaint"])
async def test_a_forged_or_foreign_token_says_nothing(kind: str) -> None:
    async with world(**BOUNCES) as shop:
        mail = await sent(shop)
        body: bytes = getattr(shop.sandbox, kind)(mail)
        token = mail.envid.encode()
        flipped = token[:-1] + (b"0" if token[-1:] != b"0" else b"1")
        other_key = b"f" * 32 + token[32:]
        for forged in (flipped, other_key, token[:-1], token + b"0", b""):
            assert records(shop, body.replace(token, forged)) == []
    other = Tokens("another secret of another shop")
    assert read_mail(raw_mail(body, other, START), other) == []
    assert read_mail(raw_mail(body, None, START), None) == []


async def test_the_token_is_found_wherever_servers_put_it() -> None:
    async with world(**BOUNCES) as shop:
        mail = await sent(shop)
        head = "From: MAILER-DAEMON@x.test\r\nSubject: failure\r\n"
        for name in ("To", "Delivered-To", "X-Original-To", "Envelope-To"):
            body = f"{head}{name}: <{mail.sender.upper()}>\r\n\r\nno such user\r\n".encode()
            assert [each.key for each in records(shop, body)] == [KEY]
        redirected = shop.sandbox.bounce(mail).replace(f"To: {mail.sender}".encode(), b"To: postmaster@shop.example")
        assert [each.key for each in records(shop, redirected)] == [KEY]


async def test_without_a_bounce_domain_the_envelope_id_still_tells() -> None:
    async with world(bounce_secret=SECRET, webhook_secret=PATH) as shop:
        mail = await sent(shop)
        assert mail.sender == "shop@kavovar.example"
        assert [each.key for each in records(shop, shop.sandbox.bounce(mail))] == [KEY]


@pytest.mark.parametrize("rest", ["", "x", PATH[:-1], PATH + "x", PATH.upper(), f"{PATH}/y"])
async def test_a_bounce_posted_to_another_path_is_refused(rest: str) -> None:
    async with world(**BOUNCES) as shop:
        with pytest.raises(RefusedError):
            shop.channel.verify(posted(b"From: x\r\n\r\nx", rest))


@pytest.mark.parametrize(("body", "method"), [(b"", "POST"), (b" \r\n", "POST"), (b"From: x\r\n\r\nx", "GET")])
async def test_what_is_no_posted_mail_is_refused(body: bytes, method: str) -> None:
    async with world(**BOUNCES) as shop:
        with pytest.raises(RefusedError):
            shop.channel.verify(posted(body, method=method))


async def test_without_a_webhook_secret_nothing_is_taken() -> None:
    async with world(bounce_secret=SECRET) as shop:
        for rest in ("", "None", PATH):
            with pytest.raises(RefusedError):
                shop.channel.verify(posted(b"From: x\r\n\r\nx", rest))


async def test_the_same_bounce_twice_has_one_dedupe_key_and_its_message_as_subject() -> None:
    async with world(**BOUNCES) as shop:
        body = shop.sandbox.bounce(await sent(shop))
        (first,) = shop.channel.verify(posted(body)).events
        shop.clock.move_to(START + timedelta(hours=1))
        (second,) = shop.channel.verify(posted(body)).events
        (other,) = shop.channel.verify(posted(body + b" ")).events
    assert first.dedupe_key == second.dedupe_key != other.dedupe_key
    assert first.subject == f"message:{KEY}"


async def test_a_bounce_that_returns_a_huge_mail_is_cut_and_still_read() -> None:
    async with world(**BOUNCES) as shop:
        body = shop.sandbox.bounce(await sent(shop)) + b"x" * 5_000_000
        (raw,) = shop.channel.verify(posted(body)).events
        assert len(raw.body["mail"]) == MAX_BYTES
        assert len(shop.channel.normalise(raw)) == 1


@pytest.mark.parametrize("body", [None, 1, [], {}, {"mail": None}, {"mail": 1}, {"mail": "я"}, "text"])
async def test_an_event_that_is_no_mail_is_unreadable(body: Any) -> None:
    async with world(**BOUNCES) as shop:
        with pytest.raises(UnreadableError):
            shop.channel.normalise(Raw(body, "message:x", "key"))


def _nested(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * depth + b"x"


def _multiparts(depth: int) -> bytes:
    return b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (at, at) for at in range(depth))


@pytest.mark.parametrize(
    "body",
    [
        _nested(8000),
        _multiparts(4000),
        _multiparts(39),
        b"Content-Type: message/delivery-status\r\n\r\n" + b"A: b\r\n\r\n" * 25000,
        b"To: " + b"a, " * 80000 + b"\r\n\r\nx",
        b"To: " + b"0123456789abcdef" * 15000 + b"\r\n\r\nx",
        b"Subject: " + b"=?utf-8?q?=?=" * 18000 + b"\r\n\r\n",
        b"Subject: =?nonsense?q?x?= =?utf-8?b?*?=\r\nContent-Type: text/plain; charset=nonsense\r\n\r\nx",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n***",
        b": no name\r\n\xff\xfe\r\n\r\n",
        b"\r\n" * 100000,
    ],
    ids=[
        "rfc822",
        "multiparts",
        "39 multiparts",
        "blocks",
        "addresses",
        "hex",
        "words",
        "charsets",
        "base64",
        "x",
        "blank",
    ],
)
def test_a_mail_made_to_hurt_is_read_quickly_or_called_unreadable(body: bytes) -> None:
    tokens = Tokens(SECRET)
    began = monotonic()
    for head in (b"", f"Delivered-To: b+{tokens.make(KEY)}@b.test\r\n".encode()):
        try:
            read_mail(raw_mail(head + body, tokens, START), tokens)
        except UnreadableError as error:
            assert len(str(error)) < 80
    assert monotonic() - began < 20


def test_a_mail_of_too_many_parts_is_not_even_parsed() -> None:
    tokens = Tokens(SECRET)
    for body in (_nested(41), _multiparts(41)):
        with pytest.raises(UnreadableError, match="too many parts"):
            read_mail(raw_mail(body, tokens, START), tokens)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.integers(0, 900), st.integers(0, 40))
def test_a_mutilated_bounce_never_raises_anything_else(noise: bytes, at: int, cut: int) -> None:
    tokens = Tokens(SECRET)
    whole = (
        f"To: b+{tokens.make(KEY)}@b.test\r\nContent-Type: multipart/report; boundary=x\r\n\r\n--x\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--x--\r\n"
    ).encode()
    at = at % len(whole)
    body = whole[:at] + noise + whole[at + cut :]
    for data in (body, whole + noise, noise):
        try:
            found = read_mail(raw_mail(data, tokens, START), tokens)
        except UnreadableError:
            continue
        assert all(isinstance(each, Receipt) and each.key == KEY for each in found)


def test_a_token_is_made_of_a_key_and_nothing_else() -> None:
    tokens = Tokens(SECRET)
    assert len(f"b+{tokens.make(KEY)}") == 46
    for key in ("", "short", KEY.upper(), KEY + "0", "g" * 32):
        assert tokens.make(key) == ""
    assert Tokens(SECRET + "x").make(KEY) != tokens.make(KEY)
