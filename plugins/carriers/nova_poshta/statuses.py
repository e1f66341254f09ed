"""Nova Poshta's status codes, from its document "TrackingDocument / getStatusDocuments" as read in November 2026 (21
codes), with 14, 16, 107 and 108 from older editions. `codes.csv` beside this file is the same table as data.

Only the code decides: the text beside it comes in two languages and with names of cities in it.
"""

from collections.abc import Mapping

from hub.model import Relation
from hub.plugin import StatusTables
from hub.status import Meaning, Order, Reason, Shipment

VOCABULARY = "nova_poshta"
BASIS = "nova_poshta.basis"

BAD_NUMBER = "20001401442"
"""The error code of a request that holds a number Nova Poshta cannot be asked about."""

DOORS = "doors"
"""Qualifier of a waybill whose last leg is a courier's: `7/doors`."""

_CODES: Mapping[str, Meaning] = {
    "1": Meaning(Shipment.ANNOUNCED, "Відправник самостійно створив цю накладну, але ще не надав до відправки"),
    "2": Meaning(Shipment.CANCELLED, "Видалено", final=True),
    "3": Meaning(None, "Номер не знайдено", note="right after the label, or long after delivery"),
    "4": Meaning(Shipment.SHIPPED, "Відправлення у місті ХХXХ", note="the sender's city: the first scan"),
    "41": Meaning(Shipment.SHIPPED, "Відправлення у місті ХХXХ", note="delivery inside one city"),
    "5": Meaning(Shipment.IN_TRANSIT, "Відправлення прямує до міста YYYY"),
    "6": Meaning(
        Shipment.IN_TRANSIT,
        "Відправлення у місті YYYY, орієнтовна доставка до ВІДДІЛЕННЯ-XXX dd-mm. "
        "Очікуйте додаткове повідомлення про прибуття",
        note="in the city, not yet at the branch",
    ),
    "7": Meaning(Shipment.READY_FOR_PICKUP, "Прибув на відділення"),
    f"7/{DOORS}": Meaning(
        Shipment.ARRIVED_AT_BRANCH, "Прибув на відділення", note="a courier takes it on; recommended, not official"
    ),
    "8": Meaning(Shipment.READY_FOR_PICKUP, "Прибув на відділення (завантажено в Поштомат)"),
    "9": Meaning(Shipment.DELIVERED, "Відправлення отримано", final=True, note="on a return waybill: returned"),
    "10": Meaning(
        Shipment.DELIVERED,
        "Відправлення отримано %DateReceived%. Протягом доби ви одержите SMS-повідомлення про надходження грошового "
        "переказу та зможете отримати його в касі відділення «Нова пошта»",
        final=False,
        note="cash was taken and has not reached the sender",
    ),
    "11": Meaning(
        Shipment.DELIVERED,
        "Відправлення отримано %DateReceived%. Грошовий переказ видано одержувачу.",
        final=True,
        note="cash has reached the sender",
    ),
    "12": Meaning(Order.PICKING, "Нова Пошта комплектує ваше відправлення", note="fulfilment warehouses only"),
    "14": Meaning(Shipment.READY_FOR_PICKUP, "Відправлення передано до огляду отримувачу", note="older documents only"),
    "16": Meaning(None, "Зворотна доставка - грошовий переказ", note="unverified: seen by one observer"),
    "101": Meaning(Shipment.OUT_FOR_DELIVERY, "На шляху до одержувача"),
    "102": Meaning(
        Shipment.RETURNING,
        "Відмова від отримання (Відправником створено замовлення на повернення)",
        Reason.REFUSED,
        note="stays for ever; the way back has its own waybill",
    ),
    "103": Meaning(
        Shipment.DELIVERY_FAILED,
        "Відмова одержувача (отримувач відмовився від відправлення)",
        Reason.REFUSED,
        note="nothing moves until the sender orders the return",
    ),
    "104": Meaning(Shipment.IN_TRANSIT, "Змінено адресу", note="often continues on another waybill"),
    "105": Meaning(Shipment.PROBLEM, "Припинено зберігання", Reason.STORAGE_EXPIRED),
    "106": Meaning(Shipment.DELIVERED, "Одержано і створено ЄН зворотньої доставки", final=True),
    "107": Meaning(Shipment.READY_FOR_PICKUP, "Нараховується плата за зберігання", note="older documents only"),
    "108": Meaning(Shipment.DELIVERY_FAILED, "Відмова одержувача", Reason.REFUSED, note="older name of 103"),
    "111": Meaning(
        Shipment.DELIVERY_FAILED,
        "Невдала спроба доставки через відсутність Одержувача на адресі або зв'язку з ним",
        Reason.NOT_AT_HOME,
    ),
    "112": Meaning(Shipment.IN_TRANSIT, "Дата доставки перенесена Одержувачем", Reason.CUSTOMER_WISH),
    BAD_NUMBER: Meaning(
        None,
        "Document number is not correct",
        Reason.NUMBER_INVALID,
        note="not a status: the carrier's error code, set by the adapter on the one number it found at fault",
    ),
}

_BASES: Mapping[str, Meaning] = {
    "CargoReturn": Meaning(None, "Return waybill"),
    "Redirecting": Meaning(None, "Redirected, new waybill"),
}

RELATIONS: Mapping[str, Relation] = {"CargoReturn": Relation.BACK, "Redirecting": Relation.CONTINUES}
"""What a waybill is to the one it was made from, by document type. A type that is not here is reported to staff as an
unmapped code of `nova_poshta.basis`, and its number is followed only where the code of the old waybill says which it
is (`RELATION_BY_CODE`): to join a stranger's "received" to an order would be worse than to wait."""

RELATION_BY_CODE: Mapping[str, Relation] = {"102": Relation.BACK, "104": Relation.CONTINUES}

STATUSES: StatusTables = {VOCABULARY: _CODES, BASIS: _BASES}
