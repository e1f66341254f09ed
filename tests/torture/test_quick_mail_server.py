"""A mail server in a process of its own may answer before we look; under the loop that the hub runs on, that once cost
the answer to the final dot, and the mail was sent again."""

import asyncio
from pathlib import Path

import uvloop

from hub.clock import SystemClock
from hub.plugin import Accepted, Outgoing
from hub.plugin.http import make_client
from plugins.channels.smtp import Smtp, SmtpSettings

from .rig import helper

MAILS = 300


async def _send_all(folder: Path) -> list[object]:
    clock = SystemClock()
    async with helper("receivers", folder) as receivers:
        settings = SmtpSettings.model_validate(
            {"host": "127.0.0.1", "port": receivers.first["smtp"], "security": "none", "from": "Shop <shop@s.example>",
             "dot_timeout": 3}
        )  # fmt: skip
        channel = Smtp(settings, make_client("mail", Smtp.limits, clock), clock)

        async def some(worker: int) -> list[object]:
            return [
                await channel.send(Outgoing(key=f"{worker}-{n}", to=f"c{n}@buyers.example", text="Вітаємо " * 200))
                for n in range(MAILS // 4)
            ]

        found = [each for some_of in await asyncio.gather(*(some(worker) for worker in range(4))) for each in some_of]
        await channel.aclose()
        await channel.client.aclose()
    return found


def test_no_answer_is_overheard_from_a_quick_server(tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcomes = runner.run(_send_all(tmp_path))
    assert [each for each in outcomes if not isinstance(each, Accepted)] == []
