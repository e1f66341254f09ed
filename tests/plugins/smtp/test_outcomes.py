"""Every answer a mail server can give, in a real conversation, and what the attempt becomes."""

from datetime import timedelta

import pytest

from hub.clock import VirtualClock
from hub.plugin import Accepted, Config, Outcome, Permanent, Suppress, Transient, Unknown
from plugins.channels.smtp._sandbox_talk import TAKES
from plugins.channels.smtp.sandbox import Act, SmtpSandbox
from plugins.channels.smtp.statuses import AT_STEP, ENHANCED, OURS, REPLIES, Kind, Reply, Step, refusal

from .world import START, world

FIVE_MINUTES, FOUR_HOURS = timedelta(minutes=5), timedelta(hours=4)

CLASSES: dict[Kind, type[Outcome]] = {
    Kind.TRANSIENT: Transient,
    Kind.PERMANENT: Permanent,
    Kind.SUPPRESS: Suppress,
    Kind.CONFIG: Config,
}

DOSSIER = [
    ("421 4.3.2 shutting down", Transient, None),
    ("421 4.7.0 slow down", Transient, FIVE_MINUTES),
    ("421 4.7.28 rate limited", Transient, FIVE_MINUTES),
    ("450 4.2.0 greylisted", Transient, FIVE_MINUTES),
    ("451 4.7.1 greylisted", Transient, FIVE_MINUTES),
    ("450 4.2.1 busy", Transient, None),
    ("451 4.3.0 local error", Transient, None),
    ("451 4.4.1 routing", Transient, None),
    ("451 come back later", Transient, FIVE_MINUTES),
    ("452 4.2.2 mailbox full", Transient, FOUR_HOURS),
    ("452 4.3.1 storage", Transient, FOUR_HOURS),
    ("452 4.5.3 too many recipients", Transient, None),
    ("454 4.7.0 not now", Transient, FIVE_MINUTES),
    ("500 5.5.2 syntax", Permanent, None),
    ("501 5.5.4 syntax", Permanent, None),
    ("502 5.5.1 no", Permanent, None),
    ("503 5.5.1 no", Permanent, None),
    ("504 5.5.4 no", Permanent, None),
    ("530 5.7.0 sign in", Config, None),
    ("534 5.7.9 application password", Config, None),
    ("535 5.7.8 credentials", Config, None),
    ("550 5.1.1 no such user", Suppress, None),
    ("550 5.1.10 null MX", Suppress, None),
    ("551 not a user of mine", Suppress, None),
    ("553 5.1.3 bad address", Suppress, None),
    ("550 5.2.1 disabled", Suppress, None),
    ("552 5.2.2 over quota", Transient, FOUR_HOURS),
    ("552 5.3.4 too big", Permanent, None),
    ("554 5.3.4 too big", Permanent, None),
    ("550 5.7.1 policy", Config, None),
    ("554 5.7.1 policy", Config, None),
    ("550 5.7.26 unauthenticated", Config, None),
    ("550 5.7.515 does not meet the requirements", Config, None),
    ("550 5.7.25 no PTR", Config, None),
    ("556 5.1.10 null MX", Suppress, None),
    ("550 no reason given", Permanent, None),
    ("554 no reason given", Permanent, None),
    ("499 never heard of", Transient, None),
    ("599 never heard of", Permanent, None),
]


@pytest.mark.parametrize("step", [Step.RCPT, Step.DATA, Step.DOT])
@pytest.mark.parametrize(("reply", "kind", "wait"), DOSSIER, ids=[row[0] for row in DOSSIER])
async def test_a_refusal_of_the_recipient_or_the_content_means_what_the_table_says(
    step: Step, reply: str, kind: type[Outcome], wait: timedelta | None
) -> None:
    async with world() as shop:
        shop.sandbox.answer("anna", {Step.DOT: "DOT"}.get(step, step.value), reply)
        outcome = await shop.send()
    assert isinstance(outcome, kind)
    if isinstance(outcome, Transient):
        assert outcome.not_before == (START + wait if wait else None)
    assert shop.mails == []


def test_every_line_of_the_tables_is_walked_through() -> None:
    for code, rule in ENHANCED.items():
        exact = code.replace("*", "77")
        outcome = refusal(Step.RCPT, Reply(550 if code[0] == "5" else 450, f"{exact} some text"), START)
        assert isinstance(outcome, CLASSES[rule.kind])
    for number, rule in REPLIES.items():
        assert isinstance(refusal(Step.RCPT, Reply(number, "text"), START), CLASSES[rule.kind])
    for (step, number), rule in AT_STEP.items():
        assert isinstance(refusal(step, Reply(number, "text"), START), CLASSES[rule.kind])


@pytest.mark.parametrize("step", sorted(OURS))
@pytest.mark.parametrize("reply", ["550 5.1.1 who are you", "554 no", "501 5.1.7 bad sender", "550 5.7.1 no", "553 no"])
def test_a_lasting_refusal_before_the_recipient_is_named_is_our_fault(step: Step, reply: str) -> None:
    assert isinstance(refusal(step, Reply(int(reply[:3]), reply[4:]), START), Config)


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL"])
async def test_a_server_that_refuses_us_stops_the_connection_and_spares_the_address(verb: str) -> None:
    async with world() as shop:
        shop.sandbox.fail_next(verb, "550 5.1.1 go away", times=2)
        assert isinstance(await shop.send(), Config)


async def test_a_customer_with_a_real_address_does_not_stop_the_mail_at_the_sandbox() -> None:
    async with world() as it:
        for to in ("olena@gmail.com", "anna@example.test"):
            outcome = await it.send(to=to)
            if isinstance(outcome, Suppress):
                assert outcome.reason.endswith(f"no such mail domain; {TAKES}") and "olena" not in outcome.reason
            else:
                assert isinstance(outcome, Accepted)
        assert [mail.to for mail in it.mails] == ["anna@example.test"]


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL"])
async def test_a_server_that_is_busy_is_asked_later(verb: str) -> None:
    async with world() as shop:
        shop.sandbox.fail_next(verb, "451 4.3.0 busy", times=2)
        assert isinstance(await shop.send(), Transient)


async def test_mail_too_big_for_the_server_is_not_even_begun() -> None:
    sandbox = SmtpSandbox(clock=VirtualClock(START), keywords=("SIZE 2000",))
    async with world(sandbox) as shop:
        assert isinstance(await shop.send(text="x" * 3000), Permanent)
        assert shop.said("MAIL") == []
        assert isinstance(await shop.send(text="short"), Accepted)
    assert sandbox.connections == 1


async def test_a_size_refused_at_mail_is_about_this_message_and_not_about_us() -> None:
    async with world() as shop:
        shop.sandbox.fail_next("MAIL", "552 message size exceeds the maximum")
        assert isinstance(await shop.send(), Permanent)


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("act", [Act.DROP, Act.RESET, Act.GARBAGE, Act.HANG])
async def test_a_lost_answer_is_transient_before_the_final_dot_and_unknown_after_it(step: str, act: Act) -> None:
    async with world(timeout=0.2, dot_timeout=0.2) as shop:
        shop.sandbox.fail_next(step, act, times=2)
        outcome = await shop.send()
        assert isinstance(outcome, Unknown if step == "DOT" else Transient)
        shop.sandbox.calm()
        assert isinstance(await shop.send(), Accepted)


async def test_a_mail_that_the_server_kept_before_it_fell_silent_is_in_its_ledger_once() -> None:
    async with world() as shop:
        assert isinstance(await shop.send("drop-after-dot@example.test"), Unknown)
        assert len(shop.mails) == 1


async def test_a_connection_lost_in_the_middle_of_a_long_mail_sent_nothing() -> None:
    async with world() as shop:
        shop.sandbox.fail_next("CONTENT", Act.RESET, times=2)
        assert isinstance(await shop.send(text="x" * 9_000_000), Transient)
        assert shop.mails == []


async def test_an_answer_before_the_dot_refuses_the_mail() -> None:
    async with world() as shop:
        shop.sandbox.fail_next("CONTENT", "552 5.3.4 enough")
        outcome = await shop.send(text="x" * 9_000_000)
        assert isinstance(outcome, Permanent | Transient)
        assert shop.mails == []


async def test_a_yes_before_the_dot_is_not_believed() -> None:
    async with world() as shop:
        shop.sandbox.fail_next("CONTENT", "250 2.0.0 Ok: queued as LIAR", times=2)
        assert isinstance(await shop.send(text="x" * 9_000_000), Transient)
        assert shop.mails == []


async def test_nobody_listening_is_transient() -> None:
    async with world() as shop:
        pass
    assert isinstance(await shop.send(), Transient)


async def test_a_reason_never_repeats_what_the_server_said() -> None:
    async with world() as shop:
        shop.sandbox.answer("anna", "RCPT", "550 5.1.1 <anna@example.test> is not known")
        outcome = await shop.send()
    assert isinstance(outcome, Suppress)
    assert "anna" not in outcome.reason
    assert "anna" not in repr(Reply(550, "5.1.1 <anna@example.test> unknown"))


@pytest.mark.parametrize(
    ("text", "enhanced"),
    [
        ("5.1.1 no", "5.1.1"),
        ("5.1.1", "5.1.1"),
        ("5.01.1 no", "5.1.1"),
        ("4.1.1 contradicts", ""),
        ("5.1.1.9 is no code", ""),
        ("no 5.1.1", ""),
        ("5.1", ""),
        ("", ""),
    ],
)
def test_an_enhanced_code_counts_where_it_belongs(text: str, enhanced: str) -> None:
    assert Reply(550, text).enhanced == enhanced
