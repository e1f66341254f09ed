"""Process B, the receivers: a mail server, a Bot API, two SMS providers and a CRM. What they take is on
disk before they say so.

    python -m tests.torture.receivers FOLDER

Prints a JSON line when they serve; FOLDER gets `received.jsonl`. Ends when its standard input ends.
"""

import asyncio
import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hub.clock import SystemClock, monotonic
from plugins.channels.smsapi.sandbox import SmsapiSandbox
from plugins.channels.smtp.sandbox import Mail, SmtpSandbox
from plugins.channels.telegram.sandbox import Sent, TelegramSandbox
from plugins.channels.turbosms.sandbox import TurboSmsSandbox
from plugins.targets.http.sandbox import HttpTargetSandbox, Taken

from .config import CHAT_OF_STAFF
from .journal import Journal, WrittenLedger
from .world import listen, say

_KEY = re.compile(rb"(?mi)^Message-ID: <([^@>]+)@")
_MARK = re.compile(r"\[([a-z-]+ [^\]]+)\]")


def describe_mail(mail: Mail) -> dict[str, Any]:
    """The key of its attempt is the mail's Message-ID."""
    found = _KEY.search(mail.content)
    return {"by": "mail", "key": found.group(1).decode() if found else "", "to": mail.recipients[0], "at": monotonic()}


def describe_chat(sent: Sent) -> dict[str, Any]:
    """A message in a chat carries no key; the flow puts its mark, flow and order, into the text."""
    found = _MARK.search(sent.text)
    return {"by": "bot", "key": found.group(1) if found else "", "to": str(sent.chat), "at": monotonic()}


def describe_sms(sent: Any) -> dict[str, Any]:
    """Both providers are given the key of the attempt, and answer a repeat of it from memory."""
    return {"by": "sms", "key": sent.key, "to": "", "at": monotonic()}


def describe_call(taken: Taken) -> dict[str, Any]:
    """A call carries its key in its headers."""
    return {"by": "crm", "key": taken.key, "to": "", "at": monotonic()}


async def live(folder: Path) -> None:
    """Serve until the input ends."""
    journal = Journal(folder / "received.jsonl")
    clock = SystemClock()
    smtp, telegram = SmtpSandbox(clock=clock), TelegramSandbox(clock, pace=False)
    turbosms, smsapi = TurboSmsSandbox(clock), SmsapiSandbox(clock)
    turbosms.balance = smsapi.points = 1e6
    turbosms.ledger = WrittenLedger(journal, describe_sms)
    smsapi.ledger = WrittenLedger(journal, describe_sms)
    smtp.ledger = WrittenLedger(journal, describe_mail)
    telegram.ledger = WrittenLedger(journal, describe_chat)
    crm = HttpTargetSandbox(clock)
    crm.ledger = WrittenLedger(journal, describe_call)
    chat = telegram.open_chat("Olena")
    if chat != CHAT_OF_STAFF:
        raise RuntimeError(f"the sandbox numbers its chats otherwise: {chat}")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(smtp.serve())
        outside: dict[str, Any] = {"bot": telegram, "turbosms": turbosms, "smsapi": smsapi, "crm": crm}
        urls = {name: await stack.enter_async_context(each.serve()) for name, each in outside.items()}
        say(smtp=smtp.port, urls=urls)
        await (await listen()).read()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1])))
