"""InPost's statuses: ShipX's words, from its document "Statuses" (documentation revision 1.23 and later, as read in
November 2026), and the codes of the newer InPost Group API. `codes.csv` and `group_codes.csv` beside this file are the
same tables as data. Labels are the carrier's own, Polish where they are known.

ShipX speaks its own words. The Group's codes have been seen for the same numbers on InPost's own pages, so that one
that turns up in a history is read in its own vocabulary.
"""

import re
from collections.abc import Mapping

from hub.model import PointKind
from hub.plugin import StatusTables
from hub.status import Meaning, Order, Reason, Shipment, Table, lookup

VOCABULARY = "inpost"
GROUP = "inpost.group"

BAD_NUMBER = "bad_number"
"""Not a status: set by the adapter on a number that cannot be InPost's."""

_CODES: Mapping[str, Meaning] = {
    "created": Meaning(Shipment.ANNOUNCED, "Przesyłka utworzona"),
    "offers_prepared": Meaning(Shipment.ANNOUNCED, "Przygotowano oferty"),
    "offer_selected": Meaning(Shipment.ANNOUNCED, "Oferta wybrana"),
    "confirmed": Meaning(Shipment.ANNOUNCED, "Przygotowana przez Nadawcę", note="the number exists from here on"),
    "dispatched_by_sender": Meaning(Shipment.SHIPPED, "Nadana"),
    "dispatched_by_sender_to_pok": Meaning(Shipment.SHIPPED, "Nadana w PaczkoPunkcie"),
    "collected_from_sender": Meaning(Shipment.SHIPPED, "Odebrana od klienta", note="the first mile, never a delivery"),
    "taken_by_courier": Meaning(Shipment.SHIPPED, "Odebrana przez Kuriera", note="the first mile, never a delivery"),
    "taken_by_courier_from_pok": Meaning(
        Shipment.SHIPPED, "Taken by the courier from a PaczkoPunkt", note="the first mile"
    ),
    "adopted_at_source_branch": Meaning(Shipment.IN_TRANSIT, "Przyjęta w oddziale"),
    "sent_from_source_branch": Meaning(Shipment.IN_TRANSIT, "W trasie"),
    "adopted_at_sorting_center": Meaning(Shipment.IN_TRANSIT, "Przyjęta w Sortowni"),
    "sent_from_sorting_center": Meaning(Shipment.IN_TRANSIT, "Wysłana z Sortowni"),
    "adopted_at_target_branch": Meaning(
        Shipment.IN_TRANSIT, "Przyjęta w Oddziale Docelowym", note="a branch is no pickup point"
    ),
    "out_for_delivery": Meaning(Shipment.OUT_FOR_DELIVERY, "Wydana do doręczenia", note="also the ride to a locker"),
    "out_for_delivery_to_address": Meaning(Shipment.OUT_FOR_DELIVERY, "W doręczeniu"),
    "pickup_reminder_sent_address": Meaning(
        Shipment.OUT_FOR_DELIVERY, "W doręczeniu", note="the courier's variant of the reminder"
    ),
    "ready_to_pickup": Meaning(Shipment.READY_FOR_PICKUP, "Gotowa do odbioru", note="the pickup clock starts"),
    "pickup_reminder_sent": Meaning(Shipment.READY_FOR_PICKUP, "Przypomnienie o odbiorze", note="still ready"),
    "ready_to_pickup_from_pok": Meaning(Shipment.READY_FOR_PICKUP, "Czeka na odbiór w PaczkoPunkcie"),
    "ready_to_pickup_from_pok_registered": Meaning(Shipment.READY_FOR_PICKUP, "Czeka na odbiór w PaczkoPunkcie"),
    "ready_to_pickup_from_branch": Meaning(
        Shipment.READY_FOR_PICKUP, "Nieodebrana, czeka w Oddziale", note="a second chance, not at the locker"
    ),
    "courier_avizo_in_customer_service_point": Meaning(Shipment.READY_FOR_PICKUP, "Oczekuje na odbiór"),
    "stack_in_box_machine": Meaning(
        Shipment.READY_FOR_PICKUP,
        "Magazynowana w tymczasowym Paczkomacie",
        Reason.POINT_FULL,
        note="the target is full: a temporary locker; ambiguous",
    ),
    "stack_in_customer_service_point": Meaning(
        Shipment.READY_FOR_PICKUP,
        "Stored in a temporary PaczkoPunkt",
        Reason.POINT_FULL,
        note="the target is full: a temporary point; ambiguous",
    ),
    "unstack_from_box_machine": Meaning(Shipment.IN_TRANSIT, "Moved on from the temporary locker"),
    "unstack_from_customer_service_point": Meaning(Shipment.IN_TRANSIT, "Moved on from the temporary PaczkoPunkt"),
    "redirect_to_box": Meaning(Shipment.IN_TRANSIT, "Redirected to a locker"),
    "canceled_redirect_to_box": Meaning(Shipment.IN_TRANSIT, "Redirection to a locker cancelled"),
    "readdressed": Meaning(Shipment.IN_TRANSIT, "Redirected to another address"),
    "permanently_redirected_to_box_machine": Meaning(Shipment.IN_TRANSIT, "Redirected permanently to another locker"),
    "permanently_redirected_to_customer_service_point": Meaning(
        Shipment.IN_TRANSIT, "Redirected permanently to a PaczkoPunkt"
    ),
    "delay_in_delivery": Meaning(Shipment.ON_HOLD, "Możliwe opóźnienie", Reason.DELAYED, note="a notice, not a stop"),
    "oversized": Meaning(Shipment.PROBLEM, "Przesyłka ponadgabarytowa", Reason.TOO_LARGE),
    "undelivered_wrong_address": Meaning(Shipment.DELIVERY_FAILED, "Brak możliwości doręczenia", Reason.WRONG_ADDRESS),
    "undelivered_incomplete_address": Meaning(
        Shipment.DELIVERY_FAILED, "Brak możliwości doręczenia", Reason.WRONG_ADDRESS
    ),
    "undelivered_unknown_receiver": Meaning(
        Shipment.DELIVERY_FAILED, "Brak możliwości doręczenia", Reason.WRONG_ADDRESS
    ),
    "undelivered_cod_cash_receiver": Meaning(Shipment.DELIVERY_FAILED, "Brak możliwości doręczenia", Reason.NO_MONEY),
    "undelivered_no_mailbox": Meaning(Shipment.DELIVERY_FAILED, "Brak możliwości doręczenia", Reason.NO_ACCESS),
    "undelivered_not_live_address": Meaning(
        Shipment.DELIVERY_FAILED, "Brak możliwości doręczenia", Reason.WRONG_ADDRESS
    ),
    "undelivered_lack_of_access_letterbox": Meaning(
        Shipment.DELIVERY_FAILED, "Brak możliwości doręczenia", Reason.NO_ACCESS
    ),
    "avizo": Meaning(Shipment.DELIVERY_FAILED, "Powrót do oddziału", note="follows a refusal"),
    "pickup_time_expired": Meaning(
        Shipment.DELIVERY_FAILED,
        "Upłynął termin odbioru",
        Reason.STORAGE_EXPIRED,
        note="may still be delivered from the branch, or go back",
    ),
    "stack_parcel_pickup_time_expired": Meaning(
        Shipment.DELIVERY_FAILED, "Upłynął termin odbioru", Reason.STORAGE_EXPIRED
    ),
    "stack_parcel_in_box_machine_pickup_time_expired": Meaning(
        Shipment.DELIVERY_FAILED, "Upłynął termin odbioru", Reason.STORAGE_EXPIRED
    ),
    "delivered": Meaning(Shipment.DELIVERED, "Doręczona", final=True),
    "return_pickup_confirmation_to_sender": Meaning(
        Shipment.DELIVERED, "Przygotowano dokumenty zwrotne", final=True, note="delivered; signed papers go back"
    ),
    "claimed": Meaning(
        Shipment.PROBLEM, "Zareklamowana w automacie", Reason.COMPLAINT, note="a complaint at the locker"
    ),
    "rejected_by_receiver": Meaning(Shipment.DELIVERY_FAILED, "Odmowa przyjęcia", Reason.REFUSED),
    "taken_by_courier_from_customer_service_point": Meaning(
        Shipment.RETURNING, "Zwrócona do nadawcy", note="the label says returned; the way back has just begun"
    ),
    "returned_to_sender": Meaning(
        Shipment.RETURNED, "Zwrot do nadawcy", final=True, note="ambiguous: may be sent when the way back begins"
    ),
    "undelivered": Meaning(Shipment.PROBLEM, "Przekazanie do magazynu przesyłek niedoręczalnych", final=True),
    "missing": Meaning(Shipment.PROBLEM, "Missing", Reason.LOST),
    "canceled": Meaning(Shipment.CANCELLED, "Anulowano etykietę", final=True, note="one l"),
    "other": Meaning(None, "Other", note="the status before it stands"),
    "ready_for_collection": Meaning(
        Shipment.READY_FOR_PICKUP, "Ready for collection", note="unverified: a word of the consumer app"
    ),
    "collected_by_customer": Meaning(
        Shipment.DELIVERED, "Collected by the customer", final=True, note="unverified: a word of the consumer app"
    ),
    "avizo_completed": Meaning(None, "Notice completed", note="unverified: a word of the consumer app"),
    BAD_NUMBER: Meaning(
        None,
        "Not a number of InPost: it has 24 digits",
        Reason.NUMBER_INVALID,
        note="not a status: set by the adapter on a number of another form, which is never asked about",
    ),
}

_GROUP_CODES: Mapping[str, Meaning] = {
    "CRE.1001": Meaning(Shipment.ANNOUNCED, "Parcel created"),
    "CRE.1002": Meaning(Shipment.ANNOUNCED, "Ready for acceptance"),
    "FMD.1001": Meaning(Shipment.ANNOUNCED, "Ready for courier collection"),
    "FMD.1002": Meaning(Shipment.SHIPPED, "Collected by courier"),
    "FMD.1003": Meaning(Shipment.IN_TRANSIT, "In transit, first mile"),
    "FMD.1004": Meaning(Shipment.SHIPPED, "Collected at a pickup/drop-off point"),
    "FMD.1005": Meaning(Shipment.SHIPPED, "Collected from a locker"),
    "MMD.1001": Meaning(Shipment.IN_TRANSIT, "Accepted at a logistics centre"),
    "MMD.1002": Meaning(Shipment.IN_TRANSIT, "Processed at a logistics centre"),
    "MMD.1003": Meaning(Shipment.IN_TRANSIT, "Dispatched from a logistics centre"),
    "MMD.1004": Meaning(Shipment.IN_TRANSIT, "Line-haul"),
    "LMD.1001": Meaning(
        Shipment.OUT_FOR_DELIVERY,
        "In transit, last mile",
        note="the label says in transit; it is the last mile's vehicle",
    ),
    "LMD.1002": Meaning(Shipment.ARRIVED_AT_BRANCH, "Arrived at destination"),
    "LMD.1003": Meaning(Shipment.READY_FOR_PICKUP, "Ready to collect"),
    "LMD.1004": Meaning(Shipment.READY_FOR_PICKUP, "Ready to collect"),
    "LMD.1005": Meaning(Shipment.READY_FOR_PICKUP, "Ready to collect"),
    "LMD.3002": Meaning(Shipment.IN_TRANSIT, "Alternative temporary point assigned"),
    "LMD.3003": Meaning(Shipment.IN_TRANSIT, "Alternative point assigned"),
    "LMD.3004": Meaning(Shipment.IN_TRANSIT, "Branch collection assigned"),
    "LMD.3005": Meaning(Shipment.IN_TRANSIT, "Original point reassigned"),
    "LMD.3006": Meaning(Shipment.IN_TRANSIT, "Readdressed"),
    "LMD.3007": Meaning(Shipment.ON_HOLD, "Stored temporarily in a service point"),
    "LMD.3008": Meaning(Shipment.DELIVERY_FAILED, "Storage expired (temporary)", Reason.STORAGE_EXPIRED),
    "LMD.3009": Meaning(Shipment.DELIVERY_FAILED, "Storage expired (temporary)", Reason.STORAGE_EXPIRED),
    "LMD.3010": Meaning(Shipment.DELIVERY_FAILED, "Storage expired (temporary)", Reason.STORAGE_EXPIRED),
    "LMD.3011": Meaning(Shipment.DELIVERY_FAILED, "Storage expired (temporary)", Reason.STORAGE_EXPIRED),
    "LMD.3012": Meaning(Shipment.IN_TRANSIT, "Redirection cancelled"),
    "LMD.3013": Meaning(Shipment.IN_TRANSIT, "Redirected to a pickup point"),
    "LMD.3014": Meaning(Shipment.IN_TRANSIT, "Redirected to a locker"),
    "LMD.9001": Meaning(Shipment.READY_FOR_PICKUP, "Reminder to collect"),
    "LMD.9002": Meaning(Shipment.DELIVERY_FAILED, "Pickup window expired", Reason.STORAGE_EXPIRED),
    "LMD.9003": Meaning(Shipment.PROBLEM, "Oversized", Reason.TOO_LARGE),
    "LMD.9004": Meaning(Shipment.DELIVERY_FAILED, "Delivery attempted"),
    "LMD.9005": Meaning(Shipment.PROBLEM, "Undeliverable"),
    "LMD.9006": Meaning(Shipment.DELIVERY_FAILED, "Rejected by receiver", Reason.REFUSED),
    "LMD.9007": Meaning(Shipment.DELIVERY_FAILED, "Incorrect delivery details", Reason.WRONG_ADDRESS),
    "LMD.9008": Meaning(Shipment.DELIVERY_FAILED, "Receiver unknown", Reason.WRONG_ADDRESS),
    "LMD.9009": Meaning(Shipment.DELIVERY_FAILED, "COD conditions not met", Reason.NO_MONEY),
    "LMD.9010": Meaning(Shipment.DELIVERY_FAILED, "No mailbox", Reason.NO_ACCESS),
    "LMD.9011": Meaning(Shipment.DELIVERY_FAILED, "No access", Reason.NO_ACCESS),
    "LMD.9012": Meaning(Shipment.READY_FOR_PICKUP, "Stored temporarily at a service point", note="label approximate"),
    "LMD.9013": Meaning(Shipment.READY_FOR_PICKUP, "Ready at a service point", note="label approximate"),
    "LMD.9014": Meaning(Shipment.RETURNED, "Returned (as seen)", note="unverified meaning"),
    "CC.001": Meaning(Shipment.IN_TRANSIT, "At customs", Reason.CUSTOMS),
    "CC.002": Meaning(Shipment.IN_TRANSIT, "Cleared by customs", Reason.CUSTOMS),
    "CC.003": Meaning(Shipment.ON_HOLD, "Held at customs", Reason.CUSTOMS),
    "EOL.1001": Meaning(Shipment.DELIVERED, "Delivered", final=True),
    "EOL.1002": Meaning(Shipment.DELIVERED, "Collected", final=True),
    "EOL.1003": Meaning(Shipment.DELIVERED, "Left in a safe place", final=True),
    "EOL.1004": Meaning(Shipment.DELIVERED, "Left with a neighbour", final=True),
    "EOL.1005": Meaning(Shipment.DELIVERED, "Delivered to a verified recipient", final=True),
    "EOL.9001": Meaning(Shipment.PROBLEM, "Missing", Reason.LOST, final=True),
    "EOL.9002": Meaning(Shipment.PROBLEM, "Damaged", Reason.DAMAGED, final=True),
    "EOL.9003": Meaning(Shipment.PROBLEM, "Destroyed", Reason.DESTROYED, final=True),
    "EOL.9004": Meaning(Shipment.CANCELLED, "Cancelled", final=True),
    "RTS.1001": Meaning(Shipment.RETURNING, "Returning to sender"),
    "RTS.1002": Meaning(Shipment.RETURNED, "Returned to sender", final=True),
    "FUL.1001": Meaning(Order.PICKING, "Picked (fulfilment)", note="fulfilment warehouses only"),
    "FUL.1002": Meaning(Order.PACKED, "Packed (fulfilment)", note="fulfilment warehouses only"),
    "FUL.1003": Meaning(Shipment.SHIPPED, "Dispatched (fulfilment)", note="fulfilment warehouses only"),
    "INF.1001": Meaning(None, "COD payment received", note="money, no movement"),
    "INF.9001": Meaning(Shipment.ON_HOLD, "Delay", Reason.DELAYED),
    "HAN.1001": Meaning(Shipment.SHIPPED, "Handed over", note="context not verified"),
}

STATUSES: StatusTables = {VOCABULARY: _CODES, GROUP: _GROUP_CODES}
_TABLES = {name: Table.of(rows) for name, rows in STATUSES.items()}

REMINDERS = frozenset({"pickup_reminder_sent", "pickup_reminder_sent_address", "LMD.9001"})
"""InPost has reminded the customer; the parcel is where it was."""

WAITS_AT: Mapping[str, PointKind] = {
    "ready_to_pickup_from_pok": PointKind.PARTNER,
    "ready_to_pickup_from_pok_registered": PointKind.PARTNER,
    "courier_avizo_in_customer_service_point": PointKind.PARTNER,
    "stack_in_customer_service_point": PointKind.PARTNER,
    "stack_in_box_machine": PointKind.LOCKER,
    "ready_to_pickup_from_branch": PointKind.BRANCH,
}
"""Statuses that say themselves at what kind of point the parcel waits, whatever point it was sent to."""

_GROUP_CODE = re.compile(r"[A-Z]{2,3}\.[0-9]{3,4}")


def vocabulary_of(code: str) -> str:
    """Whose word a code is."""
    return GROUP if _GROUP_CODE.fullmatch(code.upper()) else VOCABULARY


def meaning_of(code: str) -> Meaning | None:
    """The row of a code, as the plugin's own tables have it; None for a code that they do not have."""
    found = lookup(code, plugin=_TABLES[vocabulary_of(code)])
    return found.meaning if found else None
