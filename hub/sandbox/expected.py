"""What must have been said when the story is over, message for message. The reckoning compares what arrived with it."""

from collections.abc import Mapping, Sequence

_TOLD: Mapping[str, str] = {
    "olha": "mail: order-received; bot: chat-linked packed shipped ready-for-pickup delivered",
    "marek": ("mail: order-received shipped-part shipped-part ready-for-pickup delivered ready-for-pickup delivered"),
    "anna": "mail: order-received payment-failed payment-received shipped ready-for-pickup delivered",
    "dmytro": "mail: order-received shipped ready-for-pickup delivered",
    "iryna": (
        "mail: order-received; bot: chat-linked shipped; mail: ready-for-pickup; bot: pickup-reminder "
        "pickup-last-day delivered"
    ),
    "petro": "mail: order-received shipped ready-for-pickup pickup-last-day",
    "emma": "mail: order-received shipped parcel-delayed out-for-delivery delivered",
    "sofia": "mail: order-received; bot: chat-linked shipped; mail: problem-we-are-on-it",
    "oleksii": ("mail: order-received shipped ready-for-pickup delivered return-news return-news return-news refunded"),
    "nazar": "mail: order-received shipped ready-for-pickup delivered",
    "yulia": "mail: order-received shipped delivered",
    "viktor": "mail: order-received shipped ready-for-pickup delivered",
    "kateryna": ("mail: order-received; bot: chat-linked shipped; mail: ready-for-pickup; bot: delivered"),
    "taras": "mail: order-received order-cancelled refunded",
    "halyna": "mail: order-received on-hold shipped ready-for-pickup delivered",
    "bohdan": (
        "mail: order-received shipped out-for-delivery delivery-failed out-for-delivery delivery-failed delivered"
    ),
    "larysa": "mail: order-received shipped ready-for-pickup delivery-failed",
    "john": "mail: order-received shipped ready-for-pickup delivered",
    "mariia": "mail: order-received shipped ready-for-pickup delivered",
    "andrii": "",
    "nadia": "mail: order-received; bot: chat-linked shipped delivered",
    "stepan": "mail: order-received shipped ready-for-pickup delivered",
}


def _read(text: str) -> tuple[str, ...]:
    """ "mail: a b; bot: c" as ("mail:a", "mail:b", "bot:c")."""
    parts = [part.split(":") for part in text.split(";") if part.strip()]
    return tuple(f"{channel.strip()}:{template}" for channel, said in parts for template in said.split())


TOLD: Mapping[str, Sequence[str]] = {case: _read(text) for case, text in _TOLD.items()}
"""Case → what its customer is told, as channel:template, in the order in which it arrives."""

OLENA, TARAS, IRYNA = (f"{person}:bot:staff-escalation" for person in ("olena", "taras", "iryna"))

CALLED: Mapping[str, Sequence[str]] = {
    "petro": (OLENA, TARAS),
    "sofia": ("olena:mail:staff-escalation",),
    "oleksii": (OLENA,),
    "bohdan": (OLENA, IRYNA),
    "larysa": (OLENA, TARAS),
    "john": (OLENA,),
    "mariia": (OLENA,),
    "andrii": 4 * ("olena:bot:staff-unheard",),
}
"""Case → what staff is told, as person:channel:template."""

UNHEARD: Mapping[str, int] = {"andrii": 4}
"""Case → how many messages nobody could be reached with, each of them handed to a person."""

UNKNOWN_CODES = (("nova-poshta", "113"),)
"""What has to be in quarantine in the end: (connection, code)."""
