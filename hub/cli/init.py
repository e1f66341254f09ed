"""`hub init`: a first file that works, after a few questions."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import _first
from ._errors import Stop, refused
from ._setup import example, read_configuration, registry, said

if TYPE_CHECKING:
    from hub.plugin import Adapter

LANGUAGES = ("en", "uk", "pl", "ru")


@click.command(epilog=example(
    "hub init", "hub init --yes --shop Kavovar --country UA --language uk --platform shopify --carrier nova_poshta"
))  # fmt: skip
@click.option("-c", "--config", "path", envvar="HUB_CONFIG", default="flows.yaml", show_default=True,
              type=click.Path(path_type=Path), help="The file to write; .env is written beside it.")  # fmt: skip
@click.option("--shop", help="What customers know the shop as.")
@click.option("--country", help="Two letters: UA.")
@click.option("--language", type=click.Choice(LANGUAGES), help="The shop's language.")
@click.option("--platform", help="The shop's platform plugin.")
@click.option("--carrier", "carriers", multiple=True, help="A carrier plugin; may be given several times.")
@click.option("--channel", "channels", multiple=True, help="A channel plugin, in the order in which they are tried.")
@click.option("--owner", help="The name of who is told when a person must act.")
@click.option("--contact", "contacts", multiple=True, metavar="CHANNEL=ADDRESS", help="An address of that person.")
@click.option("--public-url", default="", help="The hub's address for webhooks and links: https://hub.shop.example.")
@click.option("--set", "values", multiple=True, metavar="CONNECTION.SETTING=VALUE", help="A setting, not to be asked.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: take flags and defaults, and examples for the rest.")
def init(path: Path, yes: bool, **given: Any) -> None:
    """Write a first working flows.yaml and .env after a few questions.

    Nothing is overwritten. Secrets go to .env, which only you can read; what you do not know yet is left as an example
    to be replaced.
    """
    path = path.absolute()
    env = path.parent / ".env"
    for file in (path, env):
        if file.exists():
            raise refused(f"{file} is there already; move it away, or name another file with --config")
    asker = _Asker(yes, given)
    answers = asker.all()
    _check_and_write(path, env, answers, asker.asked)
    click.echo(f"wrote {path.name} and .env (only you can read it)")
    left = [each.variable if each.secret else f"{each.connection}.{each.name}" for each in asker.asked
            if answers.settings[each.connection, each.name] == each.example]  # fmt: skip
    if left:
        click.echo(f"replace the examples of: {', '.join(left)}")
    click.echo(f"then: hub flows check; hub connect {next(iter(answers.adapters))}; hub run")


class _Asker:
    """Asks what no flag says."""

    def __init__(self, yes: bool, given: Mapping[str, Any]) -> None:
        self.yes, self.given = yes, given
        self.values = dict(_split(each, "CONNECTION.SETTING=VALUE") for each in given["values"])
        self.asked: list[_first.Asked] = []

    def all(self) -> _first.Answers:
        """Every answer."""
        name = self._ask("shop", "What is the shop called?", "My Shop")
        country = self._ask("country", "In which country is it (two letters)?", "UA").upper()
        language = self._ask("language", f"Its language ({', '.join(LANGUAGES)})", _language(country))
        if language not in LANGUAGES:
            raise refused(f"there are texts in {', '.join(LANGUAGES)}, not in '{language}'")
        zone, currency = _habits(country)
        adapters = self._adapters()
        owner = self._ask("owner", "Who is told when a person must act?", "Owner")
        contacts = self._contacts(adapters, name)
        answers = _first.Answers(
            name, country, language, zone, currency, self.given["public_url"], adapters, owner, contacts
        )
        for connection, (_, adapter) in adapters.items():
            for each in _first.questions(connection, adapter, name):
                self.asked.append(each)
                answers.settings[connection, each.name] = self._setting(each)
        self._all_known()
        return answers

    def _ask(self, flag: str, question: str, default: str) -> str:
        if self.given[flag] is not None:
            return str(self.given[flag])
        if self.yes:
            return default
        return str(click.prompt(question, default=default)).strip()

    def _adapters(self) -> "dict[str, tuple[str, type[Adapter[Any]]]]":
        platform = self._ask(
            "platform", f"The shop's platform ({_names('platform')})", _names("platform").split(", ")[0]
        )
        wanted = [("platform", platform)] if platform and platform != "none" else []
        wanted += [("carrier", each) for each in self._several("carriers", "carrier", "Carriers, with commas", "")]
        wanted += [("channel", each) for each in self._several("channels", "channel", "Channels, best first", "smtp")]
        found = {_first.connection_of(kind, name): (kind, _adapter(kind, name)) for kind, name in wanted}
        if not any(kind == "channel" for kind, _ in found.values()):
            raise refused(f"a hub needs a channel to tell anybody anything; there are: {_names('channel')}")
        return found

    def _several(self, flag: str, kind: str, question: str, default: str) -> list[str]:
        if self.given[flag]:
            return list(self.given[flag])
        if self.yes:
            return [default] if default else []
        said = click.prompt(f"{question} ({_names(kind)})", default=default, show_default=bool(default))
        return [each.strip() for each in said.split(",") if each.strip()]

    def _contacts(self, adapters: "Mapping[str, tuple[str, type[Adapter[Any]]]]", name: str) -> dict[str, str]:
        """The owner's addresses. A chat is only taken where it is named: an example would be somebody else's."""
        given = dict(_split(each, "CHANNEL=ADDRESS") for each in self.given["contacts"])
        channels = [each for each, (kind, _) in adapters.items() if kind == "channel"]
        unknown = sorted(set(given) - set(channels))
        if unknown:
            raise refused(f"--contact: there is no channel '{unknown[0]}'; there are: {', '.join(channels)}")
        for channel in channels:
            if channel in given:
                continue
            mail = getattr(adapters[channel][1], "form", "") == "mail"
            default = f"owner@{_first.slug_of(name)}.example" if mail else ""
            address = default if self.yes else click.prompt(
                f"Your address in '{channel}'", default=default, show_default=bool(default))  # fmt: skip
            if address:
                given[channel] = address
        return given or {channels[0]: "replace-me"}

    def _setting(self, each: _first.Asked) -> str:
        said = self.values.pop(f"{each.connection}.{each.name}", None)
        if said is not None:
            return said
        if self.yes:
            return each.example
        shown = f"{each.connection}: {each.name}. {each.about}"
        answer = click.prompt(shown, default="" if each.secret else each.example, hide_input=each.secret,
                              show_default=not each.secret)  # fmt: skip
        return str(answer).strip() or each.example

    def _all_known(self) -> None:
        if self.values:
            names = ", ".join(f"{each.connection}.{each.name}" for each in self.asked)
            raise refused(f"--set: there is no '{next(iter(self.values))}' to be set here; there are: {names}")


def _split(text: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value.isprintable():
        raise refused(f"'{name[:40]}' is not of the form {form}")
    return name, value


def _names(kind: str) -> str:
    return ", ".join(sorted(name for each, name in registry().adapters if each == kind)) or "none"


def _adapter(kind: str, name: str) -> "type[Adapter[Any]]":
    try:
        return registry().adapter(kind, name).adapter
    except LookupError as error:
        raise refused(str(error)) from error


def _language(country: str) -> str:
    return {"UA": "uk", "PL": "pl"}.get(country, "en")


def _habits(country: str) -> tuple[str, str]:
    """The first time zone of a country, and its currency."""
    from babel.core import get_global
    from babel.numbers import get_territory_currencies

    zones: Mapping[str, Sequence[str]] = get_global("territory_zones")
    if country not in zones:
        raise refused(f"there is no country '{country[:20]}'; write it with two letters, like UA")
    money = get_territory_currencies(country)
    return zones[country][0], str(money[0]) if money else ""


def _check_and_write(path: Path, env: Path, answers: _first.Answers, asked: Sequence[_first.Asked]) -> None:
    """The files are made and checked elsewhere first: nothing that is refused is left behind."""
    secrets = _first.env_text(answers, asked)
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder) / path.name
        _write(Path(folder) / ".env", secrets, 0o600)
        words = _words(beside, _first.file_text(answers, asked, None))
        text = _first.file_text(answers, asked, words)
        beside.write_text(text, "utf-8")
        _good(read_configuration(beside))
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(env, secrets, 0o600)
    _write(path, text, 0o644)


def _words(file: Path, text: str) -> frozenset[str]:
    """The triggers that these connections can bring about."""
    from hub.flows.check import producible
    from hub.flows.types import ROLL_UP

    file.write_text(text, "utf-8")
    return producible(_good(read_configuration(file))) - {ROLL_UP}


def _good(configuration: Any) -> Any:
    if configuration.config is None:
        click.echo(said(configuration), err=True)
        raise refused("these answers do not make a file that works; nothing was written")
    return configuration.config


def _write(file: Path, text: str, mode: int) -> None:
    """A new file; one that is there already is not touched."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise Stop(f"{file} is there already", 2) from error
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
