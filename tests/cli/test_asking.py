"""Commands that ask the outside: connect, send-test, carrier try. Against the plugins' own sandboxes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result

from hub.cli._sample import sample_names
from hub.cli._setup import configured
from hub.clock import VirtualClock
from hub.plugin import Form
from hub.store import tables as t
from plugins.carriers.nova_poshta.sandbox import NovaPoshtaSandbox
from plugins.channels.smtp.sandbox import SmtpSandbox
from plugins.channels.telegram.sandbox import TelegramSandbox

from .conftest import PARCEL
from .using import Shop

FILE = """version: 1
hub: {{data: "{data}"{public}}}
shop: {{name: Kavovar, url: "https://kavovar.example", country: UA, locale: uk, timezone: Europe/Kyiv, currency: UAH}}
connections:
  nova-poshta: {{carrier: nova_poshta, api_key: "${{NP_KEY}}", url: "{np}"}}
  mail: {{channel: smtp, host: 127.0.0.1, port: {smtp}, security: none, from: "Kavovar <shop@kavovar.example>"}}
  bot: {{channel: telegram, token: "${{TELEGRAM_TOKEN}}", url: "{telegram}"}}
"""


@dataclass
class Outside:
    """The sandboxes and the file that speaks of them."""

    shop: Shop
    np: NovaPoshtaSandbox
    smtp: SmtpSandbox
    telegram: TelegramSandbox

    async def hub(self, *args: str) -> Result:
        return await asyncio.to_thread(self.shop.hub, *args)


@asynccontextmanager
async def outside(folder: Path, public: str = "") -> AsyncIterator[Outside]:
    clock = VirtualClock(datetime(2026, 11, 24, 9, tzinfo=UTC))
    async with AsyncExitStack() as stack:
        np, telegram, smtp = NovaPoshtaSandbox(clock), TelegramSandbox(clock), SmtpSandbox(clock=clock)
        urls = {
            "np": await stack.enter_async_context(np.serve()),
            "telegram": await stack.enter_async_context(telegram.serve()),
        }
        await stack.enter_async_context(smtp.serve())
        text = FILE.format(data=folder, smtp=smtp.port, public=public, **urls)
        (folder / "flows.yaml").write_text(text, "utf-8")
        yield Outside(Shop(folder, {"NP_KEY": np.key, "TELEGRAM_TOKEN": telegram.token}), np, smtp, telegram)


class TestConnect:
    async def test_good_credentials_are_greeted(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            said = await it.hub("connect", "nova-poshta")
            assert said.exit_code == 0 and "nova-poshta: Nova Poshta accepts the key" in said.stdout
            assert "hub.public_url is not set" in said.stdout

    async def test_webhooks_are_registered_where_the_hub_can_be_reached(self, tmp_path: Path) -> None:
        async with outside(tmp_path, ', public_url: "https://hub.kavovar.example"') as it:
            first, again = await it.hub("connect", "bot"), await it.hub("connect", "bot")
            assert first.exit_code == 0 and len(first.stdout.splitlines()) > len(again.stdout.splitlines())

    async def test_bad_credentials_are_one_line(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            it.shop.env = {**it.shop.env, "NP_KEY": "not-the-key-at-all"}
            said = await it.hub("connect", "nova-poshta")
            assert (
                said.exit_code == 1 and said.stderr.startswith("hub: nova-poshta") and "\n" not in said.stderr.strip()
            )
            assert "not-the-key" not in said.output

    async def test_nobody_there_is_one_line(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            pass
        said = await it.hub("connect", "bot")
        assert said.exit_code == 1 and "no connection" in said.stderr and "aaa" not in said.output

    async def test_a_paused_connection_goes_to_work_again(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            row = {"tenant": t.TENANT, "name": "nova-poshta", "paused": "refused"}
            await asyncio.to_thread(it.shop.change, sa.insert(t.connections).values(**row))
            said = await it.hub("connect", "nova-poshta")
            assert "was paused and is at work again" in said.stdout
            [after] = await asyncio.to_thread(it.shop.rows, sa.select(t.connections))
            assert after.paused == ""

    async def test_an_unknown_connection_suggests_the_nearest(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            said = await it.hub("connect", "nova-posta")
            assert said.exit_code == 2 and "did you mean 'nova-poshta'?" in said.stderr

    async def test_a_refused_file_is_shown_with_its_mistakes(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            it.shop.env = {}
            said = await it.hub("connect", "mail")
            assert said.exit_code == 2 and "NP_KEY is not set" in said.stderr


class TestSendTest:
    async def test_a_mail_really_leaves(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            said = await it.hub("send-test", "ready-for-pickup", "--to", "me@kavovar.example")
            assert said.exit_code == 0 and "(uk) by mail: accepted" in said.stdout, said.output
            [mail] = it.smtp.ledger
            assert "me@kavovar.example" in mail.to

    async def test_the_parcel_speaks_where_the_shop_says_so(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            file = it.shop.file
            file.write_text(file.read_text("utf-8").replace("locale: uk", "locale: uk, voice: parcel"), "utf-8")
            await it.hub("send-test", "ready-for-pickup", "--to", "me@kavovar.example")
            await it.hub("send-test", "payment-failed", "--to", "me@kavovar.example")
            parcel, plain = (each.subject for each in it.smtp.ledger)
            assert "я чекаю на вас" in parcel
            assert plain.startswith("Оплата замовлення")

    async def test_a_chat_is_reached_in_the_language_asked_for(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            chat = it.telegram.open_chat()
            it.telegram.press_start(chat)
            said = await it.hub("send-test", "shipped", "--to", str(chat), "--locale", "en", "--json")
            told = json.loads(said.stdout)
            assert (told["outcome"], told["via"], told["locale"]) == ("accepted", "bot", "en")
            assert it.telegram.screen(chat)

    async def test_of_a_failover_the_first_provider_is_tried(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            text = it.shop.file.read_text("utf-8")
            mail = next(line for line in text.splitlines() if line.strip().startswith("mail: {"))
            pair = f"{mail}\n{mail.replace('mail:', 'spare:', 1)}\n  letters: {{failover: [spare, mail]}}"
            it.shop.file.write_text(text.replace(mail, pair, 1), "utf-8")
            said = await it.hub("send-test", "shipped", "--to", "me@kavovar.example", "--via", "letters")
            assert said.exit_code == 0 and "by spare: accepted" in said.stdout, said.output
            said = await it.hub("connect", "letters")
            assert said.exit_code == 2 and "name one of its providers: spare, mail" in said.stderr, said.output

    async def test_a_refusal_is_told_and_is_a_failure(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            said = await it.hub("send-test", "shipped", "--to", "999", "--via", "bot")
            assert said.exit_code == 1 and "by bot: " in said.stdout

    async def test_the_sandbox_says_which_addresses_it_takes(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            said = await it.hub("send-test", "shipped", "--to", "me@gmail.com", "--via", "mail")
            assert said.exit_code == 1 and "this address cannot be reached" in said.stdout
            assert all(each in said.stdout for each in ("*.example", "*.test", "example.com, .net and .org"))

    async def test_wrong_names_are_refused_with_the_nearest(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            said = await it.hub("send-test", "shiped", "--to", "x@y.example")
            assert said.exit_code == 2 and "did you mean 'shipped'?" in said.stderr
            said = await it.hub("send-test", "shipped", "--to", "x", "--via", "nova-poshta")
            assert said.exit_code == 2 and "is a carrier, not a channel" in said.stderr
            said = await it.hub("send-test", "shipped", "--to", "+380671234567")
            assert said.exit_code == 2 and "name one with --via" in said.stderr

    def test_every_text_in_every_language_can_be_filled_with_made_up_data(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in shop.env.items():
            monkeypatch.setenv(name, value)
        config, texts = configured(shop.file)
        its = next(iter(config.shops.values()))
        now = datetime(2026, 11, 24, 9, tzinfo=UTC)
        for template in texts.names():
            for locale in ("en", "uk", "pl", "ru"):
                for form in Form:
                    if texts.has(template, locale, form):
                        names = sample_names(its, locale, now, {})
                        texts.render(
                            template, form=form, locale=locale, names=names, zone=its.timezone, link=lambda _: "https://x.example"
                        )  # fmt: skip


class TestCarrierTry:
    async def test_raw_records_and_canonical_are_shown(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            it.np.create(PARCEL)
            it.np.move(PARCEL, "5")
            said = await it.hub("carrier", "try", "nova-poshta", f"{PARCEL[:4]} {PARCEL[4:]}")
            assert said.exit_code == 0, said.output
            for part in ("Raw", "Records", "Canonical", "Status"):
                assert f"\n{part}\n" in said.stdout
            assert "shipment.in_transit" in said.stdout and said.stdout.rstrip().endswith("in_transit")
            told = json.loads((await it.hub("carrier", "try", "nova-poshta", PARCEL, "--json")).stdout)
            assert told["status"] == "in_transit" and told["canonical"][0]["by"].startswith("plugin-exact")

    async def test_a_code_that_nobody_mapped_is_a_failure(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            it.np.create(PARCEL)
            it.np.move(PARCEL, "9999")
            said = await it.hub("carrier", "try", "nova-poshta", PARCEL)
            assert said.exit_code == 1 and "unmapped" in said.stdout

    async def test_an_empty_number_is_called_empty(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            said = await it.hub("carrier", "try", "nova-poshta", " ")
            assert said.exit_code == 2 and "the number is empty" in said.stderr

    async def test_only_a_carrier_can_be_asked(self, tmp_path: Path) -> None:
        async with outside(tmp_path) as it:
            said = await it.hub("carrier", "try", "mail", PARCEL)
            assert said.exit_code == 2 and "is a channel, not a carrier; there are: nova-poshta" in said.stderr
