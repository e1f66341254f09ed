"""The world around the repository's own flows.yaml: the demo's levers, and those that only these stories pull."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from itertools import groupby

import sqlalchemy as sa

from hub.pipeline.matters import Act, Wish, act
from hub.pipeline.presses import press
from hub.sandbox.drive import Drive
from hub.sandbox.stage import MANY, Parcel, Played, Stage
from hub.sandbox.story import MAIN_SHOP, WOO, At, Case, moment
from hub.sandbox.town import Town
from hub.store.tables import escalations


class World(Stage):
    """The demo's world with a cast of its own."""

    def __init__(self, town: Town, cast: Sequence[Case]) -> None:
        super().__init__(town)
        self.cases = {case.key: Played(case) for case in cast}

    # -- the shops

    def order_without_mail(self, it: Played) -> None:
        """Somebody orders by phone: nobody asked for an address."""
        case = it.case
        it.order = self.shop.shop.create_order(
            lines=case.lines, name=case.name, email=None, phone=case.phone, locale=case.locale, gateway=case.gateway,
            paid=True,
        )  # fmt: skip

    def transfer_awaited(self, it: Played) -> None:
        """An order that is to be paid by bank transfer."""
        case = it.case
        it.order = self.shop.shop.create_order(
            lines=case.lines, name=case.name, email=case.address, phone=case.phone, locale=case.locale,
            gateway="Bank Deposit", paid=False,
        )  # fmt: skip

    def refund_part(self, it: Played, amount: str) -> None:
        self.shop.shop.refund(it.order, amount)

    def refund_rest(self, it: Played) -> None:
        self.shop.shop.refund(it.order)

    def refuse_return(self, it: Played) -> None:
        self.shop.shop.decline_return(it.order, self._return(it))

    def ship_unnumbered(self, it: Played) -> None:
        """The shop says that it is sent, and not under which number."""
        it.parcels.append(Parcel(self.shop.shop.fulfil(it.order, None, "Nova Poshta")))

    def number_it(self, it: Played) -> None:
        """The number of a parcel that left without one."""
        parcel = it.parcels[0]
        parcel.number = self.carriers[MAIN_SHOP].parcel(it.case)
        self.shop.shop.set_tracking(it.order, parcel.fulfilment, parcel.number, "Nova Poshta")

    # -- the carriers

    def leave(self, it: Played, part: int = 0) -> None:
        self.carriers[it.case.shop].leave(it.parcels[part].number)

    def expected_in(self, it: Played, days: int) -> None:
        """The carrier names another day of arrival."""
        waybill = self.carrier.waybills[it.parcels[0].number]
        waybill.eta = self.town.clock.now() + timedelta(days=days)

    def key_is_refused(self) -> None:
        """The carrier knows our key no more."""
        self.carrier.expired_keys.add(self.carrier.key)

    def key_is_taken(self) -> None:
        self.carrier.expired_keys.discard(self.carrier.key)

    # -- other systems

    def woo_goes_down(self) -> None:
        """The shop's server answers nobody."""
        self.shops[WOO].sandbox.chaos.fail(503, times=MANY)

    def woo_comes_back(self) -> None:
        self.shops[WOO].sandbox.chaos.calm()

    # -- people

    async def staff_clear(self, keep: Sequence[str] = ()) -> None:
        """The evening: whatever is open is dealt with, but for the matters of some orders."""
        hub, now, ids = self.town.hub, self.town.clock.now(), self.order_ids()
        left = [ids[key] for key in keep]
        mine = sa.select(escalations.c.uid).where(
            escalations.c.state != "resolved", escalations.c.order_id.not_in(left)
        )

        def write(connection: sa.Connection) -> None:
            for uid in connection.execute(mine).scalars().all():
                act(connection, hub.db.dialect, uid, Act(Wish.RESOLVE, "olena"), hub.world, now)

        await hub.db.write(write)

    async def press_button(self, it: Played, label: str) -> None:
        """Staff press a button of the order's, as `hub press` does."""
        hub = self.town.hub
        shop = self.town.config.shops["ziarno" if it.case.shop == WOO else "kavovar"]
        order, now = f"{it.case.shop}:{it.order}", self.town.clock.now()
        dialect = hub.db.dialect
        pressed = await hub.db.write(lambda c: press(c, dialect, hub.world, shop, order, label, now))
        assert pressed, f"nothing listens to {label}"


async def nobody() -> None:
    """Nobody looks on."""


async def play(world: World, acts: Sequence[At], end: str) -> None:
    """Everything that happens, until `end`."""
    drive = Drive(world.town, world, nobody)
    await drive.settle()
    for instant, together in groupby(sorted(acts, key=lambda act: act.moment), key=lambda act: act.moment):
        await drive.until(instant.astimezone(UTC))
        for each in together:
            await world.play(each.case, each.act, each.words)
        await drive.settle()
    await drive.until(moment(end).astimezone(UTC))
    await drive.settle()
