"""What SMSAPI's error codes, status numbers and the customers' words mean, as data.

Errors and statuses from clients that reproduce the official lists (dossier of November 2026; `codes.csv` is our copy).
An error comes with HTTP 200 as well as with a 4xx: the code in the body decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hub.model import ReceiptState
from hub.plugin import Config, Duplicate, Permanent, Suppress, Transient

Verdict = Config | Duplicate | Permanent | Suppress | Transient


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: again after so long. `unsent`: SMSAPI says that it did nothing, so it costs no try."""

    reason: str
    length: timedelta
    unsent: bool = False

    def since(self, now: datetime) -> Transient:
        """As an outcome."""
        return Transient(self.reason, now + self.length, self.unsent)


def _bug(said: str) -> Permanent:
    return Permanent(f"our request to SMSAPI was wrong: {said}")


_TROUBLE = Transient("SMSAPI is in trouble")
_UNKNOWN_ID = Permanent("SMSAPI does not know this message")
_FORBIDDEN = Config("SMSAPI does not allow this account to do that")

ERRORS: Final[Mapping[int, Verdict | Wait]] = {
    8: _TROUBLE,
    11: Permanent("SMSAPI does not take the text: empty, too long, or not in plain letters"),
    12: Permanent("the text has more parts than max_parts allows"),
    13: Suppress("SMSAPI says that this number is invalid or on the blacklist"),
    14: Config("SMSAPI does not know the sender's name"),
    17: Permanent("SMSAPI takes no special characters in a flash message"),
    18: _bug("number of parameters"),
    19: Permanent("too many messages in one request for SMSAPI"),
    20: _bug("number of idx"),
    25: _bug("normalize with datacoding"),
    30: _bug("UDH, or an idx that is too long"),
    40: Config("SMSAPI does not know the group"),
    41: Config("the group at SMSAPI is empty"),
    50: _bug("scheduled too far ahead"),
    52: Wait("SMSAPI takes ten attempts a minute for one number", timedelta(seconds=60)),
    53: Duplicate(),
    54: _bug("date"),
    56: _bug("expiration date"),
    70: Config("SMSAPI does not take the address for receipts: see hub.public_url"),
    72: _bug("an address for receipts with several recipients"),
    101: Config("SMSAPI does not accept the token"),
    102: Config("SMSAPI does not accept the name or password"),
    103: Config("there are no points left at SMSAPI"),
    104: Config("SMSAPI does not know the template"),
    105: Config("SMSAPI's IP filter does not let this hub in"),
    110: _FORBIDDEN,
    112: Permanent("SMSAPI does not send to this country"),
    200: Transient("SMSAPI could not send"),
    201: _TROUBLE,
    202: Wait("SMSAPI had too many requests at once", timedelta(seconds=10), unsent=True),
    203: Wait("SMSAPI asks for patience", timedelta(seconds=30)),
    301: _UNKNOWN_ID,
    400: _UNKNOWN_ID,
    666: _TROUBLE,
    999: _TROUBLE,
    1000: Config("SMSAPI allows this to the main user only"),
    1001: Config("SMSAPI does not know what we asked for"),
}


def verdict(code: int, now: datetime) -> Verdict:
    """What an error means; one that nobody foresaw is the message's, never the address's."""
    found = ERRORS.get(code, Permanent(f"SMSAPI refused the message (error {code})"))
    return found.since(now) if isinstance(found, Wait) else found


STRANGER: Final[Mapping[int, Config | Transient]] = {
    401: Config("our credentials were refused"),
    402: Config("the account there must be paid"),
    403: Config("our credentials were refused"),
    408: Transient("something before SMSAPI gave up waiting"),
    425: Transient("something before SMSAPI gave up waiting"),
}
"""HTTP statuses of answers without SMSAPI's own error; all others of the 4xx are `NOT_SMSAPI`."""
NOT_SMSAPI: Final = Config("what answers at this address is not SMSAPI")

RECEIPTS: Final[Mapping[str, ReceiptState | None]] = {
    "401": None,
    "402": ReceiptState.FAILED,
    "403": None,
    "404": ReceiptState.DELIVERED,
    "405": ReceiptState.FAILED,
    "406": ReceiptState.FAILED,
    "407": ReceiptState.FAILED,
    "408": None,
    "409": None,
    "410": None,
    "411": None,
    "412": ReceiptState.FAILED,
}
"""Status number → what it says of the message. They are no HTTP statuses: 404 is delivered. None: nothing yet, or (401
and 408) nothing at all."""

NAMES: Final[Mapping[str, str]] = {
    "402": "expired",
    "405": "not delivered",
    "406": "failed",
    "407": "rejected",
    "412": "stopped",
}
"""What staff read of a message that did not arrive."""

STOP: Final = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "koniec", "rezygnuję", "rezygnuje", "wypisz"}
    | {"стоп", "відписатися", "відписати", "отписаться", "отписать"}
)
"""Who answers with one of these words and nothing else wants no more SMS (English, Polish, Ukrainian, Russian)."""

START: Final = frozenset({"start", "unstop", "wznów", "wznow", "старт"})
"""Who answers with one of these wants them again."""
