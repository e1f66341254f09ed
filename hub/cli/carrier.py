"""`hub carrier`: what a carrier says, and what we make of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._errors import FAILED, Stop, refused
from ._group import Lazy, LazyGroup
from ._out import print_json, print_table, title
from ._setup import config_option, configured, connection_named, example, json_option, offline, with_adapter

if TYPE_CHECKING:
    from hub.config.model import Config
    from hub.messages import Texts
    from hub.pipeline.world import World
    from hub.plugin import Raw

COMMANDS = {"Commands": {"try": Lazy("hub.cli.carrier:try_", "Ask about one parcel: raw, records, canonical.")}}


@click.command("carrier", cls=LazyGroup, sections=COMMANDS)
def carrier() -> None:
    """Ask a carrier about one parcel."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One answer of a carrier, as it came and as it was read."""

    raw: Sequence[Any]
    records: Sequence[Any]
    canonical: Sequence[dict[str, Any]]
    status: str
    reason: str


TRY = example(
    "hub carrier try nova-poshta 20450000000001",
    "hub carrier try nova-poshta 20450000000001 --phone +380671234567",
)


@click.command("try", epilog=TRY)
@click.argument("connection")
@click.argument("number")
@click.option("--phone", default="", help="The recipient's phone (+380…); it unlocks details at some carriers.")
@config_option
@json_option
@click.pass_context
def try_(ctx: click.Context, connection: str, number: str, phone: str, path: Path, as_json: bool) -> None:
    """Ask about one parcel and show the answer raw, as records, and as canonical statuses. Nothing is stored."""
    config, texts = configured(path)
    connection_named(config, connection, "carrier")
    number = "".join(number.split()).upper()
    if not number:
        raise refused("the number is empty; it is the carrier's own, as on the label")
    answers = _ask(config, connection, number, phone)
    if not answers:
        raise Stop(f"{connection} does not know the number {number}", FAILED)
    tried = _read(config, texts, connection, answers)
    if as_json:
        print_json({**asdict(tried), "records": [_named(each) for each in tried.records]})
    else:
        _show(tried)
    if any(each["status"] == "unmapped" for each in tried.canonical):
        ctx.exit(FAILED)


def _ask(config: "Config", connection: str, number: str, phone: str) -> "Sequence[Raw]":
    from hub.plugin import TrackRequest

    async def work(adapter: Any) -> "Sequence[Raw]":
        if not adapter.recognises(number):
            raise refused(f"{number} is no number of {adapter.label}; nothing was asked")
        found: Sequence[Raw] = await adapter.track([TrackRequest(number, phone)])
        return found

    return with_adapter(config, connection, work)


def _read(config: "Config", texts: "Texts", connection: str, answers: "Sequence[Raw]") -> Tried:
    def work(world: "World") -> Tried:
        adapter = world.carrier(connection)
        records = [record for raw in answers for record in adapter.normalise(raw)]
        status, reason = _folded(records, connection, world)
        rows = [_canonical(each, connection, world) for each in records if hasattr(each, "native")]
        return Tried([raw.body for raw in answers], records, rows, status, reason)

    return offline(config, texts, work)


def _canonical(record: Any, connection: str, world: "World") -> dict[str, Any]:
    from hub.status import full_name

    native = record.native
    found = world.meaning(connection, native.vocabulary, native.code)
    reason = native.reason or (found.meaning.reason if found else None)
    status = "unmapped"
    if found is not None:
        status = full_name(found.meaning.status) if found.meaning.status is not None else "moves nothing"
    return {
        "at": record.at,
        "code": native.code,
        "label": native.label or record.text,
        "place": record.place,
        "status": status,
        "reason": reason.value if reason else "",
        "by": f"{found.by.value} {found.pattern}" if found else "",
    }


def _folded(records: Sequence[Any], connection: str, world: "World") -> tuple[str, str]:
    """Where the parcel stands in the light of all of it."""
    from hub.clock import SystemClock
    from hub.pipeline.facts import Witness, facts_of
    from hub.status import Axis, Fact, Mode, Shipment, fold

    who = Witness(connection, world.level(connection), SystemClock().now(), Mode.LIVE)
    facts = []
    for stored in (fact for record in records for fact in facts_of(record, who)):
        found = world.meaning(connection, stored.native.vocabulary, stored.native.code)
        value = found.meaning.status if found else None
        if value is not None and not isinstance(value, Shipment):
            continue
        reason = stored.native.reason or (found.meaning.reason if found else None)
        facts.append(
            Fact(
                key=stored.key,
                subject=stored.subject,
                axis=Axis.SHIPMENT,
                value=value,
                reason=reason,
                at=stored.at,
                precision=stored.precision,
                source=stored.source,
                level=stored.level,
                snapshot=stored.snapshot,
                way=stored.way,
                retracts=None,
                native=stored.native,
                received_at=stored.received_at,
                mode=stored.mode,
                known=found is not None,
            )
        )
    folded = fold(Axis.SHIPMENT, facts, followed=True)
    return (folded.state.value if folded.state else "unknown", folded.reason.value if folded.reason else "")


def _named(record: Any) -> dict[str, Any]:
    return {"record": type(record).__name__, **asdict(record)}


def _show(tried: Tried) -> None:
    title("Raw")
    for raw in tried.raw:
        click.echo(json.dumps(raw, ensure_ascii=False, indent=2, default=str))
    title("Records")
    rows = [(type(each).__name__, _told(each)) for each in tried.records]
    print_table(("record", "says"), rows, empty="none")
    title("Canonical")
    headings = ("at", "native code", "in the carrier's words", "canonical", "why", "by the row")
    columns = ("at", "code", "label", "status", "reason", "by")
    lines = [[each[column] for column in columns] for each in tried.canonical]
    print_table(headings, lines, empty="nothing about its status")
    title("Status")
    click.echo(f"{tried.status}{f' ({tried.reason})' if tried.reason else ''}")


def _told(record: Any) -> str:
    """The fields of a record that say something."""
    from dataclasses import fields

    said = ((each.name, getattr(record, each.name), each.default) for each in fields(record))
    return ", ".join(
        f"{name}={_brief(value)}" for name, value, default in said if value != default and value not in ("", None)
    )


def _brief(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
