"""What TurboSMS's body codes and status words mean, as data.

From the table of `turbosms.ua/en/api.html` as two independent clients reproduce it (dossier of November 2026;
`codes.csv` is our copy). HTTP says 200 to all of them. Copies differ about some numbers (306, 505), so the name decides
and the number only where the name is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hub.model import ReceiptState
from hub.plugin import Config, Duplicate, Permanent, Suppress, Transient, Unknown

Verdict = Config | Duplicate | Permanent | Suppress | Transient | Unknown

SUCCESS: Final = frozenset({0, 1, 800, 801, 802, 803})
"""At the top of an answer: the call was executed. What became of each number stands beside the number."""
REPEATED: Final = 507
"""This `sequence_id` was executed before: the answer of then comes again."""


@dataclass(frozen=True, slots=True)
class Code:
    """One refusal. `name` as TurboSMS spells it."""

    number: int
    name: str
    verdict: Verdict


def _message(number: int, name: str, said: str) -> Code:
    return Code(number, f"NOT_ALLOWED_MESSAGE_{name}", Permanent(f"TurboSMS does not allow {said}"))


def _bug(number: int, name: str, said: str) -> Code:
    return Code(number, name, Permanent(f"our request to TurboSMS was wrong: {said}"))


CODES: Final = (
    Code(103, "REQUIRED_TOKEN", Config("TurboSMS saw no token")),
    Code(104, "REQUIRED_CONTENT", Config("TurboSMS saw no content")),
    Code(105, "REQUIRED_AUTH", Config("TurboSMS does not accept the token")),
    Code(106, "REQUIRED_ACTIVE_USER", Config("the account at TurboSMS is not active")),
    Code(107, "REQUIRED_VIBER_SESSION", Config("TurboSMS wants a Viber session")),
    _bug(200, "REQUIRED_MESSAGE_SENDER", "no sender"),
    _bug(201, "REQUIRED_MESSAGE_TEXT", "no text"),
    _bug(202, "REQUIRED_MESSAGE_RECIPIENT", "no recipient"),
    Code(203, "REQUIRED_BALANCE", Config("there is no money left at TurboSMS")),
    _bug(204, "REQUIRED_MESSAGE_BUTTON", "no button"),
    _bug(205, "REQUIRED_MESSAGE_BUTTON_CAPTION", "a button without a caption"),
    _bug(206, "REQUIRED_MESSAGE_BUTTON_ACTION", "a button without an address"),
    _bug(300, "INVALID_REQUEST", "invalid request"),
    Code(301, "INVALID_TOKEN", Config("TurboSMS does not know the token")),
    Code(302, "INVALID_MESSAGE_SENDER", Config("TurboSMS does not take this sender's name")),
    _bug(303, "INVALID_START_TIME", "start time"),
    _bug(304, "INVALID_MESSAGE_TEXT", "text"),
    Code(305, "INVALID_PHONE", Suppress("TurboSMS says that this is no telephone number")),
    _bug(306, "INVALID_TTL", "time to live"),
    _bug(307, "INVALID_MESSAGE_ID", "id of a message"),
    _bug(308, "INVALID_FILE_ID", "id of a file"),
    _bug(309, "INVALID_SENDER_ID", "id of a sender"),
    _bug(310, "INVALID_CHAT_ID", "id of a chat"),
    _bug(311, "INVALID_SESSION_ID", "id of a session"),
    _bug(312, "INVALID_PAGE", "page"),
    _bug(313, "INVALID_ROWS", "rows"),
    Code(400, "NOT_ALLOWED_MESSAGE_SENDER", Config("the sender's name is not registered with TurboSMS")),
    Code(401, "NOT_ALLOWED_MESSAGE_SENDER_NOT_ACTIVE", Config("the sender's name is not active at TurboSMS")),
    _message(402, "IMAGE", "the image"),
    Code(403, "NOT_ALLOWED_START_TIME", Permanent("TurboSMS does not allow the start time")),
    Code(404, "NOT_ALLOWED_NUMBER_STOPLIST", Suppress("this number is on TurboSMS's stop list", blocked=True)),
    Code(405, "NOT_ALLOWED_RECIPIENTS_LIMIT", Permanent("too many recipients in one request for TurboSMS")),
    Code(406, "NOT_ALLOWED_RECIPIENT_COUNTRY", Permanent("the account at TurboSMS may not send to this country")),
    Code(407, "NOT_ALLOWED_RECIPIENT_DUPLICATE", Duplicate()),
    _message(408, "BUTTON_TEXT_LENGTH", "so long a text on a button"),
    _message(409, "TTL", "the time to live"),
    _message(410, "TRANSACTION_CONTENT", "this content in a transactional message"),
    _message(411, "DATA", "the data"),
    _message(412, "TEXT", "the text: it holds forbidden words"),
    _message(413, "TEXT_LENGTH", "so long a text"),
    _message(414, "ID", "the id"),
    _message(415, "TRANSACTION_SENDER", "this sender for a transactional message"),
    _message(416, "TRANSACTION_PATTERN", "a transactional text without a registered template"),
    _message(417, "FILE_ID", "the file's id"),
    _message(418, "FILE_EMPTY", "an empty file"),
    _message(419, "FILE_TYPE", "this type of file"),
    _message(420, "FILE_SIZE", "so large a file"),
    _message(421, "TRAFFIC_TYPE", "this type of traffic"),
    Code(422, "SESSION_OUTBOX_LIMIT", Permanent("TurboSMS allows five messages in a session")),
    Code(423, "FILE_NAME_LENGTH", Permanent("TurboSMS does not allow so long a file name")),
    Code(424, "PERMISSION", Permanent("the account at TurboSMS has no permission for this")),
    Code(425, "TEST_NUMBER", Permanent("the account at TurboSMS is on trial and may not send to this number")),
    Code(426, "TEST_MESSAGES_LIMIT", Permanent("the account at TurboSMS is on trial and has sent all it may")),
    Code(427, "NOT_ALLOWED_MESSAGE_DUPLICATE", Duplicate()),
    Code(500, "FAILED_CONVERT_RESULT2JSON", Unknown("TurboSMS could not write down what became of it")),
    Code(501, "FAILED_CONVERT_RESULT2XML", Unknown("TurboSMS could not write down what became of it")),
    _bug(502, "FAILED_PARSE_BODY", "unreadable body"),
    Code(503, "FAILED_SMS_SEND", Transient("TurboSMS could not send")),
    Code(504, "FAILED_VIBER_SEND", Transient("TurboSMS could not send by Viber")),
    Code(505, "FAILED_SAVE_IMAGE", Transient("TurboSMS could not keep the image")),
    Code(506, "FAILED_SAVE_FILE", Transient("TurboSMS could not keep the file")),
    Code(REPEATED, "FAILED_DUPLICATE_REQUEST", Duplicate()),
    Code(999, "FATAL_ERROR", Transient("TurboSMS is in trouble")),
)

_BY_NAME = {each.name: each.verdict for each in CODES}
_BY_NUMBER = {each.number: each.verdict for each in CODES}


def verdict(number: int, name: str) -> Verdict:
    """What a refusal means; one that nobody foresaw is the message's, never the address's."""
    found = _BY_NAME.get(name) or _BY_NUMBER.get(number)
    return found or Permanent(f"TurboSMS refused the message (code {number})")


STATES: Final[Mapping[str, ReceiptState | None]] = {
    "sent": None,
    "in queue": None,
    "in process": None,
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.READ,
    "undelivered": ReceiptState.FAILED,
    "rejected": ReceiptState.FAILED,
    "expired": ReceiptState.FAILED,
    "failed": ReceiptState.FAILED,
    "cancelled": ReceiptState.FAILED,
    "delivrd": ReceiptState.DELIVERED,
    "undeliv": ReceiptState.FAILED,
    "rejectd": ReceiptState.FAILED,
}
"""Status word, small letters → what it says of the message; None, and whatever is not here: still under way. The first
ten are told when asked, the last three by callback, with `read` and `expired`."""


def state_of(word: str) -> ReceiptState | None:
    """What a status word says."""
    return STATES.get(word.strip().casefold())
