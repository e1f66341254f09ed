"""Good files: what they say is what the configuration holds."""

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.config.calendars import Calendar
from hub.config.lengths import OFFICE, Hours, Length
from hub.config.model import Cap, Config, Connection, Contact, Person, Quiet, Rung, Support, Unheard
from hub.config.problems import render_problems
from hub.plugin import Settings
from hub.status import Meaning, Order, Reason, Shipment

from .fakes import GROUND, FakeBot, FakeMail, MailSettings, ShopSettings, flows, load, said


def good(folder: Path, text: str, **env: str) -> Config:
    loaded = load(folder, text, env=env)
    assert loaded.config is not None, render_problems(loaded.problems)
    return loaded.config


def settings(config: Config, name: str) -> Settings:
    return config.connections[name].settings


def test_everything_right_gives_a_configuration_and_no_problem(tmp_path: Path) -> None:
    loaded = load(tmp_path, GROUND)
    assert loaded.problems == () and loaded.config is not None
    assert loaded.config.path == tmp_path / "flows.yaml" and len(loaded.config.digest) == 64


def test_a_shop_of_its_own_is_called_shop(tmp_path: Path) -> None:
    text = GROUND.replace(
        "shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}",
        "shop: {name: Kavovar, url: https://k.example/, country: UA, currency: UAH, timezone: Europe/Kyiv, locale: uk,"
        ' hours: "Mon-Sat 10:00-16:00", support: {phone: "+380441234567"}, returns_url: https://k.example/returns}',
    )
    shop = good(tmp_path, text).shops["shop"]
    assert (shop.url, shop.country, shop.currency, shop.locale) == ("https://k.example", "UA", "UAH", "uk")
    assert shop.timezone == ZoneInfo("Europe/Kyiv") and shop.support == Support("+380441234567")
    assert shop.returns_url == "https://k.example/returns"
    assert shop.hours == Hours(frozenset(range(1, 7)), time(10), time(16), Calendar("UA"))


def test_a_shop_that_says_no_hours_keeps_those_of_an_office(tmp_path: Path) -> None:
    shop = good(tmp_path, GROUND).shops["shop"]
    assert shop.hours == OFFICE == Hours(frozenset({1, 2, 3, 4, 5}), time(9), time(18))


TWO = """shops:
  one: {name: One, calendar: {also: [12-25], except: [2026-12-25]}}
  two:
    name: Two
    country: PL
    contact: {routes: {default: [mail]}, quiet: , settle: 0s}
"""


def test_a_shop_replaces_single_keys_of_the_rules(tmp_path: Path) -> None:
    text = GROUND.replace("shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}\n", TWO)
    text = text.replace("platform: shoplet,", "platform: shoplet, shop: two,")
    config = good(tmp_path, text.replace("contact:\n", 'contact:\n  quiet: "21:00-08:00"\n  fresh: 2h\n'))
    one, two = (config.contact_of(config.shops[each]) for each in ("one", "two"))
    assert one is config.contact and one.quiet == Quiet(time(21), time(8)) and one.fresh == timedelta(hours=2)
    own = replace(one, routes={"default": ("mail",)}, quiet=None, settle=timedelta(0))
    assert two == own, "what stands there replaces, an empty value takes back, the rest is common"
    assert config.all_contacts == (one, two)


def test_whose_holidays_a_shop_keeps(tmp_path: Path) -> None:
    text = GROUND.replace("shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}\n", TWO)
    shops = good(tmp_path, text.replace("platform: shoplet,", "platform: shoplet, shop: two,")).shops
    assert shops["one"].hours.calendar == Calendar("", frozenset({"12-25"}), frozenset({"2026-12-25"}))
    assert shops["two"].hours.calendar == Calendar("PL")
    for written, region in (("calendar: none", ""), ("calendar: DE-BY", "DE-BY"), ("calendar: {}", "PL")):
        own = text.replace("country: PL\n", f"country: PL\n    {written}\n")
        loaded = good(tmp_path, own.replace("platform: shoplet,", "platform: shoplet, shop: two,"))
        assert loaded.shops["two"].hours.calendar == Calendar(region), written


def test_two_shops_and_whose_orders_a_connection_brings(tmp_path: Path) -> None:
    text = GROUND.replace(
        "shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}",
        "shops: {one: {name: One}, two: {name: Two, connections: {mail: mail}}}",
    ).replace("platform: shoplet,", "platform: shoplet, shop: two,")
    config = good(tmp_path, text)
    assert config.shop_of("main-shop").name == "Two" and config.shops["two"].connections == {"mail": "mail"}


def test_settings_of_a_plugin_are_its_own_model(tmp_path: Path) -> None:
    text = GROUND.replace(
        'domain: kavovar.example, secret: "${SHOP_SECRET}"',
        'domain: kavovar.example, secret: "${SHOP_SECRET}", days: 7, words: [NO, 1.10], pause: 1h30m,'
        " more: {a: 1, b: true, c: 'true', d: null, e: 1.5, f: 012, g: [1, no]}",
    )
    found = settings(good(tmp_path, text), "main-shop")
    assert isinstance(found, ShopSettings)
    assert found.secret.get_secret_value() == "shop-secret-value"
    assert (found.days, found.words, found.pause) == (7, ("NO", "1.10"), timedelta(minutes=90))
    assert found.more == {"a": 1, "b": True, "c": "true", "d": None, "e": 1.5, "f": "012", "g": [1, "no"]}


def test_a_setting_is_written_by_its_alias_and_may_hold_settings(tmp_path: Path) -> None:
    text = GROUND.replace("host: smtp.example,", "host: smtp.example, bounces: {host: imap.example},")
    found = settings(good(tmp_path, text), "mail")
    assert isinstance(found, MailSettings) and found.bounces is not None
    assert found.sender == "Kavovar <shop@kavovar.example>" and found.bounces.folder == "INBOX"


def test_the_hubs_own_settings_of_connections(tmp_path: Path) -> None:
    text = (
        GROUND.replace(
            "platform: shoplet,", "platform: shoplet, completed_means: delivered, poll_every: 10m, storage: {shop: 3d},"
        )
        .replace("carrier: post,", "carrier: post, storage: {locker: 48h, branch: 7d},")
        .replace("channel: bot,", "channel: bot, uncertain: maybe_never,")
    )
    connections = good(tmp_path, text).connections
    assert connections["main-shop"].completed_means == "delivered"
    assert connections["main-shop"].poll_every == timedelta(minutes=10)
    assert connections["main-shop"].storage == {"shop": timedelta(days=3)}, "at its own counter"
    assert connections["post"].storage == {"locker": timedelta(hours=48), "branch": timedelta(days=7)}
    bot = connections["bot"]
    assert bot == replace(bot, kind="channel", plugin="bot", adapter=FakeBot, uncertain="maybe_never")
    assert isinstance(bot, Connection) and connections["mail"].adapter is FakeMail


def test_contact_rules(tmp_path: Path) -> None:
    text = GROUND.replace(
        "contact:\n",
        'contact:\n  quiet: "21:00-08:00"\n  settle: 30s\n  receipt: {bot: 10m}\n  fresh: 2d\n'
        "  caps: [{at_most: 3, per: 7d, channel: bot}, {at_most: 1, per: 30d, class: feedback}]\n"
        "  unheard: {escalate: support, due: 4h working}\n",
    )
    contact = good(tmp_path, text).contact
    assert contact == Contact(
        routes={"default": ("bot", "mail"), "letter": ("mail",)},
        quiet=Quiet(time(21), time(8)),
        settle=timedelta(seconds=30),
        receipt={"bot": timedelta(minutes=10)},
        caps=(Cap(3, timedelta(days=7), channel="bot"), Cap(1, timedelta(days=30), cls="feedback")),
        fresh=timedelta(days=2),
        unheard=Unheard("support", Length(timedelta(hours=4), working=True)),
        silent=contact.silent,
    )


def test_quiet_hours_for_named_channels(tmp_path: Path) -> None:
    text = GROUND.replace("contact:\n", 'contact:\n  quiet: {hours: "22:00-7:30", channels: [mail]}\n')
    assert good(tmp_path, text).contact.quiet == Quiet(time(22), time(7, 30), ("mail",))


def test_staff_and_people(tmp_path: Path) -> None:
    text = GROUND.replace(
        "staff:\n  support: {people: [olena], via: [bot, mail]}",
        "staff:\n  boss: {people: [olena], via: [mail]}\n"
        '  support: {people: [olena], via: [bot], hours: "Sat-Mon,Wed 09:00-19:00", acknowledge: 1h, then: boss}',
    )
    config = good(tmp_path, text)
    hours = Hours(frozenset({6, 7, 1, 3}), time(9), time(19))
    assert config.staff["support"] == Rung("support", ("olena",), ("bot",), timedelta(hours=1), "boss", hours)
    assert config.people["olena"] == Person("olena", "Olena", "uk", {"bot": "4711", "mail": "olena@kavovar.example"})
    assert "4711" not in repr(config.people["olena"])


def test_the_merchants_own_map(tmp_path: Path) -> None:
    text = GROUND + (
        'statuses:\n  main-shop: {"wc-partial": order.processing, NO: {to: order.on_hold, reason: out_of_stock},'
        " wc-test: nothing, dispute: {reason: payment_dispute}}\n  post: {7: shipment.delivered}\n"
    )
    tables = good(tmp_path, text).statuses
    assert tables["main-shop"] == {
        "wc-partial": Meaning(Order.PROCESSING, "wc-partial"),
        "NO": Meaning(Order.ON_HOLD, "NO", Reason.OUT_OF_STOCK),
        "wc-test": Meaning(None, "wc-test"),
        "dispute": Meaning(None, "dispute", Reason.PAYMENT_DISPUTE),
    }
    assert tables["post"] == {"7": Meaning(Shipment.DELIVERED, "7")}


def test_where_the_hub_lives(tmp_path: Path) -> None:
    config = good(
        tmp_path,
        "hub: {public_url: https://hub.example/, listen: ':80', data: here, database: postgresql:///x}\n" + GROUND,
    )
    assert config.hub.public_url == "https://hub.example" and config.hub.listen == ":80"
    assert config.hub.data == tmp_path / "here" and config.hub.database == "postgresql:///x"
    assert good(tmp_path, GROUND).hub.data == tmp_path / "data"


def test_the_folder_of_texts_is_known_when_it_is_there(tmp_path: Path) -> None:
    assert good(tmp_path, GROUND).messages is None
    (tmp_path / "messages").mkdir()
    assert good(tmp_path, GROUND).messages == tmp_path / "messages"


# ------------------------------------------------------------------------------------------------ YAML's five traps


def test_the_key_on_is_a_word(tmp_path: Path) -> None:
    loaded = flows(tmp_path, "  a: {on: order.received, steps: [{stop: no}]}\n")
    assert loaded.config is not None
    flow = loaded.config.flows["a"]
    assert flow.triggers == ("order.received",) and flow.steps[0].word == "no"


@pytest.mark.parametrize(
    "word",
    [
        "NO",
        "yes",
        "01234",
        "1.10",
        "21:00",
        "12:30",
        "12:30:00",
        "2026-01-01",
        "1_000",
        "0x1F",
        "~",
        "null",
        ".inf",
        "1e3",
        "=",
        "true",
    ],
)
def test_under_a_text_key_a_value_is_what_was_typed(tmp_path: Path, word: str) -> None:
    config = good(tmp_path, GROUND.replace("{name: Kavovar,", f"{{name: {word},"))
    assert config.shops["shop"].name == word


def test_a_key_given_twice_is_an_error(tmp_path: Path) -> None:
    loaded = load(tmp_path, GROUND + "hub: {data: a, data: b}\nhub: {}\n")
    assert [each.partition(" ")[2] for each in said(loaded)] == ["duplicate-key", "duplicate-key"]


# ------------------------------------------------------------------------------------------------ secrets


def test_a_secret_comes_from_the_env_file_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOKEN=from-file\nMORE=tail$TOKEN\nEMPTY=\n")
    text = GROUND.replace("${POST_KEY}", "${MORE}")
    config = good(tmp_path, text, TOKEN="token-first")
    assert settings(config, "post").api_key.get_secret_value() == "tail$TOKEN"  # type: ignore[attr-defined]
    assert settings(config, "bot").token.get_secret_value() == "token-first"  # type: ignore[attr-defined]


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    for name in (str(tmp_path / "key"), "key"):
        config = good(tmp_path, GROUND.replace("${POST_KEY}", f"${{file:{name}}}"))
        assert settings(config, "post").api_key.get_secret_value() == "from-a-file"  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------ includes


def test_files_are_merged_by_name(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    flow = "{on: order.received, once: occurrence, steps: [{stop: x}]}"
    (tmp_path / "more" / "b.yaml").write_text(f"version: 1\nflows:\n  b: {flow}\ncontact: {{settle: 5m}}\n")
    (tmp_path / "more" / "a.yaml").write_text(f"flows:\n  a: {flow}\ninclude: deeper/*.yaml\n")
    (tmp_path / "more" / "deeper").mkdir()
    (tmp_path / "more" / "deeper" / "c.yaml").write_text(f"flows:\n  c: {flow}\n")
    config = good(tmp_path, GROUND + "include: [more/*.yaml]\n")
    assert set(config.flows) == {"a", "b", "c"}
    assert config.contact.settle == timedelta(minutes=5) and "default" in config.contact.routes


def test_what_is_in_an_included_file_counts_in_the_digest(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{}")
    one = good(tmp_path, GROUND + "include: a.yaml\n").digest
    (tmp_path / "a.yaml").write_text("hub: {}")
    assert good(tmp_path, GROUND + "include: a.yaml\n").digest != one
