"""Policies as they are written, and what is said of them before anything runs."""

from pathlib import Path

import pytest

from hub.config.load import Loaded
from hub.config.problems import Level
from hub.flows.policies import After, AtMost, Never, Pattern
from tests.config.fakes import GROUND, LINES, FakeTexts, load

SAYS = "notify: {template: shipped, via: letter}"
CALLS = "escalate: {to: support, reason: x}"


def policies(folder: Path, text: str, flows: str = "{}", ground: str = GROUND) -> Loaded:
    """A file in which all but the policies is right; a policy begins in line 2 of what is `said`."""
    return load(folder, f"{ground}policies:\n{text}\nflows: {flows}\n", FakeTexts())


def said(loaded: Loaded) -> list[str]:
    return [f"{each.line - LINES}:{each.column} {each.code}" for each in loaded.problems]


def one(folder: Path, text: str, flows: str = "{}", ground: str = GROUND) -> list[str]:
    """Code and sentence of what is said of a policy."""
    loaded = policies(folder, f"  p: {text}", flows, ground)
    return [f"{each.code} {each.text}" for each in loaded.problems if each.code.startswith("policy-")]


# ------------------------------------------------------------------------------------------------ as written


def test_the_three_forms_are_read(tmp_path: Path) -> None:
    loaded = policies(
        tmp_path,
        "  a: {after: payment.paid, within: 24h, hear: [shipped], unless: payment.on_delivery}\n"
        "  b: {at_most: 3, per: 7d, of: {channel: bot, class: [feedback, marketing]}, by: order, then: alarm}\n"
        "  c: {never: {template: [shipped, delivered], to: support}, unless: has(shipment.tracking_url)}\n"
        "  d: {never: {class: marketing}, when: customer.open_questions > 0, then: alarm}",
        f"{{f: {{on: payment.paid, steps: [{{{SAYS}}}]}}}}",
    )
    assert loaded.config is not None, loaded.problems
    a, b, c, d = loaded.config.policies.values()
    assert isinstance(a, After) and (a.word, a.limit, a.hear, a.templates) == (
        "payment.paid", "24h", "any", frozenset({"shipped"}),
    )  # fmt: skip
    assert isinstance(b, AtMost) and (b.at_most, b.limit, b.by, b.blocks) == (3, "7d", "order", False)
    assert b.of == Pattern(classes=frozenset({"feedback", "marketing"}), channels=frozenset({"bot"}))
    assert isinstance(c, Never) and (c.lets, c.blocks) == (True, True)
    assert c.of == Pattern(templates=frozenset({"shipped", "delivered"}), to=frozenset({"staff:olena"}))
    assert isinstance(d, Never) and (d.lets, d.blocks) == (False, False)


def test_a_channel_is_what_each_shop_means_by_it(tmp_path: Path) -> None:
    ground = GROUND.replace("locale: uk, timezone", "locale: uk, connections: {bot: mail}, timezone")
    loaded = policies(tmp_path, "  a: {at_most: 3, per: 7d, of: {channel: bot}}", ground=ground)
    assert loaded.config is not None and loaded.config.policies["a"].of.channels == {"bot", "mail"}


MISTAKES = [
    ("p: x", "2:6 bad-value"),
    ("p: {}", "2:3 missing-setting"),
    ("P: {at_most: 1, per: 1d}", "2:3 bad-name"),
    ("p: {after: payment.paid, at_most: 3, per: 1d}", "2:28 conflicting-settings"),
    ("p: {after: payment.payed, within: 1h, hear: any}", "2:14 unknown-status"),
    ("p: {after: {stalled: shipment, for: 1d}, within: 1h, hear: any}", "2:15 bad-value"),
    ("p: {after: payment.paid, hear: any}", "2:3 missing-setting"),
    ("p: {after: payment.paid, within: 1h}", "2:3 missing-setting"),
    ("p: {after: payment.paid, within: 2d working, hear: any}", "2:36 bad-length"),
    ("p: {after: payment.paid, within: 1h, hear: nobody}", "2:46 bad-value"),
    ("p: {after: payment.paid, within: 1h, hear: [shiped]}", "2:47 unknown-template"),
    ("p: {after: payment.paid, within: 1h, hear: answer}", "2:46 bad-value"),
    ("p: {after: connection.failing, within: 1h, hear: any}", "2:52 not-offered"),
    ("p: {after: payment.paid, within: 1h, hear: staff, then: block}", "2:59 bad-value"),
    ("p: {after: payment.paid, within: 1h, hear: staff, unless: payment.on_delivry}", "2:69 cel-field"),
    ("p: {after: payment.paid, within: 1h, hear: staff, unless: payment.status}", "2:61 not-a-condition"),
    ("p: {after: payment.paid, within: 1h, hear: staff, unless: has(shipment.eta)}", "2:65 not-offered"),
    ("p: {at_most: -1, per: 1d}", "2:16 bad-value"),
    ("p: {at_most: 1}", "2:3 missing-setting"),
    ("p: {at_most: 1, per: 1d, of: {channel: sms}}", "2:42 unknown-connection"),
    ("p: {at_most: 1, per: 1d, of: {channel: post}}", "2:42 wrong-connection"),
    ("p: {at_most: 1, per: 1d, of: {to: support}}", "2:33 unknown-setting"),
    ("p: {at_most: 1, per: 1d, of: {class: news}}", "2:40 bad-value"),
    ("p: {never: {}, when: order.gift}", "2:14 missing-setting"),
    ("p: {never: {template: shiped}, when: order.gift}", "2:25 unknown-template"),
    ("p: {never: {to: suport}, when: order.gift}", "2:19 unknown-staff"),
    ("p: {never: {class: marketing}}", "2:3 missing-setting"),
    ("p: {never: {class: marketing}, when: order.gift, unless: order.gift}", "2:52 conflicting-settings"),
    ("p: {never: {class: marketing}, when: event.source == 'x'}", "2:40 not-offered"),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_a_mistake_is_found_once_and_in_its_place(tmp_path: Path, text: str, expected: str) -> None:
    loaded = policies(tmp_path, f"  {text}")
    assert said(loaded) == [expected], loaded.problems
    assert loaded.config is None


def test_who_alarms_must_have_somebody_to_call(tmp_path: Path) -> None:
    nobody = GROUND[: GROUND.index("staff:")]
    text = f"{nobody}policies: {{p: {{after: payment.paid, within: 1h, hear: any}}}}\n"
    assert [each.code for each in load(tmp_path, text).errors] == ["missing-setting"]


# ------------------------------------------------------------------------------------------------ after


def paid(*steps: str, more: str = "", other: str = "") -> str:
    return f"{{f: {{on: payment.paid, {more}steps: [{', '.join(f'{{{each}}}' for each in steps)}]}}{other}}}"


ANY = "{after: payment.paid, within: 24h, hear: any}"
LATER = "notify: {template: shipped, via: letter, id: later}"
ELSE = "notify: {template: delivered, via: letter}"
ENDS = "choose: [{when: order.gift, steps: [{stop: x}]}]"
ONE_SAYS = f"choose: [{{when: order.gift, steps: [{{{SAYS}}}]}}]"
BOTH_SAY = f"choose: [{{when: order.gift, steps: [{{{SAYS}}}]}}, {{else: [{{{ELSE}}}]}}]"
HOLDS = [
    pytest.param(paid(SAYS), id="at once"),
    pytest.param(paid("wait: 23h", SAYS), id="after a wait that is short enough"),
    pytest.param(paid("wait: {that: order.gift, up_to: 3h}", SAYS), id="at the latest"),
    pytest.param(paid(ENDS, SAYS, other=f", g: {{on: payment.paid, steps: [{{{SAYS}}}]}}"), id="another flow does"),
    pytest.param(paid(ONE_SAYS, LATER), id="behind the branches"),
    pytest.param(paid(BOTH_SAY), id="in each branch"),
]


@pytest.mark.parametrize("flows", HOLDS)
def test_what_is_said_in_time_whatever_happens_holds(tmp_path: Path, flows: str) -> None:
    assert one(tmp_path, ANY, flows) == []


BROKEN = [
    pytest.param("{}", "payment.paid, to which no live flow listens", id="nobody listens"),
    pytest.param(paid("wait: 25h", SAYS), "payment.paid → 'f': wait:25h", id="too late"),
    pytest.param(paid("wait: 3d working", SAYS), "payment.paid → 'f': wait:3d working", id="working days"),
    pytest.param(paid(CALLS), "payment.paid → 'f': escalate:support", id="only staff hear"),
    pytest.param(paid(SAYS, more="state: shadow, "), "payment.paid, to which no live flow listens", id="a shadow"),
    pytest.param(paid(SAYS, more="state: off, "), "payment.paid, to which no live flow listens", id="switched off"),
    pytest.param(paid("stop: done"), "payment.paid → 'f': stop", id="it ends"),
]


@pytest.mark.parametrize(("flows", "path"), BROKEN)
def test_what_is_never_said_in_time_is_refused_with_the_path(tmp_path: Path, flows: str, path: str) -> None:
    (problem,) = one(tmp_path, ANY, flows)
    assert problem.startswith("policy-broken 'p': nothing speaks to the customer within 24h: ") and path in problem


STOPPED = paid("wait: 1h", SAYS, more="stop_on: order.packed, ")
SAMPLED = [
    pytest.param(paid(SAYS, more="when: order.gift, "), "order.gift", id="its condition"),
    pytest.param(paid(SAYS, more="once: customer, "), "begun before", id="once ever"),
    pytest.param(paid(SAYS, more="mode: ignore, "), "at work already", id="busy"),
    pytest.param(paid(SAYS, more="fresh: 1h, "), "how fresh", id="old news to it alone"),
    pytest.param(paid(ONE_SAYS), "the branch that is taken", id="a branch"),
    pytest.param(paid(ENDS, SAYS), "the branch that is taken", id="a stop"),
    pytest.param(paid("wait: {until: order.placed_at, or: skip}", SAYS), "its waits", id="a moment"),
    pytest.param(paid("wait: 4h working", SAYS), "its waits", id="working time"),
    pytest.param(STOPPED, "stopped before that by order.packed", id="what stops it"),
    pytest.param(paid("notify: {template: shipped, class: marketing}"), "what the customer allows", id="consent"),
    pytest.param(paid("call: {to: crm, if_fails: [{stop: x}]}", SAYS), "its waits", id="somebody outside"),
]


@pytest.mark.parametrize(("flows", "why"), SAMPLED)
def test_what_depends_on_more_is_sampled_and_says_on_what(tmp_path: Path, flows: str, why: str) -> None:
    ground = GROUND.replace("\ncontact:\n", "\n  crm: {target: hook, url: https://crm.example}\ncontact:\n")
    (problem,) = one(tmp_path, ANY, flows, ground)
    assert problem.startswith("policy-sampled 'p': whether 'f' speaks") and why in problem
    loaded = policies(tmp_path, f"  p: {ANY}", flows, ground)
    assert loaded.config is not None and {each.severity for each in loaded.problems} <= {Level.NOTE, Level.WARNING}


def test_who_is_stopped_by_news_that_is_told_at_once_has_heard(tmp_path: Path) -> None:
    tells = f", g: {{on: order.packed, steps: [{{{SAYS}}}]}}"
    flows = paid("wait: 1h", SAYS, more="stop_on: order.packed, ", other=tells)
    assert one(tmp_path, ANY, flows) == []


def test_a_condition_that_follows_from_the_policys_own_is_none(tmp_path: Path) -> None:
    flows = paid(SAYS, more="when: ['!payment.on_delivery', 'payment.status == \"paid\"'], ")
    assert one(tmp_path, ANY.replace("any}", "any, unless: payment.on_delivery}"), flows) == []
    (problem,) = one(tmp_path, ANY, flows)
    assert problem.startswith("policy-sampled")
    perhaps = paid(SAYS, more="when: '!(order.note == \"x\")', ")
    assert "policy-sampled" in one(tmp_path, ANY.replace("any}", "any, unless: 'order.note == \"x\"'}"), perhaps)[0]


def test_quiet_hours_keep_what_rings_until_the_morning(tmp_path: Path) -> None:
    ground = GROUND.replace("  silent:", '  quiet: "21:00-08:00"\n  silent:')
    rings, letter = paid("notify: {template: shipped}"), paid(SAYS)
    urgent = paid("notify: {template: shipped, urgent: true}")
    hour = "{after: payment.paid, within: 1h, hear: any}"
    assert "the hour: what rings waits for the morning" in one(tmp_path, hour, rings, ground)[0]
    assert [one(tmp_path, hour, flows, ground) for flows in (letter, urgent)] == [[], []]
    assert one(tmp_path, ANY, rings, ground) == [], "a night is shorter than a day"


def test_staff_are_told_by_a_matter_or_a_message(tmp_path: Path) -> None:
    soon = "{after: payment.paid, within: 15m, hear: staff}"
    assert (
        one(tmp_path, soon, paid(CALLS))
        == one(tmp_path, soon, paid("notify: {template: staff-news, to: support}"))
        == []
    )
    assert one(tmp_path, soon, paid(SAYS))[0].startswith("policy-broken 'p': nothing tells a person within 15m")
    hours = GROUND.replace("via: [bot, mail]}", 'via: [bot, mail], hours: "Mon-Fri 09:00-18:00"}')
    assert "depends on the hours of support" in one(tmp_path, soon, paid(CALLS), hours)[0]
    assert one(tmp_path, soon, paid("escalate: {to: support, reason: x, severity: critical}"), hours) == []


def test_only_the_texts_that_are_asked_for_count(tmp_path: Path) -> None:
    asks = "{after: payment.paid, within: 24h, hear: [delivered]}"
    assert one(tmp_path, asks, paid(SAYS))[0].startswith("policy-broken 'p': nothing says delivered within 24h")


def test_an_answer_is_for_people(tmp_path: Path) -> None:
    (problem,) = one(tmp_path, "{after: customer.asked, within: 48h, hear: answer}")
    assert problem.startswith("policy-sampled 'p': it is for people to answer within 48h")


def test_each_shop_must_keep_it(tmp_path: Path) -> None:
    shops = "shops:\n  a: {name: A}\n  b: {name: B}\n"
    ground = shops + GROUND[GROUND.index("connections:") :].replace(
        "{platform: shoplet,", "{platform: shoplet, shop: a,"
    )
    (problem,) = one(tmp_path, ANY, paid(SAYS, more="shops: [a], "), ground)
    assert problem.startswith("policy-broken") and "in the shop 'b'" in problem


def test_a_trigger_that_nothing_can_bring_is_no_promise(tmp_path: Path) -> None:
    ground = GROUND.replace('  post: {carrier: post, api_key: "${POST_KEY}"}\n', "")
    loaded = load(tmp_path, ground + "policies: {p: {after: shipment.problem, within: 1h, hear: staff}}\n")
    assert [each.code for each in loaded.problems] == ["never-fires"]


def test_where_a_part_could_not_be_read_nothing_is_said(tmp_path: Path) -> None:
    loaded = policies(tmp_path, f"  p: {ANY}", "{f: {on: payment.paid, steps: [{notify: {template: shiped}}]}}")
    assert [each.code for each in loaded.problems] == ["unknown-template"]


# ------------------------------------------------------------------------------------------------ at_most


def test_more_than_is_let_whatever_the_order_is_refused(tmp_path: Path) -> None:
    flows = paid(SAYS, "wait: 1d", SAYS.replace("letter}", "letter, id: b}"))
    few = "{at_most: 1, per: 7d, of: {template: shipped}}"
    (problem,) = one(tmp_path, few, flows)
    assert problem == "policy-broken 'p': payment.paid alone brings 2 within 7d (f), and it lets 1"
    assert one(tmp_path, few.replace("7d", "23h"), flows)[0].startswith("policy-sampled")
    assert one(tmp_path, few.replace("template: shipped", "channel: bot"), flows) == [], "letters go by mail"
    assert one(tmp_path, few.replace("template: shipped", "channel: mail"), flows)[0].startswith("policy-sampled")


def test_the_worst_of_an_order_is_counted(tmp_path: Path) -> None:
    limit = "{at_most: 2, per: 7d, by: order}"
    packed = (
        f", g: {{on: [order.packed, order.delivered], once: occurrence, when: order.gift, steps: [{{{BOTH_SAY}}}]}}"
    )
    (problem,) = one(tmp_path, limit, paid(BOTH_SAY, other=packed))
    assert problem == "policy-sampled 'p': one order may bring 3; what is beyond 2 within 7d does not leave"
    assert one(tmp_path, limit.replace("2,", "3,"), paid(BOTH_SAY, other=packed)) == []
    again = f", g: {{on: payment.payment_failed, when: order.gift, steps: [{{{BOTH_SAY}}}]}}"
    assert "one order may bring 2 or more" in one(tmp_path, limit, paid(BOTH_SAY, other=again))[0]
    assert "raises an alarm" in one(tmp_path, limit.replace("by: order", "then: alarm"), paid(BOTH_SAY))[0]


# ------------------------------------------------------------------------------------------------ never


LINK = "{never: {template: shipped}, unless: has(shipment.tracking_url)}"


def shipment(*steps: str, more: str = "") -> str:
    return f"{{f: {{on: shipment.shipped, {more}steps: [{', '.join(f'{{{each}}}' for each in steps)}]}}}}"


BRANCH = "choose: [{when: has(shipment.tracking_url) && shipment.count > 1, steps: [{notify: {template: shipped}}]}]"
TELLS = "notify: {template: shipped}"
IMPLIED = [
    pytest.param(shipment(BRANCH), id="by the branch"),
    pytest.param(shipment("wait: 1h", TELLS, more="when: has(shipment.tracking_url), "), id="by what is asked again"),
    pytest.param(shipment(TELLS, more="when: 'shipment.tracking_url != \"\"', "), id="by having been read"),
    pytest.param(shipment("notify: {template: shipped, to: support}"), id="by being for somebody else"),
    pytest.param(shipment("notify: {template: delivered}"), id="by being another text"),
]


@pytest.mark.parametrize("flows", IMPLIED)
def test_what_follows_holds(tmp_path: Path, flows: str) -> None:
    assert one(tmp_path, LINK, flows) == []


NO_MORE = "recheck: false, when: has(shipment.tracking_url), "
UNCERTAIN = [
    pytest.param(shipment(TELLS), id="nothing asks"),
    pytest.param(shipment(BRANCH.replace("steps: [", "steps: [{wait: 1h}, ")), id="asked before the wait alone"),
    pytest.param(shipment("wait: 1h", TELLS, more=NO_MORE), id="never asked again"),
]


@pytest.mark.parametrize("flows", UNCERTAIN)
def test_what_does_not_follow_is_sampled(tmp_path: Path, flows: str) -> None:
    (problem,) = one(tmp_path, LINK, flows)
    assert problem == "policy-sampled 'p': whether what 'f' says may leave depends on has(shipment.tracking_url)"


@pytest.mark.parametrize(
    ("policy", "when", "expected"),
    [
        ("when: customer.open_questions > 0", "customer.open_questions == 0", ""),
        ("when: customer.open_questions > 0", "customer.open_questions < 1", "policy-sampled"),
        ("when: customer.open_questions > 0", "customer.open_questions >= 2", "policy-broken"),
        ("when: order.total < 100", "order.total >= 100", ""),
        ('unless: \'order.country in ["UA", "PL"]\'', 'order.country == "PL"', ""),
        ('unless: \'order.country in ["UA", "PL"]\'', 'order.country != "DE"', "policy-sampled"),
        ("when: 'order.country == \"DE\"'", 'order.country != "DE"', ""),
        ("when: order.gift && order.wholesale", "!order.wholesale", ""),
        ("when: order.gift || order.wholesale", "!order.wholesale", "policy-sampled"),
        ("unless: order.gift || order.wholesale", "order.gift", ""),
        ("when: 'shipment.status == \"shipped\"'", "order.gift", "policy-broken"),
        ("unless: 'shipment.status != \"problem\"'", "order.gift", ""),
        ("when: 'order.items.exists(i, i.back_ordered)'", "!order.items.exists(i, i.back_ordered)", ""),
        ("when: 'order.items.exists(i, i.back_ordered)'", "order.items.exists(i, i.back_ordered)", "policy-broken"),
    ],
)
def test_conditions_are_held_against_each_other(tmp_path: Path, policy: str, when: str, expected: str) -> None:
    flows = shipment("notify: {template: shipped}", more=f"when: '{when}', ")
    found = one(tmp_path, f"{{never: {{template: shipped}}, {policy}}}", flows)
    assert [each.partition(" ")[0] for each in found] == ([expected] if expected else [])


def test_what_can_never_leave_is_refused_with_the_path(tmp_path: Path) -> None:
    flows = shipment("notify: {template: shipped}", more="when: order.gift, ")
    (problem,) = one(tmp_path, "{never: {template: shipped}, when: order.gift}", flows)
    assert problem.endswith("what is said there can never leave: shipment.shipped → 'f': notify:shipped")
    assert one(tmp_path, "{never: {template: shipped}, when: order.gift, then: alarm}", flows)[0].startswith("policy-s")


# ------------------------------------------------------------------------------------------------ hold-outs


LEAVES_OUT = f"a: {{on: payment.paid, holdout: 5%, steps: [{{{SAYS}}}]}}"


@pytest.mark.parametrize(
    ("policy", "flows", "refused"),
    [
        ("{after: payment.paid, within: 24h, hear: any}", f"{{{LEAVES_OUT}}}", True),
        ("{after: payment.paid, within: 24h, hear: [shipped]}", f"{{{LEAVES_OUT}}}", True),
        ("{after: payment.paid, within: 24h, hear: [delivered]}", f"{{{LEAVES_OUT}}}", False),
        ("{after: order.received, within: 24h, hear: any}", f"{{{LEAVES_OUT}}}", False),
        ("{at_most: 3, per: 7d, of: {channel: bot}}", f"{{{LEAVES_OUT}}}", False),
        (
            "{after: payment.paid, within: 24h, hear: any}",
            f"{{{LEAVES_OUT}, b: {{on: payment.paid, steps: [{{notify: {{template: delivered, via: letter}}}}]}}}}",
            False,
        ),
        (
            "{after: payment.paid, within: 24h, hear: any}",
            f"{{{LEAVES_OUT}, b: {{on: payment.paid, when: order.gift, steps: [{{{SAYS}}}]}}}}",
            True,
        ),
    ],
)
def test_nobody_is_left_out_of_what_a_policy_counts_on(tmp_path: Path, policy: str, flows: str, refused: bool) -> None:
    loaded = policies(tmp_path, f"  p: {policy}", flows)
    found = [each for each in loaded.problems if each.code == "holdout-required"]
    assert bool(found) is refused
    for each in found:
        assert each.text == "nobody may be left out here: the policy 'p' counts on this flow"
        assert each.column == "flows: {a: {on: payment.paid, holdout".index("holdout") + 1
