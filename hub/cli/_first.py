"""The first flows.yaml and .env, made of answers. Pure: answers in, texts out."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.plugin import Adapter

FLOWS = Path(__file__).parent / "first_flows.yaml"

CALLED = {"smtp": "mail", "telegram": "bot"}
"""Plugin → what its connection is called; a platform's is `main-shop`, all others have the plugin's name."""

ALSO: Mapping[str, tuple[str, ...]] = {"shopify": ("client_id",), "smtp": ("username", "password")}
"""Plugin → settings that are asked for although they can be left out."""

EXAMPLE_SECRET = "replace-me"
"""Begins, or stands in, every secret that we write for an example."""
EXAMPLES: tuple[tuple[str, str, str], ...] = (
    ("shopify", "domain", "{slug}.myshopify.com"),
    ("telegram", "token", f"123456789:{EXAMPLE_SECRET}-with-the-token-of-your-bot"),
    ("smtp", "host", "smtp.{slug}.example"),
    ("*", "from", "{name} <shop@{slug}.example>"),
    ("*", "sender", "{slug}"),
    ("*", "username", "shop@{slug}.example"),
    ("*", "email", "shop@{slug}.example"),
    ("*", "host", "{slug}.example"),
    ("*", "url", "https://{slug}.example"),
    ("*", "*", f"{EXAMPLE_SECRET}-please-1234"),
)
"""Plugin, setting, what stands there until somebody puts the right thing in. The first row that fits."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One setting that is asked for."""

    connection: str
    plugin: str
    name: str
    about: str
    secret: bool
    example: str

    @property
    def variable(self) -> str:
        """What it is called in `.env`."""
        return re.sub(r"[^A-Z0-9]", "_", f"{self.connection}_{self.name}".upper())


@dataclass(slots=True)
class Answers:
    """What the person said."""

    name: str
    country: str
    language: str
    timezone: str
    currency: str
    public_url: str
    adapters: "Mapping[str, tuple[str, type[Adapter[Any]]]]"
    """Connection → kind and adapter."""
    owner: str
    contacts: Mapping[str, str]
    """Channel connection → the owner's address."""
    settings: dict[tuple[str, str], str] = field(default_factory=dict)
    """(Connection, setting) → value."""

    @property
    def slug(self) -> str:
        """The shop's name as a part of an address."""
        return slug_of(self.name)


def slug_of(name: str) -> str:
    """Small plain letters and digits of a name."""
    return "".join(re.findall(r"[a-z0-9]", name.lower())) or "shop"


def connection_of(kind: str, plugin: str) -> str:
    """What a connection is called."""
    return "main-shop" if kind == "platform" else CALLED.get(plugin, plugin.replace("_", "-"))


def questions(connection: str, adapter: "type[Adapter[Any]]", name: str) -> Iterator[Asked]:
    """The settings without which this plugin cannot work."""
    from pydantic import SecretStr

    from hub.config.kinds import annotation_of, keys_of, options

    for key, info in keys_of(adapter.settings_type).items():
        if info.is_required() or key in ALSO.get(adapter.name, ()):
            secret = SecretStr in options(annotation_of(info))
            yield Asked(
                connection, adapter.name, key, info.description or "", secret, _example(adapter.name, key, name)
            )


def _example(plugin: str, key: str, name: str) -> str:
    found = next(text for who, what, text in EXAMPLES if who in (plugin, "*") and (what == "*" or what == key))
    return found.format(slug=slug_of(name), name=name)


# ------------------------------------------------------------------------------------------------ the file


def quoted(text: str) -> str:
    """A value in a file."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def file_text(answers: Answers, asked: Sequence[Asked], words: frozenset[str] | None) -> str:
    """The whole file. `words`: the triggers that can happen; None: without flows."""
    parts = [_head(answers), _connections(answers, asked), *_people(answers)]
    flows = dict(_flows(words)) if words is not None else {}
    told = {word for _, heard in flows.values() for word in heard}
    parts.insert(2, _contact(answers, sorted((words or frozenset()) - told)))
    blocks = "\n".join(text for text, _ in flows.values())
    parts.append(f"flows:\n{blocks}" if blocks else "flows: {}\n")
    return "\n".join(parts)


def _head(answers: Answers) -> str:
    url = f"public_url: {quoted(answers.public_url)}, " if answers.public_url else ""
    note = (
        "" if url else "# Without `public_url: https://…` in this line no webhook reaches the hub; it asks by itself.\n"
    )
    rest = {
        "country": answers.country,
        "locale": answers.language,
        "timezone": answers.timezone,
        "currency": answers.currency,
    }
    shop = "".join(f", {key}: {quoted(value)}" for key, value in rest.items() if value)
    return (
        "# `hub flows check` says whether this file is right. Secrets stand in .env beside it.\n"
        "version: 1\n\n"
        f'{note}hub: {{{url}listen: "127.0.0.1:8080", data: ./data}}\n\n'
        f"shop: {{name: {quoted(answers.name)}{shop}}}\n"
    )


def _connections(answers: Answers, asked: Sequence[Asked]) -> str:
    lines = ["connections:"]
    for connection, (kind, adapter) in answers.adapters.items():
        own = [each for each in asked if each.connection == connection]
        values = [f"{each.name}: {_reference(each, answers)}" for each in own]
        lines.append(f"  {connection}: {{{', '.join([f'{kind}: {adapter.name}', *values])}}}")
    return "\n".join(lines) + "\n"


def _reference(each: Asked, answers: Answers) -> str:
    if each.secret:
        return f'"${{{each.variable}}}"'
    return quoted(answers.settings[each.connection, each.name])


def _channels(answers: Answers) -> list[str]:
    return [name for name, (kind, _) in answers.adapters.items() if kind == "channel"]


def _contact(answers: Answers, silent: Sequence[str]) -> str:
    channels = _channels(answers)
    letters = [name for name in channels if _form(answers, name) == "mail"] or channels
    lines = [
        "contact:",
        f"  routes: {{default: [{', '.join(channels)}], letter: [{', '.join(letters)}]}}",
        '  quiet: "21:00-08:00"',
        "  settle: 1m",
        "  unheard: {escalate: support, due: 8h}",
    ]
    if silent:
        lines += ["  silent:  # nobody is told these, on purpose", *(f"    - {word}" for word in silent)]
    return "\n".join(lines) + "\n"


def _form(answers: Answers, name: str) -> str:
    return str(getattr(answers.adapters[name][1], "form", ""))


def _people(answers: Answers) -> Iterator[str]:
    contacts = {name: _contact_value(answers, name, value) for name, value in answers.contacts.items()}
    said = "".join(f", {name}: {value}" for name, value in contacts.items())
    yield f"staff:\n  support: {{people: [owner], via: [{', '.join(contacts)}], acknowledge: 1h}}\n"
    yield f"people:\n  owner: {{name: {quoted(answers.owner)}{said}, locale: {answers.language}}}\n"


def _contact_value(answers: Answers, name: str, value: str) -> str:
    return quoted(value) if _form(answers, name) == "mail" else f'"${{{contact_variable(name)}}}"'


def contact_variable(name: str) -> str:
    """What the owner's address in a channel is called in `.env`."""
    return re.sub(r"[^A-Z0-9]", "_", f"OWNER_{name}".upper())


def _flows(words: frozenset[str]) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """Name → text and triggers of the flows that can start here."""
    for block in re.split(r"(?m)^(?=  [a-z])", FLOWS.read_text("utf-8")):
        found = re.search(r"(?m)^    on: (.+)$", block)
        if found is None:
            continue
        named = re.findall(r"[a-z_]+\.[a-z_]+", found[1])
        heard = tuple(word for word in named if word in words)
        if heard:
            on = heard[0] if len(heard) == 1 else f"[{', '.join(heard)}]"
            text = block.replace(found[0], f"    on: {on}", 1).rstrip() + "\n"
            yield block.partition(":")[0].strip(), (text, heard)


def env_text(answers: Answers, asked: Sequence[Asked]) -> str:
    """The file of secrets."""
    lines = ["# Secrets of flows.yaml. Never commit this file."]
    for each in asked:
        if each.secret:
            lines += [f"# {each.about}", f"{each.variable}={_env_value(answers.settings[each.connection, each.name])}"]
    for name, value in answers.contacts.items():
        if _form(answers, name) != "mail":
            lines.append(f"{contact_variable(name)}={_env_value(value)}")
    return "\n".join(lines) + "\n"


def _env_value(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./:@+-]+", text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
