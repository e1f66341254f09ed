"""Proposals for codes that nobody mapped, from the names that merchants gave them (STATUS.md, section 8)."""

import re
from collections.abc import Mapping

from ._axes import Order, Payment, Shipment, Status
from ._facts import Meaning

# How words of a name begin, in the languages the model speaks; the first row that is found in the name wins.
_BEGINNINGS: Mapping[Status, str] = {
    Payment.REFUNDED: "refund|zwrot pieni|zwrot środk|повернення кошт|кошти поверн|возврат денег|деньги возв",
    Order.CANCELLED: "cancel|anulow|скасов|отмен",
    Payment.AWAITING_PAYMENT: "(await|pending).* pay|payment pend|unpaid|nieopłac|czeka na płat|(очіку|ожида).* оплат",
    Payment.PAYMENT_FAILED: "payment (failed|error|declined)|błąd płat|помилка оплат|ошибка оплат",
    Shipment.RETURNED: "returned|zwrócon|повернут|возвращ[её]н",
    Shipment.RETURNING: "return|zwrot|поверн|возв",
    Shipment.READY_FOR_PICKUP: "ready (for|to) (pick|coll)|pickup|.* do odbioru|.* до видачі|.* к выдаче",
    Shipment.DELIVERY_FAILED: "(delivery failed|not delivered)|nie doręcz|не вдалося|не удалось",
    Shipment.OUT_FOR_DELIVERY: "out for deliv|wydan.* do dor|.* на доставку",
    Shipment.DELIVERED: "delivered|doręcz|dostarcz|доставлен",
    Shipment.IN_TRANSIT: "in transit|on (the|its) way|w drodze|[ву] дорозі|в пути",
    Shipment.SHIPPED: "shipped|sent|dispatched|wysłan|відправлен|отправлен",
    Shipment.PROBLEM: "lost|damaged|zagubion|uszkodz|втрачен|пошкодж|потерян|утерян|повреж",
    Order.PACKED: "packed|spakow|запакован|упакован",
    Order.PICKING: "pick|kompletow|комплект",
    Order.ON_HOLD: "on.?hold|backorder|wstrzym|призупин|приостан",
    Payment.PAID: "paid|opłacon|zapłacon|оплачен",
    Order.PROCESSING: "process|in progress|w realiz|w trakcie|в обробці|обробля|в обработке|обрабат",
    Order.COMPLETED: "complet|done|zrealizow|zakończ|виконан|завершен|выполнен|заверш",
    Order.RECEIVED: "new|received|accepted|now[ey]|przyję|нов|прийнят|принят",
}
_PATTERNS = {status: re.compile(rf"\b(?:{begins})") for status, begins in _BEGINNINGS.items()}


def propose(label: str) -> Meaning | None:
    """What the name of a merchant-made status suggests, with its ground as the note. Never applied without a person."""
    name = re.sub(r"[-_\s]+", " ", label).strip().casefold()
    for status, pattern in _PATTERNS.items():
        ground = pattern.search(name)
        if ground is not None:
            return Meaning(status, label, note=f"the name says '{ground.group()}'")
    return None
