"""Mail addresses: read strictly, so that an address can be put on an SMTP command line and into a header as it is."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from email.utils import parseaddr

import idna

MAX_LOCAL, MAX_DOMAIN, MAX_ADDRESS = 64, 255, 254
"""Octets (RFC 5321 4.5.3.1; an address in a path of 256 with its angle brackets)."""

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


class BadAddressError(ValueError):
    """Not an address mail can be sent to. The text never holds the address."""


@dataclass(frozen=True, slots=True)
class MailAddress:
    """`local@domain`; the domain is in its ASCII form (`xn--…`), the local part may be Unicode (then SMTPUTF8)."""

    local: str
    domain: str

    @property
    def ascii(self) -> bool:
        return self.local.isascii()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def read_address(text: str) -> MailAddress:
    """An address as customers have them: dot-atom, a domain with a dot (or `localhost`). Comments, quoted local parts,
    address literals and lists of addresses are refused with `BadAddressError`."""
    local, at, domain = text.strip(" ").rpartition("@")
    if not at:
        raise BadAddressError("an address needs an @")
    found = MailAddress(_local(local), _domain(domain))
    if len(str(found).encode()) > MAX_ADDRESS:
        raise BadAddressError("the address is too long")
    return found


def _local(text: str) -> str:
    if not text or len(text) > MAX_LOCAL or not all(_ATOM.fullmatch(atom) for atom in text.split(".")):
        raise BadAddressError("the part before the @ is not readable")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadAddressError("the part before the @ is not text") from None
    if size > MAX_LOCAL or any(unicodedata.category(each)[0] in "CZ" for each in text):
        raise BadAddressError("the part before the @ is not readable")
    return text


def _domain(text: str) -> str:
    if len(text) > MAX_DOMAIN:
        raise BadAddressError("the domain is too long")
    domain = text.lower() if text.isascii() else _to_ascii(text)
    labels = domain.split(".")
    if len(domain) > MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddressError("the domain is not readable")
    if domain != "localhost" and (len(labels) < 2 or labels[-1].isdigit()):
        raise BadAddressError("the domain is not complete")
    return domain


def _to_ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise BadAddressError("the domain is not readable") from None


def read_mailbox(text: str) -> tuple[str, MailAddress]:
    """`Name <address>` or a bare address, as the merchant writes it in flows.yaml."""
    if any(unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in text):
        raise BadAddressError("control characters do not belong into an address")
    if text.count("@") > 1 and "<" not in text:
        raise BadAddressError("one address only")
    name, bracket, rest = text.rpartition("<")
    if not bracket:
        return "", read_address(text)
    if not rest.rstrip().endswith(">"):
        raise BadAddressError("write it as: Name <address>")
    return parseaddr(f"{name}<x@y>")[0] if '"' in name else name.strip(), read_address(rest.rstrip()[:-1])


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine, without asking the DNS."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
