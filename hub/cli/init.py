"""`hub init`: a first file that works, after a few questions."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import _first
from ._errors import Stop, refused
from ._setup import example, read_configuration, registry, said

if TYPE_CHECKING:
    from hub.plugin import Adapter

LANGUAGES = ("en", "uk", "pl", "ru")
T = TypeVar("T")


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
    """Asks what no flag says. An answer that cannot be is asked for again at once; a flag that cannot be is refused."""

    def __init__(self, yes: bool, given: Mapping[str, Any]) -> None:
        self.yes, self.given = yes, given
        self.values = dict(_split(each, "CONNECTION.SETTING=VALUE") for each in given["values"])
        self.asked: list[_first.Asked] = []

    def all(self) -> _first.Answers:
        """Every answer."""
        name = self._ask("shop", "What is the shop called?", "My Shop", str)
        country, zone, currency = self._ask("country", "In which country is it (two letters)?", "UA", _habits)
        language = self._ask("language", f"Its language ({', '.join(LANGUAGES)})", _language(country), _spoken)
        adapters = self._adapters()
        owner = self._ask("owner", "Who is told when a person must act?", "Owner", str)
        contacts = self._contacts(adapters, name)
        answers = _first.Answers(
            name, country, language, zone, currency, self.given["public_url"], adapters, owner, contacts
        )
        for connection, (_, adapter) in adapters.items():
            for each in _first.questions(connection, adapter, name):
                self.asked.append(each)
                answers.settings[connection, each.name] = self._setting(each, adapter)
        self._all_known()
        return answers

    def _ask(self, flag: str, question: str, default: str, meant: Callable[[str], T]) -> T:
        if self.given[flag] is not None:
            return meant(str(self.given[flag]))
        if self.yes:
            return meant(default)
        return _prompt(question, default, meant)

    def _adapters(self) -> "dict[str, tuple[str, type[Adapter[Any]]]]":
        first = _names("platform").split(", ")[0]
        found = self._ask("platform", f"The shop's platform ({_names('platform')}, or none)", first, _platform)
        found = {**found, **self._several("carriers", "carrier", "Carriers, with commas; empty: none", "")}
        return {**found, **self._several("channels", "channel", "Channels, best first", "smtp")}

    def _several(
        self, flag: str, kind: str, question: str, default: str
    ) -> "dict[str, tuple[str, type[Adapter[Any]]]]":
        def meant(text: str) -> "dict[str, tuple[str, type[Adapter[Any]]]]":
            names = [each.strip() for each in text.split(",") if each.strip()]
            found = {_first.connection_of(kind, name): (kind, _adapter(kind, name)) for name in names}
            if not found and kind == "channel":
                raise refused(f"a hub needs a channel to tell anybody anything; there are: {_names('channel')}")
            return found

        if self.given[flag] or self.yes:
            return meant(",".join(self.given[flag]) or default)
        return _prompt(f"{question} ({_names(kind)})", default, meant)

    def _contacts(self, adapters: "Mapping[str, tuple[str, type[Adapter[Any]]]]", name: str) -> dict[str, str]:
        """The owner's addresses. A chat is only taken where it is named: an example would be somebody else's."""
        given = dict(_split(each, "CHANNEL=ADDRESS") for each in self.given["contacts"])
        channels = {each: adapter for each, (kind, adapter) in adapters.items() if kind == "channel"}
        unknown = sorted(set(given) - set(channels))
        if unknown:
            raise refused(f"--contact: there is no channel '{unknown[0]}'; there are: {', '.join(channels)}")
        for channel, adapter in channels.items():
            kind = str(getattr(adapter, "address_kind", ""))
            default = f"owner@{_first.slug_of(name)}.example" if kind == "email" else ""
            if channel in given:
                continue
            address = default if self.yes else _prompt(_where(channel, adapter, kind), default, _address(kind))
            if address:
                given[channel] = address
        first, adapter = next(iter(channels.items()))
        return given or {first: "+380440000000" if getattr(adapter, "address_kind", "") == "phone" else "replace-me"}

    def _setting(self, each: _first.Asked, adapter: "type[Adapter[Any]]") -> str:
        from hub.config.settings import complaint

        def meant(text: str) -> str:
            value = text or each.example
            wrong = complaint(adapter.settings_type, each.name, value)
            if wrong:
                raise refused(wrong)
            return value

        said = self.values.pop(f"{each.connection}.{each.name}", None)
        if said is not None:
            return said
        if self.yes:
            return each.example
        shown = f"{each.connection}: {each.name}. {each.about.rstrip('.')}"
        return _prompt(shown, "" if each.secret else each.example, meant, hidden=each.secret)

    def _all_known(self) -> None:
        if self.values:
            names = ", ".join(f"{each.connection}.{each.name}" for each in self.asked)
            raise refused(f"--set: there is no '{next(iter(self.values))}' to be set here; there are: {names}")


def _prompt(question: str, default: str, meant: Callable[[str], T], *, hidden: bool = False) -> T:
    """Ask until the answer can be; what is wrong with it is said at once."""

    def value(text: str) -> T:
        try:
            return meant(text.strip())
        except Stop as stop:
            raise click.BadParameter(stop.message) from stop

    shown = bool(default) and not hidden
    found: T = click.prompt(question, default=default, show_default=shown, hide_input=hidden, value_proc=value)
    return found


def _where(channel: str, adapter: Any, kind: str) -> str:
    """The question for the owner's address in a channel."""
    if kind == "email":
        return f"Your mail address ('{channel}')"
    if kind == "phone":
        return f"Your phone number, with + ('{channel}'; empty: none)"
    return f"Your own chat id in {adapter.label} ('{channel}'; empty: not known yet)"


def _address(kind: str) -> Callable[[str], str]:
    from hub.config.scalars import address_mistake

    def meant(text: str) -> str:
        wrong = address_mistake(kind, text) if text else ""
        if wrong:
            raise refused(wrong)
        return text

    return meant


def _platform(name: str) -> "dict[str, tuple[str, type[Adapter[Any]]]]":
    if name in ("", "none"):
        return {}
    return {_first.connection_of("platform", name): ("platform", _adapter("platform", name))}


def _spoken(language: str) -> str:
    if language not in LANGUAGES:
        raise refused(f"there are texts in {', '.join(LANGUAGES)}, not in '{language[:20]}'")
    return language


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


def _habits(text: str) -> tuple[str, str, str]:
    """A country, its first time zone, and its currency."""
    from babel.core import get_global
    from babel.numbers import get_territory_currencies

    country = text.upper()
    zones: Mapping[str, Sequence[str]] = get_global("territory_zones")
    if country not in zones:
        raise refused(f"there is no country '{country[:20]}'; write it with two letters, like UA")
    money = get_territory_currencies(country)
    return country, zones[country][0], str(money[0]) if money else ""


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
