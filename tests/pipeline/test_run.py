"""How a run goes on: each kind of step and wait, by itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from hub.config.lengths import Hours
from hub.flows.model import (
    Branch,
    Call,
    Choose,
    Escalate,
    Flow,
    IfFails,
    Length,
    Notify,
    Otherwise,
    Step,
    Stop,
    Unknown,
    WaitEvent,
    WaitFor,
    WaitThat,
    WaitUntil,
    WriteBack,
)
from hub.flows.run import (
    MAX_STEPS,
    Effect,
    Exceeded,
    Moment,
    Note,
    Open,
    Reach,
    Reached,
    Run,
    RunState,
    SayTo,
    first_unmet,
    proceed,
    settled,
    step_at,
    why_unmet,
    words_heard,
)

from .fakes import KYIV, moment

NOW = moment("10:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Reads:
    """An expression that is the value of one name."""

    text: str

    def value(self, names: Mapping[str, Any]) -> Any:
        return names.get(self.text, Unknown((self.text,)))


def say(template: str, **more: Any) -> Notify:
    return Notify(f"notify:{template}", template, **more)


def at(now: datetime = NOW, *happened: str, **names: Any) -> Moment:
    return Moment(lambda values: {**names, **values}, now, KYIV, frozenset(happened))


def flow(*steps: Step) -> Flow:
    return Flow("f", ("shipment.shipped",), steps)


def said(effects: list[Effect]) -> list[str]:
    """What is said and opened."""
    done = [each for each in effects if isinstance(each, SayTo | Open)]
    return [each.step.template if isinstance(each, SayTo) else each.step.id for each in done]


def traced(effects: list[Effect]) -> list[str]:
    return [each.text for each in effects if isinstance(each, Note)]


def begun(steps: Flow, now: Moment | None = None) -> Run:
    return proceed(steps, Run(), now or at())[0]


def test_steps_follow_each_other_to_the_end() -> None:
    escalate = Escalate("escalate:support", "support", "look")
    run, effects = proceed(flow(say("one"), escalate, say("two")), Run(), at())
    assert run.state is RunState.DONE
    assert run.steps == 3
    assert said(effects) == ["one", "escalate:support", "two"]
    assert effects[1] == Open(escalate)


def test_stop_ends_the_run_with_its_word() -> None:
    run, effects = proceed(flow(say("one"), Stop("stop", "enough"), say("two")), Run(), at())
    assert (run.state, run.reason, said(effects)) == (RunState.DONE, "enough", ["one"])


DECIDE = Escalate("escalate:support", "support", "look", due=Length(4 * HOUR), choices=("yes", "no"), wait=True)


def test_an_escalation_that_is_waited_for_holds_the_run() -> None:
    asked = flow(DECIDE, say("one"))
    run, effects = proceed(asked, Run(), at())
    assert (run.state, run.due_at, said(effects)) == (RunState.WAITING, NOW + 4 * HOUR, ["escalate:support"])
    later = proceed(asked, run, at(NOW + HOUR))
    assert later == (run, []), "it is raised once"
    resolved = replace(at(NOW + HOUR), resolved=lambda run: True)
    assert said(proceed(asked, run, resolved)[1]) == ["one"]
    ended, effects = proceed(asked, run, at(NOW + 4 * HOUR))
    assert (ended.state, said(effects)) == (RunState.DONE, ["one"])
    assert "waited" not in ended.values, "it is the choice that says what came of it"


def test_it_holds_until_the_matter_itself_is_due() -> None:
    assert begun(flow(DECIDE), at(escalation={"due_at": NOW + 9 * HOUR})).due_at == NOW + 9 * HOUR


def test_one_that_is_resolved_at_once_holds_nothing() -> None:
    run, effects = proceed(flow(DECIDE, say("one")), Run(), replace(at(), resolved=lambda run: True))
    assert (run.state, said(effects)) == (RunState.DONE, ["escalate:support", "one"])


def test_who_waits_for_a_person_hears_when_the_matter_is_resolved() -> None:
    inside = Choose("choose", (Branch(None, (DECIDE,)),))
    assert words_heard(flow(inside)) == {"shipment.shipped", "escalation.resolved"}
    assert words_heard(flow(replace(DECIDE, wait=False))) == {"shipment.shipped"}


def test_what_is_waited_for_when_a_step_outside_has_failed_is_heard_too() -> None:
    waits = WaitEvent("wait", ("customer.asked",), Length(HOUR))
    assert "customer.asked" in words_heard(flow(Call("call:crm", "crm", if_fails=(waits,))))


def test_a_wait_of_working_time_counts_within_the_hours_of_the_shop() -> None:
    wait = flow(WaitFor("wait:4h working", Length(4 * HOUR, working=True)), say("one"))
    evening = datetime(2026, 3, 6, 15, tzinfo=UTC)  # a Friday, 17:00 in Kyiv
    hours = Hours(frozenset({5, 6}), time(10), time(18))
    assert begun(wait, replace(at(evening), hours=hours)).due_at == datetime(2026, 3, 7, 11, tzinfo=UTC)


def test_what_a_notify_computes_is_kept_and_what_is_unknown_left_out() -> None:
    step = say("one", before=Reads("deadline"), extra={"a": Reads("a"), "b": Reads("b")})
    (known,) = proceed(flow(step), Run(), at(deadline=NOW, a=1))[1]
    assert known == SayTo(step, NOW, {"a": 1})
    (unknown,) = proceed(flow(step), Run(), at(deadline="tomorrow"))[1]
    assert unknown == SayTo(step, None, {})


@pytest.mark.parametrize(
    ("length", "due"),
    [
        pytest.param(Length(3 * HOUR), NOW + 3 * HOUR, id="exact"),
        pytest.param(Length(days=2), NOW + 2 * DAY, id="days"),
        pytest.param(Length(days=26), moment("+26 09:00"), id="the day on which summer begins has 23 hours"),
        pytest.param(Length(HOUR, 1), NOW + DAY + HOUR, id="both"),
    ],
)
def test_a_length_is_waited_for(length: Length, due: datetime) -> None:
    steps = flow(WaitFor("wait", length), say("after"))
    run = begun(steps)
    assert (run.state, run.since, run.due_at) == (RunState.WAITING, NOW, due)
    early, nothing = proceed(steps, run, at(due - timedelta(seconds=1)))
    assert (early, nothing) == (run, [])
    late, effects = proceed(steps, run, at(due + DAY))
    assert (late.state, said(effects), late.values) == (RunState.DONE, ["after"], {"waited": ""})


def test_no_length_is_no_wait() -> None:
    assert begun(flow(WaitFor("wait", Length()), say("after"))).state is RunState.DONE


UNTIL: list[Step] = [WaitUntil("wait", Reads("deadline"), None), say("after")]


def test_a_moved_deadline_moves_the_wait() -> None:
    steps = flow(*UNTIL)
    run = begun(steps, at(deadline=NOW + DAY))
    assert run.due_at == NOW + DAY
    later, _ = proceed(steps, run, at(NOW + HOUR, deadline=NOW + 2 * DAY))
    assert (later.due_at, later.since) == (NOW + 2 * DAY, NOW)
    sooner, effects = proceed(steps, later, at(NOW + 2 * HOUR, deadline=NOW + HOUR))
    assert (sooner.state, said(effects)) == (RunState.DONE, ["after"])


def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    effects = proceed(flow(*UNTIL), Run(), at(deadline=NOW - DAY))[1]
    assert said(effects) == ["after"]
    assert traced(effects) == ["wait: 2026-03-02 10:00 UTC has passed already: it goes on"]


def test_nor_one_that_moves_into_the_past() -> None:
    steps = flow(*UNTIL)
    run = begun(steps, at(deadline=NOW + DAY))
    moved = proceed(steps, run, at(NOW + HOUR, deadline=NOW))[1]
    assert traced(moved) == ["wait: 2026-03-03 10:00 UTC has passed already: it goes on"]
    on_time = proceed(steps, run, at(NOW + DAY, deadline=NOW + DAY))[1]
    late = proceed(steps, run, at(NOW + 2 * DAY, deadline=NOW + DAY))[1]
    assert (traced(on_time), traced(late)) == ([], []), "a wait that ends by its time is nothing to speak of"


@pytest.mark.parametrize(
    ("otherwise", "state", "due", "effects"),
    [
        (Otherwise.SKIP, RunState.DONE, None, ["after"]),
        (Otherwise.STOP, RunState.DONE, None, []),
        (Length(HOUR), RunState.WAITING, NOW + HOUR, []),
        (None, RunState.DONE, None, ["after"]),
    ],
)
def test_or_says_what_to_do_while_the_moment_is_unknown(
    otherwise: Length | Otherwise | None, state: RunState, due: datetime | None, effects: list[str]
) -> None:
    run, done = proceed(flow(WaitUntil("wait", Reads("deadline"), otherwise), say("after")), Run(), at())
    assert (run.state, run.due_at, said(done)) == (state, due, effects)
    assert traced(done) == (["wait: deadline is not known and is not waited for"] if effects else [])


@pytest.mark.parametrize(
    ("otherwise", "effects"), [(Otherwise.SKIP, ["after"]), (Otherwise.STOP, []), (Length(HOUR), ["after"])]
)
def test_or_also_holds_for_a_moment_that_is_no_longer_known(otherwise: Length | Otherwise, effects: list[str]) -> None:
    steps = flow(WaitUntil("wait", Reads("deadline"), otherwise), say("after"))
    run = begun(steps, at(deadline=NOW + DAY))
    ended, done = proceed(steps, run, at(NOW + HOUR))
    assert (ended.state, said(done)) == (RunState.DONE, effects)
    assert ended.since is None and ended.due_at is None


def test_the_moment_becoming_known_replaces_the_length() -> None:
    steps = flow(WaitUntil("wait", Reads("deadline"), Length(HOUR)), say("after"))
    assert proceed(steps, begun(steps), at(deadline=NOW + DAY))[0].due_at == NOW + DAY


def test_a_wait_that_ends_when_it_becomes_true_or_time_is_up() -> None:
    steps = flow(WaitThat("wait", Reads("there"), Length(HOUR)), say("after"))
    assert begun(steps, at(there=True)).values == {"waited": "that"}
    for not_true in (at(), at(there=False), at(there="yes")):
        run = begun(steps, not_true)
        assert run.due_at == NOW + HOUR
    assert proceed(steps, run, at(there=True))[0].values == {"waited": "that"}
    assert proceed(steps, run, at(NOW + HOUR))[0].values == {"waited": ""}


def test_a_wait_for_an_event_ends_with_its_word() -> None:
    steps = flow(WaitEvent("wait", ("shipment.delivered", "shipment.returned"), Length(HOUR)), say("after"))
    run = begun(steps)
    assert proceed(steps, run, at(NOW, "shipment.shipped"))[0] == run
    assert proceed(steps, run, at(NOW, "shipment.returned"))[0].values == {"waited": "shipment.returned"}
    assert proceed(steps, run, at(NOW + HOUR))[0].values == {"waited": ""}
    both = proceed(steps, run, at(NOW + HOUR, "shipment.delivered"))[0]
    assert both.values == {"waited": "shipment.delivered"}, "what happened wins over the clock"


def test_waited_speaks_of_the_last_wait_also_when_it_was_skipped() -> None:
    first = WaitThat("wait", Reads("there"), Length(HOUR))
    steps = flow(first, WaitUntil("wait2", Reads("never"), Otherwise.SKIP), say("after"))
    assert begun(steps, at(there=True)).values == {"waited": ""}


# ------------------------------------------------------------------------------------------------ choose

NESTED = flow(
    Choose(
        "outer",
        (
            Branch(Reads("a"), (Choose("inner", (Branch(Reads("b"), (WaitFor("wait", Length(HOUR)), say("ab"))),)),)),
            Branch(None, (say("else"),)),
        ),
    ),
    say("end"),
)


@pytest.mark.parametrize(
    ("names", "effects"),
    [
        ({"a": True, "b": False}, ["end"]),
        ({"a": False}, ["else", "end"]),
        ({}, ["else", "end"]),
        ({"a": 1}, ["else", "end"]),
    ],
)
def test_choose_takes_the_first_branch_that_is_met_and_the_unknown_is_not(
    names: dict[str, Any], effects: list[str]
) -> None:
    run, done = proceed(NESTED, Run(), at(**names))
    assert (run.state, said(done)) == (RunState.DONE, effects)


def test_a_run_waits_inside_branches_and_finds_its_way_out() -> None:
    run = begun(NESTED, at(a=True, b=True))
    assert run.path == (0, 0, 0, 0, 0)
    done, effects = proceed(NESTED, run, at(NOW + HOUR, a=False, b=False))
    assert (done.state, said(effects)) == (RunState.DONE, ["ab", "end"])


def test_paths_past_the_end_of_branches_lead_behind_them() -> None:
    assert settled(NESTED.steps, (0, 0, 0, 0, 2)) == (1,)
    assert settled(NESTED.steps, (0, 1, 0)) == (0, 1, 0)
    assert step_at(NESTED.steps, (2,)) is None


def test_a_run_is_parked_at_its_thousandth_step() -> None:
    assert MAX_STEPS == 1000
    run, effects = proceed(flow(say("one"), say("two")), Run(steps=999), at())
    assert (run.state, run.reason, said(effects)) == (RunState.PARKED, "more than 1000 steps", ["one"])
    assert run.path == (1,), "it can go on from there"
    last, _ = proceed(flow(say("one")), Run(steps=999), at())
    assert (last.state, last.steps) == (RunState.DONE, 1000), "a thousand is not too many"


# ------------------------------------------------------------------------------------------------ what goes wrong


def test_a_run_whose_step_cannot_be_done_is_parked_at_it() -> None:
    def settle(effect: Effect, run: Run) -> Run:
        if isinstance(effect, Open):
            raise KeyError("anna@example.test")
        return replace(run, values={**run.values, "spoke": True})

    steps = flow(say("one"), Escalate("escalate:support", "support", "look"), say("two"))
    run, effects = proceed(steps, Run(), replace(at(), settle=settle))
    assert (run.state, run.reason, run.path) == (RunState.PARKED, "escalate:support failed: KeyError", (1,))
    assert run.values == {"spoke": True}, "what was done stays done"
    again, effects = proceed(steps, replace(run, state=RunState.WAITING), at())
    assert (again.state, said(effects)) == (RunState.DONE, ["escalate:support", "two"])


def test_a_wait_that_cannot_be_computed_parks_the_run_where_it_waits() -> None:
    def names(values: Mapping[str, Any]) -> Mapping[str, Any]:
        raise RuntimeError("a plugin's")

    steps = flow(WaitFor("wait:1h", Length(HOUR)), say("after"))
    waits = begun(steps)
    failed = replace(at(NOW + HOUR), names=names, failed=lambda error: f"<{type(error).__name__}>")
    run, _ = proceed(steps, waits, failed)
    assert (run.state, run.reason, run.due_at) == (RunState.PARKED, "wait:1h failed: <RuntimeError>", None)
    again, effects = proceed(steps, replace(run, state=RunState.WAITING), at(NOW + HOUR))
    assert (again.state, said(effects)) == (RunState.DONE, ["after"])


@pytest.mark.parametrize("since", [None, NOW])
@pytest.mark.parametrize("path", [(0, 0, 0), (7, 0, 0)])
def test_a_run_that_stands_nowhere_is_parked(path: tuple[int, ...], since: datetime | None) -> None:
    run, effects = proceed(flow(say("one")), Run(path, since=since), at())
    assert (run.state, effects) == (RunState.PARKED, [])
    assert run.reason.startswith("the run failed: ")


@dataclass(frozen=True)
class Endless(Reads):
    """An expression that takes too many steps."""

    def value(self, names: Mapping[str, Any]) -> Any:
        return Unknown(exceeded=True)


ENDLESS = Endless("endless")


@pytest.mark.parametrize(
    "step",
    [
        say("x", before=ENDLESS), say("x", extra={"a": ENDLESS}), Choose("c", (Branch(ENDLESS, (say("y"),)),)),
        WaitThat("w", ENDLESS, Length(HOUR)), WaitUntil("w", ENDLESS, Otherwise.SKIP),
    ],
)  # fmt: skip
def test_an_expression_that_takes_too_many_steps_is_told(step: Step) -> None:
    _, effects = proceed(flow(step), Run(), at())
    assert [each for each in effects if isinstance(each, Exceeded)] == [Exceeded(ENDLESS)]


def test_and_is_not_met_by_a_name_of_its_own() -> None:
    unmet, value = first_unmet((ENDLESS,), {})
    assert unmet is ENDLESS and why_unmet(unmet, value) == "endless: it takes too many steps, and is not known"


# ------------------------------------------------------------------------------------------------ quiet hours


def test_a_wait_may_end_sooner_for_what_is_said_behind_it() -> None:
    asked = []

    def planned(step: Notify, due: datetime, before: datetime) -> datetime:
        asked.append((step.template, due, before))
        return due - HOUR

    def plan(step: Step, **names: Any) -> datetime | None:
        now = replace(at(deadline=NOW + DAY, **names), planned=planned)
        return proceed(flow(WaitFor("wait", Length(3 * HOUR)), step), Run(), now)[0].due_at

    assert plan(say("x", before=Reads("deadline"))) == NOW + 2 * HOUR
    assert asked == [("x", NOW + 3 * HOUR, NOW + DAY)]
    as_written: list[Step] = [
        say("x"), say("x", before=Reads("deadline"), urgent=True), say("x", before=Reads("deadline"), to="support"),
        say("x", before=Reads("unknown")), Stop("stop", ""),
    ]  # fmt: skip
    for step in as_written:
        assert plan(step) == NOW + 3 * HOUR


def planned_for(*behind: Step, **names: Any) -> list[str]:
    """The templates for which a wait with these steps behind it may end sooner."""
    asked = []

    def planned(step: Notify, due: datetime, before: datetime) -> datetime:
        asked.append(step.template)
        return due - (HOUR if step.template == "first" else 2 * HOUR)

    now = replace(at(deadline=NOW + DAY, **names), planned=planned)
    run, _ = proceed(flow(WaitFor("wait", Length(3 * HOUR)), *behind), Run(), now)
    assert run.due_at == NOW + {"": 3, "first": 2}.get(asked[-1] if asked else "", 1) * HOUR
    return asked


FIRST, SECOND = (say(name, before=Reads("deadline")) for name in ("first", "second"))


@pytest.mark.parametrize(
    ("names", "asked"),
    [({"a": True}, ["first"]), ({"b": True}, ["second"]), ({"a": True, "b": True}, ["first"]), ({}, [])],
)
def test_what_is_said_in_a_branch_behind_the_wait_counts_as_things_stand_now(
    names: dict[str, Any], asked: list[str]
) -> None:
    inner = Choose("inner", (Branch(Reads("b"), (SECOND,)),))
    choose = Choose("outer", (Branch(Reads("a"), (FIRST, Stop("stop", ""))), Branch(None, (inner,))))
    assert planned_for(choose, Stop("stop", ""), FIRST, **names) == asked


def test_all_that_is_said_up_to_the_next_wait_counts() -> None:
    escalate = Escalate("escalate:support", "support", "look")
    assert planned_for(say("now"), escalate, FIRST, SECOND) == ["first", "second"]
    assert planned_for(escalate, WaitFor("wait2", Length(HOUR)), FIRST) == []
    assert planned_for(Choose("c", (Branch(Reads("a"), (WaitFor("w", Length(HOUR)),)),)), FIRST, a=True) == []
    timed_out = Choose("c", (Branch(Equals("waited", ""), (FIRST,)),))
    assert planned_for(timed_out) == ["first"], "a wait that ends by its time"


@dataclass(frozen=True)
class Equals(Reads):
    """Whether a name has a value."""

    wanted: str

    def value(self, names: Mapping[str, Any]) -> Any:
        return names.get(self.text) == self.wanted


# ------------------------------------------------------------------------------------------------ what is stored

STORED = [
    Run(),
    Run((0, 1, 2), since=NOW, due_at=NOW + HOUR, values={"waited": "that", "spoke": True}, steps=7),
    Run((3,), RunState.DONE, values={"n": {"$time": NOW.isoformat()}}, steps=3),
]


@pytest.mark.parametrize("run", STORED)
def test_a_run_comes_back_from_the_table_as_it_was(run: Run) -> None:
    assert Run.from_json(json.loads(json.dumps(run.to_json())), run.state.value) == run


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ({"a": True, "b": True}, None),
        ({"a": True, "b": False}, "b: not met"),
        ({"b": True}, "a: a is not known"),
    ],
)
def test_the_first_condition_that_fails_is_named_and_what_it_lacked(names: dict[str, bool], why: str | None) -> None:
    unmet, value = first_unmet((Reads("a"), Reads("b")), names)
    assert (None if unmet is None else why_unmet(unmet, value)) == why
    assert first_unmet((), {}) == (None, True)


def reached(effects: list[Effect]) -> list[Reach]:
    return [each for each in effects if isinstance(each, Reach)]


def became(result: Reached | None) -> Moment:
    return replace(at(n=1), became=lambda step: result)


def test_a_run_asks_for_what_is_done_outside_and_goes_on() -> None:
    steps = flow(Call("call:crm", "crm", body={"a": Reads("n"), "b": Reads("gone")}), WriteBack("w"), say("behind"))
    run, effects = proceed(steps, Run(), at(n=1))
    assert run.state is RunState.DONE and said(effects) == ["behind"]
    assert [each.body for each in reached(effects)] == [{"a": 1}, None]


def test_a_run_that_has_to_know_holds_until_it_does() -> None:
    steps = flow(Call("call:crm", "crm", save={"id": Reads("response"), "b": Reads("gone")}), say("behind"))
    run, effects = proceed(steps, Run(), at(n=1))
    assert (run.state, run.since, run.due_at, said(effects)) == (RunState.WAITING, NOW, None, [])
    assert proceed(steps, run, became(None)) == (run, [])
    again, effects = proceed(steps, run, became(Reached(response={"status": 200})))
    assert again.state is RunState.DONE and said(effects) == ["behind"]
    assert again.values == {"saved": {"id": {"status": 200}}} and not reached(effects)


@pytest.mark.parametrize(
    ("if_fails", "state", "heard"),
    [
        (IfFails.STOP, RunState.PARKED, []),
        (IfFails.CONTINUE, RunState.DONE, ["behind"]),
        ((say("sorry"),), RunState.DONE, ["sorry", "behind"]),
        ((say("sorry"), Stop("stop", "enough")), RunState.DONE, ["sorry"]),
    ],
)
def test_what_a_failure_outside_does_to_the_run(if_fails: Any, state: RunState, heard: list[str]) -> None:
    steps = flow(Call("call:crm", "crm", save={"id": Reads("response")}, if_fails=if_fails), say("behind"))
    run, effects = proceed(steps, begun(steps), became(Reached(failed="410")))
    assert (run.state, said(effects)) == (state, heard)
    if state is RunState.PARKED:
        assert run.reason == "call:crm failed: 410"
        resumed, effects = proceed(steps, replace(run, state=RunState.WAITING), became(Reached(failed="410")))
        assert resumed.state is RunState.WAITING and len(reached(effects)) == 1, "it is asked for again, and waited for"


def test_a_wait_ends_before_quiet_hours_for_what_is_said_behind_a_call() -> None:
    asked: list[str] = []

    def planned(step: Notify, due: datetime, before: datetime) -> datetime:
        asked.append(step.template)
        return due

    for call, wanted in ((Call("c", "crm"), ["late"]), (Call("c", "crm", save={"a": Reads("response")}), [])):
        asked.clear()
        steps = flow(WaitFor("wait:1h", Length(HOUR)), call, say("late", before=Reads("deadline")))
        begun(steps, replace(at(deadline=NOW + DAY), planned=planned))
        assert asked == wanted
