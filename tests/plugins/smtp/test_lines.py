"""Connections: how they are secured, used again, given up, and how long anybody waits."""

import asyncio
import socket
from typing import Any

import pytest

from hub.clock import VirtualClock, monotonic
from hub.plugin import Accepted, Config, FailureError, Permanent, Transient, Unknown
from plugins.channels.smtp.sandbox import Act, Certificate, Mode, SmtpSandbox

from .world import KEY, START, World, world

LOGIN = {"username": "shop", "password": "the-password"}


def box(**options: Any) -> SmtpSandbox:
    return SmtpSandbox(clock=VirtualClock(START), **options)


@pytest.mark.parametrize("mode", [Mode.STARTTLS, Mode.TLS])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_mail_goes_signed_in_and_inside_tls(mode: Mode, mechanism: str) -> None:
    sandbox = box(mode=mode, users={"shop": "the-password"}, mechanisms=(mechanism,))
    async with world(sandbox, **LOGIN) as shop:
        assert isinstance(await shop.send(), Accepted)
        assert shop.last.secure and shop.last.user == "shop"
        verbs = [each.line.split(" ")[0] for each in sandbox.commands]
    before = ["EHLO", "STARTTLS"] if mode is Mode.STARTTLS else []
    assert verbs == [*before, "EHLO", "AUTH", "MAIL", "RCPT", "DATA"]


async def test_an_oauth_token_signs_in() -> None:
    sandbox = box(mode=Mode.TLS, tokens={"shop": "ya29.token"})
    async with world(sandbox, username="shop", oauth_token="ya29.token") as shop:
        assert isinstance(await shop.send(), Accepted)


@pytest.mark.parametrize(
    "credentials",
    [{"username": "shop", "password": "wrong"}, {"username": "shop", "oauth_token": "expired"}, {}],
    ids=["password", "token", "none at all"],
)
async def test_wrong_credentials_are_our_fault(credentials: dict[str, str]) -> None:
    sandbox = box(mode=Mode.TLS, users={"shop": "the-password"}, tokens={"shop": "ya29"})
    async with world(sandbox, **credentials) as shop:
        outcome = await shop.send()
        assert isinstance(outcome, Config)
        assert not any(word in outcome.reason for word in ('wrong"', "expired", "the-password"))


@pytest.mark.parametrize("reply", ["535 5.7.8 no", "534 5.7.9 no", "530 5.7.0 no", "504 no"])
async def test_a_refused_sign_in_is_our_fault(reply: str) -> None:
    sandbox = box(mode=Mode.TLS, users={"shop": "the-password"})
    async with world(sandbox, **LOGIN) as shop:
        sandbox.fail_next("AUTH", reply)
        assert isinstance(await shop.send(), Config)


async def test_a_sign_in_that_is_not_possible_now_is_tried_later() -> None:
    sandbox = box(mode=Mode.TLS, users={"shop": "the-password"})
    async with world(sandbox, **LOGIN) as shop:
        sandbox.fail_next("AUTH", "454 4.7.0 not now")
        assert isinstance(await shop.send(), Transient)
        assert isinstance(await shop.send(), Accepted)


async def test_a_wrong_password_is_tried_once_and_not_in_every_way() -> None:
    sandbox = box(mode=Mode.TLS, users={"shop": "another"})
    async with world(sandbox, **LOGIN) as shop:
        await shop.send()
        assert shop.said("AUTH") == ["AUTH PLAIN"]


@pytest.mark.parametrize("login", [LOGIN, {}], ids=["with an account", "without one"])
async def test_a_server_that_hides_starttls_gets_nothing_in_the_clear(login: dict[str, str]) -> None:
    sandbox = box(mode=Mode.STARTTLS, users={"shop": "the-password"} if login else None)
    sandbox.starttls = False
    async with world(sandbox, **login) as shop:
        outcome = await shop.send()
        assert isinstance(outcome, Config) and "STARTTLS" in outcome.reason
        assert [each.line.split(" ")[0] for each in sandbox.commands] == ["EHLO"]


async def test_what_is_slipped_in_before_the_handshake_is_not_believed() -> None:
    sandbox = box(mode=Mode.STARTTLS, users={"shop": "the-password"})
    sandbox.injection = b"250-evil\r\n250 AUTH NONE\r\n535 5.7.8 no\r\n"
    async with world(sandbox, **LOGIN) as shop:
        assert isinstance(await shop.send(), Accepted)


@pytest.mark.parametrize("mode", [Mode.STARTTLS, Mode.TLS])
@pytest.mark.parametrize("certificate", [Certificate.EXPIRED, Certificate.WRONG_NAME])
async def test_a_certificate_that_does_not_hold_stops_the_connection(mode: Mode, certificate: Certificate) -> None:
    async with world(box(mode=mode, certificate=certificate)) as shop:
        outcome = await shop.send()
        assert isinstance(outcome, Config) and "certificate" in outcome.reason
        assert shop.said("MAIL") == []


@pytest.mark.parametrize("mode", [Mode.STARTTLS, Mode.TLS])
async def test_an_authority_that_nobody_knows_stops_the_connection(mode: Mode) -> None:
    async with world(box(mode=mode), ca_file=None) as shop:
        assert isinstance(await shop.send(), Config)


async def test_a_ca_file_that_is_not_there_is_named(tmp_path: Any) -> None:
    async with world(box(mode=Mode.TLS), ca_file=str(tmp_path / "gone.pem")) as shop:
        assert await shop.send() == Config("ca_file cannot be read")


async def test_tls_towards_a_server_that_speaks_none_is_our_fault() -> None:
    async with world(box(), security="tls") as shop:
        outcome = await shop.send()
    assert isinstance(outcome, Config) and "port" in outcome.reason


async def test_a_server_that_breaks_off_the_handshake_is_asked_later() -> None:
    async with world(box(), security="tls") as shop:
        shop.sandbox.fail_next("CONNECT", Act.RESET)
        assert isinstance(await shop.send(), Transient)


async def test_a_wrong_host_or_port_is_said_as_such() -> None:
    async with world(box(), host="mail.invalid", insecure=True) as shop:
        assert await shop.send() == Transient("the mail server's name was not found")
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        async with world(box(), port=taken.getsockname()[1]) as shop:
            assert await shop.send() == Transient("nothing listens on that port")


async def test_one_connection_carries_many_mails() -> None:
    async with world() as shop:
        for number in range(20):
            assert isinstance(await shop.send(key=f"{number:032x}"), Accepted)
    assert shop.sandbox.connections == 1
    assert [mail.sender for mail in shop.mails] == ["shop@kavovar.example"] * 20


async def test_a_connection_is_closed_after_as_many_mails_as_it_may_carry() -> None:
    async with world(per_connection=3) as shop:
        for _ in range(7):
            await shop.send()
        assert shop.sandbox.connections == 3
        assert shop.said("QUIT") == ["QUIT"] * 2


async def test_at_most_so_many_connections_at_once() -> None:
    async with world(max_connections=2) as shop:
        outcomes = await asyncio.gather(*(shop.send(key=f"{number:032x}") for number in range(40)))
    assert all(isinstance(each, Accepted) for each in outcomes)
    assert shop.sandbox.connections == 2
    assert len(shop.mails) == 40


@pytest.mark.parametrize("announced", [True, False])
async def test_an_idle_connection_that_the_server_closed_costs_nothing(announced: bool) -> None:
    async with world() as shop:
        await shop.send()
        shop.sandbox.close_idle(announced=announced)
        assert isinstance(await shop.send(), Accepted)
        assert (shop.sandbox.connections, len(shop.mails)) == (2, 2)


async def test_a_421_on_a_used_connection_only_means_a_new_one() -> None:
    async with world(box(max_messages=3)) as shop:
        outcomes = [await shop.send() for _ in range(10)]
    assert all(isinstance(each, Accepted) for each in outcomes)
    assert (shop.sandbox.connections, len(shop.mails)) == (4, 10)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("script", ["421 4.3.2 bye", Act.DROP, Act.RESET])
async def test_a_connection_that_breaks_before_the_content_is_replaced_once(step: str, script: Any) -> None:
    async with world() as shop:
        shop.sandbox.fail_next(step, script)
        assert isinstance(await shop.send(), Accepted)
        assert (shop.sandbox.connections, len(shop.mails)) == (2, 1)
        shop.sandbox.fail_next(step, script, times=5)
        assert isinstance(await shop.send(), Transient)
        assert (shop.sandbox.connections, len(shop.mails)) == (3, 1)


async def test_a_421_after_the_dot_is_an_answer_and_not_repeated_at_once() -> None:
    async with world() as shop:
        shop.sandbox.fail_next("DOT", "421 4.3.2 bye")
        assert isinstance(await shop.send(), Transient)
        assert (shop.sandbox.connections, len(shop.mails)) == (1, 0)


async def test_a_refused_recipient_leaves_the_connection_usable() -> None:
    async with world() as shop:
        for recipient in ("550-unknown", "554-x-after-data", "554-x-after-dot", "anna"):
            outcome = await shop.send(f"{recipient}@example.test")
    assert isinstance(outcome, Accepted)
    assert shop.sandbox.connections == 1
    assert [mail.recipients for mail in shop.mails] == [("anna@example.test",)]


async def test_a_server_that_will_not_reset_is_left() -> None:
    async with world(timeout=0.2) as shop:
        shop.sandbox.fail_next("RSET", Act.HANG)
        await shop.send("550-unknown@example.test")
        assert isinstance(await shop.send(), Accepted)
        assert shop.sandbox.connections == 2


@pytest.mark.parametrize("sloppy", [False, True])
async def test_lines_that_begin_with_a_dot_arrive_as_they_are(sloppy: bool) -> None:
    text = ".\n..\n.hidden\n...three\nplain\n" + "." * 200 + "\n" + "x" * 75 + "." + "\n.\n"
    async with world(box(sloppy=sloppy)) as shop:
        assert isinstance(await shop.send(text=text, html=f"<p>{text}"), Accepted)
        assert (shop.last.text, shop.last.html) == (text, f"<p>{text}")
        assert len(shop.mails) == 1


async def test_an_uncertain_mail_is_repeated_with_the_same_message_id() -> None:
    async with world() as shop:
        assert isinstance(await shop.send("drop-after-dot@example.test"), Unknown)
        assert isinstance(await shop.send("drop-after-dot@example.test"), Unknown)
        first, second = (mail.parsed["Message-ID"] for mail in shop.mails)
        assert first == second == f"<{KEY}@kavovar.example>"


async def test_parameters_that_a_server_offers_and_then_refuses_are_left_out() -> None:
    async with world(bounce_secret="0123456789abcdef", bounce_domain="b.kavovar.example") as shop:
        shop.sandbox.fail_next("MAIL", "555 5.5.4 what is that")
        assert isinstance(await shop.send(), Accepted)
        assert shop.last.mail_options == ()
        shop.sandbox.fail_next("MAIL", "555 5.5.4 what is that", times=2)
        assert isinstance(await shop.send(), Config)


async def test_reports_are_asked_for_where_the_server_can_give_them() -> None:
    async with world(bounce_secret="0123456789abcdef", bounce_domain="b.kavovar.example") as shop:
        await shop.send()
        token = shop.last.sender.removeprefix("b+").removesuffix("@b.kavovar.example")
        assert token.startswith(KEY) and len(token) == 44
        assert shop.last.envid == token
        assert "RET=HDRS" in shop.last.mail_options
        assert shop.last.rcpt_options == (("NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;anna@example.test"),)


async def test_the_original_recipient_is_written_so_that_every_server_can_read_it() -> None:
    async with world() as shop:
        await shop.send("anna+b=c@example.test")
        assert shop.last.rcpt_options == (("NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;anna+2Bb+3Dc@example.test"),)


async def test_a_bare_server_is_told_nothing_that_it_does_not_know() -> None:
    async with world(box(keywords=())) as shop:
        assert isinstance(await shop.send(text="Привіт", subject="Замовлення"), Accepted)
        assert shop.said("MAIL") == ["MAIL FROM:<shop@kavovar.example>"]


@pytest.mark.parametrize("offered", [True, False])
async def test_a_unicode_address_goes_only_where_smtputf8_is_offered(offered: bool) -> None:
    keywords = ("8BITMIME", "SMTPUTF8") if offered else ("8BITMIME",)
    async with world(box(keywords=keywords)) as shop:
        outcome = await shop.send("анна@приклад.test", to_name="Анна")
        if not offered:
            assert isinstance(outcome, Permanent)
            return
        assert isinstance(outcome, Accepted)
        assert shop.last.recipients == ("анна@xn--80aikifvh.test",)
        assert set(shop.last.mail_options) == {"BODY=8BITMIME", "SMTPUTF8"}
        assert isinstance(await shop.send("anna@приклад.test"), Accepted)
        assert shop.last.mail_options == ()


@pytest.mark.parametrize("to", ["", "anna", "anna@", "@x.test", "a b@x.test", "anna@x", "a@b@x.test", "a@x.test\r\nx"])
async def test_an_address_that_is_none_costs_no_connection(to: str) -> None:
    async with world() as shop:
        outcome = await shop.send(to)
        assert outcome.__class__.__name__ == "Suppress"
        assert shop.sandbox.connections == 0


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
async def test_nobody_waits_longer_than_the_deadline(step: str) -> None:
    async with world(timeout=0.15, dot_timeout=0.15) as shop:
        shop.sandbox.fail_next(step, Act.HANG)
        began = monotonic()
        await shop.send()
        assert monotonic() - began < 20


async def test_a_send_that_is_cancelled_leaves_no_half_done_transaction() -> None:
    async with world() as shop:
        shop.sandbox.fail_next("RCPT", Act.HANG)
        sending = asyncio.create_task(shop.send())
        await shop.sandbox.commands.until(3)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert isinstance(await shop.send(), Accepted)
        assert len(shop.mails) == 1


async def test_the_rate_is_kept_and_the_hub_told_when_to_come_again() -> None:
    async with world(rate=1) as shop:
        assert isinstance(await shop.send(), Accepted)
        outcome = await shop.send()
        assert isinstance(outcome, Transient) and outcome.not_before is not None
        assert 50 < (outcome.not_before - START).total_seconds() <= 60


async def test_a_fast_rate_only_spreads_the_mails() -> None:
    async with world(rate=3000) as shop:
        began = monotonic()
        for _ in range(5):
            assert isinstance(await shop.send(), Accepted)
        assert monotonic() - began >= 0.07


async def test_hello_proves_the_account_without_sending_anything() -> None:
    async with world(box(mode=Mode.TLS, users={"shop": "the-password"}), **LOGIN) as shop:
        line = await shop.channel.hello()
        assert "TLSv1.3" in line and "signed in" in line and "the-password" not in line
        assert shop.said("MAIL") == []


async def test_hello_says_what_is_wrong() -> None:
    async with world(box(mode=Mode.TLS, users={"shop": "x"}), **LOGIN) as shop:
        with pytest.raises(FailureError) as caught:
            await shop.channel.hello()
        assert isinstance(caught.value.outcome, Config)


async def test_the_queue_id_of_the_server_is_kept() -> None:
    async with world() as shop:
        assert await shop.send() == Accepted("SBX000001")
        shop.sandbox.answer("anna", "DOT", "250 2.0.0 taken with thanks")
        assert await shop.send() == Accepted("")


async def test_goodbye_is_said_when_the_hub_lets_go() -> None:
    async with world() as shop:
        await shop.send()
        await shop.channel.aclose()
        assert shop.said("QUIT") == ["QUIT"]
        await _emptied(shop)


async def _emptied(shop: World) -> None:
    async with asyncio.timeout(1):
        while shop.sandbox.open_connections:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("mode", list(Mode))
def test_mail_goes_out_on_the_event_loop_of_the_daemon_too(mode: Mode) -> None:
    """uvloop's transports are not subclasses of asyncio's."""
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")

    async def scenario() -> None:
        async with world(box(mode=mode)) as shop:
            assert isinstance(await shop.send(), Accepted)
            assert isinstance(await shop.send("drop-after-dot@example.test"), Unknown)
            shop.sandbox.fail_next("CONTENT", Act.RESET, times=2)
            assert isinstance(await shop.send(text="x" * 9_000_000), Transient)  # more than the kernel's buffers take
            assert isinstance(await shop.send(text="x" * 2_000_000), Accepted)

    uvloop.run(scenario())
