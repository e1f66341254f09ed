"""Writing into the shop's order. Every wish is read-compare-write: WooCommerce knows no idempotency keys, and what is
written comes back to us as `order.updated`, which then says what is known already.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from hub.plugin import FailureError, Permanent, WriteBack, WriteBackStatus

from ._api import NO_ROUTE, Answer, Api
from ._fields import Body, as_body, as_list
from ._order import OUR_NUMBER, Reading, numbers_of, plain_number

_ORDERS = "wc/v3/orders"


class Writer:
    """One shop. Where tracking numbers belong is found out by looking, once."""

    def __init__(self, api: Api, reading: Reading, *, shipped_status: str) -> None:
        self._api, self._reading = api, reading
        self._slugs = {
            WriteBackStatus.SHIPPED: shipped_status,
            WriteBackStatus.COMPLETED: "completed",
            WriteBackStatus.CANCELLED: "cancelled",
        }
        self._place = ""

    async def write(self, wish: WriteBack) -> None:
        """Do what is wished and not yet so; `FailureError` (Permanent) where the shop's order cannot take it."""
        order = await self._read(wish.order_ref)
        if wish.tracking_number:
            await self._track(order, wish)
        if wish.note:
            await self._note(order, wish.note)
        change = self._change(order, wish.status)
        if change:
            await self._api.change("PUT", self._path(order), change)

    async def _read(self, ref: str) -> Body:
        answer = None
        if ref.isascii() and ref.isdigit():
            answer = await self._api.get(f"{_ORDERS}/{ref}", allow=(404,))
        if answer is None or answer.refused:
            raise FailureError(Permanent("woocommerce: there is no such order"))
        order = as_body(answer.value, "order")
        if order.text("status") == "trash":
            raise FailureError(Permanent("woocommerce: the order lies in the trash"))
        return order

    def _path(self, order: Body, rest: str = "") -> str:
        return f"{_ORDERS}/{order.ident('id')}{rest}"

    def _change(self, order: Body, status: WriteBackStatus | None) -> dict[str, Any]:
        now = order.text("status")
        if status is WriteBackStatus.PAID:
            return {} if order.text("date_paid_gmt") else {"set_paid": True}
        wanted = self._slugs.get(status) if status else None
        if wanted is None or wanted == now or (status is WriteBackStatus.SHIPPED and now == "completed"):
            return {}
        return {"status": wanted}

    # --- notes

    async def _note(self, order: Body, note: str) -> None:
        """For staff: a note for the customer would be mailed."""
        path = self._path(order, "/notes")
        there = as_list((await self._api.get(path, type="internal")).value, "notes")
        if all(each.text("note") != note.strip() for each in there):
            await self._api.change("POST", path, {"note": note, "customer_note": False})

    # --- tracking numbers

    async def _track(self, order: Body, wish: WriteBack) -> None:
        """The first place that the shop has, in the order of the page: its own fulfilments, the tracking extensions,
        meta data of the order."""
        meta = {each.text("key"): each.value.get("value") for each in order.items("meta_data")}
        wanted = plain_number(wish.tracking_number)
        if any(each.number == wanted for each in numbers_of(meta, self._reading.tracking_meta)):
            return
        for name, (path, write) in self._places(order).items():
            if self._place not in ("", name):
                continue
            answer = await self._api.get(path, allow=(404,))
            if answer.refused and answer.code == NO_ROUTE:
                continue
            self._place = name
            await write(order, wish, answer, wanted)
            return
        self._place = "meta"
        await self._into_meta(order, meta, wish)

    def _places(self, order: Body) -> dict[str, tuple[str, Callable[[Body, WriteBack, Answer, str], Awaitable[None]]]]:
        ref = order.ident("id")
        if self._place == "meta":
            return {}
        return {
            "fulfillments": (f"{_ORDERS}/{ref}/fulfillments", self._fulfil),
            "shipment-tracking": (_extension("wc-shipment-tracking", ref), self._into_extension),
            "ast": (_extension("wc-ast", ref), self._into_ast),
        }

    async def _fulfil(self, order: Body, wish: WriteBack, answer: Answer, wanted: str) -> None:
        """All that no fulfilment holds yet goes into this one. `notify_customer` is left out: no mail of the shop's."""
        there = as_list(answer.value, "fulfillments")
        held: dict[str, int] = {}
        for each in there:
            meta = {item.text("key"): item.value.get("value") for item in each.items("meta_data")}
            if plain_number(str(meta.get("_tracking_number") or "")) == wanted:
                return
            for item in (as_body(one, "_items") for one in meta.get("_items") or ()):
                held[item.ident("item_id")] = held.get(item.ident("item_id"), 0) + int(item.count("qty"))
        rest = {each.ident("id"): int(each.count("quantity")) for each in order.items("line_items")}
        items = [{"item_id": int(ref), "qty": n - held.get(ref, 0)} for ref, n in rest.items() if n > held.get(ref, 0)]
        if not items:
            raise FailureError(Permanent("woocommerce: nothing is left to fulfil"))
        meta_data = [{"key": "_items", "value": items}, {"key": "_tracking_number", "value": wish.tracking_number}]
        if wish.carrier:
            meta_data.append({"key": "_shipment_provider", "value": wish.carrier})
        if wish.tracking_url:
            meta_data.append({"key": "_tracking_url", "value": wish.tracking_url})
        body = {"status": "fulfilled", "is_fulfilled": True, "meta_data": meta_data}
        await self._api.change("POST", self._path(order, "/fulfillments"), body)

    async def _into_extension(self, order: Body, wish: WriteBack, answer: Answer, wanted: str) -> None:
        """A provider that the extension does not know is a custom one, with a link."""
        custom = {"custom_tracking_provider": wish.carrier, "custom_tracking_link": wish.tracking_url}
        body = custom if wish.tracking_url else {"tracking_provider": wish.carrier}
        await self._add(_extension("wc-shipment-tracking", order.ident("id")), answer, wanted, wish, body)

    async def _into_ast(self, order: Body, wish: WriteBack, answer: Answer, wanted: str) -> None:
        """`status_shipped: 0`: the extension would complete the order, and mail the customer, by itself."""
        body = {"tracking_provider": wish.carrier, "status_shipped": 0, "replace_tracking": 0}
        await self._add(_extension("wc-ast", order.ident("id")), answer, wanted, wish, body)

    async def _add(self, path: str, answer: Answer, wanted: str, wish: WriteBack, body: dict[str, Any]) -> None:
        there = as_list(answer.value, "shipment-trackings") if not answer.refused else []
        if all(plain_number(each.text("tracking_number")) != wanted for each in there):
            said = {name: value for name, value in body.items() if value != ""}
            await self._api.change("POST", path, {"tracking_number": wish.tracking_number, **said})

    async def _into_meta(self, order: Body, meta: dict[str, Any], wish: WriteBack) -> None:
        """Into the merchant's own key, if one is named; numbers that stand there stay, and so does what is no text."""
        keys = (*self._reading.tracking_meta[:1], OUR_NUMBER)
        key = next(each for each in keys if isinstance(meta.get(each) or "", str) or each == OUR_NUMBER)
        before = meta.get(key)
        known = f"{before}, " if isinstance(before, str) and before.strip() else ""
        value = f"{known}{wish.tracking_number}"
        await self._api.change("PUT", self._path(order), {"meta_data": [{"key": key, "value": value}]})


def _extension(name: str, ref: str) -> str:
    return f"{name}/v3/orders/{ref}/shipment-trackings"
