"""A month outside: who orders, and what befalls each order. What the hub makes of it stands in `told.py`.

Times are Kyiv's, "day hh:mm"; day 1 is Tuesday, 24 November.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

from hub.sandbox.story import BEANS, CASH, COFFEE, CUP, GRINDER, KETTLE, MUG, WOO, At, Case, at

_phones = count(1)


def _kyiv(key: str, situation: str, name: str, **more: Any) -> Case:
    """A customer of Kavovar; each has a telephone of their own."""
    given = {"lines": (CUP,), "locale": "uk-UA", "phone": f"+38050100{next(_phones):04d}", **more}
    return Case(key, situation, name, **given)


def _polish(key: str, situation: str, name: str, **more: Any) -> Case:
    """A customer of Ziarno."""
    given = {"lines": (MUG,), "locale": "pl-PL", "phone": f"+4860010{next(_phones):04d}", "to": "KRA01M", **more}
    return Case(key, situation, name, shop=WOO, **given)


REGULAR = [_kyiv(f"rita-{n}", "Orders for the n-th time", "Рита Стала", email="rita@customers.example",
                 phone="+380509990000") for n in range(1, 12)]  # fmt: skip

CAST: Sequence[Case] = (
    _kyiv("anna", "All is well, in a chat; happy; allowed letters", "Анна Гай", lines=(BEANS,), marketing=True),
    _kyiv("boris", "The same without having allowed letters", "Борис Лис", lines=(BEANS,)),
    _kyiv("vira", "Allowed letters, and orders again before one is due", "Віра Кит", lines=(BEANS,), marketing=True),
    _kyiv("vira-again", "Her second order", "Віра Кит", lines=(BEANS,), email="vira@customers.example", marketing=True),
    _kyiv("wrong-number", "A number that cannot be", "Галина Олійник", phone="12345"),
    _kyiv("no-mail", "No address, and a number that cannot be", "Гнат Олійник", phone="12345"),
    _kyiv("john", "A first large order in cash", "John Smith", locale="en-US", lines=(GRINDER,), gateway=CASH),
    _kyiv("john-again", "A second one", "John Smith", locale="en-US", lines=(GRINDER,), gateway=CASH,
          email="john@customers.example"),
    _kyiv("small-cash", "A first small order in cash", "Денис Кіт", gateway=CASH),
    *REGULAR,
    _kyiv("held", "A wrong address: on hold, released", "Єва Гук"),
    _kyiv("taras", "Cancelled, with the money back", "Тарас Кравець"),
    _kyiv("transfer", "Pays by bank an hour later", "Жанна Рись"),
    _kyiv("dmytro", "The card fails and works at once", "Дмитро Шевчук"),
    _kyiv("zoya", "The card fails three times", "Зоя Бук"),
    _polish("zofia", "Never pays", "Zofia Zielińska"),
    _polish("pawel", "Pays after the first reminder", "Paweł Kamiński"),
    _kyiv("ihor", "A part of the money goes back, then the rest", "Ігор Дуб"),
    _kyiv("marek", "Two parcels within the hour", "Marek Wiśniewski", locale="pl-PL", lines=(CUP, KETTLE)),
    _kyiv("ivan", "The second parcel a day later", "Іван Клен", lines=(CUP, KETTLE)),
    _kyiv("unnumbered", "A parcel without a number", "Клим Явір"),
    _kyiv("numbered-late", "A parcel whose number comes later", "Лада Верба"),
    _kyiv("bohdan", "The courier finds nobody, twice", "Богдан Гончар", to="doors"),
    _kyiv("lev", "A branch: collected on the last day", "Лев Тополя"),
    _kyiv("mila", "A locker: not collected, the money back", "Міла Липа", to="locker"),
    _kyiv("oleh", "A locker: not collected, sent again", "Олег Граб", to="locker"),
    _polish("magda", "A locker in Poland, collected on the last day", "Magda Lewandowska"),
    _kyiv("larysa", "Refused at the branch, comes back", "Лариса Кузьменко", locale="ru-UA"),
    _kyiv("emma", "Held up on the way", "Emma Clarke", locale="en-GB"),
    _kyiv("nadia", "A day of arrival that moves away", "Надія Гнатюк"),
    _polish("stuck", "Paid, and nobody packs", "Tomasz Woźniak", lines=(COFFEE,)),
    _kyiv("label-only", "A label, and no parcel", "Орест Дубко"),
    _kyiv("lost-sight", "Not a word for five days", "Павло Ясен"),
    _kyiv("sofia", "Damaged, and solved the next day", "Софія Ткаченко"),
    _kyiv("sonia", "Damaged, and nobody solves it", "Соня Калина"),
    _kyiv("unhappy", "Scores three of ten", "Раїса Бук"),
    _kyiv("complains", "A complaint in the chat", "Стас Глід"),
    _kyiv("asks", "A question on the page", "Устим Терен"),
    _kyiv("asks-where", "A question that the hub answers", "Федір Явір"),
    _kyiv("oleksii", "A return, with the money back", "Алексей Бондарь", locale="ru-UA"),
    _kyiv("refused", "A return that is refused", "Хома Мох"),
    _kyiv("nazar", "A code nobody knows", "Назар Лисенко"),
    _kyiv("call-me", "Wants to be called", "Ціла Рута"),
)  # fmt: skip

ARRIVES: Sequence[str] = (*("anna", "boris", "vira", "unhappy", "complains", "asks", "oleksii", "refused", "ihor"),)
"""To whom a parcel simply comes: shipped on the first day, at the branch on the second, collected on the third."""


def _comes(case: str) -> Sequence[At]:
    return (
        at("1 14:00", case, "ship"),
        at("1 18:10", case, "leave"),
        at("2 10:00", case, "arrive"),
        at("3 12:00", case, "hand_over"),
    )


ACTS: Sequence[At] = (
    *(act for case in ARRIVES for act in _comes(case)),
    *(at(f"1 10:{n:02d}", case.key, "order") for n, case in enumerate(REGULAR, 40)),
    # ------------------------------------------------------------------------------- the order
    at("1 10:02", "anna", "order"),
    at("1 10:10", "anna", "follow_link"),
    at("1 10:02", "boris", "order"),
    at("1 10:02", "vira", "order"),
    at("9 11:00", "vira-again", "order"),
    at("1 10:03", "wrong-number", "order"),
    at("1 10:04", "no-mail", "order_without_mail"),
    at("1 10:05", "john", "order"),
    at("1 11:05", "john-again", "order"),
    at("1 10:06", "small-cash", "order"),
    at("1 10:07", "held", "order"),
    at("1 11:00", "held", "hold", reason="incorrect_address"),
    at("1 12:00", "held", "release"),
    at("1 11:30", "anna", "pick"),
    at("1 10:08", "taras", "order"),
    at("1 12:00", "taras", "cancel"),
    # ------------------------------------------------------------------------------- payment
    at("1 10:10", "transfer", "transfer_awaited"),
    at("1 11:10", "transfer", "pay"),
    at("1 10:11", "dmytro", "order", paid=False),
    at("1 10:12", "dmytro", "payment_fails"),
    at("1 10:17", "dmytro", "pay"),
    at("1 10:13", "zoya", "order", paid=False),
    at("1 10:14", "zoya", "payment_fails"),
    at("1 17:00", "zoya", "payment_fails"),
    at("2 10:00", "zoya", "payment_fails"),
    at("2 12:00", "zoya", "pay"),
    at("1 10:15", "zofia", "order", paid=False),
    at("1 10:16", "pawel", "order", paid=False),
    at("1 16:16", "pawel", "pay"),
    at("1 10:17", "ihor", "order"),
    at("4 10:00", "ihor", "refund_part", amount="240.00"),
    at("5 10:00", "ihor", "refund_rest"),
    # ------------------------------------------------------------------------------- on its way
    at("1 10:18", "marek", "order"),
    at("1 14:00", "marek", "ship", part=0),
    at("1 14:20", "marek", "ship", part=1),
    at("1 18:10", "marek", "leave", part=0),
    at("1 18:10", "marek", "leave", part=1),
    at("4 12:00", "marek", "hand_over", part=0),
    at("4 15:00", "marek", "hand_over", part=1),
    at("1 10:19", "ivan", "order"),
    at("1 14:00", "ivan", "ship", part=0),
    at("1 18:10", "ivan", "leave", part=0),
    at("2 14:00", "ivan", "ship", part=1),
    at("2 18:10", "ivan", "leave", part=1),
    at("4 12:00", "ivan", "hand_over", part=0),
    at("5 12:00", "ivan", "hand_over", part=1),
    at("1 10:20", "unnumbered", "order"),
    at("2 10:20", "unnumbered", "ship_unnumbered"),
    at("1 10:21", "numbered-late", "order"),
    at("2 10:20", "numbered-late", "ship_unnumbered"),
    at("2 12:20", "numbered-late", "number_it"),
    at("2 18:10", "numbered-late", "leave"),
    at("4 12:00", "numbered-late", "hand_over"),
    at("1 10:22", "bohdan", "order"),
    at("1 14:00", "bohdan", "ship"),
    at("1 18:10", "bohdan", "leave"),
    at("2 09:10", "bohdan", "move", code="101"),
    at("2 15:00", "bohdan", "miss"),
    at("3 09:10", "bohdan", "move", code="101"),
    at("3 15:00", "bohdan", "miss"),
    at("4 12:00", "bohdan", "hand_over"),
    *(at("1 10:24", case, "order") for case in ("lev", "mila", "oleh", "magda")),
    *(at("1 14:00", case, "ship") for case in ("lev", "mila", "oleh", "magda")),
    *(at("1 18:10", case, "leave") for case in ("lev", "mila", "oleh", "magda")),
    *(at("2 10:00", case, "arrive") for case in ("lev", "mila", "oleh", "magda")),
    at("9 09:30", "lev", "hand_over"),
    at("4 09:40", "magda", "hand_over"),
    at("5 12:00", "mila", "move", code="105"),
    at("5 12:00", "oleh", "move", code="105"),
    at("5 14:00", "mila", "staff_chooses", person="olena", choice="refund"),
    at("5 14:00", "oleh", "staff_chooses", person="olena", choice="send-again"),
    at("1 10:28", "larysa", "order"),
    at("1 14:00", "larysa", "ship"),
    at("1 18:10", "larysa", "leave"),
    at("2 10:00", "larysa", "arrive"),
    at("3 10:00", "larysa", "refuse"),
    at("3 12:00", "larysa", "send_back"),
    at("3 14:00", "larysa", "staff_settles", person="olena"),
    at("5 13:00", "larysa", "move", code="9", back=True),
    at("1 10:29", "emma", "order"),
    at("1 15:05", "emma", "ship", carrier="Ukrposhta"),
    at("2 08:40", "emma", "scan", status="in_transit"),
    at("2 11:00", "emma", "scan", status="delayed"),
    at("3 18:00", "emma", "scan", status="delivered"),
    at("1 10:30", "nadia", "order"),
    at("1 14:00", "nadia", "ship"),
    at("1 18:10", "nadia", "leave"),
    at("2 10:00", "nadia", "expected_in", days=4),
    at("6 12:00", "nadia", "arrive"),
    at("7 10:00", "nadia", "hand_over"),
    at("1 10:31", "stuck", "order"),
    at("1 10:32", "label-only", "order"),
    at("1 14:00", "label-only", "ship"),
    at("1 10:33", "lost-sight", "order"),
    at("1 14:00", "lost-sight", "ship"),
    at("1 18:10", "lost-sight", "leave"),
    at("8 10:00", "lost-sight", "arrive"),
    at("8 18:00", "lost-sight", "hand_over"),
    at("1 10:34", "sofia", "order"),
    at("1 14:00", "sofia", "ship"),
    at("1 18:10", "sofia", "leave"),
    at("2 10:40", "sofia", "damaged"),
    at("2 11:40", "sofia", "staff_takes", person="olena"),
    at("3 11:40", "sofia", "staff_settles", person="olena"),
    at("1 10:35", "sonia", "order"),
    at("1 14:00", "sonia", "ship"),
    at("1 18:10", "sonia", "leave"),
    at("2 10:40", "sonia", "damaged"),
    # ------------------------------------------------------------------------------- afterwards
    *(at("1 10:36", case, "order") for case in ("unhappy", "complains", "asks", "asks-where", "oleksii", "refused")),
    at("1 10:50", "complains", "follow_link"),
    at("1 10:50", "asks-where", "follow_link"),
    at("6 19:00", "anna", "answers_in_chat", mark="5"),
    at("6 19:01", "anna", "answers_in_chat", mark="5"),
    at("6 19:02", "anna", "answers_in_chat", mark="5"),
    at("6 19:03", "anna", "answers_in_chat", mark="5"),
    at("6 19:04", "anna", "answers_in_chat", mark="10"),
    at("7 11:00", "unhappy", "answers_on_page", product="2", expectations="2", delivery="3", service="3",
       recommend="3", comment="Чашка з тріщиною."),
    at("7 11:00", "boris", "answers_on_page", product="5", expectations="5", delivery="5", service="5",
       recommend="10", comment="Дякую."),
    at("3 15:00", "complains", "say", text="Чашка приїхала розбита"),
    at("3 15:10", "asks", "ask_on_page", topic="other", text="Чи можна подарункову упаковку?"),
    at("1 16:30", "asks-where", "say", text="Чи є у вас крамниця?"),
    at("1 16:00", "asks-where", "say", text="Де моє замовлення?"),
    at("5 10:30", "oleksii", "ask_return"),
    at("5 11:30", "oleksii", "approve_return"),
    at("8 10:00", "oleksii", "goods_back"),
    at("8 11:00", "oleksii", "refund"),
    at("5 10:30", "refused", "ask_return"),
    at("5 11:30", "refused", "refuse_return"),
    # ------------------------------------------------------------------------------- the hub itself
    at("1 10:37", "nazar", "order"),
    at("1 14:00", "nazar", "ship"),
    at("1 18:10", "nazar", "leave"),
    at("2 10:30", "nazar", "unknown_code", code="113"),
    at("3 15:00", "nazar", "arrive"),
    at("4 12:10", "nazar", "hand_over"),
    at("1 10:38", "call-me", "order"),
    at("2 11:00", "call-me", "press_button", label="Call this customer back"),
    at("9 10:00", "", "woo_goes_down"),
    at("11 18:00", "", "woo_comes_back"),
    *(at(f"{day} 18:30", "", "staff_clear", keep=("sofia", "sonia")) for day in range(1, 4)),
    *(at(f"{day} 18:30", "", "staff_clear") for day in (4, 7, 8, 9, 10, 11)),
    at("8 12:00", "", "key_is_refused"),
    at("8 16:00", "", "key_is_taken"),
)  # fmt: skip

END = "28 20:00"
