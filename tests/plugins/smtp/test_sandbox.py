"""The fake mail server, seen from the client's side; the adapter has no part in it."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email import message_from_bytes
from typing import TypeVar

import aiosmtplib
import pytest

from hub.clock import VirtualClock
from plugins.channels.smtp.sandbox import Act, Certificate, ImapSandbox, Mode, SmtpSandbox

START = datetime(2026, 11, 5, 8, 30, tzinfo=UTC)
MAIL = b"From: shop@shop.test\r\nTo: anna@example.test\r\nSubject: =?utf-8?b?0J/RgNC40LLRltGC?=\r\n\r\nOn its way.\r\n"
T = TypeVar("T")


def box(**options: object) -> SmtpSandbox:
    return SmtpSandbox(clock=VirtualClock(START), **options)  # type: ignore[arg-type]


@pytest.fixture
async def sandbox() -> AsyncIterator[SmtpSandbox]:
    found = box()
    async with found.serve():
        yield found


async def classic(sandbox: SmtpSandbox, use: Callable[[smtplib.SMTP], T]) -> T:
    """Use the standard library's client, in a thread of its own."""

    def work() -> T:
        with smtplib.SMTP("127.0.0.1", sandbox.port, timeout=5) as client:
            return use(client)

    return await asyncio.to_thread(work)


def client(sandbox: SmtpSandbox, **options: object) -> aiosmtplib.SMTP:
    options.setdefault("start_tls", False)
    return aiosmtplib.SMTP(hostname="127.0.0.1", port=sandbox.port, timeout=5, **options)  # type: ignore[arg-type]


async def raw(sandbox: SmtpSandbox) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    assert (await reader.readline()).startswith(b"220 ")
    return reader, writer


async def test_it_takes_a_mail_and_keeps_it_as_it_came(sandbox: SmtpSandbox) -> None:
    await classic(sandbox, lambda smtp: smtp.sendmail("b+1@shop.test", ["anna@example.test"], MAIL))
    (mail,) = sandbox.ledger
    assert (mail.at, mail.sender, mail.recipients) == (START, "b+1@shop.test", ("anna@example.test",))
    assert mail.content == MAIL
    assert (mail.from_, mail.to, mail.subject, mail.text.strip()) == (
        "shop@shop.test",
        "anna@example.test",
        "Привіт",
        "On its way.",
    )
    assert mail.headers[2] == ("Subject", "=?utf-8?b?0J/RgNC40LLRltGC?=")


@pytest.mark.parametrize("keywords", [(), ("PIPELINING", "SIZE 100"), ("8BITMIME", "DSN", "X-OWN a b")])
async def test_ehlo_says_the_keywords_it_was_given(keywords: tuple[str, ...]) -> None:
    sandbox = box(keywords=keywords)
    async with sandbox.serve(), client(sandbox) as smtp:
        reply = await smtp.ehlo()
        assert reply.message.splitlines()[1:] == list(keywords)


@pytest.mark.parametrize("mode", [Mode.STARTTLS, Mode.TLS])
async def test_it_speaks_tls_with_a_certificate_made_for_it(mode: Mode) -> None:
    sandbox = box(mode=mode)
    async with sandbox.serve() as url:
        assert url.startswith("smtps:" if mode is Mode.TLS else "smtp:")
        options = {"use_tls": True} if mode is Mode.TLS else {"start_tls": True}
        async with client(sandbox, cert_bundle=str(sandbox.ca_file), **options) as smtp:
            await smtp.sendmail("a@shop.test", ["anna@example.test"], MAIL)
    assert sandbox.ledger[0].secure


@pytest.mark.parametrize("certificate", [Certificate.EXPIRED, Certificate.WRONG_NAME])
async def test_a_bad_certificate_is_found_bad(certificate: Certificate) -> None:
    sandbox = box(mode=Mode.TLS, certificate=certificate)
    async with sandbox.serve():
        with pytest.raises(aiosmtplib.SMTPConnectError) as caught:
            await client(sandbox, use_tls=True, cert_bundle=str(sandbox.ca_file)).connect()
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


async def test_before_starttls_it_takes_neither_mail_nor_a_password() -> None:
    sandbox = box(mode=Mode.STARTTLS, users={"shop": "secret"})
    async with sandbox.serve(), client(sandbox) as smtp:
        await smtp.ehlo()
        assert not smtp.supports_extension("auth")
        assert (await smtp.execute_command(b"AUTH", b"PLAIN", b"AHNob3AAc2VjcmV0")).code == 530
        assert (await smtp.execute_command(b"MAIL", b"FROM:<a@shop.test>")).code == 530


async def test_what_came_before_the_handshake_is_thrown_away() -> None:
    sandbox = box(mode=Mode.STARTTLS)
    async with sandbox.serve():
        reader, writer = await raw(sandbox)
        writer.write(b"EHLO x\r\nSTARTTLS\r\nRSET\r\n")
        answers = await reader.readuntil(b"220 2.0.0 Go ahead\r\n")
        assert answers.endswith(b"220 2.0.0 Go ahead\r\n")
        writer.close()
        await writer.wait_closed()
    assert [each.line for each in sandbox.commands] == ["EHLO x", "STARTTLS"]


@pytest.mark.parametrize("way", ["auth_plain", "auth_login"])
async def test_it_knows_its_users(way: str) -> None:
    sandbox = box(mode=Mode.TLS, users={"shop": "secret"})
    async with sandbox.serve():
        tls = {"use_tls": True, "cert_bundle": str(sandbox.ca_file)}
        async with client(sandbox, **tls) as smtp:
            await smtp.ehlo()
            assert (await smtp.execute_command(b"MAIL", b"FROM:<a@shop.test>")).code == 530
            with pytest.raises(aiosmtplib.SMTPAuthenticationError) as caught:
                await getattr(smtp, way)("shop", "wrong")
            assert caught.value.code == 535
            await getattr(smtp, way)("shop", "secret")
            await smtp.sendmail("a@shop.test", ["anna@example.test"], MAIL)
    assert sandbox.ledger[0].user == "shop"
    assert not any("secret" in each.line or "c2VjcmV0" in each.line for each in sandbox.commands)


async def test_it_takes_login_word_by_word_and_plain_on_demand() -> None:
    sandbox = box(users={"shop": "secret"})
    async with sandbox.serve(), client(sandbox) as smtp:
        await smtp.ehlo()
        assert (await smtp.execute_command(b"AUTH", b"LOGIN")).message == "VXNlcm5hbWU6"
        assert (await smtp.execute_command(b"c2hvcA==")).message == "UGFzc3dvcmQ6"
        assert (await smtp.execute_command(b"c2VjcmV0")).code == 235
        assert (await smtp.execute_command(b"AUTH", b"PLAIN")).code == 334
        assert (await smtp.execute_command(b"not base64")).code == 501
        assert (await smtp.execute_command(b"AUTH", b"GSSAPI")).code == 504


async def test_it_takes_an_oauth_token_and_explains_a_wrong_one() -> None:
    sandbox = box(tokens={"shop@shop.test": "ya29.token"})
    async with sandbox.serve(), client(sandbox) as smtp:
        await smtp.ehlo()
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await smtp.auth_xoauth2("shop@shop.test", "expired")
        await smtp.auth_xoauth2("shop@shop.test", "ya29.token")


async def test_commands_may_come_all_at_once(sandbox: SmtpSandbox) -> None:
    reader, writer = await raw(sandbox)
    writer.write(b"EHLO x\r\nMAIL FROM:<a@shop.test>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n")
    answers = await reader.readuntil(b"354 End data with <CR><LF>.<CR><LF>\r\n")
    assert [line[:4] for line in answers.splitlines()[-3:]] == [b"250 ", b"250 ", b"354 "]
    writer.write(MAIL + b".\r\nQUIT\r\n")
    assert (await reader.read()).splitlines() == [b"250 2.0.0 Ok: queued as SBX000001", b"221 2.0.0 Bye"]
    writer.close()
    await writer.wait_closed()


async def test_stuffed_dots_are_taken_out(sandbox: SmtpSandbox) -> None:
    body = MAIL + b".\r\n..two\r\n.one\r\n"
    await classic(sandbox, lambda smtp: smtp.sendmail("a@shop.test", ["anna@example.test"], body))
    assert sandbox.ledger[0].content == body


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [
        ("450-greylist", "450 4.2.0"),
        ("550-unknown", "550 5.1.1"),
        ("552-full", "552 5.2.2"),
        ("550-policy", "550 5.7.1"),
        ("556-nullmx", "556 5.1.10"),
        ("421-now", "421 4.3.2"),
        ("599-whatever", "599 "),
    ],
)
async def test_the_recipient_scripts_the_answer(sandbox: SmtpSandbox, recipient: str, reply: str) -> None:
    async with client(sandbox) as smtp:
        await smtp.mail("a@shop.test")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused) as caught:
            await smtp.rcpt(f"{recipient}@example.test")
        assert f"{caught.value.code} {caught.value.message}".startswith(reply)
        assert smtp.is_connected is not reply.startswith("421")
        smtp.close()


@pytest.mark.parametrize(("ending", "takes_recipient"), [("-after-data", True), ("-after-dot", True), ("", False)])
async def test_a_script_may_wait_for_the_data_or_the_dot(
    sandbox: SmtpSandbox, ending: str, takes_recipient: bool
) -> None:
    async with client(sandbox) as smtp:
        await smtp.mail("a@shop.test")
        reply = await smtp.execute_command(b"RCPT", f"TO:<554-spam{ending}@example.test>".encode())
        assert (reply.code == 250) is takes_recipient
        if takes_recipient:
            start = await smtp.execute_command(b"DATA")
            assert start.code == (554 if ending == "-after-data" else 354)
            if start.code == 354:
                assert (await smtp.execute_command(b".")).code == 554
    assert len(sandbox.ledger) == 0


@pytest.mark.parametrize(
    ("domain", "taken"),
    [
        *[
            (each, True)
            for each in (
                "shop.example",
                "example",
                "a.b.test",
                "TEST",
                "xn--80aikifvh.test",
                "example.com",
                "m.example.org",
            )
        ],
        *[
            (each, False)
            for each in (
                "gmail.com",
                "shop.example.evil.com",
                "notexample",
                "mytest",
                "test.com",
                "badexample.com",
                "x",
            )
        ],
    ],
)
async def test_it_takes_mail_only_where_nobody_can_live(sandbox: SmtpSandbox, domain: str, taken: bool) -> None:
    async with client(sandbox) as smtp:
        await smtp.ehlo()
        await smtp.mail("shop@shop.example")
        for local in ("anna", "550-unknown"):
            try:
                code = (await smtp.rcpt(f"{local}@{domain}")).code
            except aiosmtplib.SMTPResponseException as refused:
                code = refused.code
            assert code == (250 if taken and local == "anna" else 550)
    assert len(sandbox.ledger) == 0


async def test_a_line_dropped_after_the_dot_keeps_the_mail_and_forget_does_not(sandbox: SmtpSandbox) -> None:
    for recipient in ("drop-after-dot@example.test", "anna@example.test"):
        sandbox.answer("anna", "DOT", Act.FORGET)
        smtp = client(sandbox)
        await smtp.connect()
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await smtp.sendmail("a@shop.test", [recipient], MAIL)
    assert [mail.recipients for mail in sandbox.ledger] == [("drop-after-dot@example.test",)]


async def test_it_writes_down_what_a_sender_asks_of_reports(sandbox: SmtpSandbox) -> None:
    async with client(sandbox) as smtp:
        await smtp.sendmail(
            "a@shop.test",
            ["anna@example.test"],
            MAIL,
            mail_options=["RET=HDRS", "ENVID=abc"],
            rcpt_options=["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;anna@example.test"],
        )
    (mail,) = sandbox.ledger
    assert mail.envid == "abc" and "RET=HDRS" in mail.mail_options
    assert mail.rcpt_options == (("NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;anna@example.test"),)


async def test_a_parameter_that_it_did_not_offer_is_refused() -> None:
    sandbox = box(keywords=("ENHANCEDSTATUSCODES",))
    async with sandbox.serve(), client(sandbox) as smtp:
        await smtp.ehlo()
        for option in (b"SIZE=10", b"BODY=8BITMIME", b"SMTPUTF8", b"RET=HDRS"):
            assert (await smtp.execute_command(b"MAIL", b"FROM:<a@shop.test>", option)).code == 555
        await smtp.mail("a@shop.test")
        assert (await smtp.execute_command(b"RCPT", b"TO:<anna@example.test>", b"NOTIFY=NEVER")).code == 555


async def test_a_unicode_address_needs_smtputf8(sandbox: SmtpSandbox) -> None:
    async with client(sandbox) as smtp:
        await smtp.ehlo()
        await smtp.mail("a@shop.test")
        assert (await smtp.execute_command(b"RCPT", "TO:<анна@example.test>".encode())).code == 553
        await smtp.rset()
        await smtp.mail("a@shop.test", options=["SMTPUTF8"])
        assert (await smtp.execute_command(b"RCPT", "TO:<анна@example.test>".encode())).code == 250


async def test_a_mail_is_measured_before_and_after() -> None:
    sandbox = box(keywords=("SIZE 200", "ENHANCEDSTATUSCODES"))
    async with sandbox.serve(), client(sandbox) as smtp:
        await smtp.ehlo()
        assert (await smtp.execute_command(b"MAIL", b"FROM:<a@shop.test>", b"SIZE=201")).code == 552
        await smtp.mail("a@shop.test")
        await smtp.rcpt("anna@example.test")
        with pytest.raises(aiosmtplib.SMTPDataError) as caught:
            await smtp.data(MAIL + b"x" * 300)
        assert caught.value.code == 552
    assert len(sandbox.ledger) == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"x" * 998, 250), (b"x" * 999, 500), ("Привіт".encode(), 554), (b"a\0b", 554)],
    ids=["998 octets", "999 octets", "8 bits unannounced", "NUL"],
)
async def test_content_that_mail_may_not_hold_is_refused(sandbox: SmtpSandbox, body: bytes, code: int) -> None:
    async with client(sandbox) as smtp:
        await smtp.mail("a@shop.test")
        await smtp.rcpt("anna@example.test")
        await smtp.execute_command(b"DATA")
        assert smtp.protocol is not None
        smtp.protocol.write(MAIL + body + b"\r\n.\r\n")
        assert (await smtp.protocol.read_response(5)).code == code


@pytest.mark.parametrize(("sloppy", "mails"), [(False, 1), (True, 2)])
async def test_only_a_sloppy_server_is_smuggled_to(sloppy: bool, mails: int) -> None:
    sandbox = box(sloppy=sloppy)
    smuggled = b"MAIL FROM:<evil@x.test>\r\nRCPT TO:<victim@example.test>\r\nDATA\r\nSubject: evil\r\n"
    async with sandbox.serve():
        reader, writer = await raw(sandbox)
        writer.write(b"EHLO x\r\nMAIL FROM:<a@shop.test>\r\nRCPT TO:<anna@example.test>\r\nDATA\r\n")
        await reader.readuntil(b"354 End data with <CR><LF>.<CR><LF>\r\n")
        writer.write(MAIL + b"\n.\n" + smuggled + b".\r\nQUIT\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()
    assert len(sandbox.ledger) == mails


async def test_after_so_many_mails_on_one_connection_it_says_421() -> None:
    sandbox = box(max_messages=2)
    async with sandbox.serve():
        smtp = client(sandbox)
        await smtp.connect()
        for _ in range(2):
            await smtp.sendmail("a@shop.test", ["anna@example.test"], MAIL)
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as caught:
            await smtp.mail("a@shop.test")
        assert caught.value.code == 421
    assert sandbox.connections == 1


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
async def test_it_falls_silent_where_it_is_told_to(sandbox: SmtpSandbox, step: str) -> None:
    sandbox.fail_next(step, Act.HANG)
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=sandbox.port, timeout=0.1, start_tls=False)
    with pytest.raises(aiosmtplib.SMTPTimeoutError):
        await smtp.connect()
        await smtp.sendmail("a@shop.test", ["anna@example.test"], MAIL)
    smtp.close()


async def test_it_hangs_up_on_idle_connections_with_and_without_a_word(sandbox: SmtpSandbox) -> None:
    for announced, said in ((True, b"421 4.4.2 Idle for too long\r\n"), (False, b"")):
        reader, writer = await raw(sandbox)
        sandbox.close_idle(announced=announced)
        assert await reader.read() == said
        writer.close()
        await writer.wait_closed()


async def test_codes_are_bare_where_enhanced_ones_are_not_offered() -> None:
    sandbox = box(keywords=())
    async with sandbox.serve(), client(sandbox) as smtp:
        assert (await smtp.mail("a@shop.test")).message == "Ok"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"MAIL FROM:<a@shop.test>\r\n", 503),
        (b"DATA\r\n", 503),
        (b"RCPT TO:<a@b.test>\r\n", 503),
        (b"EHLO x\n", 500),
        (b"\xff\xfe\r\n", 502),
        (b"VRFY anna\r\n", 502),
        (b"MAIL FROM:a@shop.test\r\n", 501),
        (b"NOOP " + b"x" * 13000 + b"\r\n", 500),
    ],
)
async def test_nonsense_gets_an_answer(sandbox: SmtpSandbox, line: bytes, code: int) -> None:
    reader, writer = await raw(sandbox)
    writer.write(line)
    assert (await reader.readline()).startswith(str(code).encode())
    writer.close()
    await writer.wait_closed()


async def test_a_bounce_goes_to_the_recorded_envelope_sender(sandbox: SmtpSandbox) -> None:
    async with client(sandbox) as smtp:
        await smtp.sendmail("b+7@shop.test", ["anna@example.test"], MAIL, mail_options=["ENVID=id7"])
    report = message_from_bytes(sandbox.bounce(sandbox.ledger[0], status="5.1.1"))
    assert report.get_content_type() == "multipart/report" and report["To"] == "b+7@shop.test"
    _, human, status, message, recipient, returned = report.walk()
    assert human.get_content_type() == "text/plain"
    assert status.get_content_type() == "message/delivery-status"
    assert message["Original-Envelope-Id"] == "id7"
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")
    assert "Subject" in str(returned)


async def test_the_mailbox_is_read_by_a_real_imap_client() -> None:
    import imaplib

    mailbox = ImapSandbox(clock=VirtualClock(START), username="b", password="p w")
    async with mailbox.serve():
        mailbox.append(MAIL)

        def read() -> tuple[bytes, list[bytes]]:
            with imaplib.IMAP4("127.0.0.1", mailbox.port, timeout=5) as imap:
                imap.login("b", "p w")
                imap.select("INBOX", readonly=True)
                _, found = imap.uid("SEARCH", "UID 1:*")
                _, parts = imap.uid("FETCH", "1", "(BODY.PEEK[]<0.30>)")
                return parts[0][1], found

        assert await asyncio.to_thread(read) == (MAIL[:30], [b"1"])
    assert mailbox.marked == set()
