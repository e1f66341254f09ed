"""Providers of one kind under one name: read, checked, and understood wherever a channel's name may stand."""

from datetime import time, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from hub.config.load import Loaded
from hub.config.model import Cap, Config, Quiet
from hub.flows.load import load_config
from hub.plugin import Adapter, AddressKind, Channel, Form, Settings
from hub.status import Shipment

from .fakes import ENV, GROUND, FakePost, FakeRegistry, said


class Nothing(Settings):
    """No settings."""


class Texter(Channel[Nothing]):
    name, label, settings_type = "texter", "Texter", Nothing
    form, address_kind, rings = Form.SMS, AddressKind.PHONE, True


class TellingPost(FakePost):
    tells = frozenset({Shipment.OUT_FOR_DELIVERY, Shipment.READY_FOR_PICKUP})


class Registry(FakeRegistry):
    known: ClassVar[dict[tuple[str, str], type[Adapter]]] = {  # type: ignore[type-arg]
        **FakeRegistry.known,
        ("channel", "texter"): Texter,
        ("carrier", "telling"): TellingPost,
    }


PAIR = "  first: {channel: texter}\n  second: {channel: texter}\n"
SMS = "  sms: {failover: [first, second]}\n"
AT = "  bot: {channel: bot"
WHERE = GROUND[: GROUND.index(AT)].count("\n") + 1
"""The line in which the added connections begin."""


def file(added: str, text: str = GROUND) -> str:
    return text.replace(AT, added + AT)


def load(folder: Path, text: str) -> Loaded:
    path = folder / "flows.yaml"
    path.write_text(text, "utf-8")
    return load_config(path, Registry(), ENV)


def good(folder: Path, text: str) -> Config:
    loaded = load(folder, text)
    assert loaded.config is not None and not loaded.problems, loaded.problems
    return loaded.config


@pytest.mark.parametrize("added", [PAIR + SMS, SMS + PAIR], ids=["after its providers", "before them"])
def test_a_failover_names_its_providers(tmp_path: Path, added: str) -> None:
    config = good(tmp_path, file(added))
    assert config.failovers == {"sms": ("first", "second")}
    assert "sms" not in config.connections
    assert (config.providers("sms"), config.providers("mail")) == (("first", "second"), ("mail",))


@pytest.mark.parametrize(
    ("sms", "expected"),
    [
        pytest.param("{failover: []}", "3:19 bad-value", id="nobody"),
        pytest.param("{failover: [first]}", "3:19 bad-value", id="one"),
        pytest.param("{failover: first}", "3:19 bad-value", id="no list"),
        pytest.param("{failover: [first, second, first]}", "3:35 bad-value", id="twice"),
        pytest.param("{failover: [first, secnod]}", "3:27 unknown-connection", id="not there"),
        pytest.param("{failover: [first, post]}", "3:27 wrong-connection", id="a carrier"),
        pytest.param("{failover: [first, mail]}", "3:27 wrong-connection", id="of another kind"),
        pytest.param("{failover: [bot, first]}", "3:20 wrong-connection", id="an address that nobody else has"),
        pytest.param("{failover: [first, sms]}", "3:27 wrong-connection", id="itself"),
        pytest.param("{failover: [first, second], sender: X}", "3:36 unknown-setting", id="settings"),
        pytest.param("{failover: [first, second], channel: texter}", "3:9 conflicting-settings", id="and a channel"),
        pytest.param("{failovr: [first, second]}", "3:3 missing-setting", id="misspelt"),
    ],
)
def test_what_is_no_failover_is_told_in_its_place(tmp_path: Path, sms: str, expected: str) -> None:
    line, _, rest = expected.partition(":")
    found = said(load(tmp_path, file(PAIR + f"  sms: {sms}\n")))
    assert found == [f"{WHERE + int(line) - 1}:{rest}"]


def test_failovers_do_not_nest(tmp_path: Path) -> None:
    problems = load(tmp_path, file(PAIR + SMS + "  all: {failover: [sms, first]}\n")).problems
    assert [each.text for each in problems] == ["'sms' is a failover itself, and they do not nest; name its providers"]


def test_a_word_on_what_differs(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, file(PAIR + "  sms: {failover: [first, mail]}\n")).problems
    assert problem.text.startswith("'mail' sends mail, email and 'first' sms, phone (form, address)")


RULES = """contact:
  quiet: {hours: "21:00-08:00", channels: [sms, mail]}
  receipt: {sms: 30m, second: 5m}
  caps: [{at_most: 3, per: 7d, channel: sms}, {at_most: 1, per: 1d, channel: first}]
"""


def test_its_name_stands_wherever_a_channels_may(tmp_path: Path) -> None:
    text = file(PAIR + SMS).replace("contact:\n", RULES).replace("[bot, mail], letter", "[bot, sms, mail], letter")
    text = text.replace("via: [bot, mail]}", "via: [bot, sms]}")
    text = text.replace("mail: olena", 'sms: "+380501112233", mail: olena')
    text += "flows:\n  it: {on: order.received, steps: [{notify: {template: order-received, via: [sms, mail]}}]}\n"
    config = good(tmp_path, text)
    assert config.contact.routes["default"] == ("bot", "sms", "mail")
    assert config.contact.quiet == Quiet(time(21), time(8), ("first", "second", "mail"))
    minute = timedelta(minutes=1)
    assert config.contact.receipt == {"sms": 30 * minute, "first": 30 * minute, "second": 5 * minute}
    assert config.contact.caps == (
        Cap(3, timedelta(days=7), "sms", providers=frozenset({"first", "second"})),
        Cap(1, timedelta(days=1), "first"),
    )
    assert config.staff["support"].via == ("bot", "sms")
    addresses = config.people["olena"].addresses
    assert {addresses[name] for name in ("sms", "first", "second")} == {"+380501112233"}


@pytest.mark.parametrize(
    ("addresses", "first", "second"),
    [
        ('second: "+380671112233"', "+380671112233", "+380671112233"),
        ('sms: "+380501112233", second: "+380671112233"', "+380501112233", "+380671112233"),
    ],
)
def test_a_persons_number_is_theirs_at_every_provider(tmp_path: Path, addresses: str, first: str, second: str) -> None:
    text = file(PAIR + SMS).replace("mail: olena", f"{addresses}, mail: olena")
    text = text.replace("via: [bot, mail]}", "via: [sms]}")
    found = good(tmp_path, text).people["olena"].addresses
    assert (found["first"], found["second"]) == (first, second)


def test_an_address_by_its_name_is_checked_too(tmp_path: Path) -> None:
    text = file(PAIR + SMS).replace("mail: olena", "sms: olena@kavovar.example, mail: olena")
    assert [each.code for each in load(tmp_path, text).problems] == ["bad-value"]


def test_a_shops_word_may_mean_it(tmp_path: Path) -> None:
    text = file(PAIR + SMS).replace("shop: {name: Kavovar,", "shop: {name: Kavovar, connections: {text: sms},")
    text = text.replace("[bot, mail], letter", "[bot, text, mail], letter")
    assert good(tmp_path, text).shops["shop"].connections == {"text": "sms"}


# ------------------------------------------------------------------------------------------------ tells


@pytest.mark.parametrize(
    ("settings", "tells"),
    [
        pytest.param("carrier: post, ", set(), id="nothing is known"),
        pytest.param("carrier: post, tells: [out_for_delivery], ", {Shipment.OUT_FOR_DELIVERY}, id="the merchant says"),
        pytest.param("carrier: telling, ", set(TellingPost.tells), id="the plugin says"),
        pytest.param("carrier: telling, tells: [delivered], ", {Shipment.DELIVERED}, id="the merchant knows better"),
        pytest.param("carrier: telling, tells: [], ", set(), id="the merchant knows that it tells nothing"),
    ],
)
def test_what_a_carrier_tells_itself(tmp_path: Path, settings: str, tells: set[Shipment]) -> None:
    assert good(tmp_path, GROUND.replace("carrier: post, ", settings)).connections["post"].tells == tells


@pytest.mark.parametrize(
    ("word", "meant"), [("out_for_delivry", "out_for_delivery"), ("shipment.delivered", "delivered"), ("paid", "")]
)
def test_only_statuses_of_parcels(tmp_path: Path, word: str, meant: str) -> None:
    (problem,) = load(tmp_path, GROUND.replace("carrier: post, ", f"carrier: post, tells: [{word}], ")).problems
    assert (problem.code, problem.line) == ("unknown-status", 4)
    assert not meant or f"'{meant}'" in problem.text, problem.text


def test_only_carriers_tell(tmp_path: Path) -> None:
    text = GROUND.replace("channel: letters, ", "channel: letters, tells: [delivered], ")
    assert said(load(tmp_path, text)) == ["5:28 unknown-setting"]
