"""Customers whom a flow leaves out for good: which they are, and what becomes of their runs."""

from hub.pipeline.holdout import is_held_out

from .fakes import Story, flow, notify, order, told, world

SHARE = {"on": "order.packed", "steps": [notify("packed")], "holdout": "20%"}


def customers(count: int = 2_000) -> list[str]:
    return [f"customer-{number}" for number in range(count)]


def left_out(name: str, **more: object) -> set[str]:
    it = flow(name, **{**SHARE, **more})
    return {each for each in customers() if is_held_out(it, each)}


def test_the_share_is_of_customers_and_grows_without_letting_anybody_back_in() -> None:
    few, more = left_out("a", holdout="5%"), left_out("a", holdout="20%")
    assert 60 < len(few) < 140 and 320 < len(more) < 480 and few < more


def test_each_flow_leaves_out_others_and_a_renamed_one_the_same() -> None:
    assert len(left_out("a") & left_out("b")) < 140
    assert left_out("new", was=["a"]) == left_out("newest", was=["a", "new"]) == left_out("a")


def test_nobody_is_left_out_of_other_flows_or_without_being_known() -> None:
    assert not any(is_held_out(flow("a", on="order.packed", steps=[notify("packed")]), each) for each in customers())
    assert not is_held_out(flow("a", **{**SHARE, "holdout": "99%"}), "")


def story(share: str) -> Story:
    return Story(world({"a": {**SHARE, "holdout": share}}))


def test_the_run_is_there_to_be_seen_and_does_nothing() -> None:
    it = story("99%")  # customer-1 is of it
    reaction = it.react(order("10:00", "order.packed"), at="10:00")
    assert told(reaction) == []
    ((state, reason, path),) = [(row.run.state, row.run.reason, row.run.path) for row in reaction.runs]
    assert (state, reason, path) == ("held-out", "99% of customers are left out", (0,))
    assert [line["doc"]["result"] for line in reaction.lines] == ["held-out: 99% of customers are left out"]


def test_who_was_left_out_is_not_told_later_when_the_share_is_taken_away() -> None:
    it = story("99%")
    it.react(order("10:00", "order.packed"), at="10:00")
    it.world = world({"a": {"on": "order.packed", "steps": [notify("packed")]}})
    it.hear(order("10:05", "order.on_hold"))
    assert told(it.react(order("10:10", "order.packed"))) == []


def test_a_condition_that_is_not_met_makes_no_run_of_a_group() -> None:
    it = Story(world({"a": {**SHARE, "holdout": "99%", "when": "order.gift"}}))
    assert it.react(order("10:00", "order.packed"), at="10:00").runs == []


def test_the_others_are_told() -> None:
    it = story("1%")
    assert told(it.react(order("10:00", "order.packed"), at="10:00")) == ["packed"]
