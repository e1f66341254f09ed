"""`hub send-test`: one message with made-up data through a real channel."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import FAILED, Stop, one_line, refused
from ._out import print_json
from ._setup import config_option, configured, connection_named, example, handed_over, json_option, with_adapter

if TYPE_CHECKING:
    from hub.config.model import Config, Connection, Shop
    from hub.messages import Rendering, Texts
    from hub.plugin import Outgoing

WORDS = {
    "Accepted": "accepted: the channel took it",
    "Duplicate": "accepted: the channel says that it has it already",
    "Transient": "not now",
    "Permanent": "refused for good",
    "Suppress": "this address cannot be reached",
    "Config": "our own fault: look at the connection's settings",
    "Unknown": "unknown: it may have gone",
}


@click.command("send-test", epilog=example(
    "hub send-test order-received --to me@shop.example", "hub send-test shipped --to 123456789 --via bot --locale uk"
))  # fmt: skip
@click.argument("template")
@click.option("--to", "address", required=True, help="The address in that channel: mail address, phone, chat id.")
@click.option("--via", help="The channel connection (of a failover: its first); default: by the address.")
@click.option("--locale", help="The language; default: the shop's.")
@config_option
@json_option
@click.pass_context
def send_test(
    ctx: click.Context, template: str, address: str, via: str | None, locale: str | None, path: Path, as_json: bool
) -> None:
    """Send one message, filled with made-up data, for real.

    Nothing is noted in the database: it is the channel, the credentials and the text that are tried.
    """
    config, texts = configured(path)
    if template not in texts.names():
        raise refused(_no_text(template, texts))
    connection = _channel(config, address, via)
    shop = next(iter(config.shops.values()))
    rendering = _render(path, texts, template, shop, connection, locale)
    outcome = with_adapter(
        config, connection.name, lambda channel: _send(channel, _outgoing(address, template, rendering))
    )
    word, reason = type(outcome).__name__, one_line(getattr(outcome, "reason", ""))
    if as_json:
        said = {"template": template, "via": connection.name, "locale": rendering.locale}
        print_json({**said, "outcome": word.lower(), "reason": reason})
    else:
        click.echo(
            f"{template} ({rendering.locale}) by {connection.name}: {WORDS[word]}{f' ({reason})' if reason else ''}"
        )
    if word not in ("Accepted", "Duplicate"):
        ctx.exit(FAILED)


def _no_text(template: str, texts: "Texts") -> str:
    from hub.config.problems import did_you_mean, listed

    meant = did_you_mean(template, texts.names())
    return f"there is no text '{template}'{meant or f'; there are: {listed(texts.names())}'}"


def _channel(config: "Config", address: str, via: str | None) -> "Connection":
    """The channel that is named, or the first that takes such an address."""
    if via is not None:
        return connection_named(config, config.providers(via)[0], "channel")  # type: ignore[no-any-return]
    kind = "email" if "@" in address else "phone" if address.startswith("+") else "link"
    channels = [each for each in config.connections.values() if each.kind == "channel"]
    found = [each for each in channels if getattr(each.adapter, "address_kind", None) == kind]
    if not found:
        names = ", ".join(each.name for each in channels) or "none"
        raise refused(f"no channel takes such an address; name one with --via (there are: {names})")
    return found[0]


def _render(
    path: Path, texts: "Texts", template: str, shop: "Shop", connection: "Connection", locale: str | None
) -> "Rendering":
    from hub.clock import SystemClock
    from hub.messages import TextError

    from ._sample import sample_names

    form = connection.adapter.form  # type: ignore[attr-defined]
    try:
        spoken = texts.locale_for(template, form, [locale] if locale else [shop.locale], shop.key)
        extra: Mapping[str, Any] = dict.fromkeys(handed_over(path))
        names = sample_names(shop, spoken, SystemClock().now(), extra)
        return texts.render(
            template, form=form, locale=spoken, names=names, zone=shop.timezone, link=_link(shop), shop=shop.key
        )
    except TextError as error:
        raise Stop(f"the text '{template}' cannot be made: {one_line(error)}", FAILED) from error


def _link(shop: "Shop") -> Any:
    """Links lead to the shop: there is no order that they could lead to."""
    return lambda purpose: shop.url or "https://shop.example/sample"


def _outgoing(address: str, template: str, rendering: "Rendering") -> "Outgoing":
    from hub.plugin import Outgoing

    return Outgoing(
        key=secrets.token_hex(16),
        to=address,
        text=rendering.text,
        subject=rendering.subject,
        html=rendering.html,
        locale=rendering.locale,
        skeleton=f"{template}.{rendering.locale}",
        buttons=rendering.buttons,
    )


async def _send(channel: Any, message: "Outgoing") -> Any:
    from hub.plugin import FailureError

    try:
        return await channel.send(message)
    except FailureError as failure:
        return failure.outcome
