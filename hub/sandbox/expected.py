"""What must have been said when the story is over, message for message. The reckoning compares what arrived with it."""

from collections.abc import Mapping, Sequence

_TOLD: Mapping[str, str] = {
    "olha": (
        "mail: order-received; bot: chat-linked packed shipped ready-for-pickup delivered five-questions "
        "survey-question survey-question survey-question survey-question survey-question survey-thanks; mail: "
        "please-review"
    ),
    "marek": (
        "mail: order-received; turbosms: shipped-part ready-for-pickup; mail: delivered; turbosms: "
        "ready-for-pickup; mail: delivered five-questions"
    ),
    "anna": (
        "mail: order-received payment-failed; turbosms: payment-failed; mail: payment-received; turbosms: "
        "shipped ready-for-pickup; mail: delivered five-questions"
    ),
    "dmytro": "mail: order-received; turbosms: shipped; sms-backup: ready-for-pickup; mail: delivered five-questions",
    "iryna": (
        "mail: order-received; bot: chat-linked shipped; turbosms: ready-for-pickup; bot: pickup-reminder "
        "pickup-last-day delivered"
    ),
    "petro": (
        "mail: order-received; turbosms: shipped ready-for-pickup; mail: pickup-last-day; turbosms: "
        "pickup-last-day not-collected"
    ),
    "emma": "mail: order-received shipped parcel-delayed out-for-delivery delivered five-questions",
    "sofia": (
        "mail: order-received; bot: chat-linked shipped; mail: problem-we-are-on-it; turbosms: "
        "problem-we-are-on-it problem-solved"
    ),
    "oleksii": (
        "mail: order-received; turbosms: shipped ready-for-pickup; mail: delivered return-news return-news "
        "return-news refunded"
    ),
    "nazar": "mail: order-received; turbosms: shipped ready-for-pickup; mail: delivered; turbosms: complaint-received; "
    "mail: question-answered",
    "yulia": "mail: order-received; turbosms: shipped; mail: delivered five-questions",
    "viktor": "mail: order-received; turbosms: shipped ready-for-pickup; mail: delivered five-questions",
    "kateryna": (
        "mail: order-received; bot: chat-linked shipped; turbosms: ready-for-pickup; bot: delivered five-questions"
    ),
    "taras": "mail: order-received order-cancelled refunded",
    "halyna": "mail: order-received; turbosms: on-hold shipped ready-for-pickup; mail: delivered five-questions",
    "bohdan": (
        "mail: order-received; turbosms: shipped out-for-delivery delivery-failed out-for-delivery; mail: "
        "delivery-failed delivered five-questions"
    ),
    "larysa": "mail: order-received; turbosms: shipped ready-for-pickup delivery-failed",
    "john": "mail: order-received; turbosms: shipped ready-for-pickup; mail: delivered five-questions",
    "mariia": "mail: order-received please-check-your-number shipped ready-for-pickup delivered five-questions",
    "andrii": "turbosms: shipped ready-for-pickup",
    "nadia": "mail: order-received; bot: chat-linked shipped delivered five-questions",
    "stepan": "mail: order-received; turbosms: shipped ready-for-pickup; mail: delivered five-questions",
    "magda": (
        "ziarno-mail: order-received; ziarno-sms: shipped ready-for-pickup; ziarno-mail: pickup-last-day; "
        "ziarno-sms: pickup-last-day; ziarno-mail: delivered five-questions"
    ),
    "pawel": "ziarno-mail: order-received; ziarno-sms: shipped ready-for-pickup; ziarno-mail: delivered five-questions",
    "zofia": "ziarno-mail: order-received order-cancelled",
    "tomasz": (
        "ziarno-mail: order-received; ziarno-sms: shipped ready-for-pickup; ziarno-mail: delivered five-questions"
    ),
}


def _read(text: str) -> tuple[str, ...]:
    """ "mail: a b; bot: c" as ("mail:a", "mail:b", "bot:c")."""
    parts = [part.split(":") for part in text.split(";") if part.strip()]
    return tuple(f"{channel.strip()}:{template}" for channel, said in parts for template in said.split())


TOLD: Mapping[str, Sequence[str]] = {case: _read(text) for case, text in _TOLD.items()}
"""Case → what its customer is told, as channel:template, in the order in which it arrives."""

OLENA, TARAS, IRYNA = (f"{person}:bot:staff-escalation" for person in ("olena", "taras", "iryna"))

CALLED: Mapping[str, Sequence[str]] = {
    "dmytro": (OLENA,),
    "petro": (OLENA,),
    "sofia": ("olena:mail:staff-escalation",),
    "oleksii": (OLENA,),
    "nazar": (
        OLENA,
        "olena:bot:staff-matter",
    ),
    "bohdan": (
        OLENA,
        IRYNA,
    ),
    "larysa": (
        OLENA,
        TARAS,
    ),
    "john": (OLENA,),
    "mariia": (OLENA,),
    "andrii": (
        "olena:bot:staff-unheard",
        "olena:bot:staff-unheard",
    ),
}
"""Case → what staff is told, as person:channel:template."""

UNHEARD: Mapping[str, int] = {"andrii": 3}
"""Case → how many messages nobody could be reached with; those about the order are handed to a person."""

ANSWERED: Mapping[str, tuple[str, int | None]] = {
    "olha": ("answered", 10),
    "pawel": ("partial", None),
    "dmytro": ("answered", 3),
}
"""Case → how far its customer came with the survey, and whether they would recommend (0 to 10)."""

WRITTEN = ("petro",)
"""Cases into whose order the hub wrote something in the shop."""

UNKNOWN_CODES = (("nova-poshta", "113"),)
"""What has to be in quarantine in the end: (connection, code)."""
