"""`hub flows simulate`: what will this order hear?"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._errors import FAILED, one_line, refused
from ._orders import one_order
from ._out import print_json
from ._setup import config_option, configured, example, json_option, look, opened
from .flows_test import quietly

if TYPE_CHECKING:
    from hub.config.model import Config, Shop
    from hub.messages import Texts
    from hub.rehearsal.effects import Effect

FAR = timedelta(days=30)
MOST_WORDS = 200


@click.command(
    "simulate",
    epilog=example(
        "hub flows simulate 1001", "hub flows simulate story.yaml --until 2026-04-01", "hub flows simulate 1001 --json"
    ),
)
@click.argument("what", metavar="ORDER|STORY")
@config_option
@click.option("--until", "until", metavar="TIME", help="How far to look; default: 30 days.")
@click.option("--from", "since", metavar="TIME", help="As if it were this time; default: now.")
@json_option
@click.pass_context
def simulate(ctx: click.Context, what: str, path: Path, until: str | None, since: str | None, as_json: bool) -> None:
    """What will this order hear, if nothing more happens? Or: what would one hear to which this happens?

    ORDER is the number of a live order, of one of its parcels, or its id: it is copied, as it stands, into a hub that
    reaches nobody and whose clock runs ahead. STORY is a file with `given`, `when` and `until`, written as in a test.
    The same again gives the same, to the byte.
    """
    config, texts = configured(path)
    with quietly():
        if what.endswith((".yaml", ".yml")):
            effects, shop, wrong = _story(Path(what), config, texts, until)
        else:
            effects, shop, wrong = *_order(path, what, config, texts, until, since), []
    _show(effects, shop, as_json=as_json)
    for each in wrong:
        click.echo(f"hub: {each}", err=True)
    if wrong:
        ctx.exit(FAILED)


def _moment(text: str, shop: "Shop", before: datetime) -> datetime:
    from hub.config.scalars import MistakeError
    from hub.flows.cases import read_moment, resolved

    try:
        found = resolved(read_moment(text), shop, before)
    except MistakeError as mistake:
        raise refused(mistake.text) from mistake
    assert found is not None, "a length has something to count from here"
    return found


def _order(
    path: Path, number: str, config: "Config", texts: "Texts", until: str | None, since: str | None
) -> "tuple[Sequence[Effect], Shop]":
    from hub.clock import SystemClock
    from hub.rehearsal import Rehearsal
    from hub.rehearsal.copies import order_rows

    now = SystemClock().now()
    with opened(path) as db:
        order = one_order(db, number, hint="a story is a file that ends in .yaml")
        if order.connection not in config.connections:
            raise refused(f"there is no shop '{order.connection}' in {path.name} any more")
        shop = config.shop_of(order.connection)
        start = _moment(since, shop, now) if since else now
        rows = look(db, lambda connection: order_rows(connection, order.id, start))
    end = _moment(until, shop, start) if until else start + FAR
    if end < start:
        raise refused(f"'{until}' has passed already")

    async def go() -> "Sequence[Effect]":
        async with Rehearsal(config, texts, start, rows=rows) as it:
            await it.until(end)
            return [each for each in it.effects if each.order]

    return asyncio.run(go()), shop


def _story(
    path: Path, config: "Config", texts: "Texts", until: str | None
) -> "tuple[Sequence[Effect], Shop, list[str]]":
    from dataclasses import replace

    from hub.config.problems import counted, render_problems
    from hub.flows.cases import read_story
    from hub.rehearsal.cases import run_case

    if not path.is_file():
        raise refused(f"there is no file {path}")
    text = path.read_text("utf-8", errors="replace")
    story, problems = read_story(text, path.name, config, frozenset(texts.names()))
    if story is None:
        click.echo(f"{render_problems(problems)}{counted(problems)}", err=True)
        raise refused(f"{path} is refused; mend it and try again")
    shop = config.shops[story.shop]
    if until:
        story = replace(story, until=_moment(until, shop, story.when[-1].at))
    result = asyncio.run(run_case(story, config, texts))
    return result.effects, shop, [f"{each.place}: {each.found}" for each in result.cannot]


def _show(effects: "Sequence[Effect]", shop: "Shop", *, as_json: bool) -> None:
    from hub.rehearsal.effects import plain

    if as_json:
        print_json({"timezone": shop.timezone.key, "effects": plain(effects)})
        return
    for each in effects:
        click.echo(f"{each.at.astimezone(shop.timezone):%Y-%m-%d %H:%M}  {_said(each)}")
        if each.text:
            click.echo(f"{' ' * 18}{_cut(one_line(each.text))}")
    if not effects:
        click.echo("nothing more is said")


def _said(effect: "Effect") -> str:
    parts = [effect.kind.value, effect.what]
    parts += [f"via {effect.via}"] if effect.via and effect.via != effect.what else []
    parts += [f"to {', '.join(effect.to)}"] if effect.to else []
    parts += [f"({one_line(effect.why)})"] if effect.why else []
    parts += [f"by {effect.flow}"] if effect.flow else []
    return " ".join(parts)


def _cut(line: str) -> str:
    return line if len(line) <= MOST_WORDS else f"{line[: MOST_WORDS - 1]}…"
