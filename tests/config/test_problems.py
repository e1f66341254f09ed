"""Every kind of mistake in the file beside its flows: where it is said to be, and in which words."""

from pathlib import Path

import pytest

from hub.config.problems import CODES, Level, Place, Problem, counted, render_problems

from .fakes import GROUND, LINES, load, said


def changed(old: str, new: str) -> str:
    """The good file with one thing changed."""
    assert GROUND.count(old) == 1, old
    return GROUND.replace(old, new)


SHOP = "shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}"
MAIL = 'mail: {channel: letters, host: smtp.example, from: "Kavovar <shop@kavovar.example>"}'
ROUTES = "routes: {default: [bot, mail], letter: [mail]}"
RUNG = "support: {people: [olena], via: [bot, mail]}"
MORE = GROUND  # followed by more sections

CASES = [
    pytest.param(
        changed(SHOP, "shop: {name: Kavovar, nmae: x}"), "1:23 unknown-setting", id="a setting that is not there"
    ),
    pytest.param(changed(SHOP, "shop: {nmae: x}"), "1:8 unknown-setting", id="misspelt does not count as missing"),
    pytest.param(changed(SHOP, "shop: {locale: uk}"), "1:7 missing-setting", id="missing"),
    pytest.param(changed(SHOP, "shop: Kavovar"), "1:7 bad-value", id="text where settings are due"),
    pytest.param(changed(SHOP, "shop: {name: [a]}"), "1:14 bad-value", id="a list where text is due"),
    pytest.param(changed(SHOP, "shop: {name: }"), "1:14 bad-value", id="no value"),
    pytest.param(changed(SHOP, "shop: {name: ''}"), "1:14 bad-value", id="an empty text"),
    pytest.param(changed(SHOP, "shop: {name: K, timezone: Europe/Kiew}"), "1:27 bad-zone", id="zone"),
    pytest.param(changed(SHOP, "shop: {name: K, locale: Ukrainian!}"), "1:25 bad-locale", id="language"),
    pytest.param(changed(SHOP, "shop: {name: K, locale: ua}"), "1:25 bad-locale", id="a country for a language"),
    pytest.param(changed(SHOP, "shop: {name: K, country: ua}"), "1:26 bad-value", id="country"),
    pytest.param(changed(SHOP, "shop: {name: K, currency: hryvnia}"), "1:27 bad-value", id="currency"),
    pytest.param(changed(SHOP, "shop: {name: K, url: kavovar.example}"), "1:22 bad-value", id="address"),
    pytest.param(changed(SHOP, "shop: {name: K, hours: Mon-Fry 09:00-18:00}"), "1:24 bad-time", id="weekday"),
    pytest.param(changed(SHOP, "shop: {name: K, hours: Mon-Fri 09:00-25:00}"), "1:38 bad-time", id="hour"),
    pytest.param(changed(SHOP, "shop: {name: K, voice: robot}"), "1:24 bad-value", id="voice"),
    pytest.param(changed(SHOP, "shop: {name: K, calendar: ua}"), "1:27 bad-value", id="calendar of a small country"),
    pytest.param(changed(SHOP, "shop: {name: K, calendar: XX}"), "1:27 bad-value", id="calendar of no country"),
    pytest.param(changed(SHOP, "shop: {name: K, calendar: DE-XX}"), "1:30 bad-value", id="calendar of no part"),
    pytest.param(changed(SHOP, "shop: {name: K, calendar: MC-XX}"), "1:30 bad-value", id="calendar without parts"),
    pytest.param(
        changed(SHOP, "shop: {name: K, calendar: {also: [12-25, 02-30]}}"), "1:42 bad-value", id="day that never comes"
    ),
    pytest.param(changed(SHOP, "shop: {name: K, calendar: {only: []}}"), "1:28 unknown-setting", id="calendar's key"),
    pytest.param(changed(SHOP, 'shop: {name: K, contact: {quiet: "21"}}'), "1:34 bad-time", id="contact of a shop"),
    pytest.param(
        changed(SHOP, "shop: {name: K, contact: {routes: {default: [mial]}}}"),
        "1:46 unknown-connection",
        id="its routes",
    ),
    pytest.param(
        changed(SHOP, "shop: {name: K, contact: {unheard: {escalate: nobody}}}"), "1:47 unknown-staff", id="its staff"
    ),
    pytest.param(changed(SHOP, "shop: {name: K, contact: none}"), "1:26 bad-value", id="contact that is no map"),
    pytest.param(changed(SHOP + "\n", "\n"), "1:1 missing-setting", id="no shop at all"),
    pytest.param(changed(SHOP, SHOP + "\nshops: {a: {name: A}}"), "2:8 conflicting-settings", id="shop and shops"),
    pytest.param(changed(SHOP, "shops: {a: {name: A}, b: {name: B}}"), "3:3 missing-setting", id="whose orders"),
    pytest.param(
        changed(SHOP, "shops: {a: {name: A}}").replace("platform: shoplet,", "platform: shoplet, shop: b,"),
        "3:40 unknown-shop",
        id="a shop that is not there",
    ),
    # connections
    pytest.param(changed("platform: shoplet,", "platform: shoplit,"), "3:25 unknown-plugin", id="plugin"),
    pytest.param(changed("platform: shoplet,", "platform: hurt,"), "3:25 broken-plugin", id="broken plugin"),
    pytest.param(
        changed("platform: shoplet,", "platform: shoplet, carrier: post,"), "3:34 conflicting-settings", id="kinds"
    ),
    pytest.param(changed("{platform: shoplet, ", "{"), "3:3 missing-setting", id="no kind"),
    pytest.param(changed("{platform: shoplet, ", "{target: http, "), "3:23 unknown-plugin", id="target"),
    pytest.param(
        changed("domain: kavovar.example, ", ""), "3:3 missing-setting", id="a plugin's own setting is missing"
    ),
    pytest.param(changed("domain: kavovar.example", "domain: kavovar"), "3:42 bad-value", id="a plugin's pattern"),
    pytest.param(
        changed("platform: shoplet,", "platform: shoplet, days: 91,"), "3:40 bad-value", id="a plugin's limit"
    ),
    pytest.param(changed("platform: shoplet,", "platform: shoplet, days: x,"), "3:40 bad-value", id="no number"),
    pytest.param(changed("platform: shoplet,", "platform: shoplet, pause: 3 days,"), "3:41 bad-length", id="no length"),
    pytest.param(
        changed("platform: shoplet,", "platform: shoplet, pause: 2h working,"), "3:41 bad-length", id="working time"
    ),
    pytest.param(changed("host: smtp.example", "host: localhost"), "5:34 bad-value", id="a plugin's own sentence"),
    pytest.param(changed("host: smtp.example", "host: smtp.example, username: u"), "5:9 bad-value", id="of the whole"),
    pytest.param(changed("host: smtp.example", "host: smtp.example, bounces: {}"), "5:57 missing-setting", id="inside"),
    pytest.param(changed("channel: bot,", "channel: bot, uncertain: maybe,"), "6:34 bad-value", id="uncertain"),
    pytest.param(
        changed("channel: bot,", "channel: bot, storage: {locker: 1d},"), "6:23 unknown-setting", id="not of a channel"
    ),
    pytest.param(
        changed("carrier: post,", "carrier: post, storage: {loker: 1d},"), "4:35 bad-value", id="kind of point"
    ),
    pytest.param(changed("carrier: post,", "carrier: post, storage: {locker: x},"), "4:43 bad-length", id="storage"),
    pytest.param(changed(MAIL, MAIL + "\n  Mail_1: {channel: bot, token: '${TOKEN}'}"), "6:3 bad-name", id="name"),
    pytest.param(changed(MAIL, "mail: letters"), "5:9 bad-value", id="a connection that is a word"),
    # secrets
    pytest.param(changed("${POST_KEY}", "${NO_KEY}"), "4:34 secret-missing", id="secret not set"),
    pytest.param(changed("${POST_KEY}", "${file:nowhere}"), "4:34 secret-missing", id="no such file"),
    pytest.param(changed("${POST_KEY}", "a${POST_KEY}"), "4:36 bad-value", id="part of a value"),
    pytest.param(changed("${POST_KEY}", "open"), "4:34 secret-literal", id="literal"),
    pytest.param(changed("name: Kavovar", "name: '${POST_KEY}'"), "1:14 secret-place", id="elsewhere"),
    pytest.param(changed("name: Kavovar", "name: 'a ${POST_KEY}'"), "1:17 secret-place", id="in a text"),
    pytest.param(changed("name: Kavovar", "name: 'a ${ b'"), "1:17 secret-place", id="half a reference"),
    pytest.param(MORE + "statuses: {post: {'${POST_KEY}': nothing}}", "14:19 secret-place", id="as a code"),
    pytest.param(
        MORE + "flows: {a: {on: order.received, steps: [{stop: '${POST_KEY}'}]}}", "14:48 secret-place", id="in a step"
    ),
    pytest.param(MORE + "statuses: {post: {x: '${POST_KEY}'}}", "14:22 secret-place", id="as a status"),
    pytest.param(MORE + "flows: {a: {on: '${POST_KEY}', steps: [{stop: x}]}}", "14:17 secret-place", id="as a trigger"),
    pytest.param(changed(ROUTES, "routes: {default: ['${POST_KEY}']}"), "8:22 secret-place", id="as a channel"),
    pytest.param(
        MORE + "flows: {a: {on: order.received, when: '${POST_KEY}', steps: [{stop: x}]}}",
        "14:39 secret-place",
        id="as a condition",
    ),
    pytest.param(
        MORE + "flows: {a: {on: order.received, steps: [{escalate: {to: support, reason: 'x ${POST_KEY}'}}]}}",
        "14:77 secret-place",
        id="in a reason",
    ),
    pytest.param(changed("${TOKEN}", "${CHAT}"), "6:30 bad-value", id="a secret of the wrong form"),
    # contact
    pytest.param(changed(ROUTES, "routes: {default: [bot, mial]}"), "8:27 unknown-connection", id="route"),
    pytest.param(changed(ROUTES, "routes: {default: [post]}"), "8:22 wrong-connection", id="carrier as channel"),
    pytest.param(changed(ROUTES, "routes: {default: []}"), "8:21 bad-value", id="empty route"),
    pytest.param(changed(ROUTES, f"routes: {{default: [{'bot, ' * 6}mail]}}"), "8:52 bad-value", id="seven channels"),
    pytest.param(changed(ROUTES, "routes: {default: bot}"), "8:21 bad-value", id="a route that is a word"),
    pytest.param(changed(ROUTES, ROUTES + "\n  quiet: 21-08"), "9:10 bad-time", id="quiet"),
    pytest.param(changed(ROUTES, ROUTES + "\n  quiet: {hours: 21:00}"), "9:18 bad-time", id="quiet hours"),
    pytest.param(
        changed(ROUTES, ROUTES + "\n  quiet: {hours: '21:00-08:00', channels: [sms]}"),
        "9:44 unknown-connection",
        id="quiet channel",
    ),
    pytest.param(changed(ROUTES, ROUTES + "\n  caps: [{at_most: -1, per: 1d}]"), "9:20 bad-value", id="cap"),
    pytest.param(changed(ROUTES, ROUTES + "\n  caps: [{at_most: 10001, per: 1d}]"), "9:20 bad-value", id="a huge cap"),
    pytest.param(
        changed(ROUTES, ROUTES + "\n  caps: [{at_most: 1.5, per: 1d}]"), "9:20 bad-value", id="half a message"
    ),
    pytest.param(changed(ROUTES, ROUTES + "\n  caps: [{at_most: 1}]"), "9:10 missing-setting", id="cap without per"),
    pytest.param(
        changed(ROUTES, ROUTES + "\n  caps: [{at_most: 1, per: 1d, class: news}]"), "9:39 bad-value", id="class"
    ),
    pytest.param(
        changed(ROUTES, ROUTES + "\n  caps: [{at_most: 1, per: 1d, channel: post}]"),
        "9:41 wrong-connection",
        id="cap's channel",
    ),
    pytest.param(changed(ROUTES, ROUTES + "\n  receipt: {sms: 1m}"), "9:13 unknown-connection", id="receipt"),
    pytest.param(changed(ROUTES, ROUTES + "\n  unheard: {escalate: suport}"), "9:23 unknown-staff", id="unheard"),
    pytest.param(
        changed(ROUTES, ROUTES + "\n  unheard: {escalate: support, due: 4h wrking}"),
        "9:39 bad-length",
        id="unheard due",
    ),
    pytest.param(changed(ROUTES, ROUTES + "\n  promise: {}"), "9:3 not-yet", id="promise"),
    pytest.param(changed(ROUTES, ROUTES + "\n  breaker: {}"), "9:3 not-yet", id="breaker"),
    pytest.param(changed("silent: [", "silent: [order.pickd, "), "9:12 unknown-status", id="silent"),
    pytest.param(changed(ROUTES, "routes: {default: [bot], Letter: [mail]}"), "8:28 bad-name", id="route's name"),
    pytest.param(changed(ROUTES, ROUTES + "\n  receipt: {bot: 25h}"), "9:18 bad-length", id="receipt's length"),
    pytest.param(changed(SHOP, "shops: {Kav: {name: K}}"), "1:9 bad-name", id="shop's name"),
    pytest.param(
        changed(SHOP, "shop: {name: K, connections: {mail: post}}"), "1:37 wrong-connection", id="shop's word"
    ),
    # staff, people
    pytest.param(changed(RUNG, "support: {people: [olna], via: [bot]}"), "11:22 unknown-staff", id="person"),
    pytest.param(changed(RUNG, "support: {people: [olena], via: [boot]}"), "11:36 unknown-connection", id="via"),
    pytest.param(changed(RUNG, "support: {people: [olena], via: [bot], then: boss}"), "11:48 unknown-staff", id="then"),
    pytest.param(
        changed(RUNG, "support: {people: [olena], via: [bot], then: support}"), "11:48 bad-value", id="ladder"
    ),
    pytest.param(changed(RUNG, "support: {people: [], via: [bot]}"), "11:21 bad-value", id="nobody"),
    pytest.param(changed(RUNG, "support: {via: [bot]}"), "11:3 missing-setting", id="no people"),
    pytest.param(changed('bot: "${CHAT}", mail: olena@kavovar.example, ', ""), "11:22 dead-channel", id="unreachable"),
    pytest.param(changed("mail: olena@kavovar.example", "mail: olena at home"), "13:46 bad-value", id="no address"),
    pytest.param(changed("mail: olena@kavovar.example", "mial: a@b.example"), "13:40 unknown-setting", id="address"),
    pytest.param(
        changed("mail: olena@kavovar.example", "post: a@b.example"), "13:40 wrong-connection", id="address of a carrier"
    ),
    # statuses, the top
    pytest.param(MORE + "statuses: {main-shop: {a: order.pakced}}", f"{LINES + 1}:27 unknown-status", id="meaning"),
    pytest.param(
        MORE + "statuses: {main-shop: {a: {to: order.packed, reason: lots}}}", f"{LINES + 1}:54 bad-value", id="reason"
    ),
    pytest.param(MORE + "statuses: {main-shop: {a: {}}}", f"{LINES + 1}:27 missing-setting", id="empty meaning"),
    pytest.param(MORE + "statuses: {post: {a: payment.paid}}", f"{LINES + 1}:22 bad-value", id="a carrier on money"),
    pytest.param(
        MORE + "statuses: {mail: {a: nothing}}", f"{LINES + 1}:12 wrong-connection", id="a channel's statuses"
    ),
    pytest.param(
        MORE + "statuses: {mian-shop: {a: nothing}}", f"{LINES + 1}:12 unknown-connection", id="whose statuses"
    ),
    pytest.param(MORE + "statuses: {main-shop: x}", f"{LINES + 1}:23 bad-value", id="no map"),
    pytest.param(MORE + "flow: {}", f"{LINES + 1}:1 unknown-setting", id="top level"),
    pytest.param(MORE + "version: 2", f"{LINES + 1}:10 bad-value", id="version"),
    pytest.param(MORE + "policies: {}", f"{LINES + 1}:1 not-yet", id="policies"),
    pytest.param(MORE + "steps: {}", f"{LINES + 1}:1 not-yet", id="named lists"),
    pytest.param(MORE + "hub: {public_url: ftp://x}", f"{LINES + 1}:19 bad-value", id="public url"),
    pytest.param(MORE + "hub: {listen: here}", f"{LINES + 1}:15 bad-value", id="listen"),
    pytest.param(MORE + "flows: [a]", f"{LINES + 1}:8 bad-value", id="flows as a list"),
    pytest.param("[a, b]", "1:1 bad-value", id="a file that is a list"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_mistake_is_found_once_and_in_its_place(tmp_path: Path, text: str, expected: str) -> None:
    found = said(load(tmp_path, text))
    assert [each for each in found if "missing-setting" not in each or each == expected] == [expected]


def test_a_warning_refuses_nothing_and_a_secret_is_never_shown(tmp_path: Path) -> None:
    loaded = load(tmp_path, changed('"${POST_KEY}"', "very-open-secret"))
    shown = render_problems(loaded.problems) + repr(loaded) + "".join(loaded.sources.values())
    assert loaded.config is not None and "very-open-secret" not in shown and "••••" in shown


def test_a_plugins_sentence_never_repeats_a_secret(tmp_path: Path) -> None:
    loaded = load(tmp_path, GROUND, env={"TOKEN": "wrong-secret-token"})
    assert "wrong-secret-token" not in render_problems(loaded.problems)
    assert loaded.problems[0].text == "'token' is not right: a token begins with t, not •••"


def test_a_plugins_validator_that_breaks_harms_only_its_connection(tmp_path: Path) -> None:
    loaded = load(tmp_path, GROUND, env={"TOKEN": "explode"})
    assert said(loaded) == ["6:8 broken-plugin"]


def test_an_env_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"TOKEN=\xff\xfe")
    assert [str(each.place) for each in load(tmp_path, GROUND).problems] == [".env:1:1"]


def test_what_follows_from_a_mistake_is_not_a_second_mistake(tmp_path: Path) -> None:
    text = changed("platform: shoplet,", "platform: shoplit,").replace("channel: letters", "channel: lettres")
    assert said(load(tmp_path, text)) == ["3:25 unknown-plugin", "5:19 unknown-plugin"]


MANY = """\
shop: {name: Kavovar, local: uk, timezone: Europe/Kiew}
connections:
  main-shop: {platform: shoplet, domain: kavovar.example, secret: "${SHOP_SECRT}", days: many}
  mail: {channel: letters, hots: smtp.example, from: shop@kavovar.example, port: 99999}
  bot: {channel: bot, token: open-secret}
contact:
  routes: {default: [bot, mial]}
  quiet: "21:00"
staff:
  support: {people: [olena, taras], via: [bot], acknowledge: 30 minutes}
people:
  olena: {name: Olena, bot: "${CHAT}"}
flows:
  ready:
    on: shipment.ready_for_pickup
    steps:
      - notify: {template: ready-for-pickup, via: bot}
      - notify:
          tempalte: pickup-last-day
      - notfy: {template: delivered}
"""


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    shown = render_problems(load(tmp_path, MANY).problems)
    assert shown == (Path(__file__).parent / "many-mistakes.txt").read_text()


@pytest.mark.parametrize(("flow", "text"), [
    ("via: [bot, mail, bot, mail, bot, mail, bot]", "'via' must hold at most 6"),
    ("via: []", "'via' must hold at least 1"),
    ("via: {a: b}", "'via' is a name or a list, not settings"),
])  # fmt: skip
def test_of_alternatives_the_one_that_was_written_is_told(tmp_path: Path, flow: str, text: str) -> None:
    step = f"{{notify: {{template: shipped, {flow}}}}}"
    loaded = load(tmp_path, f"{GROUND}flows: {{a: {{on: order.received, steps: [{step}]}}}}")
    assert [each.text for each in loaded.problems] == [text]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ("flows:\n  a:\n", "flow 'a' takes settings, as in {on: …}, not nothing"),
        (
            "flows: {a: {on: order.received, steps: [{choose: []}]}}",
            "'choose' is a list of branches, as in [{when: …, steps: […]}, {else: […]}], not an empty list",
        ),
    ],
)
def test_what_is_empty_is_called_so(tmp_path: Path, more: str, text: str) -> None:
    assert [each.text for each in load(tmp_path, GROUND + more).problems] == [text]


def test_the_ends_of_what_is_allowed_are_allowed(tmp_path: Path) -> None:
    six = f"routes: {{default: [{'bot, ' * 5}mail]}}"
    caps = "caps: [{at_most: 0, per: 1d}, {at_most: 10000, per: 1d}]"
    loaded = load(tmp_path, changed(ROUTES, f"{six}\n  {caps}"))
    assert loaded.problems == () and loaded.config is not None
    assert len(loaded.config.contact.routes["default"]) == 6
    assert [each.at_most for each in loaded.config.contact.caps] == [0, 10_000]


def test_a_sign_of_money_before_a_value_is_no_secret(tmp_path: Path) -> None:
    step = "{escalate: {to: support, reason: 'x ${{ order.number }}'}}"
    assert load(tmp_path, f"{GROUND}flows: {{a: {{on: order.received, steps: [{step}]}}}}").problems == ()


# ------------------------------------------------------------------------------------------------ includes


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert said(load(tmp_path, GROUND + "include: more/*.yaml")) == [f"{LINES + 1}:10 include-missing"]


@pytest.mark.parametrize("path", ["../x.yaml", "/etc/passwd", "a/../../x.yaml", "~/x.yaml", "link.yaml", "C:x.yaml"])
def test_an_include_does_not_leave_the_folder(tmp_path: Path, path: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "x.yaml").write_text("hub: {}")
    (inside / "link.yaml").symlink_to(tmp_path / "x.yaml")
    assert said(load(inside, GROUND + f"include: ['{path}']")) == [f"{LINES + 1}:11 include-outside"]


def test_files_that_include_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("include: b.yaml")
    (tmp_path / "b.yaml").write_text("include: a.yaml")
    loaded = load(tmp_path, GROUND + "include: a.yaml")
    assert [str(each.place) for each in loaded.problems] == ["b.yaml:1:10"]
    assert loaded.problems[0].code == "include-loop"


def test_includes_go_four_deep(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.yaml").write_text(f"include: {number + 1}.yaml")
    loaded = load(tmp_path, GROUND + "include: 0.yaml")
    assert [f"{each.place} {each.code}" for each in loaded.problems] == ["3.yaml:1:10 include-loop"]


def test_a_name_in_two_files_shows_both_places(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("people:\n  olena: {name: Other}\nstaff: x\n")
    loaded = load(tmp_path, GROUND + "include: more.yaml")
    assert [f"{each.place} {each.code}" for each in loaded.problems] == [
        "more.yaml:2:3 duplicate-name",
        "more.yaml:3:1 duplicate-name",
    ]
    assert loaded.problems[0].text == "'olena' in 'people' is also defined in flows.yaml:13:3"


def test_a_broken_file_stops_only_itself(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("flows: {a: ]\n")
    loaded = load(tmp_path, changed("name: Kavovar", "nmae: Kavovar") + "include: more.yaml")
    assert [f"{each.place} {each.code}" for each in loaded.problems] == [
        "flows.yaml:1:8 unknown-setting",
        "more.yaml:1:12 yaml-syntax",
    ]


def test_more_than_64_files(tmp_path: Path) -> None:
    for number in range(70):
        (tmp_path / f"{number:02}.yaml").write_text("{}")
    assert "yaml-size" in {each.code for each in load(tmp_path, GROUND + "include: '[0-9]*.yaml'").problems}


# ------------------------------------------------------------------------------------------------ how it is shown


def test_a_problem_is_data() -> None:
    problem = Problem(Place("flows.yaml", 3, 7), "bad-value", "wrong", "hint", "a:  b")
    assert (problem.file, problem.line, problem.column, problem.severity) == ("flows.yaml", 3, 7, Level.ERROR)
    assert str(problem) == "flows.yaml:3:7: wrong  [bad-value]"
    assert render_problems([problem]) == "flows.yaml:3:7: wrong  [bad-value]\n3 | a:  b\n  |       ^ hint\n"


def test_the_line_comes_from_the_sources_when_the_problem_brings_none() -> None:
    problem = Problem(Place("f", 2, 2), "not-told", "quiet")
    assert render_problems([problem], {"f": "a\n\tb\n"}) == "f:2:2: note: quiet  [not-told]\n2 | \tb\n  | \t^\n"
    assert render_problems([problem]) == "f:2:2: note: quiet  [not-told]\n"


def test_a_long_line_is_shown_in_part() -> None:
    line = "x" * 500 + "HERE" + "y" * 500
    shown = render_problems([Problem(Place("f", 1, 501), "bad-value", "wrong", "", line)]).splitlines()
    assert shown[1].startswith("1 | …xxx") and shown[1].endswith("yyy…") and len(shown[1]) < 180
    assert shown[1][shown[2].index("^")] == "H"


def test_what_could_move_the_cursor_is_not_printed() -> None:
    shown = render_problems([Problem(Place("f", 1, 3), "bad-value", "wrong", "", "a\x1b[31mb")])
    assert "\x1b" not in shown


def test_problems_are_counted() -> None:
    codes = ("bad-value", "bad-value", "no-text", "not-told")
    assert counted([Problem(Place("f"), code, "") for code in codes]) == "2 mistakes, 1 warning, 1 note"
    assert counted([]) == "no mistakes"


def test_every_code_means_something() -> None:
    assert all(code.means.endswith(".") for code in CODES.values())
