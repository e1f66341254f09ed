"""Cases of `tests:`: each kind of line that can happen, each kind that can be expected, and what fails a case."""

from pathlib import Path

import pytest

from .agreed import played, said

READY = "ready: {on: shipment.ready_for_pickup, steps: [{notify: {template: ready-for-pickup}}]}"
PARCEL = 'shipment: {carrier: nova-poshta, tracking_number: "20450000000001", status: in_transit}'


def differs(folder: Path, flows: str, tests: str) -> list[str]:
    """What came otherwise than was agreed."""
    return said(played(folder, flows, tests))


def fails(folder: Path, flows: str, tests: str) -> list[str]:
    found = differs(folder, flows, tests)
    assert found
    return found


# ------------------------------------------------------------------------------------------------ what fails


def test_what_came_too_late_is_shown_beside_what_was_agreed(tmp_path: Path) -> None:
    tests = f"""
    - name: a minute
      given: {{{PARCEL}}}
      when: [{{at: "2026-03-02T10:00", shipment: ready_for_pickup}}]
      then: [{{at: "2026-03-02T10:02", message: ready-for-pickup, via: sms}}]
    """
    (text,) = fails(tmp_path, READY, tests)
    assert text == (
        "expected: 2026-03-02T10:02 message ready-for-pickup via sms; "
        "found: 2026-03-02T10:01 message ready-for-pickup via turbosms by ready"
    )


def test_a_difference_is_told_at_its_line(tmp_path: Path) -> None:
    tests = f"""
    - name: a minute
      given: {{{PARCEL}}}
      when: [{{at: "2026-03-02T10:00", shipment: ready_for_pickup}}]
      then:
        - {{at: "2026-03-02T10:02", message: ready-for-pickup}}
    """
    (result,) = played(tmp_path, READY, tests)
    (problem,) = result.problems
    line = (tmp_path / "flows.yaml").read_text("utf-8").splitlines()[problem.line - 1]
    assert problem.code == "test-failed" and "T10:02" in line


@pytest.mark.parametrize(
    "then", ["nothing", '[{at: "2026-03-02T10:00", escalation: support}]'], ids=["nothing", "something else"]
)
def test_a_message_that_nobody_listed_fails_the_case(tmp_path: Path, then: str) -> None:
    flows = READY + "\ncall: {on: shipment.ready_for_pickup, steps: [{escalate: {to: support, reason: Look}}]}"
    tests = f"""
    - name: silence
      given: {{{PARCEL}}}
      when: [{{at: "2026-03-02T10:00", shipment: ready_for_pickup}}]
      then: {then}
    """
    found = fails(tmp_path, flows, tests)
    assert "not expected: 2026-03-02T10:01 message ready-for-pickup via turbosms by ready" in found


def test_a_matter_that_nobody_listed_fails_the_case(tmp_path: Path) -> None:
    flows = "call: {on: shipment.problem, steps: [{escalate: {to: support, reason: Look at it}}]}"
    tests = f"""
    - name: silence
      given: {{{PARCEL}}}
      when: [{{at: "2026-03-02T10:00", shipment: problem}}]
      then: nothing
    """
    assert fails(tmp_path, flows, tests) == ["not expected: 2026-03-02T10:00 escalation support «Look at it» by call"]


def test_other_kinds_are_complete_once_one_is_listed(tmp_path: Path) -> None:
    flows = """
    crm:
      on: [order.packed, order.cancelled]
      once: occurrence
      steps: [{call: {to: crm, body: {status: order.status}}}]
    """
    line = '{at: "2026-03-02T10:00", call: crm, text: packed}'
    tests = """
    - name: calls
      when: [{at: "2026-03-02T10:00", order: packed}, {at: +1h, order: cancelled}]
      then: %s
    """
    assert differs(tmp_path, flows, tests % "nothing") == []
    assert fails(tmp_path, flows, tests % f"[{line}]")[0].startswith("not expected: 2026-03-02T11:00 call crm")
    assert differs(tmp_path, flows, tests % f"[{line}, {{at: +1h, call: crm, not_text: packed}}]") == []


def test_a_text_is_looked_into(tmp_path: Path) -> None:
    tests = """
    - name: words
      given: {%s}
      when: [{at: "2026-03-02T10:00", shipment: ready_for_pickup}]
      then: [{at: "2026-03-02T10:01", message: ready-for-pickup, %s}]
    """
    assert differs(tmp_path, READY, tests % (PARCEL, "text: [Kavovar, '1001'], not_text: скасовано")) == []
    assert "with «Ziarno»" in fails(tmp_path, READY, tests % (PARCEL, "text: Ziarno"))[0]
    assert "without «Kavovar»" in fails(tmp_path, READY, tests % (PARCEL, "not_text: Kavovar"))[0]


def test_a_line_that_cannot_happen_fails_the_case(tmp_path: Path) -> None:
    tests = """
    - name: nobody asked
      when: [{at: "2026-03-02T10:00", answered: {recommend: 9}}]
      then: nothing
    """
    assert fails(tmp_path, READY, tests) == ["expected: answered happens; found: no survey is open"]


# ------------------------------------------------------------------------------------------------ what is given


def test_what_is_given_starts_nothing_and_what_comes_in_does(tmp_path: Path) -> None:
    flows = """
    confirm: {on: order.received, steps: [{notify: {template: order-received, via: letter}}]}
    paid: {on: payment.paid, steps: [{notify: {template: payment-received, via: letter}}]}
    """
    tests = """
    - name: it was there
      given: {order: {status: processing}, payment: {status: paid}}
      when: [{at: "2026-03-02T10:00", order: packed}]
      then: nothing
    - name: it comes in with its payment
      given: {order: {number: "77", total: 450}, payment: {status: paid}}
      when: [{at: "2026-03-02T10:00", order: received}]
      then:
        - {at: "2026-03-02T10:01", message: order-received, text: ["77", "450"]}
        - {at: "2026-03-02T10:01", message: payment-received}
    """
    assert differs(tmp_path, flows, tests) == []


def test_a_customer_is_reached_where_they_have_an_address(tmp_path: Path) -> None:
    tests = """
    - name: the first of the list
      given: {%s, customer: {reach: [bot, mail]}}
      when: [{at: "2026-03-02T10:00", shipment: ready_for_pickup}]
      then: [{at: "2026-03-02T10:01", message: ready-for-pickup, via: bot}]
    - name: only mail
      given: {%s, customer: {reach: [mail], locale: pl}}
      when: [{at: "2026-03-02T10:00", shipment: ready_for_pickup}]
      then: [{at: "2026-03-02T10:01", message: ready-for-pickup, via: mail, to: customer, text: czeka}]
    - name: nowhere
      given: {%s, customer: {reach: []}}
      when: [{at: "2026-03-02T10:00", shipment: ready_for_pickup}]
      then:
        - {at: "2026-03-02T10:01", suppressed: ready-for-pickup, why: nobody could be reached}
        - {at: "2026-03-02T10:01", escalation: support}
    """
    assert differs(tmp_path, READY, tests % (PARCEL, PARCEL, PARCEL)) == []


def test_earlier_orders_tags_and_consents_are_known(tmp_path: Path) -> None:
    flows = """
    vip:
      on: order.received
      when: customer.orders >= 3 && "vip" in customer.tags && "marketing" in customer.consents
      steps: [{tag: {add: [regular], remove: [new], who: order}}]
    """.replace('"vip" in customer.tags', 'customer.tags.exists(t, t == "vip")').replace(
        '"marketing" in customer.consents', 'customer.consents.exists(c, c == "marketing")'
    )
    tests = """
    - name: a regular
      given: {customer: {orders: 3, tags: [vip], consents: [marketing]}}
      when: [{at: "2026-03-02T10:00", order: received}]
      then: [{at: "2026-03-02T10:00", tag: regular}, {at: "2026-03-02T10:00", tag: -new}]
    - name: a stranger
      given: {customer: {orders: 2, tags: [vip], consents: [marketing]}}
      when: [{at: "2026-03-02T10:00", order: received}]
      then: nothing
    """
    assert differs(tmp_path, flows, tests) == []


def test_cash_on_delivery_is_known_from_the_status(tmp_path: Path) -> None:
    flows = """
    call: {on: payment.cash_on_delivery, when: payment.on_delivery, steps: [{escalate: {to: support, reason: Call}}]}
    """
    tests = """
    - name: at the door
      when: [{at: "2026-03-02T10:00", payment: cash_on_delivery}]
      then: [{at: "2026-03-02T10:00", escalation: support}]
    - name: from the beginning
      given: {payment: {status: cash_on_delivery}}
      when: [{at: "2026-03-02T10:00", order: received}]
      then: [{at: "2026-03-02T10:00", escalation: support}]
    """
    assert differs(tmp_path, flows, tests) == []


def test_a_deadline_and_a_place_are_the_carriers(tmp_path: Path) -> None:
    flows = """
    last:
      on: shipment.ready_for_pickup
      steps:
        - wait: {until: "shipment.pickup_deadline - hours(12)", or: stop}
        - notify: {template: pickup-last-day, urgent: true}
    """
    tests = """
    - name: storage of a branch
      given: {shipment: {carrier: nova-poshta, tracking_number: "20450000000001", status: in_transit,
              pickup_point: {kind: branch, name: "Nr 5"}}}
      when: [{at: "2026-03-02T10:00", shipment: ready_for_pickup}]
      then: [{at: "2026-03-08T22:00", message: pickup-last-day, text: Nr 5}]
    - name: what the carrier says
      given: {shipment: {carrier: nova-poshta, tracking_number: "20450000000001", status: in_transit,
              pickup_deadline: "2026-03-05T20:00"}}
      when: [{at: "2026-03-02T10:00", shipment: ready_for_pickup}]
      then: [{at: "2026-03-05T08:00", message: pickup-last-day}]
    """
    assert differs(tmp_path, flows, tests) == []


def test_two_parcels_are_told_apart(tmp_path: Path) -> None:
    flows = "got: {on: shipment.delivered, steps: [{notify: {template: delivered, via: letter}}]}"
    tests = """
    - name: the second
      given:
        shipments:
          - {carrier: nova-poshta, tracking_number: "20450000000001", status: in_transit}
          - {carrier: nova-poshta, tracking_number: "20450000000002", status: in_transit}
      when: [{at: "2026-03-02T10:00", shipment: delivered, parcel: 2}]
      then: [{at: "2026-03-02T10:01", message: delivered}]
    """
    assert differs(tmp_path, flows, tests) == []


# ------------------------------------------------------------------------------------------------ what happens


def test_a_parcel_that_only_the_shop_knows(tmp_path: Path) -> None:
    flows = """
    shipped:
      on: shipment.shipped
      steps:
        - wait: {that: has(shipment.tracking_url), up_to: 12h}
        - choose:
            - when: has(shipment.tracking_url)
              steps: [{notify: {template: shipped, via: letter}}]
            - else: [{escalate: {to: support, reason: "{{ order.number }} has no number"}}]
    """
    tests = """
    - name: the number comes later
      when:
        - {at: "2026-03-02T10:00", shipment: shipped}
        - {at: +2h, change: {shipment: {carrier: nova-poshta, tracking_number: "20450000000001"}}}
      then: [{at: "2026-03-02T12:00", message: shipped}]
    - name: it never comes
      when: [{at: "2026-03-02T10:00", shipment: shipped}]
      then: [{at: "2026-03-02T22:00", escalation: support, text: 1001 has no number}]
    """
    assert differs(tmp_path, flows, tests) == []


def test_returns_payments_reasons_and_words(tmp_path: Path) -> None:
    flows = """
    return: {on: return.requested, steps: [{notify: {template: return-news, via: letter}}]}
    money: {on: payment.refunded, steps: [{notify: {template: refunded, via: letter}}]}
    broken:
      on: shipment.problem
      steps: [{escalate: {to: support, reason: "{{ shipment.reason }}: {{ shipment.last.text }}"}}]
    """
    tests = """
    - name: all of it
      given: {%s, payment: {status: paid}}
      when:
        - {at: "2026-03-02T10:00", shipment: problem, reason: damaged, text: Wet through}
        - {at: +1h, return: requested}
        - {at: +1h, payment: refunded}
      then:
        - {at: "2026-03-02T10:00", escalation: support, text: "damaged: Wet through"}
        - {at: "2026-03-02T11:01", message: return-news}
        - {at: "2026-03-02T12:01", message: refunded}
    """
    assert differs(tmp_path, flows, tests % PARCEL) == []


def test_questions_come_by_the_page_and_in_a_channel(tmp_path: Path) -> None:
    flows = """
    complaint:
      on: customer.asked
      when: question.topic == "complaint"
      steps: [{escalate: {to: support, reason: "{{ question.channel }}: {{ question.text }}", id: answer}}]
    """
    tests = """
    - name: a form
      when: [{at: "2026-03-02T10:00", asked: {topic: complaint, text: It is broken}}]
      then: [{at: "2026-03-02T10:00", escalation: support, text: "page: It is broken"}]
    - name: a chat, where the hub says at once that it has it
      given: {customer: {reach: [bot]}}
      when: [{at: "2026-03-02T10:00", asked: {text: Товар зламаний!, via: bot}}]
      then:
        - {at: "2026-03-02T10:00", escalation: support, text: "bot: Товар зламаний!"}
        - {at: "2026-03-02T10:00", message: question-received, via: bot}
    """
    assert differs(tmp_path, flows, tests) == []


def test_a_survey_is_answered(tmp_path: Path) -> None:
    flows = """
    ask: {on: order.delivered, steps: [{wait: 3d}, {survey: {name: after, via: letter}}]}
    unhappy:
      on: survey.answered
      when: answer.nps <= 6
      steps: [{escalate: {to: support, reason: "{{ answer.nps }}"}}]
    """
    tests = """
    - name: not good
      given: {%s}
      when:
        - {at: "2026-03-02T10:00", shipment: delivered}
        - {at: "2026-03-06T10:00", answered: {recommend: 4}}
      then:
        - {at: "2026-03-05T10:00", survey: after}
        - {at: "2026-03-05T10:00", message: five-questions, via: mail}
        - {at: "2026-03-06T11:00", escalation: support, text: "4"}
    """
    assert differs(tmp_path, flows, tests % PARCEL) == []


def test_a_button_a_person_and_their_choice(tmp_path: Path) -> None:
    flows = """
    sorry:
      on: {button: Apologise}
      steps:
        - escalate: {to: manager, reason: May we?, choices: [yes, no], due: 1d, wait: true}
        - choose:
            - when: escalation.choice == "yes"
              steps: [{notify: {template: delayed, via: letter}}]
            - else: [{write_back: {note: "refused: {{ order.number }}"}}]
    """
    tests = """
    - name: approved
      when:
        - {at: "2026-03-02T10:00", button: Apologise}
        - {at: +5m, acknowledge: manager}
        - {at: +5m, resolve: {of: manager, choice: yes}}
      then:
        - {at: "2026-03-02T10:00", escalation: manager}
        - {at: "2026-03-02T10:10", message: delayed}
    - name: refused
      when: [{at: "2026-03-02T10:00", button: Apologise}, {at: +5m, resolve: {choice: no, by: olena}}]
      then:
        - {at: "2026-03-02T10:00", escalation: manager}
        - {at: "2026-03-02T10:05", write_back: note, text: "refused: 1001"}
    """
    assert differs(tmp_path, flows, tests) == []


def test_what_a_ladder_says_later_belongs_to_its_matter(tmp_path: Path) -> None:
    flows = """
    look: {on: shipment.problem, steps: [{escalate: {to: support, due: 1h, reason: Look}}]}
    late: {on: escalation.overdue, steps: [{notify: {to: support, template: staff-overdue}}]}
    """
    tests = """
    - name: nobody comes
      given: {%s}
      when: [{at: "2026-03-02T10:00", shipment: problem}]
      then:
        - {at: "2026-03-02T10:00", escalation: support}
        - {at: "2026-03-02T11:00", message: staff-overdue, to: support}
    """
    assert differs(tmp_path, flows, tests % PARCEL) == []


def test_channels_fail_and_confirm_as_they_are_told(tmp_path: Path) -> None:
    tests = f"""
    - name: the provider is at fault, and the next one carries it
      given: {{{PARCEL}, customer: {{reach: [sms]}}}}
      when:
        - {{at: "2026-03-02T09:00", fail: {{turbosms: config}}}}
        - {{at: "2026-03-02T10:00", shipment: ready_for_pickup}}
      then: [{{at: "2026-03-02T10:01", message: ready-for-pickup, via: backup}}]
    - name: no receipt, so the next channel
      given: {{{PARCEL}}}
      when:
        - {{at: "2026-03-02T09:00", receipt: {{sms: none}}}}
        - {{at: "2026-03-02T10:00", shipment: ready_for_pickup}}
      then:
        - {{at: "2026-03-02T10:01", message: ready-for-pickup, via: sms}}
        - {{at: "2026-03-02T10:31", message: ready-for-pickup, via: mail}}
    - name: the receipt comes in time
      given: {{{PARCEL}}}
      when:
        - {{at: "2026-03-02T09:00", receipt: {{sms: none}}}}
        - {{at: "2026-03-02T10:00", shipment: ready_for_pickup}}
        - {{at: "2026-03-02T10:20", receipt: {{sms: delivered}}}}
      then:
        - {{at: "2026-03-02T10:01", message: ready-for-pickup, via: sms}}
    """
    assert differs(tmp_path, READY, tests) == []


def test_what_comes_of_no_order_need_not_be_listed_unless_the_case_is_about_it(tmp_path: Path) -> None:
    flows = """
    report:
      on: {schedule: "0 8 * * MON"}
      steps: [{notify: {to: manager, template: staff-weekly-report, via: letter}}]
    silent:
      on: {stalled: connection, for: 3h}
      when: connection.kind == "platform"
      steps: [{escalate: {to: manager, reason: "Silent: {{ connection.name }}"}}]
    """
    tests = """
    - name: about an order
      when: [{at: "2026-03-02T10:00", order: packed}]
      then: nothing
    - name: about the report
      flow: report
      when: [{at: "2026-03-02T10:00", order: packed}]
      then: [{at: "2026-03-09T08:00", message: staff-weekly-report, to: manager}]
      until: "2026-03-10"
    - name: about the silence
      flow: silent
      when: [{at: "2026-03-02T10:00", fail: {main-shop: silent}}]
      then: [{at: "2026-03-02T13:00", escalation: manager, text: "Silent: main-shop"}]
      until: "2026-03-02T20:00"
    """
    assert differs(tmp_path, flows, tests) == []
    wrong = tests.replace('[{at: "2026-03-09T08:00", message: staff-weekly-report, to: manager}]', "nothing")
    assert "staff-weekly-report" in fails(tmp_path, flows, wrong)[0]


def test_only_the_named_flows_are_at_work(tmp_path: Path) -> None:
    flows = READY + "\nother: {on: shipment.ready_for_pickup, steps: [{escalate: {to: support, reason: Look}}]}"
    tests = f"""
    - name: one of two
      flow: ready
      given: {{{PARCEL}}}
      when: [{{at: "2026-03-02T10:00", shipment: ready_for_pickup}}]
      then: [{{at: "2026-03-02T10:01", message: ready-for-pickup}}]
    """
    assert differs(tmp_path, flows, tests) == []


def test_codes_of_a_source_go_through_its_table(tmp_path: Path) -> None:
    flows = (
        READY + "\nunknown: {on: status.unmapped, steps: [{notify: {to: manager, template: staff-unmapped-status}}]}"
    )
    tests = f"""
    - name: a known code
      given: {{{PARCEL}}}
      when: [{{at: "2026-03-02T10:00", native: {{nova-poshta: "7"}}}}]
      then: [{{at: "2026-03-02T10:01", message: ready-for-pickup}}]
    - name: an unknown one
      flow: [ready, unknown]
      given: {{{PARCEL}}}
      when: [{{at: "2026-03-02T10:00", native: {{nova-poshta: "4711"}}}}]
      then: [{{at: "2026-03-02T10:00", message: staff-unmapped-status, to: manager}}]
    """
    assert differs(tmp_path, flows, tests) == []


def test_another_order_of_the_customer_stops_what_waits_for_none(tmp_path: Path) -> None:
    flows = """
    again:
      on: order.delivered
      stop_on: [customer.ordered]
      steps: [{wait: 25d}, {notify: {template: order-the-same-again, class: marketing, via: letter}}]
    """
    tests = """
    - name: %s
      given: {%s, customer: {consents: [marketing]}}
      when:
        - {at: "2026-03-02T10:00", shipment: delivered}
        %s
      then: %s
    """
    assert (
        differs(tmp_path, flows, tests % ("stopped", PARCEL, '- {at: "2026-03-10T10:00", ordered: "1002"}', "nothing"))
        == []
    )
    said_then = '[{at: "2026-03-27T10:00", message: order-the-same-again}]'
    assert differs(tmp_path, flows, tests % ("not stopped", PARCEL, "", said_then)) == []


def test_quiet_hours_defer_and_a_clock_change_is_known(tmp_path: Path) -> None:
    tests = f"""
    - name: at night
      given: {{{PARCEL}, customer: {{reach: [sms]}}}}
      when: [{{at: "2026-03-28T23:00", shipment: ready_for_pickup}}]
      then:
        - {{at: "2026-03-28T23:01", deferred: ready-for-pickup, why: quiet}}
        - {{at: "2026-03-29T08:00", message: ready-for-pickup}}
      until: "+9h"
    """
    assert differs(tmp_path, READY, tests) == []


@pytest.mark.parametrize(("when", "made"), [("order.total > 1", True), ("order.total > 10000", False)])
def test_a_coupon_is_rehearsed_and_reaches_no_shop(tmp_path: Path, when: str, made: bool) -> None:
    coupon = "{coupon: {percent: 10, valid: 60d, at_most: {customer: 1 per 90d}}}"
    tag = "{tag: {add: vip, write_back: true}}"
    flows = f"sorry: {{on: shipment.problem, when: {when}, steps: [{coupon}, {tag}]}}"
    told = '[{at: "2026-03-02T10:00", coupon: 10%}, {at: "2026-03-02T10:00", tag: vip}]' if made else "nothing"
    tests = f"""
    - name: a discount
      given: {{{PARCEL}, order: {{total: 500}}}}
      when: [{{at: "2026-03-02T10:00", shipment: problem}}]
      then: {told}
    """
    assert differs(tmp_path, flows, tests) == []
