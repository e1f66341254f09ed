"""Adapters and a registry for tests of the configuration: as little as the loader looks at, and no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from hub.config.load import Loaded
from hub.flows.check import Texts
from hub.flows.load import load_config
from hub.plugin import Adapter, AddressKind, Carrier, Channel, Form, Platform, Settings, StatusTables, Target
from hub.status import Meaning, Order, Payment, Return, Shipment, full_name


class ShopSettings(Settings):
    domain: str = Field(pattern=r"^[a-z-]+\.example$", description="The shop's address.")
    secret: SecretStr = Field(description="Signs webhooks.")
    days: int = Field(30, ge=1, le=90, description="How far back to look.")
    words: tuple[str, ...] = Field((), description="Words for cash on delivery.")
    pause: timedelta = Field(timedelta(minutes=5), description="A length of time.")
    more: dict[str, Any] = Field({}, description="Whatever the shop adds.")


def rows(*statuses: Any) -> dict[str, Mapping[str, Meaning]]:
    return {"fake": {full_name(status): Meaning(status, str(status)) for status in statuses}}


class FakeShop(Platform[ShopSettings]):
    name = "shoplet"
    label = "Shoplet"
    settings_type = ShopSettings
    coupons = True
    statuses: ClassVar[StatusTables] = rows(*Order, *Payment, *Return)


class PostSettings(Settings):
    api_key: SecretStr = Field(description="The key.")
    url: str = Field("https://post.example", description="The address.")


class FakePost(Carrier[PostSettings]):
    name = "post"
    label = "Post"
    settings_type = PostSettings
    statuses: ClassVar[StatusTables] = rows(*Shipment)


class Box(Settings):
    host: str = Field(description="The server.")
    folder: str = Field("INBOX", description="The folder.")


class MailSettings(Settings):
    host: str = Field(min_length=1, description="The server.")
    sender: str = Field(alias="from", description="Who it comes from.")
    port: int | None = Field(None, ge=1, le=65535, description="The port.")
    password: SecretStr | None = Field(None, description="The password.")
    username: str = Field("", description="Who signs in.")
    bounces: Box | None = Field(None, description="The mailbox of bounces.")

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        if value == "localhost":
            raise ValueError("the server cannot be this machine")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.username) != (self.password is not None):
            raise ValueError("username and password go together")
        return self


class FakeMail(Channel[MailSettings]):
    name = "letters"
    label = "Letters"
    settings_type = MailSettings
    form = Form.MAIL
    address_kind = AddressKind.EMAIL
    rings = False


class BotSettings(Settings):
    token: SecretStr = Field(description="The token.")

    @field_validator("token")
    @classmethod
    def _shape(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() == "explode":
            raise RuntimeError("boom")
        if not value.get_secret_value().startswith("t"):
            raise ValueError(f"a token begins with t, not {value.get_secret_value()}")
        return value


class FakeBot(Channel[BotSettings]):
    name = "bot"
    label = "Bot"
    settings_type = BotSettings
    form = Form.CHAT
    address_kind = AddressKind.LINK
    rings = True


class HookSettings(Settings):
    url: str = Field(description="The address.")


class FakeHook(Target[HookSettings]):
    name = "hook"
    label = "Hook"
    settings_type = HookSettings


@dataclass(frozen=True, slots=True)
class Entry:
    adapter: type[Adapter[Any]]


class FakeRegistry:
    """Knows the five adapters above; `hurt` is a plugin that cannot be loaded."""

    known: ClassVar[dict[tuple[str, str], type[Adapter[Any]]]] = {
        ("platform", "shoplet"): FakeShop,
        ("carrier", "post"): FakePost,
        ("channel", "letters"): FakeMail,
        ("channel", "bot"): FakeBot,
        ("target", "hook"): FakeHook,
    }

    def adapter(self, kind: str, name: str) -> Entry:
        if name == "hurt":
            raise LookupError(f"{kind} hurt: plugin stranger:hurt is broken: ImportError: no module")
        if (kind, name) not in self.known:
            raise LookupError(
                f"there is no {kind} {name}; there are: {', '.join(n for k, n in self.known if k == kind)}"
            )
        return Entry(self.known[kind, name])


class FakeTexts:
    """Says everything in English and Ukrainian, except what a test takes away."""

    def __init__(
        self,
        *missing: tuple[str, str, str],
        prints: str = "order.number",
        own: Mapping[str, str] = MappingProxyType({}),
        spoilt: frozenset[str] = frozenset(),
    ) -> None:
        self.missing, self.prints, self.own, self.spoilt = set(missing), prints, own, spoilt

    def names(self) -> frozenset[str]:
        return frozenset(
            {"order-received", "shipped", "delivered", "ready-for-pickup", "pickup-last-day", "staff-news"}
        )

    def always(self, template: str, locale: str, form: str, shop: str | None = None) -> frozenset[str]:
        return frozenset({self.prints, self.prints.partition(".")[0]})

    def has(self, template: str, locale: str, form: str, shop: str | None = None) -> bool:
        return template in self.names() and locale in ("en", "uk") and (template, locale, form) not in self.missing


ENV = {"SHOP_SECRET": "shop-secret-value", "POST_KEY": "post-key-value", "TOKEN": "token-value", "CHAT": "4711"}

GROUND_TEXT = """\
shop: {name: Kavovar, locale: uk, timezone: Europe/Kyiv}
connections:
  main-shop: {platform: shoplet, domain: kavovar.example, secret: "${SHOP_SECRET}"}
  post: {carrier: post, api_key: "${POST_KEY}"}
  mail: {channel: letters, host: smtp.example, from: "Kavovar <shop@kavovar.example>"}
  bot: {channel: bot, token: "${TOKEN}"}
contact:
  routes: {default: [bot, mail], letter: [mail]}
  silent: [SILENT]
staff:
  support: {people: [olena], via: [bot, mail]}
people:
  olena: {name: Olena, bot: "${CHAT}", mail: olena@kavovar.example, locale: uk}
"""
"""A file without flows in which everything is right: 13 lines, so that a flow begins in line 14 or later."""


def all_silent() -> str:
    words = [f"{axis}.{value}" for axis, values in AXES for value in values]
    return ", ".join(words)


AXES = (("order", Order), ("payment", Payment), ("shipment", Shipment), ("return", Return))
GROUND = GROUND_TEXT.replace("SILENT", all_silent())
LINES = GROUND.count("\n")
WITH_TARGET = GROUND.replace("\ncontact:\n", "\n  crm: {target: hook, url: https://crm.example}\ncontact:\n")
"""The same file with a target, one line longer."""


class WithReceipts(FakeRegistry):
    """The bot says when a message arrived."""

    known: ClassVar = {**FakeRegistry.known, ("channel", "bot"): type("Told", (FakeBot,), {"receipts": True})}


def load(
    folder: Path,
    text: str,
    texts: Texts | None = None,
    env: Mapping[str, str] | None = None,
    receipts: bool = False,
) -> Loaded:
    """Load a file with this text. `receipts`: its bot gives receipts."""
    path = folder / "flows.yaml"
    path.write_bytes(text.encode())
    registry = WithReceipts() if receipts else FakeRegistry()
    return load_config(path, registry, {**ENV, **(env or {})}, texts=texts)


def flows(folder: Path, text: str, texts: Texts | None = None) -> Loaded:
    """Load a file in which all but the flows is right; `text` is what stands under `flows:` (line 1 of it is line 1 in
    `places`)."""
    return load(folder, GROUND + "flows:\n" + text, texts)


def said(loaded: Loaded, ground: bool = False) -> list[str]:
    """`line:column code` of each problem; with `ground`, lines count from behind `flows:` of `flows`."""
    less = LINES + 1 if ground else 0
    return [f"{each.line - less}:{each.column} {each.code}" for each in loaded.problems]
