"""Acme's scan codes, from "Acme Tracking API 2.4", table 7."""

from hub.status import Meaning, Shipment

VOCABULARY = "acme"

STATUSES = {
    VOCABULARY: {
        "LBL": Meaning(Shipment.ANNOUNCED, "Label created"),
        "COL": Meaning(Shipment.SHIPPED, "Collected"),
        "OFD": Meaning(Shipment.OUT_FOR_DELIVERY, "Out for delivery"),
        "PUP": Meaning(Shipment.READY_FOR_PICKUP, "Waiting in a parcel shop"),
        "DLV": Meaning(Shipment.DELIVERED, "Delivered", final=True),
        "NTF": Meaning(None, "Customer was notified"),  # known, moves nothing
    }
}
