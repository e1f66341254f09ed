"""Signed links: a token is 160 bits that only this hub can make, the same each time; the table knows its hash alone."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .database import insert_new
from .tables import TENANT, links, meta


def make_link_secret(connection: sa.Connection, dialect: str) -> None:
    """Make the secret that tokens are made with, once per database."""
    connection.execute(insert_new(meta, dialect).values(key="link_secret", value=secrets.token_hex(32)))


_SECRET = sa.select(meta.c.value).where(meta.c.key == "link_secret")


def link_secret(connection: sa.Connection) -> bytes:
    """The secret that tokens are made with."""
    row = connection.execute(_SECRET).one()
    return bytes.fromhex(row.value)


def token_for(secret: bytes, purpose: str, ref: str) -> str:
    """27 characters of `A-Za-z0-9_-` (160 bits)."""
    digest = hmac.new(secret, f"{purpose}\0{ref}".encode(), "sha256").digest()[:20]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def link_row(token: str, purpose: str, ref: str, expires_at: datetime | None) -> dict[str, Any]:
    """The row of a link."""
    return {
        "tenant": TENANT,
        "token_hash": token_hash(token),
        "purpose": purpose,
        "ref": ref,
        "expires_at": expires_at,
    }


def matter_ref(uid: str, person: str) -> str:
    """What a link to a matter is for: the matter, and who was given it; nobody where that is nobody of the file."""
    return f"{uid}|{person}" if person else uid


def matter_of(ref: str) -> tuple[str, str]:
    """The matter and the person again; links of earlier releases name no person."""
    uid, _, person = ref.partition("|")
    return uid, person


def chat_purpose(channel: str) -> str:
    """What a deep link is for that joins a chat to a customer."""
    return f"link:{channel}"


def order_ref(customer: str, channel: str, order: str) -> str:
    """What a link to an order's page is for: the customer it was given to, through which channel, and the order."""
    return f"{customer}|{channel}|{order}"


def order_of(ref: str) -> tuple[str, str, str]:
    """The customer, the channel and the order again; only the order's id may hold anything."""
    customer, channel, order = ref.split("|", 2)
    return customer, channel, order


def find_link(connection: sa.Connection, token: str, purpose: str, now: datetime) -> Any:
    """The link of a token, or None: unknown, expired and foreign look alike."""
    row = connection.execute(
        sa.select(links).where(links.c.tenant == TENANT, links.c.token_hash == token_hash(token))
    ).first()
    if row is None or row.purpose != purpose or (row.expires_at is not None and row.expires_at < now):
        return None
    return row
