"""What may stand in a mail connection's settings, and what an address is."""

from typing import Any

import pytest
from pydantic import ValidationError

from plugins.channels.smtp import SmtpSettings
from plugins.channels.smtp._address import BadAddressError, read_address, read_mailbox

GOOD = {"host": "smtp.shop.example", "from": "Shop <orders@shop.example>"}


def made(**fields: Any) -> SmtpSettings:
    return SmtpSettings.model_validate({**GOOD, **fields})


@pytest.mark.parametrize(("security", "port"), [("tls", 465), ("starttls", 587)])
def test_the_port_follows_from_the_security(security: str, port: int) -> None:
    assert made(security=security).address == ("smtp.shop.example", port)
    assert made(security=security, port=2525).address == ("smtp.shop.example", 2525)


def test_tls_is_the_default() -> None:
    assert made().security == "tls"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"security": "none"}, "in the clear"),
        ({"security": "none", "host": "localhost.evil.example"}, "in the clear"),
        ({"security": "none", "insecure": True, "username": "u", "password": "p"}, "inside TLS"),
        ({"username": "u"}, "password"),
        ({"password": "p"}, "username"),
        ({"username": "u", "password": "p", "oauth_token": "t"}, "either"),
        ({"username": "u\nx", "password": "p"}, "pattern"),
        ({"from": "no address"}, "@"),
        ({"from": "a@x.test, b@x.test"}, "one address"),
        ({"from": "A <a@x.test>\r\nBcc: b@x.test"}, "control"),
        ({"from": "крамниця@x.test"}, "plain letters"),
        ({"reply_to": "x"}, "@"),
        ({"bounce_domain": "b.shop.example"}, "bounce_secret"),
        ({"bounce_domain": "b shop", "bounce_secret": "x" * 16}, "domain"),
        ({"webhook_secret": "x" * 16}, "bounce_secret"),
        ({"bounce_secret": " " * 20}, "16 characters"),
        ({"bounce_secret": "short"}, "16 characters"),
        ({"host": "a b"}, "pattern"),
        ({"host": "a\r\nb"}, "pattern"),
        ({"port": 0}, "greater"),
        ({"dot_timeout": 61}, "less"),
        ({"unknown": 1}, "Extra"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        made(**fields)
    assert says in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "LOCALHOST"])
def test_an_open_line_to_this_machine_is_allowed(host: str) -> None:
    assert made(security="none", host=host).address == (host, 25)


def test_no_secret_shows_itself() -> None:
    found = made(
        username="u", password="the-password", bounce_secret="the-bounce-secret-1", webhook_secret="the-path-12345678"
    )
    assert not any(word in repr(found) for word in ("the-password", "the-bounce-secret-1", "the-path-12345678"))


def test_every_setting_is_described() -> None:
    assert all(field.description for field in SmtpSettings.model_fields.values())


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("anna@example.test", "anna@example.test"),
        (" Anna.Nowak+shop@Example.TEST ", "Anna.Nowak+shop@example.test"),
        ("o'neill@example.test", "o'neill@example.test"),
        ("a@xn--80aikifvh.test", "a@xn--80aikifvh.test"),
        ("a@приклад.укр", "a@xn--80aikifvh.xn--j1amh"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("анна@example.test", "анна@example.test"),
        ("dev@localhost", "dev@localhost"),
        ("x" * 64 + "@example.test", "x" * 64 + "@example.test"),
    ],
)
def test_addresses_that_people_have(text: str, address: str) -> None:
    assert str(read_address(text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "anna", "@", "a@", "@b.test", "a@b", "a@b.1", "a@-b.test", "a@b-.test", "a@b..test", "a@b.test.",
        "a@[127.0.0.1]", "a b@c.test", "a@b c.test", '"a b"@c.test', "a@b@c.test", "a,b@c.test", "a;b@c.test",
        "<a@b.test>", "A <a@b.test>", "a@b.test,c@d.test", "a(b)@c.test", ".a@b.test", "a.@b.test", "a..b@c.test",
        "a@b.test\r\n", "a@b.test\nRCPT TO:<x>", "a\0@b.test", "a\u2028@b.test", "a\u200b@b.test", "a\u202e@b.test",
        "a\ud800@b.test", "a@b\u2028.test", "a@b_c.test", "x" * 65 + "@b.test", "ї" * 33 + "@b.test",
        "a@" + "b" * 64 + ".test", "a@" + "b." * 130 + "test", "a@ї" * 100,
        "a" * 60 + "@" + ("b" * 60 + ".") * 4 + "test",
        "a@\u0000.test", "a@.test", "a%b@c.test>", "a@b.test SIZE=1",
    ],
)  # fmt: skip
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(BadAddressError) as caught:
        read_address(text)
    assert "b.test" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("a@b.test", "", "a@b.test"),
        ("Shop <a@b.test>", "Shop", "a@b.test"),
        ('"Shop, Ltd." <a@b.test>', "Shop, Ltd.", "a@b.test"),
        ("Shop, Ltd. <a@b.test>", "Shop, Ltd.", "a@b.test"),
        ("Крамниця <a@b.test>", "Крамниця", "a@b.test"),
        ("a@x.test <a@b.test>", "a@x.test", "a@b.test"),
        ("<a@b.test>", "", "a@b.test"),
    ],
)
def test_mailboxes_as_merchants_write_them(text: str, name: str, address: str) -> None:
    found_name, found = read_mailbox(text)
    assert (found_name, str(found)) == (name, address)


@pytest.mark.parametrize("text", ["", "Shop <a@b.test", "Shop a@b.test>", "<>", "a@b.test <>", "x\ny <a@b.test>"])
def test_mailboxes_that_are_none(text: str) -> None:
    with pytest.raises(BadAddressError):
        read_mailbox(text)
