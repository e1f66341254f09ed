"""`hub messages`: what customers and staff read, looked at before they do."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import FAILED
from ._group import Lazy, LazyGroup
from ._out import counted, print_json
from ._setup import (
    config_option,
    configured,
    example,
    existing,
    files_of,
    handed_over,
    json_option,
    look,
    offline,
    opened,
    read_configuration,
    said,
)

if TYPE_CHECKING:
    from hub.config.model import Shop
    from hub.messages import Piece, Shown
    from hub.pipeline.world import World
    from hub.web.preview import Room

COMMANDS = {
    "Commands": {
        "preview": Lazy("hub.cli.messages:preview", "Every text in a browser, drawn again when a file is saved."),
        "test": Lazy("hub.cli.messages:test", "Compare every text with how it read when it was last looked at."),
    }
}
SNAPSHOTS = "messages-snapshots"
"""The folder beside the file in which `test` keeps how texts read."""
WHEN = datetime(2026, 3, 3, 10, tzinfo=UTC)
"""The made-up now of snapshots, so that only texts change them."""


@click.command("messages", cls=LazyGroup, sections=COMMANDS)
def messages() -> None:
    """Look at the texts of messages before anybody gets them."""


# ------------------------------------------------------------------------------------------------ preview


@click.command(epilog=example("hub messages preview", "hub messages preview --port 9000"))
@click.option("--port", type=click.IntRange(1, 65535), default=8025, show_default=True, help="Port on this machine.")
@config_option
def preview(port: int, path: Path) -> None:
    """Every text in every language, form and voice, with made-up data or that of a real order, in a browser.

    It listens on this machine only, sends nothing, and draws again whenever flows.yaml or a text is saved.
    """
    import uvicorn

    from hub.web.preview import preview_app

    where = existing(path)
    app = preview_app(lambda: _room(where), lambda: _stamp(where))
    click.echo(f"texts on http://127.0.0.1:{port}/, until Ctrl-C")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)


def _room(path: Path) -> "Room":
    from hub.web.preview import Room

    read = read_configuration(path)
    config, texts = read.config, read.texts
    if config is None:
        return Room(texts, {}, lambda piece, number: None, said(read))
    made_up = _made_up(path, config.shops)

    def names(piece: "Piece", number: str) -> Mapping[str, Any] | None:
        if not number:
            return made_up(piece)
        order = offline(config, texts, lambda world: _of_order(path, world, number))
        return None if order is None else {**made_up(piece), **order}

    return Room(texts, config.shops, names)


def _made_up(
    path: Path, shops: "Mapping[str, Shop]", now: datetime | None = None
) -> "Callable[[Piece], dict[str, Any]]":
    """Made-up data for a piece, as of now."""
    from hub.clock import SystemClock

    from ._sample import sample_names

    extra = dict.fromkeys(handed_over(path))
    return lambda piece: sample_names(shops[piece.shop], piece.locale, now or SystemClock().now(), extra)


def _of_order(path: Path, world: "World", number: str) -> dict[str, Any] | None:
    """What texts read of the order with this number, about its newest parcel; None: there is no such order here."""
    from hub.clock import SystemClock
    from hub.pipeline.loading import load_documents, meet_customers
    from hub.pipeline.names import names_of
    from hub.pipeline.view import view
    from hub.store.queries import find_orders

    with opened(path) as db:
        rows = look(db, lambda connection: find_orders(connection, number))
        if not rows or rows[0].connection not in world.config.connections:
            return None
        loaded = look(db, lambda connection: load_documents(connection, [rows[0].id]))
        look(db, lambda connection: meet_customers(connection, loaded))
    it = loaded[rows[0].id]
    seen = view(rows[0].id, it.connection, it.doc, it.facts, world)
    parcel = seen.shipments[-1].id if seen.shipments else None
    return names_of(seen, world, SystemClock().now(), tuple(it.contacts), parcel, it.about)


def _stamp(path: Path) -> str:
    """Another word when the file, one that it includes, or a text has changed."""
    texts = (path.parent / "messages").rglob("*")
    files = [*(path.parent / each for each in files_of(path)), *texts]
    found = sorted((str(each), each.stat().st_mtime_ns) for each in files if each.is_file())
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


# ------------------------------------------------------------------------------------------------ snapshots


@click.command(epilog=example("hub messages test", "hub messages test --update"))
@click.option("--update", is_flag=True, help="They read as they should: keep them so.")
@config_option
@json_option
@click.pass_context
def test(ctx: click.Context, update: bool, path: Path, as_json: bool) -> None:
    """Compare every text with how it read when it was last looked at.

    Every text is filled with the same made-up data in every language, form and voice, for every shop of the file, and
    kept as a file in `messages-snapshots` beside it: look at the changes there as at any others. Exit status: 0 all
    read as they did, 1 some do not, or have no snapshot yet.
    """
    path = existing(path)
    folder, now = path.parent / SNAPSHOTS, dict(_written(path))
    before = {each.relative_to(folder).as_posix().removesuffix(".txt"): each for each in folder.rglob("*.txt")}
    if update:
        _keep(folder, now, before)
        click.echo(f"{counted(len(now), 'text')} kept in {folder}")
        return
    kept = {name: file.read_text("utf-8") for name, file in before.items()}
    wrong = {name: _difference(name, kept.get(name), now.get(name)) for name in sorted({*now, *kept})}
    wrong = {name: difference for name, difference in wrong.items() if difference}
    if as_json:
        print_json({"texts": len(now), "wrong": wrong})
    else:
        _tell(wrong, len(now))
    if wrong:
        ctx.exit(FAILED)


def _tell(wrong: Mapping[str, str], texts: int) -> None:
    for difference in wrong.values():
        click.echo(difference)
    if wrong:
        click.echo(
            f"{len(wrong)} of {counted(texts, 'text')} read otherwise; if they should, `hub messages test --update`"
        )
    else:
        click.echo(f"{counted(texts, 'text')}, all as they were")


def _written(path: Path) -> "Iterator[tuple[str, str]]":
    """Name → every text as it is kept."""
    from hub.messages import pieces, shown

    config, texts = configured(path)
    made_up = _made_up(path, config.shops, WHEN)
    for each in pieces(texts, config.shops):
        shop = config.shops[each.shop]
        yield (
            each.name,
            _as_kept(shown(texts, each, shop, made_up(each), lambda purpose: f"https://shop.example/{purpose}")),
        )


def _as_kept(said: "Shown") -> str:
    if said.text is None:
        return f"cannot be said: {said.wrong or 'missing ' + ', '.join(said.missing)}\n"
    parts = [f"subject: {said.text.subject}"] if said.text.subject else []
    parts += [said.text.text, *(f"[{each.text}] {each.url}" for each in said.text.buttons)]
    if said.segments is not None:
        parts.append(f"{said.segments.segments} x {said.segments.encoding}")
    parts += [said.text.html] if said.text.html else []
    return "\n\n".join(parts).rstrip() + "\n"


def _keep(folder: Path, now: Mapping[str, str], before: Mapping[str, Path]) -> None:
    for name in before.keys() - now.keys():
        before[name].unlink()
    for name, text in now.items():
        file = folder / f"{name}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def _difference(name: str, before: str | None, now: str | None) -> str:
    if before == now:
        return ""
    if before is None:
        return f"{name}: is new; look at it, then keep it with `hub messages test --update`"
    if now is None:
        return f"{name}: is gone"
    lines = unified_diff(before.splitlines(), now.splitlines(), f"{name}, as kept", f"{name}, now", lineterm="", n=1)
    return "\n".join(lines)
