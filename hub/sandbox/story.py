"""A shop's days as data: who orders, what befalls each order, and what must have come of it in the end.

Times are of the shop's clock (Kyiv), as "day hh:mm"; day 1 is a Tuesday. A line of `ACTS` is one thing that the outside
world does; what the hub makes of it is not written here, but in `flows.yaml`. What it must come to stands with each
case: the headline; what its customer and the staff must have been told stands in `expected.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub.status import Meaning, Reason, Shipment

from .town import Plan

ZONE = ZoneInfo("Europe/Kyiv")
DAY_ONE = datetime(2026, 11, 24, tzinfo=ZONE)

BEANS = ("ETH-250", "Ethiopia Guji, 250 g", 2, "460.00")
FILTER = ("V60-02", "Dripper V60", 1, "890.00")
GRINDER = ("GRD-PRO", "Hand grinder Pro", 1, "3490.00")
KETTLE = ("KTL-900", "Kettle with a goose neck", 1, "1850.00")
CUP = ("CUP-180", "Cup, 180 ml", 4, "240.00")

CARD, CASH = "shopify_payments", "Cash on Delivery (COD)"

MUG = ("MUG-W", "Kubek „Świt”", 2, "39.90")
COFFEE = ("CFF-500", "Kawa ziarnista, 500 g", 1, "64.00")

MAIN_SHOP, WOO, NOVA_POSHTA, INPOST, BOT = "main-shop", "woo", "nova-poshta", "inpost", "bot"
SMS_UA, SMS_BACKUP, SMS_PL = "turbosms", "sms-backup", "ziarno-sms"
CRM = "crm"
MAIL, TELEGRAM, SMS = "mail", "Telegram", "SMS"
CHANNELS: Mapping[str, str] = {
    "mail": MAIL, "ziarno-mail": MAIL, BOT: TELEGRAM, SMS_UA: SMS, SMS_BACKUP: SMS, SMS_PL: SMS,
}  # fmt: skip
"""Connection of a channel → what people call it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One order. `to`: where its parcel goes (branch, locker, doors; with InPost a locker's name). `ends`: the headline
    in the end. `shop`: the connection of its shop. `marketing`: said yes to offers and requests for reviews."""

    key: str
    situation: str
    name: str
    locale: str
    lines: tuple[tuple[str, str, int, str], ...] = (BEANS,)
    gateway: str = CARD
    to: str = "branch"
    city: str = "Київ"
    phone: str = field(kw_only=True)
    email: str = ""
    ends: str = "delivered"
    shop: str = MAIN_SHOP
    marketing: bool = False

    @property
    def address(self) -> str:
        """The e-mail address."""
        return self.email or f"{self.key}@customers.example"


@dataclass(frozen=True, slots=True)
class At:
    """At `when`, the lever `act` is pulled for a case (empty: for the whole world)."""

    when: str
    case: str
    act: str
    words: Mapping[str, Any] = field(default_factory=dict)

    @property
    def moment(self) -> datetime:
        """`when` as a time."""
        return moment(self.when)


def at(when: str, case: str, act: str, **words: Any) -> At:
    """One line of the story."""
    return At(when, case, act, words)


def moment(when: str) -> datetime:
    """ "2 14:30" as a time."""
    day, _, clock = when.partition(" ")
    hours, _, minutes = clock.partition(":")
    return DAY_ONE + timedelta(days=int(day) - 1, hours=int(hours), minutes=int(minutes))


CASES: Sequence[Case] = (
    Case("olha", "Cash on delivery; notices come twice", "Ольга Коваль", "uk-UA", gateway=CASH, marketing=True,
         phone="+380501112233"),
    Case("marek", "An order in two parcels", "Marek Wiśniewski", "pl-PL", (BEANS, KETTLE), phone="+48601234567"),
    Case("anna", "The payment fails, works an hour later", "Anna <Ania> Nowak", "pl-PL", phone="+48601234568"),
    Case("dmytro", "Fails, works at once: not a word of it", "Дмитро Шевчук", "uk-UA", phone="+380501112234"),
    Case("iryna", "Collected only after the last reminder", "Ірина Бойко", "uk-UA", gateway=CASH,
         phone="+380501112235"),
    Case(
        "petro",
        "Left in the locker past its time: a choice",
        "Петро Мельник",
        "uk-UA",
        to="locker",
        phone="+380501112236",
        ends="problem",
    ),
    Case("emma", "A delay on the way", "Emma Clarke", "en-GB", phone="+447911123456"),
    Case("sofia", "Damaged: a person takes it up", "Софія Ткаченко", "uk-UA", (CUP,), ends="problem",
         phone="+380501112237"),
    Case("oleksii", "A return, with the money back", "Алексей Бондарь", "ru-UA", ends="refunded",
         phone="+380501112238"),
    Case("nazar", "A code nobody knows: quarantined", "Назар Лисенко", "uk-UA", phone="+380501112239"),
    Case("yulia", "Late news after the delivery", "Юлія Савчук", "uk-UA", phone="+380501112240"),
    Case("viktor", "Early news: a parcel before its order", "Виктор Романюк", "ru-UA", phone="+380501112241"),
    Case("kateryna", "Telegram is down: told by mail instead", "Катерина Поліщук", "uk-UA", phone="+380501112242"),
    Case("taras", "Cancelled, with the money back", "Тарас Кравець", "uk-UA", ends="cancelled", phone="+380501112243"),
    Case("halyna", "A wrong address: on hold, released", "Галина Олійник", "uk-UA", phone="+380501112244"),
    Case("bohdan", "The courier finds nobody, twice", "Богдан Гончар", "uk-UA", to="doors", phone="+380501112245"),
    Case("larysa", "Refused at the branch, comes back", "Лариса Кузьменко", "ru-UA", gateway=CASH, ends="returned",
         phone="+380501112246"),
    Case("john", "First large order in cash: a call", "John Smith", "en-US", (GRINDER,), CASH, phone="+380501112247"),
    Case("mariia", "A wrong phone number, seen at once", "Марія Литвин", "uk-UA", phone="12345"),
    Case("andrii", "A dead address: a person hears of it", "Андрій Ткач", "uk-UA", email="550-unknown@example.com",
         phone="+380501112248"),
    Case("nadia", "Night news, overtaken by the morning", "Надія Гнатюк", "uk-UA", to="locker", phone="+380501112249"),
    Case("stepan", "A lost notice, found by the next poll", "Степан Козак", "uk-UA", phone="+380501112250"),
    Case("magda", "To a locker, collected on the last day", "Magda Lewandowska", "pl-PL", (MUG,), to="KRA01M",
         phone="+48600111001", shop=WOO),
    Case("pawel", "Paid an hour later", "Paweł Kamiński", "pl-PL", (COFFEE, MUG), to="KRA010", phone="+48600111002",
         shop=WOO),
    Case("zofia", "Cancelled before it was paid", "Zofia Zielińska", "pl-PL", (MUG,), phone="+48600111003",
         ends="cancelled", shop=WOO),
    Case("tomasz", "The shop's notices stop: found by polls", "Tomasz Woźniak", "pl-PL", (COFFEE,), to="WAW123",
         phone="+48600111004", shop=WOO),
)  # fmt: skip

ACTS: Sequence[At] = (
    # ------------------------------------------------------------------------------- Tuesday: orders come in
    at("1 10:02", "", "repeat", times=8),
    at("1 10:02", "olha", "order"),
    at("1 10:05", "marek", "order"),
    at("1 10:09", "anna", "order", paid=False),
    at("1 10:11", "anna", "payment_fails"),
    at("1 10:12", "dmytro", "order", paid=False),
    at("1 10:14", "olha", "follow_link"),
    at("1 10:14", "dmytro", "payment_fails"),
    at("1 10:17", "dmytro", "pay"),
    at("1 10:18", "iryna", "order"),
    at("1 10:24", "petro", "order"),
    at("1 10:31", "emma", "order"),
    at("1 10:36", "sofia", "order"),
    at("1 10:40", "iryna", "follow_link"),
    at("1 10:44", "oleksii", "order"),
    at("1 10:50", "nazar", "order"),
    at("1 10:55", "sofia", "follow_link"),
    at("1 11:00", "yulia", "order"),
    at("1 11:05", "", "delay", topic="orders/create", minutes=25),
    at("1 11:05", "viktor", "order"),
    at("1 11:10", "viktor", "ship"),
    at("1 11:12", "anna", "pay"),
    at("1 11:15", "kateryna", "order"),
    at("1 11:20", "taras", "order"),
    at("1 11:25", "halyna", "order"),
    at("1 11:30", "kateryna", "follow_link"),
    at("1 11:35", "bohdan", "order"),
    at("1 11:40", "larysa", "order"),
    at("1 11:45", "john", "order"),
    at("1 11:50", "mariia", "order"),
    at("1 11:52", "john", "staff_takes", person="olena"),
    at("1 11:55", "andrii", "order"),
    at("1 11:58", "halyna", "hold", reason="incorrect_address"),
    at("1 12:00", "taras", "cancel"),
    at("1 12:05", "andrii", "staff_takes", person="olena"),
    at("1 12:10", "mariia", "staff_takes", person="olena"),
    at("1 12:20", "nadia", "order"),
    at("1 12:22", "andrii", "staff_settles", person="olena"),
    at("1 12:25", "john", "staff_settles", person="olena"),
    at("1 12:30", "nadia", "follow_link"),
    at("1 12:40", "stepan", "order"),
    at("1 13:15", "mariia", "staff_settles", person="olena"),
    at("1 13:30", "halyna", "release"),
    at("1 10:20", "magda", "order"),
    at("1 10:35", "pawel", "order", paid=False),
    at("1 11:36", "pawel", "pay"),
    at("1 12:02", "zofia", "order", paid=False),
    at("1 12:45", "zofia", "cancel"),
    at("1 12:50", "", "woo_notices_stop"),
    at("1 12:55", "tomasz", "order"),
    # ------------------------------------------------------------------------------- packing and the van
    at("1 14:00", "olha", "pick"),
    at("1 14:30", "olha", "ship"),
    at("1 14:35", "", "swap"),
    at("1 14:35", "marek", "ship", part=0),
    at("1 14:40", "marek", "ship", part=1),
    at("1 14:45", "anna", "ship"),
    at("1 14:50", "dmytro", "ship"),
    at("1 14:55", "iryna", "ship"),
    at("1 15:00", "petro", "ship"),
    at("1 15:05", "emma", "ship", carrier="Ukrposhta"),
    at("1 15:10", "sofia", "ship"),
    at("1 15:15", "oleksii", "ship"),
    at("1 15:20", "nazar", "ship"),
    at("1 15:25", "yulia", "ship", carrier="Ukrposhta"),
    at("1 15:30", "kateryna", "ship"),
    at("1 15:35", "halyna", "ship"),
    at("1 15:40", "bohdan", "ship"),
    at("1 15:45", "larysa", "ship"),
    at("1 15:50", "john", "ship"),
    at("1 15:55", "mariia", "ship"),
    at("1 16:00", "andrii", "ship"),
    at("1 16:05", "nadia", "ship"),
    at("1 15:12", "magda", "ship"),
    at("1 15:22", "pawel", "ship"),
    at("1 16:10", "", "lose", times=3),
    at("1 16:10", "stepan", "ship"),
    at("1 18:10", "", "all_leave"),
    at("1 20:00", "", "woo_notices_come_again"),
    # ------------------------------------------------------------------------------- Wednesday
    at("2 08:40", "emma", "scan", status="in_transit"),
    at("2 08:50", "yulia", "scan", status="in_transit"),
    at("2 09:10", "andrii", "staff_settles", person="olena"),
    at("2 07:30", "tomasz", "ship"),
    at("2 08:00", "tomasz", "move", code="dispatched_by_sender"),
    at("2 08:05", "magda", "arrive"),
    at("2 08:15", "pawel", "arrive"),
    at("2 09:30", "olha", "arrive"),
    at("2 09:40", "marek", "arrive", part=0),
    at("2 09:50", "dmytro", "arrive"),
    at("2 10:05", "iryna", "arrive"),
    at("2 10:10", "petro", "arrive"),
    at("2 10:15", "oleksii", "arrive"),
    at("2 09:38", "", "turbosms_has_no_money"),
    at("2 10:20", "", "bot_goes_down"),
    at("2 10:22", "", "turbosms_has_money"),
    at("2 10:25", "kateryna", "arrive"),
    at("2 10:30", "nazar", "unknown_code", code="113"),
    at("2 10:40", "sofia", "damaged"),
    at("2 11:40", "sofia", "staff_takes", person="olena"),
    at("2 11:00", "emma", "scan", status="delayed"),
    at("2 11:30", "bohdan", "move", code="101"),
    at("2 12:45", "", "bot_comes_back"),
    at("2 12:30", "sofia", "staff_settles", person="olena"),
    at("2 15:00", "bohdan", "miss"),
    at("2 13:30", "kateryna", "say", text="Де моє замовлення?"),
    at("2 16:20", "olha", "hand_over"),
    at("2 17:00", "larysa", "arrive"),
    at("2 17:05", "halyna", "arrive"),
    at("2 17:10", "john", "arrive"),
    at("2 17:15", "mariia", "arrive"),
    at("2 17:20", "andrii", "arrive"),
    at("2 17:25", "viktor", "arrive"),
    at("2 17:40", "yulia", "scan", status="delivered"),
    at("2 18:45", "yulia", "scan", status="out_for_delivery", hours_ago=4),
    at("2 18:00", "oleksii", "hand_over"),
    at("2 18:10", "andrii", "staff_settles", person="olena"),
    at("2 22:50", "nadia", "arrive"),
    at("2 19:10", "pawel", "hand_over"),
    # ------------------------------------------------------------------------------- Thursday
    at("3 08:20", "tomasz", "arrive"),
    at("3 18:30", "tomasz", "hand_over"),
    at("3 05:10", "nadia", "hand_over"),
    at("3 09:10", "bohdan", "move", code="101"),
    at("3 09:30", "marek", "hand_over", part=0),
    at("3 09:40", "anna", "arrive"),
    at("3 09:45", "stepan", "arrive"),
    at("3 10:00", "larysa", "refuse"),
    at("3 10:30", "oleksii", "ask_return"),
    at("3 11:00", "bohdan", "miss"),
    at("3 11:30", "oleksii", "approve_return"),
    at("3 11:40", "bohdan", "staff_takes", person="iryna"),
    at("3 12:00", "larysa", "send_back"),
    at("3 12:10", "larysa", "staff_takes", person="olena"),
    at("3 12:40", "bohdan", "staff_settles", person="iryna"),
    at("3 15:00", "larysa", "staff_settles", person="olena"),
    at("3 15:00", "nazar", "arrive"),
    at("3 15:30", "kateryna", "hand_over"),
    at("3 16:00", "marek", "arrive", part=1),
    at("3 16:30", "emma", "scan", status="out_for_delivery"),
    at("3 17:00", "halyna", "hand_over"),
    at("3 17:10", "john", "hand_over"),
    at("3 17:20", "mariia", "hand_over"),
    at("3 17:30", "andrii", "hand_over"),
    at("3 17:40", "viktor", "hand_over"),
    at("3 18:00", "emma", "scan", status="delivered"),
    # ------------------------------------------------------------------------------- the days after
    at("4 07:40", "magda", "hand_over"),
    at("4 10:00", "bohdan", "hand_over"),
    at("4 09:20", "andrii", "staff_settles", person="olena"),
    at("4 11:00", "anna", "hand_over"),
    at("4 11:10", "dmytro", "hand_over"),
    at("4 12:00", "stepan", "hand_over"),
    at("4 12:10", "nazar", "hand_over"),
    at("4 17:30", "nazar", "ask_on_page", topic="complaint", text="Одна пачка розірвана, зерна розсипалися."),
    at("4 17:50", "nazar", "staff_presses", person="olena"),
    at("5 10:25", "nazar", "staff_answers", person="olena", text="Вибачте! Нову пачку надіслано сьогодні."),
    at("5 10:30", "nazar", "staff_settles", person="olena"),
    at("4 13:00", "marek", "hand_over", part=1),
    at("5 10:00", "oleksii", "goods_back"),
    at("5 10:20", "oleksii", "staff_takes", person="olena"),
    at("5 11:00", "oleksii", "refund"),
    at("5 11:15", "oleksii", "staff_settles", person="olena"),
    at("5 17:10", "olha", "answers_in_chat", mark="5"),
    at("5 17:11", "olha", "answers_in_chat", mark="5"),
    at("5 17:12", "olha", "answers_in_chat", mark="5"),
    at("5 17:13", "olha", "answers_in_chat", mark="5"),
    at("5 17:14", "olha", "answers_in_chat", mark="10"),
    at("5 17:16", "olha", "say", text="Найкраща кава в місті!"),
    at("5 11:00", "petro", "move", code="105"),
    at("5 12:30", "petro", "staff_takes", person="olena"),
    at("5 13:00", "larysa", "move", code="9", back=True),
    at("5 15:00", "petro", "staff_chooses", person="olena", choice="refund"),
    at("5 16:30", "larysa", "staff_takes", person="taras"),
    at("5 17:30", "larysa", "staff_settles", person="taras"),
    at("5 20:30", "pawel", "answers_on_page", product="4", expectations="4", delivery="5", service="5"),
    at(
        "7 13:05",
        "dmytro",
        "answers_on_page",
        product="2",
        expectations="2",
        delivery="4",
        service="3",
        recommend="3",
        comment="Помел не той, що я замовляв.",
    ),
    at("7 13:20", "dmytro", "staff_takes", person="olena"),
    at("7 14:30", "dmytro", "staff_settles", person="olena"),
    at("8 17:00", "iryna", "hand_over"),
)

END = "8 20:00"
"""When the story is over; whatever is due later is not waited for."""

CONNECTIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    MAIN_SHOP: ("shopify", {"domain": "kavovar.myshopify.com", "title": "Kavovar"}),
    WOO: ("woocommerce", {"home": "https://ziarno.example"}),
    NOVA_POSHTA: ("nova_poshta", {}),
    INPOST: ("inpost", {}),
    "mail": ("smtp", {}),
    "ziarno-mail": ("smtp", {}),
    BOT: ("telegram", {"username": "kavovar_bot"}),
    SMS_UA: ("turbosms", {}),
    SMS_BACKUP: ("smsapi", {}),
    CRM: ("http", {}),
    SMS_PL: ("smsapi", {}),
}

PLAN = Plan(
    connections=CONNECTIONS,
    secrets={
        "SHOPIFY_ID": ("main-shop", "client_id"),
        "SHOPIFY_SECRET": ("main-shop", "client_secret"),
        "NP_KEY": ("nova-poshta", "key"),
        "SMTP_USER": "nobody",
        "SMTP_PASSWORD": "not-asked-on-loopback",
        "TELEGRAM_TOKEN": ("bot", "token"),
        "WOO_KEY": (WOO, "key"),
        "WOO_SECRET": (WOO, "secret"),
        "WOO_HOOK": (WOO, "webhook_secret"),
        "INPOST_HOOK": "a-path-that-nobody-guesses",
        "TURBOSMS_TOKEN": (SMS_UA, "token"),
        "TURBOSMS_HOOK": (SMS_UA, "secret"),
        "SMSAPI_TOKEN": (SMS_PL, "token"),
        "CRM_SECRET": (CRM, "secret"),
    },
    people={"OLENA_CHAT": "olena", "TARAS_CHAT": "taras", "IRYNA_CHAT": "iryna"},
    bot="bot",
    statuses={"nova-poshta": {"115": Meaning(Shipment.PROBLEM, "Відправлення пошкоджено", Reason.DAMAGED)}},
)
"""What stands around the repository's flows.yaml. The last line is as a merchant would write it under `statuses`."""
