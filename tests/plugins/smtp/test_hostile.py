"""Whatever stands in order data: exactly one mail, exactly one recipient, no header too many."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.clock import VirtualClock
from hub.plugin import Accepted
from plugins.channels.smtp.sandbox import Mail, SmtpSandbox

from .world import START, world

TRICKS = [
    "\r\nBcc: evil@evil.test",
    "\nBcc: evil@evil.test\n\n",
    "\rTo: evil@evil.test",
    "\r\n\r\n<script>alert(1)</script>",
    "\n.\nMAIL FROM:<evil@evil.test>\nRCPT TO:<victim@victim.test>\nDATA\nSubject: x\n\nx\n.\n",
    "\r\n.\r\nMAIL FROM:<evil@evil.test>\r\nRCPT TO:<victim@victim.test>\r\nDATA\r\n.\r\n",
    "\r.\rMAIL FROM:<evil@evil.test>\r",
    "\r\n.\rRSET\n.\r\n",
    "a\0b",
    "\u2028Bcc: evil@evil.test\u2029",
    "\x85Bcc: evil@evil.test",
    "\x0b\x0c\x1c\x1d\x1eBcc: evil@evil.test",
    "=?utf-8?b?DQpCY2M6IGV2aWxAZXZpbC50ZXN0?=",
    "=?utf-8?q?=0D=0ABcc:_evil@evil.test?=",
    "=?utf-8?q?=22=2C_evil=40evil=2Etest?=",
    '", evil@evil.test, "',
    "Evil <evil@evil.test>, Anna",
    "evil@evil.test;",
    "(comment) <evil@evil.test>",
    'back\\slash \\" quote',
    "x" * 1000,
    "я" * 1000,
    " " * 1000 + "x",
    "\ud800 lone surrogate",
    "\u202eright to left",
    "--=_orderhub_part--\r\n",
    "From the shop",
    ".",
]
HEADERS = Counter(
    [
        "Message-ID", "Date", "To", "Subject", "From", "Content-Language", "Auto-Submitted", "X-Auto-Response-Suppress",
        "MIME-Version", "Content-Type", "X-Order", "In-Reply-To", "References",
    ]
)  # fmt: skip
hostile = st.one_of(
    st.sampled_from(TRICKS),
    st.lists(st.sampled_from(TRICKS), min_size=2, max_size=3).map("".join),
    st.text(max_size=60),
    st.text(st.sampled_from('\r\n.\0 \t=?<>@,;:"\\aя\u2028'), max_size=60),
)


@pytest.fixture(scope="module", params=[False, True], ids=["strict server", "sloppy server"])
def loop_and_shop(request: pytest.FixtureRequest) -> Iterator[tuple[asyncio.Runner, Any]]:
    """One sandbox for all the examples, in a loop of its own."""
    with asyncio.Runner() as runner:
        context = world(SmtpSandbox(clock=VirtualClock(START), sloppy=request.param), reply_to="")
        shop = runner.run(context.__aenter__())
        yield runner, shop
        runner.run(context.__aexit__(None, None, None))


@settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(name=hostile, subject=hostile, text=hostile, html=hostile, extra=hostile, thread=hostile)
def test_a_hostile_mail_is_one_mail_to_one_recipient(loop_and_shop: tuple[asyncio.Runner, Any], **fields: str) -> None:
    runner, shop = loop_and_shop
    before = len(shop.sandbox.ledger)
    outcome = runner.run(
        shop.send(
            to_name=fields["name"],
            subject=fields["subject"],
            text=fields["text"],
            html=f"<p>{fields['html']}</p>",
            thread=fields["thread"] or "first",
            headers={"X-Order": fields["extra"]},
        )
    )
    assert isinstance(outcome, Accepted)
    (mail,) = shop.sandbox.ledger[before:]
    assert mail.recipients == ("anna@example.test",) and mail.sender == "shop@kavovar.example"
    _is_clean(mail)


def _is_clean(mail: Mail) -> None:
    head, _, body = mail.content.partition(b"\r\n\r\n")
    assert mail.content.isascii()
    assert b"\n" not in mail.content.replace(b"\r\n", b"") and b"\r" not in mail.content.replace(b"\r\n", b"")
    assert max(len(line) for line in mail.content.split(b"\r\n")) <= 998
    assert Counter(name for name, _ in mail.headers) == HEADERS
    assert not any(line.strip() == b"" for line in head.split(b"\r\n"))
    assert body.count(b"--=_orderhub_part") == 3
    parsed = message_from_bytes(mail.content, policy=policy.default)
    assert [each.addr_spec for each in parsed["to"].addresses] == ["anna@example.test"]
    raw_to = str(message_from_bytes(mail.content)["to"])
    assert [address for _, address in getaddresses([raw_to])] == ["anna@example.test"]
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert not parsed.defects and not any(part.defects for part in parsed.walk())


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(hostile | st.tuples(hostile, hostile).map("@".join) | hostile.map(lambda text: f"anna@example.test{text}"))
def test_a_hostile_address_reaches_nobody_or_exactly_itself(loop_and_shop: tuple[asyncio.Runner, Any], to: str) -> None:
    runner, shop = loop_and_shop
    before = len(shop.sandbox.ledger)
    outcome = runner.run(shop.send(to))
    new = shop.sandbox.ledger[before:]
    if isinstance(outcome, Accepted):
        (mail,) = new
        assert len(mail.recipients) == 1
        assert mail.recipients[0].rpartition("@")[0] == to.strip(" ").rpartition("@")[0]
    else:
        assert new == []
