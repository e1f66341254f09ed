"""The tables. Truth is rows; the tenant is part of every key from the first table on.

Times are whole microseconds since 1970 in UTC (`Utc`), so that both databases compare and index them alike. Partial
indexes carry their predicate as a literal, and queries must write it as a literal too (ENGINE 7).
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

TENANT = "main"
"""An embedded hub has one tenant: one merchant, one flows.yaml."""

SLOTS = 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slot_of(key: str) -> int:
    """The slot of an order by its id (or of whatever has no order): stable between processes and releases."""
    return crc32(key.encode()) % SLOTS


Slots = range
"""A run of slots that one drain works on."""
ALL_SLOTS: Slots = range(SLOTS)


def in_slots(column: "sa.Column[int]", slots: Slots) -> sa.ColumnElement[bool]:
    """Whether a row belongs to these slots; of all of them nothing is asked, so that the index by time serves alone."""
    return sa.true() if slots == ALL_SLOTS else column.between(slots.start, slots.stop - 1)


def slot_of_subject(connection: str, subject: str) -> int:
    """The slot of what an event speaks of. A parcel may be of several orders, so it has one of its own."""
    order, of_order, ref = subject.partition("order:")
    return slot_of(f"{connection}:{ref}" if of_order and not order else subject)


class Utc(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        if value is None:
            return None
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Json(TypeDecorator[Any]):
    """A JSON value as text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else json.loads(value)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _id() -> sa.Column[int]:
    return sa.Column("id", _Id, sa.Identity(), primary_key=True)


def _tenant(primary: bool = False) -> sa.Column[str]:
    return sa.Column("tenant", sa.Text, primary_key=primary, nullable=False, default=TENANT)


def _text(name: str, *, key: bool = False, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False, default=None if key else default)


def _where(predicate: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(predicate), "postgresql_where": sa.text(predicate)}


meta = sa.Table("meta", metadata, _text("key", key=True), _text("value"))

inbox = sa.Table(
    "inbox",
    metadata,
    _id(),
    _tenant(),
    sa.Column("slot", sa.Integer, nullable=False),
    _text("connection"),
    _text("dedupe_key"),
    _text("subject"),
    _text("topic"),
    sa.Column("body", Json, nullable=False),
    sa.Column("occurred_at", Utc),
    sa.Column("received_at", Utc, nullable=False),
    _text("mode", default="live"),
    sa.Column("state", sa.Integer, nullable=False, default=0),  # InboxState
    _text("error"),
    sa.Column("done_at", Utc),
    sa.UniqueConstraint("tenant", "connection", "dedupe_key"),
    sa.Index("ix_inbox_pending", "slot", "id", **_where("state = 0")),
    sa.Index("ix_inbox_pending_all", "id", **_where("state = 0")),
    sa.Index("ix_inbox_orphans", "tenant", "subject", "connection", **_where("state = 2")),
    sa.Index("ix_inbox_dead", "tenant", "subject", "connection", **_where("state = 9")),
    sa.Index("ix_inbox_done", "done_at", **_where("state = 1")),
)


class InboxState:
    """What became of a raw event."""

    PENDING = 0
    DONE = 1
    ORPHAN = 2
    DEAD = 9
    DISMISSED = 10


polls = sa.Table(
    "polls",
    metadata,
    _id(),
    _tenant(),
    sa.Column("slot", sa.Integer, nullable=False),
    _text("connection"),
    _text("kind"),  # list, order, parcel, channel, health
    _text("ref"),
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("cursor", Json),
    sa.Column("state", sa.Integer, nullable=False, default=0),  # 0 at work, 1 ended
    sa.Column("every", sa.Integer, nullable=False, default=0),  # seconds to the next; 0: once
    sa.Column("slow_at", Utc),  # asked once a day from then on
    sa.Column("until_at", Utc),  # not asked any more from then on
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("last_at", Utc),
    _text("error"),
    sa.UniqueConstraint("tenant", "connection", "kind", "ref"),
    sa.Index("ix_polls_due", "due_at", "id", **_where("state = 0")),
    sa.Index("ix_polls_due_slot", "slot", "due_at", "id", **_where("state = 0")),
)

orders = sa.Table(
    "orders",
    metadata,
    _tenant(primary=True),
    _text("id", key=True),
    sa.Column("slot", sa.Integer, nullable=False),
    _text("shop"),
    _text("connection"),
    _text("ref"),
    _text("number"),
    _text("customer_id"),
    _text("headline"),
    _text("order_status"),
    _text("payment_status"),
    sa.Column("rev", sa.Integer, nullable=False, default=0),
    sa.Column("incomplete", sa.Integer, nullable=False, default=0),  # dead letters that speak of this order
    sa.Column("doc", sa.Text, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Index("ix_orders_number", "tenant", "number"),
    sa.Index("ix_orders_customer", "tenant", "customer_id"),
)

facts = sa.Table(
    "facts",
    metadata,
    _tenant(primary=True),
    _text("order_id", key=True),
    _text("subject", key=True),  # o, p:<ref>, r:<ref>, n:<number>
    _text("key", key=True),
    _text("source"),
    _text("vocabulary"),
    _text("code"),
    sa.Column("doc", Json, nullable=False),
    sa.Column("event_id", _Id),
    sa.Index("ix_facts_code", "tenant", "source", "vocabulary", "code"),
)

numbers = sa.Table(
    "numbers",
    metadata,
    _tenant(primary=True),
    _text("number", key=True),
    _text("order_id", key=True),
    sa.Index("ix_numbers_order", "tenant", "order_id"),
)

timeline = sa.Table(
    "timeline",
    metadata,
    _id(),
    _tenant(),
    _text("order_id"),
    _text("subject"),
    _text("kind"),  # status, run, message, escalation, note
    sa.Column("at", Utc, nullable=False),
    sa.Column("recorded_at", Utc, nullable=False),
    sa.Column("event_id", _Id),
    sa.Column("doc", Json, nullable=False),
    sa.Index("ix_timeline_order", "tenant", "order_id", "id"),
)

unmapped = sa.Table(
    "unmapped",
    metadata,
    _tenant(primary=True),
    _text("connection", key=True),
    _text("vocabulary", key=True),
    _text("code", key=True),
    _text("label"),
    sa.Column("count", sa.Integer, nullable=False, default=0),
    sa.Column("first_seen", Utc, nullable=False),
    sa.Column("last_seen", Utc, nullable=False),
    sa.Column("examples", Json, nullable=False),
)

customers = sa.Table(
    "customers",
    metadata,
    _tenant(primary=True),
    _text("id", key=True),
    _text("shop"),
    _text("name"),
    _text("email"),
    _text("phone"),
    _text("locale"),
    sa.Column("created_at", Utc, nullable=False),
    sa.Index("ix_customers_email", "tenant", sa.func.lower(sa.literal_column("email"))),
    sa.Index("ix_customers_phone", "tenant", sa.func.lower(sa.literal_column("phone"))),
)

contacts = sa.Table(
    "contacts",
    metadata,
    _tenant(primary=True),
    _text("customer_id", key=True),
    _text("channel", key=True),
    _text("address"),
    _text("state", default="open"),  # open, closed (by the customer)
    _text("reason"),
    sa.Column("at", Utc, nullable=False),
    sa.Index("ix_contacts_address", "tenant", "channel", "address"),
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    _tenant(primary=True),
    _text("channel", key=True),
    _text("address_hash", key=True),
    _text("reason"),
    sa.Column("at", Utc, nullable=False),
)

optouts = sa.Table(
    "optouts",
    metadata,
    _tenant(primary=True),
    _text("customer_id", key=True),
    _text("cls", key=True),
    _text("channel", key=True),
    sa.Column("at", Utc, nullable=False),
    _text("how"),
)

consents = sa.Table(  # what was allowed and taken back, append-only; `optouts` is how it stands
    "consents",
    metadata,
    _id(),
    _tenant(),
    _text("customer_id"),
    _text("cls"),
    _text("channel"),  # empty: all of them
    sa.Column("given", sa.Integer, nullable=False),
    sa.Column("at", Utc, nullable=False),
    _text("how"),
    sa.Index("ix_consents_customer", "tenant", "customer_id", "id"),
)

mutes = sa.Table(
    "mutes",
    metadata,
    _tenant(primary=True),
    _text("scope", key=True),  # customer, order
    _text("ref", key=True),
    _text("cls", key=True),
    sa.Column("until_at", Utc, nullable=False),
    sa.Column("at", Utc, nullable=False),
    _text("how"),
)

tags = sa.Table(  # what flows put on and took off; the shop's own stand in the order's document
    "tags",
    metadata,
    _tenant(primary=True),
    _text("scope", key=True),  # customer, order
    _text("ref", key=True),
    _text("tag", key=True),
    sa.Column("present", sa.Integer, nullable=False),  # 0: taken off, also where the shop has it
    sa.Column("at", Utc, nullable=False),
    _text("how"),
)

questions = sa.Table(
    "questions",
    metadata,
    _tenant(primary=True),
    _text("id", key=True),
    _text("order_id"),
    _text("customer_id"),
    _text("channel"),
    _text("topic"),  # status, complaint, return, address, other
    _text("text"),
    sa.Column("asked_at", Utc, nullable=False),
    sa.Column("answered_at", Utc),
    _text("answered_by"),
    _text("answer"),
    sa.Index("ix_questions_customer", "tenant", "customer_id", "asked_at"),
    sa.Index("ix_questions_order", "tenant", "order_id"),
    sa.Index("ix_questions_open", "tenant", "asked_at", **_where("answered_at IS NULL")),
)

surveys = sa.Table(
    "surveys",
    metadata,
    _tenant(primary=True),
    _text("id", key=True),
    sa.Column("slot", sa.Integer, nullable=False),
    _text("order_id"),
    _text("customer_id"),
    _text("run_key"),
    _text("name"),
    _text("state", default="open"),  # open, partial, answered
    _text("channel"),  # by which the last answer came
    sa.Column("shadow", sa.Integer, nullable=False, default=0),  # 1: nobody was asked, and nobody can answer
    sa.Column("answers", Json, nullable=False),
    sa.Column("opened_at", Utc, nullable=False),
    sa.Column("until_at", Utc, nullable=False),
    sa.Column("heard_at", Utc),
    sa.Column("finished_at", Utc),
    sa.UniqueConstraint("tenant", "order_id", "name", "shadow"),
    sa.Index("ix_surveys_finished", "tenant", "name", "finished_at"),
)

errands = sa.Table(  # what is to be done outside after the commit, beside messages: calls, write-backs, coupons, tags
    "errands",
    metadata,
    _id(),
    _tenant(),
    sa.Column("slot", sa.Integer, nullable=False),
    _text("key"),
    _text("kind"),  # call, write_back, coupon, tag
    _text("order_id"),
    _text("run_key"),
    _text("flow"),
    _text("step"),
    _text("connection"),
    _text("state", default="due"),  # due, on_wire, done, failed, stopped, dismissed
    _text("reason"),
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    _text("owner"),
    sa.Column("lease_until", Utc),
    sa.Column("doc", Json, nullable=False),
    sa.Column("answer", Json),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("finished_at", Utc),
    sa.UniqueConstraint("tenant", "key"),
    sa.Index("ix_errands_due", "due_at", "id", **_where("state = 'due'")),
    sa.Index("ix_errands_due_slot", "slot", "due_at", "id", **_where("state = 'due'")),
    sa.Index("ix_errands_leased", "lease_until", **_where("state = 'on_wire'")),
    sa.Index("ix_errands_order", "tenant", "order_id", "id"),
    sa.Index("ix_errands_undone", "tenant", "order_id", "connection", "id", **_where("state IN ('due', 'on_wire')")),
)

coupons = sa.Table(  # what was given away, so that it stays within bounds; the code itself is nowhere kept
    "coupons",
    metadata,
    _tenant(primary=True),
    _text("key", key=True),  # of its errand
    _text("customer_id"),
    _text("shop"),
    sa.Column("at", Utc, nullable=False),
    sa.Index("ix_coupons_customer", "tenant", "customer_id", "at"),
    sa.Index("ix_coupons_shop", "tenant", "shop", "at"),
)

links = sa.Table(
    "links",
    metadata,
    _tenant(primary=True),
    _text("token_hash", key=True),
    _text("purpose"),
    _text("ref"),
    sa.Column("expires_at", Utc),
    sa.Column("used_at", Utc),
)

flow_versions = sa.Table(
    "flow_versions",
    metadata,
    _tenant(primary=True),
    _text("version", key=True),
    _text("name"),
    sa.Column("source", Json, nullable=False),
)

file_versions = sa.Table(  # every file that was live: its text, and those of its includes, secrets masked
    "file_versions",
    metadata,
    _tenant(primary=True),
    _text("digest", key=True),
    sa.Column("files", Json, nullable=False),
    sa.Column("flows", Json, nullable=False),  # name → version
)

live_files = sa.Table(  # which file was live from when on, and what was decided about the runs under way
    "live_files",
    metadata,
    _id(),
    _tenant(),
    _text("digest"),
    _text("state"),  # waits (decided, not live yet), live, refused, withdrawn
    _text("reason"),
    sa.Column("waiting", Json, nullable=False),  # flow, or * → keep, move, stop
    sa.Column("decided_at", Utc, nullable=False),
    sa.Column("live_at", Utc),
    sa.Column("outcome", Json),
    sa.Index("ix_live_files_waits", "tenant", **_where("state = 'waits'")),
    sa.Index("ix_live_files_live", "tenant", "live_at"),
)

runs = sa.Table(
    "runs",
    metadata,
    _id(),
    _tenant(),
    sa.Column("slot", sa.Integer, nullable=False),
    _text("key"),
    _text("order_id"),
    _text("flow"),
    _text("version"),
    _text("subject_kind"),
    _text("subject"),
    _text("word"),
    sa.Column("occurrence", sa.BigInteger, nullable=False),
    _text("state"),  # waiting, done, stopped, restarted, parked, held-out
    _text("reason"),
    sa.Column("shadow", sa.Integer, nullable=False, default=0),  # 1: nobody outside feels anything of it
    sa.Column("doc", Json, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
    sa.UniqueConstraint("tenant", "key"),
    sa.Index("ix_runs_waiting", "tenant", "order_id", **_where("state = 'waiting'")),
    sa.Index("ix_runs_order", "tenant", "order_id", "id"),
)

flow_hours = sa.Table(  # how much a flow said to customers in an hour, and whether its breaker held it then
    "flow_hours",
    metadata,
    _tenant(primary=True),
    _text("flow", key=True),
    sa.Column("shadow", sa.Integer, primary_key=True, nullable=False),
    sa.Column("hour", Utc, primary_key=True, nullable=False),
    sa.Column("sent", sa.Integer, nullable=False, default=0),
    sa.Column("excused", sa.Integer, nullable=False, default=0),  # of these, what does not count against it
    sa.Column("most", sa.Integer, nullable=False, default=0),  # what was let through before it was held
    sa.Column("held_at", Utc),
    sa.Column("settled_at", Utc),
    sa.Index("ix_flow_hours_held", "tenant", "flow", **_where("held_at IS NOT NULL AND settled_at IS NULL")),
)

timers = sa.Table(
    "timers",
    metadata,
    _id(),
    _tenant(),
    sa.Column("slot", sa.Integer, nullable=False),
    _text("key"),
    _text("kind"),  # run, acknowledge, due, receipt, errand, stalled, late, survey, policy, promise
    _text("ref"),
    _text("order_id"),
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("state", sa.Integer, nullable=False, default=0),  # 0 to come, 1 fired or called off
    sa.UniqueConstraint("tenant", "key"),
    sa.Index("ix_timers_due", "due_at", "id", **_where("state = 0")),
    sa.Index("ix_timers_due_slot", "slot", "due_at", "id", **_where("state = 0")),
)

watches = sa.Table(  # occurrences after which a policy wants somebody to hear
    "watches",
    metadata,
    _tenant(primary=True),
    _text("key", key=True),
    _text("order_id"),
    _text("policy"),
    _text("word"),
    _text("subject_kind"),
    _text("subject"),
    _text("state", default="open"),  # open, kept, broken, waived (by `unless`), dropped (with its policy)
    sa.Column("warned", sa.Integer, nullable=False, default=0),
    sa.Column("shadow", sa.Integer, nullable=False, default=0),  # 1: nobody is called
    sa.Column("doc", Json, nullable=False),
    sa.Column("since_at", Utc, nullable=False),
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
    sa.Index("ix_watches_order", "tenant", "order_id", "since_at"),
)

messages = sa.Table(
    "messages",
    metadata,
    _id(),
    _tenant(),
    sa.Column("slot", sa.Integer, nullable=False),
    _text("key"),
    _text("order_id"),
    _text("customer_id"),
    _text("run_key"),
    _text("flow"),
    _text("step"),
    _text("template"),
    _text("cls"),
    _text("recipient"),
    _text("word"),
    _text("subject"),
    _text("state", default="due"),
    _text("reason"),
    sa.Column("shadow", sa.Integer, nullable=False, default=0),  # 1: it ends as what would have been sent
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("before_at", Utc),
    sa.Column("tries", sa.Integer, nullable=False, default=0),  # with the present channel
    _text("connection"),  # the channel it is meant for now, once that is known
    _text("owner"),
    sa.Column("lease_until", Utc),
    sa.Column("doc", Json, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("finished_at", Utc),
    sa.UniqueConstraint("tenant", "key"),
    sa.Index("ix_messages_run", "tenant", "run_key", **_where("state = 'due'")),
    sa.Index("ix_messages_due", "connection", "due_at", "id", **_where("state = 'due'")),
    sa.Index("ix_messages_due_slot", "slot", "due_at", "id", **_where("state = 'due'")),
    sa.Index("ix_messages_leased", "lease_until", **_where("state = 'on_wire'")),
    sa.Index("ix_messages_order", "tenant", "order_id", "id"),
    sa.Index("ix_messages_customer", "tenant", "customer_id", "finished_at"),
    sa.Index("ix_messages_shadow", "created_at", "id", **_where("shadow = 1")),
    sa.Index("ix_messages_held", "tenant", "run_key", **_where("state = 'held'")),
)

attempts = sa.Table(
    "attempts",
    metadata,
    _id(),
    _tenant(),
    sa.Column("message_id", _Id, nullable=False),
    _text("connection"),
    _text("key"),
    _text("address_hash"),
    _text("outcome"),
    _text("reason"),
    _text("provider_id"),
    sa.Column("content", Json, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("finished_at", Utc),
    sa.Index("ix_attempts_message", "message_id"),
    sa.Index("ix_attempts_key", "tenant", "key"),
    sa.Index("ix_attempts_provider", "tenant", "connection", "provider_id"),
)

escalations = sa.Table(
    "escalations",
    metadata,
    _id(),
    _tenant(),
    sa.Column("slot", sa.Integer, nullable=False),
    _text("uid"),
    _text("key"),
    _text("order_id"),
    _text("run_key"),
    _text("flow"),
    _text("subject"),
    _text("rung"),
    sa.Column("told", sa.Integer, nullable=False, default=0),  # how often the present rung was told
    _text("severity"),
    _text("reason"),
    _text("state"),  # open, acknowledged, resolved, shadow
    _text("owner"),
    _text("note"),
    sa.Column("choices", Json),  # the words of the buttons
    _text("choice"),
    sa.Column("handed", sa.Integer, nullable=False, default=0, server_default="0"),  # how often it was handed over
    sa.Column("due_at", Utc),
    sa.Column("opened_at", Utc, nullable=False),
    sa.Column("acknowledged_at", Utc),
    sa.Column("resolved_at", Utc),
    sa.UniqueConstraint("tenant", "uid"),
    sa.Index("ix_escalations_open", "tenant", "key", **_where("state <> 'resolved'")),
    sa.Index("ix_escalations_order", "tenant", "order_id"),
)

claims = sa.Table(
    "claims",
    metadata,
    _tenant(primary=True),
    _text("flow", key=True),  # in its realm
    _text("scope", key=True),  # shipment, order, customer
    _text("ref", key=True),
    _text("home"),  # the order or the customer by which it is found
    sa.Column("at", Utc, nullable=False),
    sa.Index("ix_claims_home", "tenant", "home"),
)

schedules = sa.Table(
    "schedules",
    metadata,
    _tenant(primary=True),
    _text("id", key=True),
    _text("spec"),
    sa.Column("next_run_at", Utc, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, default=0),
)

connections = sa.Table(
    "connections",
    metadata,
    _tenant(primary=True),
    _text("name", key=True),
    _text("paused"),  # the reason; empty: at work
    sa.Column("paused_at", Utc),
    sa.Column("paused_until", Utc),
    sa.Column("imported_at", Utc),
    sa.Column("last_event_at", Utc),
    sa.Column("last_webhook_at", Utc),
    sa.Column("statuses", Json),  # the status tables that the stored facts were last folded with
)
